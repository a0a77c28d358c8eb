#include "app/services/survey/table_matcher.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using TableKind = TableQuery::Kind;
using Type = storage::Table::Column::Type;

/// "How many orders were placed in April": of the rows themselves.
constexpr auto kOfRows =
    std::to_array<std::string_view>({"placed", "place", "made", "make", "recorded", "dated"});

constexpr auto kNumberNames =
    std::to_array<std::string_view>({"id", "no", "number", "nr", "编号", "号"});

/// What numbers are given to: a column of this name has no quantities.
constexpr auto kNumberedThings = std::to_array<std::string_view>(
    {"id",      "order",   "invoice", "ticket",   "model",    "case",     "bill",
     "receipt", "account", "voucher", "employee", "customer", "client",   "product",
     "item",    "article", "part",    "sku",      "room",     "batch",    "project",
     "student", "user",    "member",  "phone",    "zip",      "postcode", "year"});

constexpr auto kChineseNumberNames =
    std::to_array<std::string_view>({"号", "编码", "代码", "订单", "发票", "年份", "年度"});

/// What people call the rows of a list of goods: "products" of a column "Model".
constexpr auto kGoods = std::to_array<std::string_view>({"product", "model", "article"});

constexpr auto kYes =
    std::to_array<std::string_view>({"yes", "y", "true", "是", "有", "ja", "oui", "sí"});
constexpr auto kNo =
    std::to_array<std::string_view>({"no", "n", "false", "否", "无", "nein", "non"});
constexpr auto kNegations = std::to_array<std::string_view>({"no", "non", "without", "未", "没"});

/// "Do not work remote", "没有付款": between "not" and what is not.
constexpr auto kBehindNegations = std::to_array<std::string_view>({"work", "be", "have", "有"});

/// "Yes" of a question whether something is.
constexpr std::string_view kWhether = "是否";

}  // namespace

std::optional<int> askedCount(std::string_view word) {
    static constexpr auto kNumberWords = std::to_array<std::string_view>(
        {"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"});
    static constexpr auto kChineseNumbers =
        std::to_array<std::string_view>({"二", "三", "四", "五", "六", "七", "八", "九", "十"});
    const auto named = std::find(kNumberWords.begin(), kNumberWords.end(), word);
    if (named != kNumberWords.end()) return static_cast<int>(named - kNumberWords.begin()) + 2;
    const auto chinese = std::find(kChineseNumbers.begin(), kChineseNumbers.end(), word);
    if (chinese != kChineseNumbers.end()) {
        return static_cast<int>(chinese - kChineseNumbers.begin()) + 2;
    }
    if (word == "两") return 2;
    int number = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
    const bool isWhole = problem == std::errc() && end == word.data() + word.size();
    return isWhole && number >= 1 && number <= 100 ? std::optional(number) : std::nullopt;
}

std::optional<TableQuery> TableMatcher::match() {
    TableQuery query;
    std::optional<TableOperation> operation = findOperation();
    m_operation = operation;
    if (operation) {
        query.kind = operation->kind;
        query.nth = findPlace(*operation);
        if (query.kind == TableKind::Average) findRankOfAverages();
    }
    findStock();
    findValues();
    findColumns();
    findGoods();
    findRowNoun();
    findPeople();
    findMeasures();
    findOwnBounds();
    findComparisons();
    findDays();
    findEqualNumbers();
    findEmpty();
    findGroup();
    findFlags();
    explainNames();
    findWho();
    if (const auto choice = findChoice(); choice && (!operation || query.kind == TableKind::List)) {
        operation = choice;
        query.kind = choice->kind;
    }
    if (m_isRefused) {
        explainUnit();
        explainPhrases();
        return std::nullopt;
    }
    if (!operation) {
        // "Orders above 250 EUR": nothing else is said than which rows.
        const bool isOfPeopleAsked = m_isWho && m_who && (m_isCompared || m_isValueNamed);
        const bool isBounded = m_isCompared || (m_isValueNamed && beginsWithRows());
        // "Salary between 4000 and 5000"
        const bool isOfNumbers = m_isCompared && !m_named.empty() && m_named.front().at <= 1;
        if (!isOfPeopleAsked && (!isBounded || !(namesRows() || isOfNumbers))) return std::nullopt;
        query.kind = TableKind::List;
    }
    const std::string_view phrase = operation ? operation->phrase : std::string_view();
    const bool isChosen = chooseColumn(query, phrase) && rankGroups(query, phrase);
    explainUnit();
    explainUnitsOfNames();
    explainPhrases();
    if (!isChosen) return std::nullopt;
    query.explained = explained();
    query.nNamed = m_nNamed;
    // Of each group, that is another query than of all.
    if (m_group && (query.nth > 1 || query.kind == TableKind::Median)) return std::nullopt;
    write(query);
    return query;
}

std::optional<TableRefusal> TableMatcher::refusal() const {
    const bool isUnderstood = m_refusal && explained() >= 1.0 && isOfThisTable();
    if (isUnderstood) return m_refusal;
    if (!asksForRows()) return std::nullopt;
    std::string names;
    for (const auto& column : columns()) names += (names.empty() ? "" : ", ") + column.name;
    return TableRefusal{TableRefusal::Why::Rows, std::move(names), 0};
}

bool TableMatcher::asksForRows() const {
    const auto comparisons = tableComparisons();
    const bool isBound =
        m_folded.find_first_of("0123456789") != std::string::npos &&
        std::any_of(comparisons.begin(), comparisons.end(),
                    [&](const TableComparison& each) { return hasAny(m_folded, {each.phrase}); });
    if (!m_operation || (m_conditions.empty() && !isBound)) return false;
    const bool isList = m_operation->phrase == "list" || m_operation->phrase == "列出";
    if (m_operation->kind != TableKind::Count && !isList) return false;
    if (hasAny(m_folded,
               {"document", "documents", "file", "files", "mention", "mentions", "mentioned",
                "contain", "contains", "say", "says", "文档", "文件", "提到", "提及", "写"})) {
        return false;
    }
    if (isChinese(m_question)) return m_isNamed;
    // "How many open invoices": the first words behind are what is counted.
    constexpr std::size_t kWordsCounted = 3;
    const std::size_t end = std::min(m_operationEnd + kWordsCounted, m_tokens.size());
    for (std::size_t at = m_operationEnd; at < end; ++at) {
        if (isAskingWord(surface(at)) && surface(at) != "the" && surface(at) != "all") break;
        const bool isColumn = std::any_of(m_named.begin(), m_named.end(), [&](const Named& named) {
            return named.at == at && (!isNumber(named.column) || isIdentifier(named.column));
        });
        if (isColumn || m_rowNounAt == at) return true;
    }
    return false;
}

void TableMatcher::refuse(TableRefusal::Why why, std::string what) {
    m_isRefused = true;
    if (!m_refusal) m_refusal = TableRefusal{why, std::move(what), 0};
}

const std::vector<storage::Table::Column>& TableMatcher::columns() const {
    return m_table.table.columns;
}

bool TableMatcher::isNumber(std::size_t column) const {
    return columns()[column].type != Type::Text;
}

const LoadedTable::Column& TableMatcher::facts(std::size_t column) const {
    return m_table.columns[column];
}

bool TableMatcher::isConditionOn(std::size_t column) const {
    return std::any_of(m_conditions.begin(), m_conditions.end(),
                       [&](const Condition& each) { return each.column == column; });
}

const std::string& TableMatcher::surface(std::size_t at) const { return m_tokens[at].surface; }

bool TableMatcher::isIdentifier(std::size_t column) const {
    if (columns()[column].type != Type::Integer || !facts(column).units.empty()) return false;
    const auto words = tableTokens(columns()[column].name);
    if (words.empty()) return false;
    const std::string& last = words.back().surface;
    const bool isNumbered = words.size() > 1 && isListed(last, kNumberNames);
    const std::string_view name = columns()[column].name;
    const auto endsName = [&](std::string_view each) { return name.ends_with(each); };
    if (isNumbered || isListed(last, kNumberedThings) ||
        std::any_of(kChineseNumberNames.begin(), kChineseNumberNames.end(), endsName)) {
        return true;
    }
    // "Ref": the first column, counted upwards.
    constexpr std::size_t kFewestRows = 3;
    const auto& rows = m_table.table.rows;
    if (column != 0 || rows.size() < kFewestRows || addsUp(column)) return false;
    const auto isNotAbove = [](const auto& row, const auto& next) {
        return row[0].empty() || next[0].empty() || std::stoll(next[0]) <= std::stoll(row[0]);
    };
    return std::adjacent_find(rows.begin(), rows.end(), isNotAbove) == rows.end();
}

bool TableMatcher::isYears(std::size_t column) const {
    const std::string name = lowerCased(columns()[column].name);
    return hasAny(name, {"year", "年份", "年度"}) ||
           (columns()[column].type == Type::Integer && isOfMeasure(column, Measure::Year));
}

bool TableMatcher::isPercentage(std::size_t column) const {
    return isNumber(column) &&
           (facts(column).units.contains("%") ||
            hasAny(lowerCased(columns()[column].name), {"percent", "percentage", "pct", "百分比"}));
}

bool TableMatcher::isAmount(std::size_t column) const {
    static constexpr auto kAmounts = std::to_array<std::string_view>(
        {"amount", "revenue", "turnover", "profit", "expenses", "spent", "paid", "payment", "price",
         "cost", "salary", "fee", "interest", "balance", "income", "budget", "rent"});
    const std::string lower = lowerCased(columns()[column].name);
    return !facts(column).units.empty() || hasAny(lower, kAmounts);
}

bool TableMatcher::isDivisor(std::size_t column) const {
    if (!isNumber(column) || isIdentifier(column) || isYears(column)) return false;
    static constexpr auto kCalendar =
        std::to_array<std::string_view>({"month", "week", "day", "quarter", "weekday"});
    static constexpr auto kChineseCalendar =
        std::to_array<std::string_view>({"月", "月份", "周", "季度", "星期"});
    const std::string_view name = columns()[column].name;
    const auto endsName = [&](std::string_view each) { return name.ends_with(each); };
    const auto words = tableTokens(name);
    const bool isCalendar = (!words.empty() && isListed(words.back().surface, kCalendar)) ||
                            std::any_of(kChineseCalendar.begin(), kChineseCalendar.end(), endsName);
    return !isCalendar;
}

bool TableMatcher::isOneValueIn(std::size_t column) const {
    return !m_isNegated &&
           std::any_of(m_conditions.begin(), m_conditions.end(), [&](const Condition& each) {
               return each.column == column && !each.isOfSeveral;
           });
}

bool TableMatcher::beginsWithRows() const {
    if (m_tokens.empty()) return false;
    const bool isOrder = surface(0) == "all" || surface(0) == "the" || surface(0) == "所";
    return isOrder || (m_tokens.front().isExplained && !isAskingWord(surface(0)));
}

bool TableMatcher::namesRows() const {
    return m_isNamed || std::any_of(m_named.begin(), m_named.end(), [&](const Named& named) {
               return named.at <= 1 && !isFlag(named.column) && !facts(named.column).isDays &&
                      (!isNumber(named.column) || isIdentifier(named.column));
           });
}

bool TableMatcher::isOfOneRow() const {
    return !m_isNegated &&
           std::any_of(m_conditions.begin(), m_conditions.end(), [&](const Condition& each) {
               return !each.isOfSeveral && !isNumber(each.column) && !facts(each.column).isDays &&
                      !facts(each.column).hasRepeats;
           });
}

bool TableMatcher::isMeasurePhrase(std::size_t at) const {
    static constexpr auto kArticles = std::to_array<std::string_view>({"a", "an", "each", "every"});
    static constexpr auto kMeasures = std::to_array<std::string_view>(
        {"hour", "day", "week", "month", "quarter", "year", "minute", "night", "unit", "piece"});
    if (at == 0 || !isListed(surface(at), kMeasures)) return false;
    if (!isListed(surface(at - 1), kArticles)) return false;
    // "In each month" makes groups.
    return at < 2 ||
           (surface(at - 2) != "in" && surface(at - 2) != "for" && surface(at - 2) != "of");
}

void TableMatcher::findMeasure(std::size_t at) {
    explain(at, 1);
    const bool isRateNamed = std::any_of(m_named.begin(), m_named.end(), [&](const Named& named) {
        return isNumber(named.column) &&
               hasAny(lowerCased(columns()[named.column].name), {"rate", "wage", "price"});
    });
    if (!isRateNamed) refuse(TableRefusal::Why::Measure, surface(at - 1) + " " + surface(at));
}

bool TableMatcher::isOfPeople() const {
    for (std::size_t i = 0; i < columns().size(); ++i) {
        const bool isPerson =
            hasAny(columns()[i].name, {"姓名", "名字", "学生", "学号", "员工", "工号"});
        if (isPerson && !facts(i).hasRepeats) return true;
    }
    return false;
}

bool TableMatcher::isFlag(std::size_t column) const {
    if (isNumber(column)) return false;
    bool isAny = false;
    for (const auto& row : m_table.table.rows) {
        if (row[column].empty()) continue;
        const std::string value = lowerCased(row[column]);
        if (!isListed(value, kYes) && !isListed(value, kNo)) return false;
        isAny = true;
    }
    return isAny;
}

bool TableMatcher::isFilled(std::size_t column) const {
    const auto& rows = m_table.table.rows;
    return std::none_of(rows.begin(), rows.end(),
                        [&](const auto& row) { return row[column].empty(); });
}

void TableMatcher::findFlags() {
    std::set<std::size_t> done;
    for (const Named& named : m_named) {
        if (!isFlag(named.column) || m_group == named.column || !done.insert(named.column).second) {
            continue;
        }
        bool isYes = true;
        std::size_t before = named.at;
        while (before > 0 && isListed(surface(before - 1), kBehindNegations)) --before;
        if (before > 0 &&
            (isNegation(surface(before - 1)) || isListed(surface(before - 1), kNegations))) {
            explain(before - 1, named.at - before + 1);
            isYes = false;
        }
        std::size_t behind = named.at + tableTokens(saidName(named.column)).size();
        const auto isBetween = [&](std::size_t at) {
            return surface(at) == "is" || surface(at) == "are" || surface(at) == "为";
        };
        while (behind < m_tokens.size() && isBetween(behind)) ++behind;
        if (behind < m_tokens.size() && !m_tokens[behind].isExplained) {
            const bool isNo = isListed(surface(behind), kNo);
            const bool isSaid = isNo || (!isChinese(m_question) && isListed(surface(behind), kYes));
            m_isRefused = m_isRefused || (isNo && !isYes);  // "not remote: no"
            if (isSaid) explain(behind, 1);
            if (isNo) isYes = false;
        }
        addFlag(named.column, isYes);
    }
}

void TableMatcher::addFlag(std::size_t column, bool isYes) {
    std::set<std::string> spelled;
    for (const auto& row : m_table.table.rows) {
        const std::string lower = lowerCased(row[column]);
        if (isYes ? isListed(lower, kYes) : isListed(lower, kNo)) spelled.insert(row[column]);
    }
    // Of an empty cell nobody knows which it would be.
    if (spelled.size() > 1 || (!isYes && !isFilled(column))) {
        refuse(TableRefusal::Why::Unfilled, columns()[column].name);
        return;
    }
    const std::string value = spelled.empty() ? (isYes ? "yes" : "no") : *spelled.begin();
    m_conditions.push_back(
        {column, storage::quotedName(columns()[column].name) + " = " + storage::quotedText(value),
         inWords(column, " is ", "为", value)});
    m_isValueNamed = true;
}

void TableMatcher::explain(std::size_t at, std::size_t n) {
    for (std::size_t i = at; i < std::min(at + n, m_tokens.size()); ++i) {
        m_tokens[i].isExplained = true;
    }
}

std::size_t TableMatcher::take(std::string_view phrase, std::size_t from) {
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

std::optional<TableOperation> TableMatcher::findOperation() {
    if (findTop()) return TableOperation{TableKind::Greatest, "top"};
    if (const auto superlative = findSuperlative()) return superlative;
    if (const auto extreme = findFirstOrLast()) return extreme;
    for (const TableOperation& each : tableOperations()) {
        // "Percentage" may be a column.
        if (each.kind == TableKind::Share && hasShares()) continue;
        if (isColumnToo(each.phrase)) continue;
        const std::size_t at = takeOperation(each.phrase);
        if (at == std::string::npos) continue;
        m_operationEnd = at + tableTokens(each.phrase).size();
        if (each.kind == TableKind::Least || each.kind == TableKind::Greatest) takeCountBefore(at);
        // "The phone number of Ann" counts nothing: it is in Ann's row.
        const bool isOfSomething = each.phrase == "number of" && at > 0 &&
                                   !m_tokens[at - 1].isExplained &&
                                   !isAskingWord(m_tokens[at - 1].surface);
        return isOfSomething ? TableOperation{TableKind::List, each.phrase} : each;
    }
    return std::nullopt;
}

bool TableMatcher::isColumnToo(std::string_view phrase) const {
    const auto isName = [&](std::string_view name) {
        return lowerCased(name.substr(0, name.find(" ("))) == phrase;
    };
    const bool isColumn =
        std::any_of(columns().begin(), columns().end(),
                    [&](const storage::Table::Column& each) { return isName(each.name); });
    const auto operations = tableOperations();
    return isColumn &&
           std::any_of(operations.begin(), operations.end(), [&](const TableOperation& each) {
               return each.phrase != phrase &&
                      (each.kind == TableKind::Count || each.phrase == "which") &&
                      findSaid(tableTokens(each.phrase)) != std::string::npos;
           });
}

std::size_t TableMatcher::takeOperation(std::string_view phrase) {
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

void TableMatcher::takeCountBefore(std::size_t at) {
    if (at == 0 || isChinese(m_question) || m_tokens[at - 1].isExplained) return;
    const auto count = askedCount(surface(at - 1));
    if (!count) return;
    m_top = *count;
    explain(at - 1, 1);
}

bool TableMatcher::findTop() {
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

int TableMatcher::findPlace(const TableOperation& operation) {
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
    if (operation.kind != TableKind::Count && operation.kind != TableKind::List) {
        const std::size_t numberOf = take("number of");
        m_isNumberOf = numberOf != std::string::npos && numberOf == m_operationEnd;
    }
    return place;
}

bool TableMatcher::isAsking(const std::vector<TableToken>& words) {
    return std::all_of(words.begin(), words.end(),
                       [](const TableToken& token) { return isAskingWord(token.surface); });
}

std::string_view TableMatcher::saidName(std::size_t column) const {
    std::string_view name = columns()[column].name;
    name = name.substr(0, std::min(name.find('('), name.find("（")));
    if (name.starts_with(kWhether)) name.remove_prefix(kWhether.size());
    return name;
}

void TableMatcher::findColumns() {
    std::vector<std::size_t> measures;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        std::vector<TableToken> words = tableTokens(saidName(column));
        std::size_t at = findTokens(m_tokens, words);
        while (at != std::string::npos && isNumber(column) && isMeasurePhrase(at)) {
            measures.push_back(at);
            at = findTokens(m_tokens, words, at + 1);
        }
        // "Customers" of "Customer name", "delay" of "delay_minutes"
        const bool isLastUnsaid =
            words.size() > 1 && (words.back().surface == "name" ||
                                 (isNumber(column) && isUnitWord(words.back().surface)));
        if (at == std::string::npos && isLastUnsaid) {
            words.pop_back();
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
    for (const std::size_t at : measures) findMeasure(at);
}

void TableMatcher::findGoods() {
    const auto name = tableTokens(columns().front().name);
    if (name.size() != 1) return;
    const auto isOf = [](const TableToken& token) {
        std::string_view word = token.surface;
        if (word.ends_with('s')) word.remove_suffix(1);
        return isListed(word, kGoods);
    };
    const auto said = std::find_if(m_tokens.begin(), m_tokens.end(), [&](const TableToken& token) {
        return !token.isExplained && isOf(token);
    });
    if (!isOf(name.front()) || isNamedColumn(0) || said == m_tokens.end()) return;
    said->isExplained = true;
    m_named.push_back({0, static_cast<std::size_t>(said - m_tokens.begin())});
}

void TableMatcher::findChineseRowNoun() {
    constexpr std::size_t kShortest = 6;  // two characters
    std::optional<std::size_t> found;
    std::size_t size = 0;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        std::string_view noun = columns()[column].name;
        for (const std::string_view number : {"编号", "号", "名称"}) {
            if (noun.ends_with(number)) noun.remove_suffix(number.size());
        }
        const bool isThere = noun.size() >= kShortest && noun != columns()[column].name &&
                             m_question.find(noun) != std::string_view::npos;
        if (!isThere) continue;
        m_isNamed = true;
        if (found) return;  // "项目" and "合同": it is not clear which is counted
        found = column;
        size = noun.size();
    }
    if (!found) return;
    const std::size_t start =
        m_question.find(std::string_view(columns()[*found].name).substr(0, size));
    explainBytes(start, start + size);
    m_rowColumn = found;
}

void TableMatcher::findRowNoun() {
    if (isChinese(m_question)) findChineseRowNoun();
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

void TableMatcher::findRankOfAverages() {
    for (const std::string_view phrase :
         {"highest", "largest", "lowest", "smallest", "最高", "最大", "最低", "最小"}) {
        if (take(phrase) == std::string::npos) continue;
        m_isRefused = m_isRefused || !m_rankOfAverages.empty();
        m_rankOfAverages = phrase;
        m_isLeastFirst =
            phrase == "lowest" || phrase == "smallest" || phrase == "最低" || phrase == "最小";
    }
}

void TableMatcher::findGroup() {
    for (const std::string_view grouping : tableGroupings()) {
        const std::vector<TableToken> words = tableTokens(grouping);
        const std::size_t at = findTokens(m_tokens, words);
        if (at == std::string::npos) continue;
        if (findPeriod(at + words.size())) {
            explain(at, words.size() + 1);
            return;
        }
        for (const Named& named : m_named) {
            if (named.at != at + words.size()) continue;
            explain(at, words.size());
            // "Top 3 products by revenue": by what they are ranked.
            if (m_top > 0 && isNumber(named.column)) continue;
            // "The cost per day" of a column of how many days: a division.
            if (grouping != "by" && grouping != "按" && isDivisor(named.column)) {
                refuse(TableRefusal::Why::Division, columns()[named.column].name);
            }
            m_group = named.column;
            return;
        }
    }
}

bool TableMatcher::findPeriod(std::size_t at) {
    struct Period {
        std::string_view word;
        int length;
    };
    constexpr int kYear = 4;
    constexpr int kMonth = 7;
    static constexpr auto kPeriods =
        std::to_array<Period>({{"month", kMonth}, {"year", kYear}, {"月", kMonth}, {"年", kYear}});
    if (at >= m_tokens.size() || isNamedAt(at)) return false;
    const auto period = std::find_if(kPeriods.begin(), kPeriods.end(),
                                     [&](const Period& each) { return surface(at) == each.word; });
    if (period == kPeriods.end()) return false;
    std::optional<std::size_t> days;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        if (!facts(column).isDays) continue;
        if (days) return false;
        days = column;
    }
    if (!days) return false;
    m_group = days;
    m_periodLength = period->length;
    return true;
}

void TableMatcher::explainNames() {
    const std::string file = std::filesystem::path(m_table.path).filename().string();
    for (const std::string_view name : {std::string_view(m_table.table.name),
                                        std::string_view(m_table.title), std::string_view(file)}) {
        // A document has other things than the rows of its tables.
        if (m_table.isInDocument() && !isNamedByDocument()) break;
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
    if (!namesRows() && !m_rowNounAt) return;
    for (TableToken& token : m_tokens) {
        if (isListed(token.surface, kOfRows)) token.isExplained = true;
    }
}

void TableMatcher::explainDoing() {
    static constexpr auto kDoers = std::to_array<std::string_view>({"商", "人", "员", "者", "方"});
    for (const Condition& each : m_conditions) {
        std::string_view name = columns()[each.column].name;
        const auto doer = std::find_if(kDoers.begin(), kDoers.end(),
                                       [&](std::string_view end) { return name.ends_with(end); });
        constexpr std::size_t kShortest = 6;  // two characters
        if (doer == kDoers.end() || name.size() < kShortest + doer->size()) continue;
        name.remove_suffix(doer->size());
        if (take(name) != std::string::npos) take("了");
    }
}

void TableMatcher::explainPhrases() {
    if (!isChinese(m_question)) return;
    explainDoing();
    for (const std::string_view phrase :
         {"是多少", "有多少", "多少", "有哪些", "是哪些", "哪些", "哪个", "哪位",   "哪家",
          "哪种",   "是谁",   "谁",   "是什么", "什么",   "分别", "我们", "所有的", "所有",
          "全部",   "一共",   "总共", "请问",   "列出",   "一下", "名",   "位",     "家",
          "种",     "数据",   "表里", "表中",   "哪款",   "款",   "占"}) {
        take(phrase);
    }
    if (isOfPeople()) take("人");
    if (m_conditions.size() > 1) {
        for (const std::string_view phrase : {"并且", "而且", "且"}) take(phrase);
    }
    if (!m_column && !m_isCompared) return;
    // "平均分", "80分的": of the numbers that are named.
    for (const std::string_view phrase : {"成绩", "分数", "分", "值"}) take(phrase);
}

double TableMatcher::explained() const {
    double nWords = 0;
    double nExplained = 0;
    for (const TableToken& token : m_tokens) {
        if (!token.isExplained && isAsking({token})) continue;
        nWords += 1;
        nExplained += token.isExplained ? 1 : 0;
    }
    return nWords > 0 ? nExplained / nWords : 0.0;
}

}  // namespace conclave::services
