#include "app/services/survey/table_question.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "app/services/question.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/table_words.h"

namespace conclave::services {
namespace {

using Kind = TableQuery::Kind;
using storage::quotedName;
using storage::quotedText;
using Type = storage::Table::Column::Type;

constexpr std::size_t kMostValues = 5000;  ///< different texts of a column that are looked for

/// One table against one question.
class Matcher {
public:
    Matcher(std::string_view question, const LoadedTable& table)
        : m_question(question),
          m_folded(lowerCased(question)),
          m_table(table),
          m_tokens(tableTokens(question)) {}

    std::optional<TableQuery> match() {
        TableQuery query;
        const std::optional<TableOperation> operation = findOperation();
        if (!operation) return std::nullopt;
        query.kind = operation->kind;
        query.nth = findPlace(*operation);
        findValues();
        findColumns();
        findComparisons();
        findGroup();
        explainNames();
        if (!chooseColumn(query, operation->phrase)) return std::nullopt;
        query.explained = explained();
        // Of each group, that is another query than of all.
        if (m_group && (query.nth > 1 || query.kind == Kind::Median)) return std::nullopt;
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
        const std::vector<TableToken> words = tableTokens(phrase);
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

    std::optional<TableOperation> findOperation() {
        for (const TableOperation& each : tableOperations()) {
            const std::size_t at = take(each.phrase);
            if (at == std::string::npos) continue;
            // "The phone number of Ann" counts nothing: it is in Ann's row.
            const bool isOfSomething = each.phrase == "number of" && at > 0 &&
                                       !m_tokens[at - 1].isExplained &&
                                       !isAskingWord(m_tokens[at - 1].surface);
            return isOfSomething ? TableOperation{Kind::List, each.phrase} : each;
        }
        return std::nullopt;
    }

    /// "The second highest"; and "the average number of units" is of units.
    int findPlace(const TableOperation& operation) {
        const std::size_t at = findTokens(m_tokens, tableTokens(operation.phrase));
        const bool isRanked = operation.kind == Kind::Least || operation.kind == Kind::Greatest;
        int place = 1;
        if (isRanked && at != std::string::npos && at > 0) {
            if (const auto found = placeInOrder(m_tokens[at - 1].surface)) {
                explain(at - 1, 1);
                place = *found;
            }
        }
        if (operation.kind != Kind::Count && operation.kind != Kind::List) take("number of");
        return place;
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
                const std::vector<TableToken> words = tableTokens(value);
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
        return m_folded.find(lowerCased(value.substr(0, kBeginning))) != std::string::npos;
    }

    static bool isAsking(const std::vector<TableToken>& words) {
        return std::all_of(words.begin(), words.end(),
                           [](const TableToken& token) { return isAskingWord(token.surface); });
    }

    /// Columns whose names stand in the question, without what is in brackets.
    void findColumns() {
        for (std::size_t column = 0; column < columns().size(); ++column) {
            std::string_view name = columns()[column].name;
            name = name.substr(0, std::min(name.find('('), name.find("（")));
            const std::vector<TableToken> words = tableTokens(name);
            const std::size_t at = findTokens(m_tokens, words);
            if (at == std::string::npos) continue;
            explain(at, words.size());
            m_named.push_back({column, at});
        }
        for (std::size_t at = 0; at < m_tokens.size(); ++at) {
            if (m_tokens[at].surface != "cost" && m_tokens[at].surface != "costs") continue;
            const std::optional<std::size_t> price = namedPriceColumn();
            if (!price || m_tokens[at].isExplained) continue;
            explain(at, 1);
            m_named.push_back({*price, at});
        }
    }

    void findComparisons() {
        for (const TableComparison& each : tableComparisons()) {
            const std::size_t at = take(each.phrase);
            if (at == std::string::npos) continue;
            const std::size_t behind = at + tableTokens(each.phrase).size();
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
        for (const std::string_view grouping : tableGroupings()) {
            const std::vector<TableToken> words = tableTokens(grouping);
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
        const std::string file = std::filesystem::path(m_table.path).filename().string();
        for (const std::string_view name :
             {std::string_view(m_table.table.name), std::string_view(m_table.title),
              std::string_view(file)}) {
            for (const TableToken& word : tableTokens(name)) {
                for (TableToken& token : m_tokens) {
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
        for (const TableToken& token : m_tokens) {
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
        const std::optional<std::size_t> named = namedPriceColumn();
        return named ? named : onlyNumberColumn();
    }

    [[nodiscard]] std::optional<std::size_t> namedPriceColumn() const {
        for (std::size_t i = 0; i < columns().size(); ++i) {
            if (!isNumber(i)) continue;
            for (const TableToken& word : tableTokens(columns()[i].name)) {
                if (word.surface == "price" || word.surface == "cost") return i;
            }
            if (columns()[i].name.find("价") != std::string::npos) return i;
        }
        return std::nullopt;
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
            case Kind::Median: break;
        }
        const std::string given =
            std::string(where.empty() ? " WHERE " : " AND ") + column + " IS NOT NULL";
        if (query.kind == Kind::Median) {
            const std::string n = "(SELECT count(*) FROM " + table + where + given + ")";
            query.sql = "SELECT round(avg(" + column + "), 4) FROM (SELECT " + column + " FROM " +
                        table + where + given + " ORDER BY " + column + " LIMIT 2 - " + n +
                        " % 2 OFFSET (" + n + " - 1) / 2)";
            return;
        }
        if (query.nth > 1) {
            query.sql = "SELECT DISTINCT " + column + " FROM " + table + where + given +
                        " ORDER BY " + column + (query.kind == Kind::Greatest ? " DESC" : "") +
                        " LIMIT 1 OFFSET " + std::to_string(query.nth - 1);
            query.rowsSql += std::string(where.empty() ? " WHERE " : " AND ") + column + " = (" +
                             query.sql + ")";
            return;
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
    std::vector<TableToken> m_tokens;
    std::vector<Named> m_named;
    std::vector<Condition> m_conditions;
    std::optional<std::size_t> m_group;
    std::optional<std::size_t> m_column;
    bool m_isNamed = false;
};

}  // namespace

bool mayAskTables(std::string_view question) {
    const std::string lower = lowerCased(question);
    const auto operations = tableOperations();
    return std::any_of(operations.begin(), operations.end(), [&](const TableOperation& each) {
        return lower.find(each.phrase) != std::string::npos;
    });
}

std::optional<TableQuery> tableQueryOf(std::string_view question,
                                       std::span<const LoadedTable> tables) {
    // A word left over may be what the question is about ("the second highest", "do not live"), so
    // that only a question understood whole is answered. Chinese is compared character by
    // character, of which some are mere grammar.
    const double least = isChinese(question) ? 0.7 : 1.0;
    std::optional<TableQuery> best;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        auto query = Matcher(question, tables[i]).match();
        if (!query || query->explained < least) continue;
        if (best && query->explained <= best->explained) continue;
        query->table = i;
        best = std::move(query);
    }
    return best;
}

}  // namespace conclave::services
