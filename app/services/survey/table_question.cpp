#include "app/services/survey/table_question.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <set>

#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/table_days.h"
#include "app/services/survey/table_words.h"

namespace conclave::services {
namespace {

using TableKind = TableQuery::Kind;
using storage::quotedName;
using storage::quotedText;
using Type = storage::Table::Column::Type;

constexpr std::size_t kMostValues = 5000;  ///< different texts of a column that are looked for

/// Numbers that add up: of several rows of one product the revenue is their sum, the price is not.
constexpr auto kAddingUp = std::to_array<std::string_view>(
    {"revenue", "sale", "sales", "amount", "unit", "units", "quantity", "qty", "total", "turnover",
     "volume", "sold", "hours", "visits", "visitors", "profit", "expenses", "spent", "paid"});
constexpr auto kAddingUpInChinese = std::to_array<std::string_view>(
    {"销量", "销售额", "数量", "金额", "收入", "营业额", "总额", "产量", "利润", "人数", "次数"});

/// Columns of those who sell, and of those who buy, and the verbs that say which is meant.
constexpr auto kSellers = std::to_array<std::string_view>(
    {"salesperson", "seller", "rep", "representative", "agent", "employee", "staff", "name",
     "person", "member", "vendor", "销售员", "业务员", "员工", "姓名", "经办人", "销售人员"});
constexpr auto kBuyers =
    std::to_array<std::string_view>({"customer", "client", "buyer", "company", "name", "person",
                                     "member", "客户", "顾客", "买家", "姓名"});
constexpr auto kSelling = std::to_array<std::string_view>(
    {"sold", "sell", "sells", "earned", "earns", "earn", "made", "makes"});
constexpr auto kBuying = std::to_array<std::string_view>(
    {"bought", "buy", "buys", "ordered", "spent", "spend", "spends", "paid", "pay", "pays"});
/// "How many orders were placed in April": of the rows themselves.
constexpr auto kOfRows =
    std::to_array<std::string_view>({"placed", "place", "made", "make", "recorded", "dated"});

/// Behind these a phrase means how many, not how much one row has.
constexpr auto kOfMany =
    std::to_array<std::string_view>({"most", "fewest", "least", "top", "最多", "最少"});
constexpr auto kNumberNames =
    std::to_array<std::string_view>({"id", "no", "number", "nr", "编号", "号"});

/// How a day in the question bounds a column of days.
struct DayPhrase {
    std::string_view words;
    enum class Bound { Before, Until, Since, After, Within } bound;
};
using DayBound = DayPhrase::Bound;
constexpr auto kDayPhrases = std::to_array<DayPhrase>({{"before", DayBound::Before},
                                                       {"until", DayBound::Until},
                                                       {"by", DayBound::Until},
                                                       {"since", DayBound::Since},
                                                       {"from", DayBound::Since},
                                                       {"after", DayBound::After},
                                                       {"on", DayBound::Within},
                                                       {"in", DayBound::Within},
                                                       {"during", DayBound::Within}});
constexpr auto kChineseDayPhrases = std::to_array<DayPhrase>({{"之前", DayBound::Before},
                                                              {"以前", DayBound::Before},
                                                              {"前", DayBound::Before},
                                                              {"之后", DayBound::After},
                                                              {"以后", DayBound::After},
                                                              {"后", DayBound::After},
                                                              {"以来", DayBound::Since},
                                                              {"起", DayBound::Since}});

std::optional<int> askedCount(std::string_view word) {
    static constexpr auto kNumberWords = std::to_array<std::string_view>(
        {"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"});
    const auto named = std::find(kNumberWords.begin(), kNumberWords.end(), word);
    if (named != kNumberWords.end()) return static_cast<int>(named - kNumberWords.begin()) + 2;
    int number = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
    const bool isWhole = problem == std::errc() && end == word.data() + word.size();
    return isWhole && number >= 1 && number <= 100 ? std::optional(number) : std::nullopt;
}

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
        if (operation) {
            query.kind = operation->kind;
            query.nth = findPlace(*operation);
        }
        findValues();
        findColumns();
        findRowNoun();
        findComparisons();
        findDays();
        findGroup();
        explainNames();
        findWho();
        if (m_isRefused) return std::nullopt;
        if (!operation) {
            // "Orders above 250 EUR": nothing else is said than which rows.
            if (!m_isCompared || !m_isNamed) return std::nullopt;
            query.kind = TableKind::List;
        }
        const std::string_view phrase = operation ? operation->phrase : std::string_view();
        if (!chooseColumn(query, phrase) || !rankGroups(query, phrase)) return std::nullopt;
        explainUnit();
        explainPhrases();
        query.explained = explained();
        query.nNamed = m_nNamed;
        // Of each group, that is another query than of all.
        if (m_group && (query.nth > 1 || query.kind == TableKind::Median)) return std::nullopt;
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
    [[nodiscard]] const LoadedTable::Column& facts(std::size_t column) const {
        return m_table.columns[column];
    }
    [[nodiscard]] bool isConditionOn(std::size_t column) const {
        return std::any_of(m_conditions.begin(), m_conditions.end(),
                           [&](const Condition& each) { return each.column == column; });
    }
    [[nodiscard]] const std::string& surface(std::size_t at) const { return m_tokens[at].surface; }

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
        if (findTop()) return TableOperation{TableKind::Greatest, "top"};
        for (const TableOperation& each : tableOperations()) {
            const std::size_t at = takeOperation(each.phrase);
            if (at == std::string::npos) continue;
            m_operationEnd = at + tableTokens(each.phrase).size();
            // "The phone number of Ann" counts nothing: it is in Ann's row.
            const bool isOfSomething = each.phrase == "number of" && at > 0 &&
                                       !m_tokens[at - 1].isExplained &&
                                       !isAskingWord(m_tokens[at - 1].surface);
            return isOfSomething ? TableOperation{TableKind::List, each.phrase} : each;
        }
        return std::nullopt;
    }

    /// Takes an operation's phrase; "least" and "most" of "at least" and "at most" are none.
    std::size_t takeOperation(std::string_view phrase) {
        for (std::size_t from = 0; from < m_tokens.size();) {
            const std::size_t at = findTokens(m_tokens, tableTokens(phrase), from);
            if (at == std::string::npos) return at;
            const bool isBound =
                at > 0 && surface(at - 1) == "at" && (phrase == "least" || phrase == "most");
            if (!isBound) return take(phrase, at);
            from = at + 1;
        }
        return std::string::npos;
    }

    /// "Top 3 products", "销量前3名".
    bool findTop() {
        for (std::size_t i = 0; i + 1 < m_tokens.size(); ++i) {
            if (surface(i) != "top" && surface(i) != "前") continue;
            const auto count = askedCount(surface(i + 1));
            if (!count) continue;
            m_top = *count;
            m_operationEnd = i + 2;
            explain(i, 2);
            take("排名");
            return true;
        }
        return false;
    }

    /// "The second highest"; and "the average number of units" is of units.
    int findPlace(const TableOperation& operation) {
        const std::size_t at = findTokens(m_tokens, tableTokens(operation.phrase));
        const bool isRanked =
            operation.kind == TableKind::Least || operation.kind == TableKind::Greatest;
        int place = 1;
        if (isRanked && at != std::string::npos && at > 0) {
            if (const auto found = placeInOrder(m_tokens[at - 1].surface)) {
                explain(at - 1, 1);
                place = *found;
            }
        }
        if (operation.kind != TableKind::Count && operation.kind != TableKind::List)
            take("number of");
        return place;
    }

    /// A text of a column that stands in the question.
    struct FoundValue {
        std::size_t column = 0;
        std::string_view value;
        std::size_t at = 0;
        std::size_t size = 0;  ///< words
    };

    /// Texts of the table that stand in the question, the longest of each column.
    void findValues() {
        std::vector<FoundValue> found;
        for (std::size_t column = 0; column < columns().size(); ++column) {
            if (isNumber(column) || facts(column).isDays) continue;
            std::set<std::string_view> values;
            for (const auto& row : m_table.table.rows) {
                if (!row[column].empty() && values.size() < kMostValues) values.insert(row[column]);
            }
            FoundValue best{column, {}, 0, 0};
            for (const std::string_view value : values) {
                if (!mayStandInQuestion(value)) continue;
                const std::vector<TableToken> words = tableTokens(value);
                if (words.size() <= best.size || isAsking(words)) continue;
                const std::size_t at = findTokens(m_tokens, words);
                if (at == std::string::npos || m_tokens[at].isExplained) continue;
                best = {column, value, at, words.size()};
            }
            if (best.size > 0) found.push_back(best);
        }
        std::stable_sort(found.begin(), found.end(),
                         [](const auto& a, const auto& b) { return a.size > b.size; });
        for (const FoundValue& each : found) {
            if (m_tokens[each.at].isExplained) continue;
            // "Berlin" of City and of Office: the column that is named, or it is not clear which.
            const FoundValue* chosen = &each;
            std::size_t nAlike = 0;
            std::size_t nNamed = 0;
            for (const FoundValue& other : found) {
                if (other.at != each.at || other.size != each.size) continue;
                ++nAlike;
                const auto name = tableTokens(columns()[other.column].name);
                if (findTokens(m_tokens, name) == std::string::npos) continue;
                ++nNamed;
                chosen = &other;
            }
            m_isRefused = m_isRefused || (nAlike > 1 && nNamed != 1);
            explain(each.at, each.size);
            m_conditions.push_back(
                {chosen->column,
                 quotedName(columns()[chosen->column].name) + " = " + quotedText(chosen->value),
                 inWords(chosen->column, " is ", "为", std::string(chosen->value))});
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
            std::vector<TableToken> words = tableTokens(name);
            std::size_t at = findTokens(m_tokens, words);
            if (at == std::string::npos && words.size() > 1 && words.back().surface == "name") {
                words.pop_back();  // "customers" of "Customer name"
                at = findTokens(m_tokens, words);
            }
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

    /// "Orders" of a column "Order ID": what each row is.
    void findRowNoun() {
        for (std::size_t column = 0; column < columns().size(); ++column) {
            const std::vector<TableToken> words = tableTokens(columns()[column].name);
            if (words.size() != 2 || !isListed(words[1].surface, kNumberNames)) continue;
            for (std::size_t i = 0; i < m_tokens.size(); ++i) {
                if (m_tokens[i].term != words[0].term || m_tokens[i].isExplained) continue;
                explain(i, 1);
                m_isNamed = true;
                m_rowNounAt = i;
                m_rowColumn = column;
            }
        }
    }

    /// A number of the question with its unit.
    struct AskedNumber {
        std::string number;
        std::string unit;
        std::size_t endByte = 0;
    };
    [[nodiscard]] std::optional<AskedNumber> numberAt(std::size_t token) const {
        if (token >= m_tokens.size()) return std::nullopt;
        const std::size_t start = m_tokens[token].startByte;
        std::size_t end = start;
        while (end < m_question.size() &&
               std::string_view("0123456789.,").find(m_question[end]) != std::string_view::npos) {
            ++end;
        }
        while (end > start && (m_question[end - 1] == '.' || m_question[end - 1] == ',')) --end;
        const auto number = numberOf(m_question.substr(start, end - start));
        if (!number) return std::nullopt;
        AskedNumber asked{*number, {}, end};
        constexpr std::string_view kTenThousand = "万";
        if (m_question.substr(end).starts_with(kTenThousand)) {
            if (number->find('.') != std::string::npos) return std::nullopt;
            asked.number += "0000";
            asked.endByte += kTenThousand.size();
        }
        // "€250", "250 €", "250 EUR", "250元"
        for (const std::string_view sign : {"€", "$", "£", "¥", "￥"}) {
            if (m_question.substr(0, start).ends_with(sign)) asked.unit = cellUnit(sign);
        }
        std::string_view behind = m_question.substr(asked.endByte);
        const std::size_t gap = behind.starts_with(' ') ? 1 : 0;
        behind.remove_prefix(gap);
        std::size_t size = 0;
        while (size < behind.size() &&
               ((behind[size] | 0x20) >= 'a' && (behind[size] | 0x20) <= 'z')) {
            ++size;
        }
        for (const std::string_view sign : {"€", "$", "£", "元", "%", "％"}) {
            if (size == 0 && behind.starts_with(sign)) size = sign.size();
        }
        if (const std::string unit = cellUnit(behind.substr(0, size)); size > 0 && !unit.empty()) {
            asked.unit = unit;
            asked.endByte += gap + size;
        }
        return asked;
    }

    void explainBytes(std::size_t startByte, std::size_t endByte) {
        for (TableToken& token : m_tokens) {
            if (token.startByte >= startByte && token.startByte < endByte) token.isExplained = true;
        }
    }

    void addBound(std::size_t column, std::string_view sign, const std::string& number) {
        const std::string spaced = " " + std::string(sign) + " ";
        m_conditions.push_back({column, quotedName(columns()[column].name) + spaced + number,
                                inWords(column, spaced, spaced, number)});
        m_isCompared = true;
    }

    void findComparisons() {
        for (std::size_t at = 0; at < m_tokens.size(); ++at) {
            if (surface(at) != "between") continue;
            const auto low = numberAt(at + 1);
            if (!low || daysAtStart(m_question.substr(m_tokens[at + 1].startByte))) continue;
            const std::string_view behind = m_question.substr(low->endByte);
            constexpr std::string_view kAnd = " and ";
            if (!behind.starts_with(kAnd)) continue;
            const auto next = std::find_if(m_tokens.begin(), m_tokens.end(), [&](const auto& each) {
                return each.startByte >= low->endByte + kAnd.size();
            });
            const auto high = numberAt(static_cast<std::size_t>(next - m_tokens.begin()));
            if (!high) continue;
            const auto column = comparedColumn(at, high->unit.empty() ? low->unit : high->unit);
            if (!column) continue;
            explainBytes(m_tokens[at].startByte, high->endByte);
            addBound(*column, ">=", low->number);
            addBound(*column, "<=", high->number);
        }
        for (const TableComparison& each : tableComparisons()) {
            const std::vector<TableToken> words = tableTokens(each.phrase);
            for (std::size_t at = findTokens(m_tokens, words); at != std::string::npos;
                 at = findTokens(m_tokens, words, at + 1)) {
                if (m_tokens[at].isExplained) continue;
                const auto number = numberAt(at + words.size());
                const auto column = number ? comparedColumn(at, number->unit) : std::nullopt;
                if (!column) continue;
                explainBytes(m_tokens[at].startByte, number->endByte);
                addBound(*column, each.sql, number->number);
            }
        }
        for (std::size_t at = 0; at < m_tokens.size(); ++at) {
            const auto number = m_tokens[at].isExplained ? std::nullopt : numberAt(at);
            if (!number) continue;
            const std::string_view behind = std::string_view(m_folded).substr(number->endByte);
            for (const auto& [phrase, sign] :
                 {std::pair(" or more", ">="), std::pair("以上", ">="), std::pair(" or less", "<="),
                  std::pair("以下", "<=")}) {
                if (!behind.starts_with(phrase)) continue;
                const auto column = comparedColumn(at, number->unit);
                if (!column) continue;
                explainBytes(m_tokens[at].startByte,
                             number->endByte + std::string_view(phrase).size());
                addBound(*column, sign, number->number);
                break;
            }
        }
    }

    /// The column of numbers that a bound is of: named near it, of its unit, or the only one. None
    /// where that is not clear; a unit that only others have refuses the question.
    std::optional<std::size_t> comparedColumn(std::size_t at, const std::string& unit) {
        if (unit.empty()) return numberColumnNear(at);
        std::vector<std::size_t> ofUnit;
        bool isAnyUnit = false;
        for (std::size_t i = 0; i < columns().size(); ++i) {
            if (!isNumber(i)) continue;
            isAnyUnit = isAnyUnit || !facts(i).units.empty();
            if (facts(i).units.contains(unit)) ofUnit.push_back(i);
        }
        const auto near = numberColumnNear(at);
        if (near && facts(*near).units.contains(unit)) return near;
        if (ofUnit.size() == 1 && (!near || !isNamedColumn(*near))) return ofUnit.front();
        if (near && !isAnyUnit) {
            m_isUnitUnknown = true;
            return near;
        }
        m_isRefused = true;
        return std::nullopt;
    }

    [[nodiscard]] bool isNamedColumn(std::size_t column) const {
        return std::any_of(m_named.begin(), m_named.end(),
                           [&](const Named& each) { return each.column == column; });
    }

    void findDays() {
        for (std::size_t i = 0; i < m_tokens.size(); ++i) {
            if (m_tokens[i].isExplained) continue;
            const std::size_t start = m_tokens[i].startByte;
            const auto days = daysAtStart(m_question.substr(start));
            if (!days) continue;
            const std::string_view behind = m_question.substr(start + days->size);
            const auto chinese =
                std::find_if(kChineseDayPhrases.begin(), kChineseDayPhrases.end(),
                             [&](const DayPhrase& each) { return behind.starts_with(each.words); });
            const auto english = i == 0 ? kDayPhrases.end()
                                        : std::find_if(kDayPhrases.begin(), kDayPhrases.end(),
                                                       [&](const DayPhrase& each) {
                                                           return surface(i - 1) == each.words;
                                                       });
            const bool isInChinese = isChinese(m_question);
            if (!isInChinese && english == kDayPhrases.end()) continue;
            DayBound bound = DayBound::Within;
            std::size_t end = start + days->size;
            if (isInChinese && chinese != kChineseDayPhrases.end()) {
                bound = chinese->bound;
                end += chinese->words.size();
            } else if (!isInChinese) {
                bound = english->bound;
            }
            addDays(*days, bound, isInChinese ? i : i - 1, end);
        }
    }

    void addDays(AskedDays days, DayBound bound, std::size_t at, std::size_t endByte) {
        const auto column = dayColumnFor(at);
        if (!column) return;  // its words stay without an explanation
        if (days.year == 0) days.year = onlyYearOf(*column);
        const auto range = days.range();
        if (!range) {
            m_isRefused = true;
            return;
        }
        explainBytes(m_tokens[at].startByte, endByte);
        const std::string name = quotedName(columns()[*column].name);
        const auto add = [&](std::string_view sign, const std::string& day) {
            const std::string spaced = " " + std::string(sign) + " ";
            m_conditions.push_back(
                {*column, name + spaced + quotedText(day), inWords(*column, spaced, spaced, day)});
            m_isCompared = true;
        };
        switch (bound) {
            case DayBound::Before: add("<", range->from); break;
            case DayBound::Until: add("<", range->to); break;
            case DayBound::Since: add(">=", range->from); break;
            case DayBound::After: add(">=", range->to); break;
            case DayBound::Within:
                add(">=", range->from);
                add("<", range->to);
                break;
        }
    }

    /// "Due before": the column "Due date"; of "orders in April" the column "Order date"; or the
    /// only one of days.
    std::optional<std::size_t> dayColumnFor(std::size_t at) {
        std::vector<std::size_t> ofDays;
        for (std::size_t i = 0; i < columns().size(); ++i) {
            if (facts(i).isDays) ofDays.push_back(i);
        }
        const auto hasWord = [&](std::size_t column, const TableToken& token) {
            const auto words = tableTokens(columns()[column].name);
            return std::any_of(words.begin(), words.end(), [&](const TableToken& word) {
                return word.term == token.term && word.surface != "date" && word.surface != "日" &&
                       word.surface != "期";
            });
        };
        std::size_t before = at;
        while (before > 0 && isAskingWord(surface(before - 1))) --before;
        for (const std::size_t column : ofDays) {
            if (before == 0 || !hasWord(column, m_tokens[before - 1])) continue;
            explain(before - 1, 1);
            return column;
        }
        // In Chinese it may stand behind: "5月1日之前到期的".
        std::vector<std::size_t> said;
        for (const std::size_t column : ofDays) {
            const auto isSaid = [&](const TableToken& token) { return hasWord(column, token); };
            if (std::any_of(m_tokens.begin(), m_tokens.end(), isSaid)) said.push_back(column);
        }
        const std::vector<std::size_t>& clear = said.size() == 1 ? said : ofDays;
        if (clear.size() != 1) return std::nullopt;
        for (TableToken& token : m_tokens) {
            if (hasWord(clear.front(), token)) token.isExplained = true;
        }
        return clear.front();
    }

    /// The year that all days of a column are of; 0: there are several.
    [[nodiscard]] int onlyYearOf(std::size_t column) const {
        std::set<std::string> years;
        constexpr std::size_t kDigits = 4;
        for (const auto& row : m_table.table.rows) {
            if (!row[column].empty()) years.insert(row[column].substr(0, kDigits));
        }
        return years.size() == 1 ? std::stoi(*years.begin()) : 0;
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
                // "Top 3 products by revenue": by what they are ranked.
                if (m_top > 0 && isNumber(named.column)) continue;
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
                    m_nNamed += token.isExplained ? 0 : 1;
                    token.isExplained = true;
                    if (!m_rowNounAt) m_rowNounAt = static_cast<std::size_t>(&token - m_tokens.data());
                }
            }
        }
        if (!m_isNamed) return;
        for (TableToken& token : m_tokens) {
            if (isListed(token.surface, kOfRows)) token.isExplained = true;
        }
    }

    /// "Who", with the verb that says whether those are meant who sell or who buy.
    void findWho() {
        const auto hasRole = [&](std::size_t column, const auto& names) {
            if (isNumber(column) || facts(column).isDays) return false;
            const std::string lower = lowerCased(columns()[column].name);
            const auto words = tableTokens(lower);
            return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
                const bool isAscii = static_cast<unsigned char>(name.front()) < 0x80;
                if (!isAscii) return lower.find(name) != std::string::npos;
                return std::any_of(words.begin(), words.end(),
                                   [&](const TableToken& word) { return word.surface == name; });
            });
        };
        bool sells = false;
        bool buys = false;
        for (std::size_t i = 0; i < m_tokens.size(); ++i) {
            TableToken& token = m_tokens[i];
            if (token.isExplained) continue;
            const bool isSelling = isListed(token.surface, kSelling);
            const bool isBuying = isListed(token.surface, kBuying);
            if (!isSelling && !isBuying) continue;
            // "How many units were sold in Berlin": nobody is said to do it.
            const bool isPassive = i > 0 && (surface(i - 1) == "were" || surface(i - 1) == "was");
            if (isPassive && std::any_of(m_named.begin(), m_named.end(), [&](const Named& named) {
                    return isNumber(named.column) && addsUp(named.column);
                })) {
                token.isExplained = true;
                continue;
            }
            sells = sells || isSelling;
            buys = buys || isBuying;
            // Whoever is named in the question must be of those who do it.
            const auto does = [&](std::size_t column) {
                return isSelling ? hasRole(column, kSellers) : hasRole(column, kBuyers);
            };
            bool isOfNamed = false;
            for (const Named& named : m_named) isOfNamed = isOfNamed || does(named.column);
            for (const Condition& each : m_conditions) isOfNamed = isOfNamed || does(each.column);
            token.isExplained = isOfNamed;
        }
        const auto who = std::find_if(m_tokens.begin(), m_tokens.end(), [](const auto& each) {
            return each.surface == "who" || each.surface == "谁";
        });
        if (who == m_tokens.end()) return;
        m_isWho = true;
        std::vector<std::size_t> people;
        for (std::size_t i = 0; i < columns().size(); ++i) {
            const bool isSeller = !buys && hasRole(i, kSellers);
            const bool isBuyer = !sells && hasRole(i, kBuyers);
            if (isSeller || isBuyer) people.push_back(i);
        }
        if (people.size() != 1) return;
        m_who = people.front();
        who->isExplained = true;
        for (TableToken& token : m_tokens) {
            if (isListed(token.surface, kSelling) || isListed(token.surface, kBuying)) {
                token.isExplained = true;
            }
        }
    }

    [[nodiscard]] bool addsUp(std::size_t column) const {
        const std::string lower = lowerCased(columns()[column].name);
        const auto words = tableTokens(lower);
        return hasAny(lower, kAddingUpInChinese) ||
               std::any_of(words.begin(), words.end(), [](const TableToken& word) {
                   return isListed(word.surface, kAddingUp);
               });
    }

    /// The column of what is ranked: "which city", "top 3 products", "who".
    [[nodiscard]] std::optional<std::size_t> rankedColumn() const {
        if (m_who) return m_who;
        std::vector<Named> texts;
        for (const Named& named : m_named) {
            const bool isText = !isNumber(named.column) && !facts(named.column).isDays;
            if (isText && !isConditionOn(named.column)) texts.push_back(named);
        }
        if (texts.size() != 1) return std::nullopt;
        const std::size_t at = texts.front().at;
        if (isChinese(m_question) || m_top > 0) return texts.front().column;
        const bool isAsked =
            at > 0 && at <= 2 &&
            (surface(0) == "which" || surface(0) == "what" || surface(0) == "whose");
        return isAsked ? std::optional(texts.front().column) : std::nullopt;
    }

    /// "Who sold the most units": where one of whom is asked has several rows, they are added up.
    /// False: it is not clear what is ranked.
    bool rankGroups(TableQuery& query, std::string_view phrase) {
        const bool isExtreme = query.kind == TableKind::Least || query.kind == TableKind::Greatest;
        if (!isExtreme || m_group) return m_top == 0;
        const auto ranked = rankedColumn();
        if (isChinese(m_question)) findChineseCount(ranked);
        const bool isTotal = take("total") != std::string::npos;
        const bool isOfMany = isListed(phrase, kOfMany) || m_top > 0 || isTotal;
        if (!ranked) return m_top == 0 && !isTotal && !(m_isWho && isOfMany);
        const bool isCounted = !m_column;
        const bool isOne = m_top == 0 && !isCounted && !facts(*ranked).hasRepeats;
        if (isOne) return true;  // its row has it
        if (!isCounted && m_top == 0 && !isOfMany && !addsUp(*m_column)) return true;
        if (query.nth > 1) return false;
        // Of "who spent the most" nothing says that it is their age.
        if (!isCounted && !isNamedColumn(*m_column) && !addsUp(*m_column)) return false;
        m_group = *ranked;
        m_isLeastFirst = query.kind == TableKind::Least;
        query.nShown = std::max(m_top, 1);
        if (isCounted) {
            query.kind = TableKind::Count;
        } else if (addsUp(*m_column) || isTotal) {
            query.kind = TableKind::Sum;
        }
        return true;
    }

    /// "销量最高的3个产品".
    void findChineseCount(std::optional<std::size_t> ranked) {
        if (!ranked || m_top > 0) return;
        for (std::size_t i = m_operationEnd; i < m_tokens.size(); ++i) {
            const auto count = m_tokens[i].isExplained ? std::nullopt : askedCount(surface(i));
            if (!count) continue;
            m_top = *count;
            explain(i, 1);
            return;
        }
    }

    /// "In EUR" of a column of euros.
    void explainUnit() {
        if (!m_column) return;
        for (TableToken& token : m_tokens) {
            const std::string unit = token.isExplained ? "" : cellUnit(token.surface);
            if (!unit.empty() && facts(*m_column).units.contains(unit)) token.isExplained = true;
        }
    }

    /// Of Chinese every character must be accounted for: these ask, and say nothing of the rows.
    void explainPhrases() {
        if (!isChinese(m_question)) return;
        for (const std::string_view phrase :
             {"是多少", "有多少", "多少", "有哪些", "是哪些", "哪些", "哪个", "哪位",
              "哪家",   "哪种",   "是谁", "谁",     "是什么", "什么", "分别", "我们",
              "所有的", "所有",   "全部", "一共",   "总共",   "请问", "列出", "一下",
              "名",     "位",     "家",   "种",     "数据",   "表里", "表中"}) {
            take(phrase);
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
        std::optional<std::size_t> bounded;  // named, and in a condition
        std::size_t textAt = 0;
        for (const Named& named : m_named) {
            if (m_group && named.column == *m_group) continue;
            if (isNumber(named.column)) {
                const bool isBounded = isConditionOn(named.column);
                if (!number && !isBounded) number = named.column;
                if (!bounded && isBounded) bounded = named.column;
            } else if (!text && !facts(named.column).isDays) {
                text = named.column;
                textAt = named.at;
            }
        }
        const bool hasAnchor = number || m_isNamed || !m_conditions.empty();
        switch (query.kind) {
            case TableKind::List: return !m_conditions.empty();
            case TableKind::Count:
                if (number) {  // "how many employees" where Employees is a column of numbers
                    query.kind = TableKind::Sum;
                    m_column = number;
                    return true;
                }
                // Customers of orders are counted once each.
                if (text && !m_group &&
                    (m_conditions.empty() ||
                     (textAt == m_operationEnd && facts(*text).hasRepeats))) {
                    query.kind = TableKind::CountDistinct;
                    m_column = text;
                    return true;
                }
                if (m_rowColumn && !m_group && facts(*m_rowColumn).hasRepeats) {
                    query.kind = TableKind::CountDistinct;
                    m_column = m_rowColumn;
                    return true;
                }
                return m_group || m_isNamed || !m_conditions.empty();
            default:
                if (!number && (phrase == "cheapest" || phrase == "most expensive" ||
                                phrase == "最便宜" || phrase == "最贵")) {
                    number = priceColumn();
                }
                // "The most orders": how many rows.
                if (!number && m_rowNounAt == m_operationEnd && isListed(phrase, kOfMany)) {
                    return rankedColumn().has_value() && m_top == 0;
                }
                // "The total amount of orders above 250": of the same column.
                if (!number) number = bounded;
                m_column = number ? number : onlyNumberColumn();
                return m_column.has_value() && (hasAnchor || m_who);
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
        query.isUnitUnknown = m_isUnitUnknown;
        for (std::size_t i = 0; i < columns().size(); ++i) {
            const bool isUsed = (m_column == i && query.kind != TableKind::CountDistinct) ||
                                (isNumber(i) && isConditionOn(i));
            if (!isUsed || facts(i).units.size() < 2) continue;
            query.mixedUnits.clear();
            for (const std::string& unit : facts(i).units) {
                query.mixedUnits += (query.mixedUnits.empty() ? "" : ", ") + unit;
            }
            query.column = columns()[i].name;
        }
        query.rowsSql = "SELECT rowid FROM " + table + where;
        std::string value;
        switch (query.kind) {
            case TableKind::List: query.sql = "SELECT * FROM " + table + where; return;
            case TableKind::Count: value = "count(*)"; break;
            case TableKind::CountDistinct: value = "count(DISTINCT " + column + ")"; break;
            case TableKind::Sum: value = "round(sum(" + column + "), 6)"; break;
            case TableKind::Average: value = "round(avg(" + column + "), 4)"; break;
            case TableKind::Least: value = "min(" + column + ")"; break;
            case TableKind::Greatest: value = "max(" + column + ")"; break;
            case TableKind::Median: break;
        }
        const std::string given =
            std::string(where.empty() ? " WHERE " : " AND ") + column + " IS NOT NULL";
        if (query.kind == TableKind::Median) {
            const std::string n = "(SELECT count(*) FROM " + table + where + given + ")";
            query.sql = "SELECT round(avg(" + column + "), 4) FROM (SELECT " + column + " FROM " +
                        table + where + given + " ORDER BY " + column + " LIMIT 2 - " + n +
                        " % 2 OFFSET (" + n + " - 1) / 2)";
            return;
        }
        if (query.nth > 1) {
            query.sql = "SELECT DISTINCT " + column + " FROM " + table + where + given +
                        " ORDER BY " + column + (query.kind == TableKind::Greatest ? " DESC" : "") +
                        " LIMIT 1 OFFSET " + std::to_string(query.nth - 1);
            query.rowsSql += std::string(where.empty() ? " WHERE " : " AND ") + column + " = (" +
                             query.sql + ")";
            return;
        }
        if (m_group) {
            const std::string group = quotedName(columns()[*m_group].name);
            query.group = columns()[*m_group].name;
            query.sql = "SELECT " + group + ", " + value + " FROM " + table + where + " GROUP BY " +
                        group + (m_isLeastFirst ? " ORDER BY 2" : " ORDER BY 2 DESC");
            return;
        }
        query.sql = "SELECT " + value + " FROM " + table + where;
        if (query.kind == TableKind::Least || query.kind == TableKind::Greatest) {
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
    std::size_t m_nNamed = 0;
    std::size_t m_operationEnd = 0;          ///< the word behind the operation
    std::optional<std::size_t> m_rowNounAt;  ///< the word that says what rows are
    std::optional<std::size_t> m_rowColumn;  ///< their numbers
    int m_top = 0;                           ///< "top 3"
    bool m_isWho = false;
    std::optional<std::size_t> m_who;
    bool m_isCompared = false;  ///< with a number or a day
    bool m_isUnitUnknown = false;
    bool m_isRefused = false;
    bool m_isLeastFirst = false;
};

}  // namespace

bool mayAskTables(std::string_view question) {
    const std::string lower = lowerCased(question);
    const auto operations = tableOperations();
    const auto isOperation = [&](const TableOperation& each) {
        return lower.find(each.phrase) != std::string::npos;
    };
    if (std::any_of(operations.begin(), operations.end(), isOperation)) return true;
    static constexpr auto kOthers = std::to_array<std::string_view>(
        {"top ", "between ", "before ", "after ", "since ", "until ", " or more", " or less", "前",
         "后", "以上", "以下"});
    const auto comparisons = tableComparisons();
    const bool isCompared =
        std::any_of(kOthers.begin(), kOthers.end(),
                    [&](std::string_view each) { return lower.find(each) != std::string::npos; }) ||
        std::any_of(comparisons.begin(), comparisons.end(), [&](const TableComparison& each) {
            return lower.find(each.phrase) != std::string::npos;
        });
    return isCompared && lower.find_first_of("0123456789") != std::string::npos;
}

std::vector<TableQuery> tableQueriesOf(std::string_view question,
                                       std::span<const LoadedTable> tables) {
    std::vector<TableQuery> best;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        auto query = Matcher(question, tables[i]).match();
        // A word left over may be what the question is about ("the second highest", "do not
        // live"), so that only a question understood whole is answered.
        if (!query || query->explained < 1.0) continue;
        if (!best.empty() && query->nNamed < best.front().nNamed) continue;
        if (!best.empty() && query->nNamed > best.front().nNamed) best.clear();
        query->table = i;
        best.push_back(std::move(*query));
    }
    return best;
}

std::optional<TableQuery> tableQueryOf(std::string_view question,
                                       std::span<const LoadedTable> tables) {
    std::vector<TableQuery> queries = tableQueriesOf(question, tables);
    return queries.empty() ? std::nullopt : std::optional(std::move(queries.front()));
}

}  // namespace conclave::services
