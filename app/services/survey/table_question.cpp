#include "app/services/survey/table_question.h"

#include <algorithm>
#include <array>
#include <set>

#include "app/services/question.h"

namespace conclave::services {
namespace {

using Kind = TableQuery::Kind;
using storage::quotedName;
using storage::quotedText;
using Type = storage::Table::Column::Type;

constexpr std::size_t kMostValues = 5000;  ///< different texts of a column that are looked for

struct Token {
    std::string term;     ///< as the index has it: folded and stemmed
    std::string surface;  ///< lower case
    std::size_t startByte = 0;
    std::size_t endByte = 0;
    bool isExplained = false;
};

std::string foldedAscii(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    return lower;
}

/// Words in order. Of Chinese every character is one, so that a value is found wherever it stands.
std::vector<Token> tokensOf(std::string_view text) {
    std::vector<Token> tokens;
    retrieval::analyze(text, [&](std::string_view term, std::size_t start, std::size_t end) {
        if (!tokens.empty() && start < tokens.back().endByte) {
            // A pair of characters, or a part of the word before.
            return;
        }
        tokens.push_back(
            {std::string(term), foldedAscii(text.substr(start, end - start)), start, end, false});
    });
    return tokens;
}

/// Where the words of `part` stand in a row in `tokens`, from `from` on; npos: nowhere.
std::size_t findTokens(const std::vector<Token>& tokens, const std::vector<Token>& part,
                       std::size_t from = 0) {
    if (part.empty()) return std::string::npos;
    for (std::size_t at = from; at + part.size() <= tokens.size(); ++at) {
        bool isSame = true;
        for (std::size_t i = 0; isSame && i < part.size(); ++i) {
            isSame = tokens[at + i].term == part[i].term;
        }
        if (isSame) return at;
    }
    return std::string::npos;
}

struct Operation {
    Kind kind;
    std::string_view phrase;
};
/// Longer phrases before those that begin alike; the first kind found counts.
constexpr auto kOperations = std::to_array<Operation>({{Kind::Average, "average"},
                                                       {Kind::Average, "mean"},
                                                       {Kind::Average, "平均"},
                                                       {Kind::Least, "lowest"},
                                                       {Kind::Least, "smallest"},
                                                       {Kind::Least, "minimum"},
                                                       {Kind::Least, "cheapest"},
                                                       {Kind::Least, "least"},
                                                       {Kind::Least, "fewest"},
                                                       {Kind::Least, "earliest"},
                                                       {Kind::Least, "最低"},
                                                       {Kind::Least, "最小"},
                                                       {Kind::Least, "最少"},
                                                       {Kind::Least, "最便宜"},
                                                       {Kind::Greatest, "highest"},
                                                       {Kind::Greatest, "largest"},
                                                       {Kind::Greatest, "biggest"},
                                                       {Kind::Greatest, "maximum"},
                                                       {Kind::Greatest, "most expensive"},
                                                       {Kind::Greatest, "greatest"},
                                                       {Kind::Greatest, "latest"},
                                                       {Kind::Greatest, "most"},
                                                       {Kind::Greatest, "最高"},
                                                       {Kind::Greatest, "最大"},
                                                       {Kind::Greatest, "最多"},
                                                       {Kind::Greatest, "最贵"},
                                                       {Kind::Sum, "sum"},
                                                       {Kind::Sum, "total"},
                                                       {Kind::Sum, "altogether"},
                                                       {Kind::Sum, "how much"},
                                                       {Kind::Sum, "总和"},
                                                       {Kind::Sum, "合计"},
                                                       {Kind::Sum, "总计"},
                                                       {Kind::Sum, "总共"},
                                                       {Kind::Sum, "一共"},
                                                       {Kind::Sum, "总"},
                                                       {Kind::Count, "how many"},
                                                       {Kind::Count, "number of"},
                                                       {Kind::Count, "count"},
                                                       {Kind::Count, "多少"},
                                                       {Kind::Count, "几个"},
                                                       {Kind::List, "list"},
                                                       {Kind::List, "show"},
                                                       {Kind::List, "which"},
                                                       {Kind::List, "列出"},
                                                       {Kind::List, "哪些"}});

struct Comparison {
    std::string_view phrase;
    std::string_view sql;
};
constexpr auto kComparisons = std::to_array<Comparison>(
    {{"more than", ">"},  {"greater than", ">"}, {"higher than", ">"}, {"over", ">"},
     {"above", ">"},      {"at least", ">="},    {"at most", "<="},    {"less than", "<"},
     {"lower than", "<"}, {"fewer than", "<"},   {"under", "<"},       {"below", "<"},
     {"不超过", "<="},    {"超过", ">"},         {"大于", ">"},        {"高于", ">"},
     {"多于", ">"},       {"至少", ">="},        {"小于", "<"},        {"低于", "<"},
     {"少于", "<"}});

constexpr auto kGroupings =
    std::to_array<std::string_view>({"per", "by", "for each", "for every", "in each", "in every",
                                     "of each", "of every", "每个", "各个", "每", "按", "各"});

/// Words that belong to asking and say nothing about rows.
constexpr auto kAsking = std::to_array<std::string_view>(
    {"what",  "is",     "are",  "the",  "of",   "in",     "for",     "a",     "an",    "all",
     "do",    "does",   "we",   "have", "has",  "with",   "and",     "there", "was",   "were",
     "did",   "to",     "me",   "on",   "at",   "from",   "where",   "whose", "that",  "than",
     "it",    "its",    "my",   "our",  "rows", "row",    "entries", "entry", "table", "records",
     "value", "values", "give", "find", "tell", "please", "who",     "been",  "be",    "how",
     "much",  "many",   "的",   "是",   "有",   "了",     "在",      "个",    "吗",    "呢",
     "所",    "请",     "和",   "行",   "什",   "么",     "里",      "中",    "元",    "为"});

/// One table against one question.
class Matcher {
public:
    Matcher(std::string_view question, const LoadedTable& table)
        : m_question(question),
          m_folded(foldedAscii(question)),
          m_table(table),
          m_tokens(tokensOf(question)) {}

    std::optional<TableQuery> match() {
        TableQuery query;
        const std::optional<Operation> operation = findOperation();
        if (!operation) return std::nullopt;
        query.kind = operation->kind;
        findValues();
        findColumns();
        findComparisons();
        findGroup();
        explainNames();
        if (!chooseColumn(query, operation->phrase)) return std::nullopt;
        query.explained = explained();
        write(query);
        return query;
    }

private:
    struct Condition {
        std::size_t column = 0;
        std::string sql;
        std::string words;
    };

    [[nodiscard]] const std::vector<storage::Table::Column>& columns() const {
        return m_table.table.columns;
    }
    [[nodiscard]] bool isNumber(std::size_t column) const {
        return columns()[column].type != Type::Text;
    }

    void explain(std::size_t at, std::size_t n) {
        for (std::size_t i = at; i < std::min(at + n, m_tokens.size()); ++i) {
            m_tokens[i].isExplained = true;
        }
    }

    /// Takes the phrase; the place of its first word, npos if it is not there.
    std::size_t take(std::string_view phrase, std::size_t from = 0) {
        const std::vector<Token> words = tokensOf(phrase);
        for (std::size_t at = from; at + words.size() <= m_tokens.size(); ++at) {
            bool isSame = !words.empty();
            for (std::size_t i = 0; isSame && i < words.size(); ++i) {
                isSame = m_tokens[at + i].surface == words[i].surface;
            }
            if (!isSame) continue;
            explain(at, words.size());
            return at;
        }
        return std::string::npos;
    }

    std::optional<Operation> findOperation() {
        for (const Operation& each : kOperations) {
            if (take(each.phrase) != std::string::npos) return each;
        }
        return std::nullopt;
    }

    /// Texts of the table that stand in the question.
    void findValues() {
        for (std::size_t column = 0; column < columns().size(); ++column) {
            if (isNumber(column)) continue;
            std::set<std::string_view> values;
            for (const auto& row : m_table.table.rows) {
                if (!row[column].empty() && values.size() < kMostValues) values.insert(row[column]);
            }
            std::string_view best;
            std::size_t bestAt = std::string::npos;
            std::size_t bestSize = 0;
            for (const std::string_view value : values) {
                if (!mayStandInQuestion(value)) continue;
                const std::vector<Token> words = tokensOf(value);
                if (words.size() <= bestSize || isAsking(words)) continue;
                const std::size_t at = findTokens(m_tokens, words);
                if (at == std::string::npos || m_tokens[at].isExplained) continue;
                best = value;
                bestAt = at;
                bestSize = words.size();
            }
            if (best.empty()) continue;
            explain(bestAt, bestSize);
            m_conditions.push_back({column,
                                    quotedName(columns()[column].name) + " = " + quotedText(best),
                                    inWords(column, " is ", "为", std::string(best))});
        }
    }

    /// Cheap: of a column with thousands of texts few begin like a part of the question.
    [[nodiscard]] bool mayStandInQuestion(std::string_view value) const {
        constexpr std::size_t kBeginning = 3;
        return m_folded.find(foldedAscii(value.substr(0, kBeginning))) != std::string::npos;
    }

    static bool isAsking(const std::vector<Token>& words) {
        return std::all_of(words.begin(), words.end(), [](const Token& token) {
            return std::find(kAsking.begin(), kAsking.end(), token.surface) != kAsking.end();
        });
    }

    /// Columns whose names stand in the question, without what is in brackets.
    void findColumns() {
        for (std::size_t column = 0; column < columns().size(); ++column) {
            std::string_view name = columns()[column].name;
            name = name.substr(0, std::min(name.find('('), name.find("（")));
            const std::vector<Token> words = tokensOf(name);
            const std::size_t at = findTokens(m_tokens, words);
            if (at == std::string::npos) continue;
            explain(at, words.size());
            m_named.push_back({column, at});
        }
    }

    void findComparisons() {
        for (const Comparison& each : kComparisons) {
            const std::size_t at = take(each.phrase);
            if (at == std::string::npos) continue;
            const std::size_t behind = at + tokensOf(each.phrase).size();
            if (behind >= m_tokens.size()) continue;
            const std::size_t start = m_tokens[behind].startByte;
            std::size_t end = start;
            while (end < m_question.size() &&
                   std::string_view("0123456789.,").find(m_question[end]) !=
                       std::string_view::npos) {
                ++end;
            }
            while (end > start && (m_question[end - 1] == '.' || m_question[end - 1] == ',')) --end;
            const auto number = numberOf(m_question.substr(start, end - start));
            if (!number) continue;
            const std::optional<std::size_t> column = numberColumnNear(at);
            if (!column) continue;
            for (std::size_t i = behind; i < m_tokens.size() && m_tokens[i].startByte < end; ++i) {
                m_tokens[i].isExplained = true;
            }
            std::string sign = " ";
            sign.append(each.sql).append(" ");
            m_conditions.push_back({*column, quotedName(columns()[*column].name) + sign + *number,
                                    inWords(*column, sign, sign, *number)});
            return;
        }
    }

    /// The number column that is named nearest before a word, else the only one.
    [[nodiscard]] std::optional<std::size_t> numberColumnNear(std::size_t at) const {
        std::optional<std::size_t> found;
        std::size_t nearest = std::string::npos;
        for (const Named& named : m_named) {
            if (!isNumber(named.column)) continue;
            const std::size_t distance = named.at < at ? at - named.at : named.at - at;
            if (distance >= nearest) continue;
            nearest = distance;
            found = named.column;
        }
        return found ? found : onlyNumberColumn();
    }

    [[nodiscard]] std::optional<std::size_t> onlyNumberColumn() const {
        std::optional<std::size_t> only;
        for (std::size_t i = 0; i < columns().size(); ++i) {
            if (!isNumber(i)) continue;
            if (only) return std::nullopt;
            only = i;
        }
        return only;
    }

    void findGroup() {
        for (const std::string_view grouping : kGroupings) {
            const std::vector<Token> words = tokensOf(grouping);
            const std::size_t at = findTokens(m_tokens, words);
            if (at == std::string::npos) continue;
            for (const Named& named : m_named) {
                if (named.at != at + words.size()) continue;
                explain(at, words.size());
                m_group = named.column;
                return;
            }
        }
    }

    /// The table's own name and what only asks.
    void explainNames() {
        for (const std::string_view name :
             {std::string_view(m_table.table.name), std::string_view(m_table.title)}) {
            for (const Token& word : tokensOf(name)) {
                for (Token& token : m_tokens) {
                    if (token.term != word.term) continue;
                    m_isNamed = m_isNamed || !token.isExplained;
                    token.isExplained = true;
                }
            }
        }
    }

    [[nodiscard]] double explained() const {
        double nWords = 0;
        double nExplained = 0;
        for (const Token& token : m_tokens) {
            if (!token.isExplained && isAsking({token})) continue;
            nWords += 1;
            nExplained += token.isExplained ? 1 : 0;
        }
        return nWords > 0 ? nExplained / nWords : 0.0;
    }

    /// The column that is counted, added up or compared. False: this is no question to this table.
    bool chooseColumn(TableQuery& query, std::string_view phrase) {
        std::optional<std::size_t> number;
        std::optional<std::size_t> text;
        for (const Named& named : m_named) {
            if (m_group && named.column == *m_group) continue;
            const bool isCondition =
                std::any_of(m_conditions.begin(), m_conditions.end(),
                            [&](const Condition& each) { return each.column == named.column; });
            if (isNumber(named.column)) {
                if (!number && !isCondition) number = named.column;
            } else if (!text) {
                text = named.column;
            }
        }
        const bool hasAnchor = number || m_isNamed || !m_conditions.empty();
        switch (query.kind) {
            case Kind::List: return !m_conditions.empty();
            case Kind::Count:
                if (number) {  // "how many employees" where Employees is a column of numbers
                    query.kind = Kind::Sum;
                    m_column = number;
                    return true;
                }
                if (text && !m_group && m_conditions.empty()) {
                    query.kind = Kind::CountDistinct;
                    m_column = text;
                    return true;
                }
                return m_group || m_isNamed || !m_conditions.empty();
            default:
                if (!number && (phrase == "cheapest" || phrase == "most expensive" ||
                                phrase == "最便宜" || phrase == "最贵")) {
                    number = priceColumn();
                }
                m_column = number ? number : onlyNumberColumn();
                return m_column.has_value() && hasAnchor;
        }
    }

    [[nodiscard]] std::optional<std::size_t> priceColumn() const {
        for (std::size_t i = 0; i < columns().size(); ++i) {
            if (!isNumber(i)) continue;
            for (const Token& word : tokensOf(columns()[i].name)) {
                if (word.surface == "price" || word.surface == "cost") return i;
            }
            if (columns()[i].name.find("价") != std::string::npos) return i;
        }
        return onlyNumberColumn();
    }

    [[nodiscard]] std::string inWords(std::size_t column, std::string_view is,
                                      std::string_view isInChinese,
                                      const std::string& value) const {
        std::string words = "“" + columns()[column].name + "”";
        words += isChinese(m_question) ? isInChinese : is;
        const bool isText = is == " is ";
        return words + (isText ? "“" : "") + value + (isText ? "”" : "");
    }

    void write(TableQuery& query) const {
        const std::string table = quotedName(m_table.table.name);
        std::string where;
        for (const Condition& each : m_conditions) {
            where += (where.empty() ? " WHERE " : " AND ") + each.sql;
            if (!query.conditions.empty()) {
                query.conditions += isChinese(m_question) ? "且" : " and ";
            }
            query.conditions += each.words;
        }
        const std::string column = m_column ? quotedName(columns()[*m_column].name) : "";
        if (m_column) query.column = columns()[*m_column].name;
        query.rowsSql = "SELECT rowid FROM " + table + where;
        std::string value;
        switch (query.kind) {
            case Kind::List: query.sql = "SELECT * FROM " + table + where; return;
            case Kind::Count: value = "count(*)"; break;
            case Kind::CountDistinct: value = "count(DISTINCT " + column + ")"; break;
            case Kind::Sum: value = "round(sum(" + column + "), 6)"; break;
            case Kind::Average: value = "round(avg(" + column + "), 4)"; break;
            case Kind::Least: value = "min(" + column + ")"; break;
            case Kind::Greatest: value = "max(" + column + ")"; break;
        }
        if (m_group) {
            const std::string group = quotedName(columns()[*m_group].name);
            query.group = columns()[*m_group].name;
            query.sql = "SELECT " + group + ", " + value + " FROM " + table + where + " GROUP BY " +
                        group + " ORDER BY 2 DESC";
            return;
        }
        query.sql = "SELECT " + value + " FROM " + table + where;
        if (query.kind == Kind::Least || query.kind == Kind::Greatest) {
            query.rowsSql += std::string(where.empty() ? " WHERE " : " AND ") + column + " = (" +
                             query.sql + ")";
        }
    }

    struct Named {
        std::size_t column = 0;
        std::size_t at = 0;  ///< its first word in the question
    };

    std::string_view m_question;
    std::string m_folded;
    const LoadedTable& m_table;
    std::vector<Token> m_tokens;
    std::vector<Named> m_named;
    std::vector<Condition> m_conditions;
    std::optional<std::size_t> m_group;
    std::optional<std::size_t> m_column;
    bool m_isNamed = false;
};

}  // namespace

bool mayAskTables(std::string_view question) {
    const std::string lower = foldedAscii(question);
    return std::any_of(kOperations.begin(), kOperations.end(), [&](const Operation& each) {
        return lower.find(each.phrase) != std::string::npos;
    });
}

std::optional<TableQuery> tableQueryOf(std::string_view question,
                                       std::span<const LoadedTable> tables) {
    constexpr double kLeastExplained = 0.7;
    std::optional<TableQuery> best;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        auto query = Matcher(question, tables[i]).match();
        if (!query || query->explained < kLeastExplained) continue;
        if (best && query->explained <= best->explained) continue;
        query->table = i;
        best = std::move(query);
    }
    return best;
}

}  // namespace conclave::services
