// table_totals.cpp: what is to be counted, added up or compared, of which column, as SQL.
#include "app/services/survey/table_matcher.h"

#include <algorithm>
#include <array>

#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using TableKind = TableQuery::Kind;
using storage::quotedName;

/// Numbers that add up: of several rows of one product the revenue is their sum, the price is not.
constexpr auto kAddingUp = std::to_array<std::string_view>(
    {"revenue", "sale", "sales", "amount", "unit", "units", "quantity", "qty", "total", "turnover",
     "volume", "sold", "hours", "visits", "visitors", "profit", "expenses", "spent", "paid"});

constexpr auto kAddingUpInChinese = std::to_array<std::string_view>(
    {"销量", "销售额", "数量", "金额", "收入", "营业额", "总额", "产量", "利润", "人数", "次数"});

/// Of these nothing adds up, whatever else the name says: "Unit price".
constexpr auto kPerPiece =
    std::to_array<std::string_view>({"price", "rate", "average", "avg", "价", "率", "平均"});

/// Numbers of things, not of money.
constexpr auto kQuantities = std::to_array<std::string_view>(
    {"unit",  "units",  "quantity", "qty",   "count", "volume", "hours",
     "days",  "visits", "visitors", "staff", "stock", "age",    "rating",
     "score", "数量",   "销量",     "产量",  "人数",  "次数",   "库存"});

/// Columns that say what the numbers beside them are in.
constexpr auto kCurrencies =
    std::to_array<std::string_view>({"currency", "curr", "币种", "币别", "货币"});

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

/// Behind these a phrase means how many, not how much one row has.
constexpr auto kOfMany =
    std::to_array<std::string_view>({"most", "fewest", "least", "top", "最多", "最少"});

}  // namespace

void TableMatcher::findWho() {
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
        // "How much was spent on", "did we spend on": of the only column of costs.
        const auto costs = onlyColumnOf(Measure::Price);
        // Of a yearly fee nothing says that it is spent.
        const bool isSpending = token.surface == "spent" || token.surface == "spend";
        const bool mayBeSpent =
            costs && (!isSpending || hasAny(lowerCased(columns()[*costs].name), {"cost", "costs"}));
        const bool isOurs = isPassive || (i > 0 && surface(i - 1) == "we");
        const bool isNumberNamed =
            std::any_of(m_named.begin(), m_named.end(),
                        [&](const Named& named) { return isNumber(named.column); });
        if (isBuying && isOurs && mayBeSpent && !isNumberNamed) {
            token.isExplained = true;
            m_named.push_back({*costs, i});
            continue;
        }
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
    if (people.size() > 1) return;
    m_who = people.empty() && !sells && !buys ? personColumn() : std::nullopt;
    if (!people.empty()) m_who = people.front();
    if (!m_who) return;
    who->isExplained = true;
    for (TableToken& token : m_tokens) {
        if (isListed(token.surface, kSelling) || isListed(token.surface, kBuying)) {
            token.isExplained = true;
        }
    }
}

bool TableMatcher::addsUp(std::size_t column) const {
    const std::string lower = lowerCased(columns()[column].name);
    const auto words = tableTokens(lower);
    if (hasAny(lower, kPerPiece) || isPercentage(column)) return false;
    return hasAny(lower, kAddingUpInChinese) ||
           std::any_of(words.begin(), words.end(),
                       [](const TableToken& word) { return isListed(word.surface, kAddingUp); });
}

std::set<std::string> TableMatcher::unitsOf(std::size_t column) const {
    if (facts(column).units.size() > 1) return facts(column).units;
    const bool isMoney =
        !isIdentifier(column) && !hasAny(lowerCased(columns()[column].name), kQuantities);
    for (std::size_t i = 0; isMoney && i < columns().size(); ++i) {
        const bool isCurrency = !isNumber(i) && hasAny(lowerCased(columns()[i].name), kCurrencies);
        // One currency is asked, or each for itself.
        if (!isCurrency || m_group == i || isOneValueIn(i)) continue;
        std::set<std::string> units;
        for (const auto& row : m_table.table.rows) units.insert(row[i]);
        if (units.size() < 2) continue;
        units.erase("");
        return units;
    }
    return {};
}

std::optional<std::size_t> TableMatcher::rankedColumn() const {
    if (m_who) return m_who;
    std::vector<Named> texts;
    for (const Named& named : m_named) {
        const bool isAskedNumber =
            isNumber(named.column) && isIdentifier(named.column) && named.at > 0 && named.at <= 2;
        const bool isText =
            isAskedNumber || (!isNumber(named.column) && !facts(named.column).isDays);
        const bool isCounted = named.at == m_operationEnd && m_operation &&
                               isListed(m_operation->phrase, kOfMany) && isOncePerRow(named.column);
        if (isText && !isCounted && !isConditionOn(named.column)) texts.push_back(named);
    }
    if (texts.size() != 1) return std::nullopt;
    const std::size_t at = texts.front().at;
    if (isChinese(m_question) || m_top > 0) return texts.front().column;
    const bool isAsked = at > 0 && at <= 2 &&
                         (surface(0) == "which" || surface(0) == "what" || surface(0) == "whose");
    return isAsked ? std::optional(texts.front().column) : std::nullopt;
}

bool TableMatcher::rankGroups(TableQuery& query, std::string_view phrase) {
    if (query.kind == TableKind::Average && !m_rankOfAverages.empty()) {
        const auto ranked = rankedColumn();
        if (!ranked || m_group) return false;
        m_group = ranked;
        query.nShown = 1;
        return true;
    }
    if (m_dayColumn) return m_top == 0 && !m_group;
    const bool isExtreme = query.kind == TableKind::Least || query.kind == TableKind::Greatest;
    if (!isExtreme || m_group) return m_top == 0;
    const auto ranked = rankedColumn();
    if (isChinese(m_question)) findChineseCount();
    const bool isTotal = take("total") != std::string::npos;
    const bool isOfMany = isListed(phrase, kOfMany) || m_top > 0 || isTotal;
    if (!ranked && m_top > 0 && m_column && !isTotal && !m_isWho) {
        chooseTopRows(query);
        return true;
    }
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
    } else if (addsUp(*m_column) || isTotal || (isOfMany && isCountOfEvents(*m_column))) {
        query.kind = TableKind::Sum;
    }
    return true;
}

void TableMatcher::findChineseCount() {
    if (m_top > 0) return;
    for (std::size_t i = m_operationEnd; i < m_tokens.size(); ++i) {
        const auto count = m_tokens[i].isExplained ? std::nullopt : askedCount(surface(i));
        if (!count) continue;
        m_top = *count;
        explain(i, 1);
        return;
    }
}

void TableMatcher::explainUnit() {
    if (!m_column) return;
    for (TableToken& token : m_tokens) {
        const std::string unit = token.isExplained ? "" : cellUnit(token.surface);
        if (!unit.empty() && facts(*m_column).units.contains(unit)) token.isExplained = true;
    }
}

std::optional<std::size_t> TableMatcher::measureFor(TableKind kind) {
    std::optional<Named> before;
    std::optional<Named> behind;
    for (const Named& named : m_named) {
        const bool isMeasure = isNumber(named.column) && !isIdentifier(named.column) &&
                               !isConditionOn(named.column) && m_group != named.column;
        if (!isMeasure) continue;
        if (named.at < m_operationEnd) {
            if (!before || named.at > before->at) before = named;
        } else if (!behind || named.at < behind->at) {
            behind = named;
        }
    }
    const bool isExtreme = kind == TableKind::Least || kind == TableKind::Greatest;
    // "The quantity of the order with the highest price": two questions in one.
    if (isExtreme && before && behind && before->column != behind->column) m_isRefused = true;
    const std::optional<Named>& first = isExtreme && isChinese(m_question) ? before : behind;
    const std::optional<Named>& other = behind ? behind : before;
    if (first) return first->column;
    return other ? std::optional(other->column) : std::nullopt;
}

bool TableMatcher::chooseCounted(TableQuery& query, std::optional<std::size_t> measure,
                                 std::optional<Named> identifier, std::optional<Named> text) {
    if (measure) {
        // "How many employees" where Employees is a column of numbers; of prices there are no many.
        if (!isChinese(m_question) && isAmount(*measure)) {
            refuse(TableRefusal::Why::Amount, columns()[*measure].name);
            return false;
        }
        if (!isOfOneRow() && !addsUp(*measure) && !isCountOfThings(*measure)) return false;
        query.kind = TableKind::Sum;
        m_column = measure;
        return true;
    }
    // Each is counted once, however many rows it has.
    const auto countOnce = [&](std::size_t column) {
        if (m_isNegated) return false;  // others of its rows may have that value
        query.kind = TableKind::CountDistinct;
        m_column = column;
        return true;
    };
    if (identifier && (!text || identifier->at == m_operationEnd)) {
        return !facts(identifier->column).hasRepeats || countOnce(identifier->column);
    }
    if (text) {
        const bool isRepeated = text->at == m_operationEnd && facts(text->column).hasRepeats;
        if (isRepeated || (m_conditions.empty() && !m_group)) return countOnce(text->column);
    }
    if (m_rowColumn && !m_group && facts(*m_rowColumn).hasRepeats) return countOnce(*m_rowColumn);
    // "How many lifebuoys are there?" of a row that counts them
    const auto things = !m_group && !m_isNamed && isOfOneRow() ? columnOfCounts() : std::nullopt;
    if (things) {
        query.kind = TableKind::Sum;
        m_column = things;
        return true;
    }
    return m_group || m_isNamed || (!m_conditions.empty() && isOfThisTable());
}

bool TableMatcher::isOfThisTable() const {
    return m_isNamed || m_isValueNamed || m_isDayColumnNamed || !m_named.empty();
}

bool TableMatcher::chooseColumn(TableQuery& query, std::string_view phrase) {
    std::optional<Named> text;
    std::optional<Named> identifier;
    std::optional<std::size_t> bounded;  // named, and in a condition
    for (const Named& named : m_named) {
        if (m_group == named.column || isFlag(named.column)) continue;
        if (isNumber(named.column)) {
            if (isIdentifier(named.column)) {
                if (!identifier || named.at == m_operationEnd) identifier = named;
            } else if (!bounded && isConditionOn(named.column)) {
                bounded = named.column;
            }
        } else if ((!text || named.at == m_operationEnd) && !facts(named.column).isDays) {
            text = named;
        }
    }
    if (m_dayColumn) {
        query.isOfDays = true;
        m_column = m_dayColumn;
        return m_isNamed || m_who || !m_named.empty() || !m_conditions.empty();
    }
    // "The total number of orders" adds nothing up.
    if (query.kind == TableKind::Sum && m_isNumberOf) {
        query.kind = TableKind::Count;
        m_operationEnd += 2;
    }
    std::optional<std::size_t> number = measureFor(query.kind);
    if (m_isRefused) return false;
    // "The price of the longest boat": two questions in one.
    const bool isOfAnother =
        m_isMeasureMeant && std::any_of(m_named.begin(), m_named.end(), [&](const Named& named) {
            return isNumber(named.column) && !isIdentifier(named.column) &&
                   named.column != m_named.front().column && !isConditionOn(named.column);
        });
    if (isOfAnother) return false;
    const bool hasAnchor = number || m_isNamed || !m_conditions.empty();
    switch (query.kind) {
        case TableKind::List:
            if (m_conditions.empty()) return chooseValues(query, phrase);
            return isOfThisTable();
        case TableKind::Count: return chooseCounted(query, number, identifier, text);
        case TableKind::Share: return !number && chooseShare();
        default:
            if (!number && (phrase == "cheapest" || phrase == "most expensive" ||
                            phrase == "最便宜" || phrase == "最贵")) {
                number = priceColumn();
                if (!number) return false;
            }
            // "The most orders": how many rows.
            if (!number && isListed(phrase, kOfMany) &&
                (m_rowNounAt == m_operationEnd ||
                 (text && text->at == m_operationEnd && isOncePerRow(text->column)) ||
                 (identifier && identifier->at == m_operationEnd))) {
                const bool isRepeated = identifier && facts(identifier->column).hasRepeats;
                return !isRepeated && rankedColumn().has_value() && m_top == 0;
            }
            // "The total amount of orders above 250": of the same column.
            if (!number) number = bounded;
            // "The sum of invoices", "the latest order" say nothing of which numbers.
            if (!number && (phrase == "latest" || phrase == "earliest")) return false;
            if (!number && identifier && rankedColumn() != identifier->column) return false;
            if (!number) refuseText();
            if (m_isRefused) return false;
            // "The total stock value": pieces times what each costs.
            if (query.kind == TableKind::Sum && number && !isAmount(*number) &&
                hasAny(m_folded, {"value", "worth", "价值", "总值"})) {
                return false;
            }
            m_column = number ? number : onlyNumberColumn();
            if (query.kind == TableKind::Sum && m_column && isPercentage(*m_column) &&
                !isOfOneRow()) {
                refuse(TableRefusal::Why::Percentage, columns()[*m_column].name);
                return false;
            }
            return m_column.has_value() && (hasAnchor || identifier || m_who);
    }
}

bool TableMatcher::chooseValues(TableQuery& query, std::string_view phrase) {
    static constexpr auto kListing =
        std::to_array<std::string_view>({"list", "show", "which", "列出", "哪些"});
    if (!isListed(phrase, kListing) || m_named.size() != 1 || m_group || m_isCompared) return false;
    const std::size_t column = m_named.front().column;
    const bool isOfNames = !isNumber(column) || isIdentifier(column);
    if (!isOfNames || facts(column).isDays || isFlag(column)) return false;
    query.kind = TableKind::Values;
    m_column = column;
    return true;
}

bool TableMatcher::chooseShare() {
    // "Of the invoices of Sales those unpaid": a share of what?
    if (m_conditions.size() != 1 || m_group || !isOfThisTable()) return false;
    const std::size_t column = m_conditions.front().column;
    if (isFilled(column)) return true;
    refuse(TableRefusal::Why::Unfilled, columns()[column].name);
    return false;
}

void TableMatcher::chooseTopRows(TableQuery& query) {
    const std::string column = quotedName(columns()[*m_column].name);
    std::string where;
    for (const Condition& each : m_conditions) {
        where += (where.empty() ? " WHERE " : " AND ") + each.sql;
    }
    where += std::string(where.empty() ? " WHERE " : " AND ") + column + " IS NOT NULL";
    const bool isLeast = query.kind == TableKind::Least;
    const std::string n = std::to_string(m_top);
    const std::string first = " ORDER BY 1" + std::string(isLeast ? "" : " DESC") + " LIMIT " + n;
    // Those equal to the last of them are among them.
    m_conditions.push_back(
        {*m_column,
         column + (isLeast ? " <= (SELECT max(" : " >= (SELECT min(") + column + ") FROM (SELECT " +
             column + " FROM " + quotedName(m_table.table.name) + where + first + "))",
         inWords(*m_column, " is one of the ", "属于",
                 isChinese(m_question)
                     ? (isLeast ? "最低的 " : "前 ") + n + (isLeast ? " 个" : " 名")
                     : n + (isLeast ? " lowest" : " highest"))});
    m_order = " ORDER BY " + column + (isLeast ? "" : " DESC");
    query.kind = TableKind::List;
}

std::optional<std::size_t> TableMatcher::nameColumn() const {
    if (const auto ranked = rankedColumn()) return ranked;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        const bool isName = !isNumber(column) && !facts(column).isDays &&
                            !facts(column).hasRepeats && !isFlag(column);
        if (isName) return column;
    }
    return std::nullopt;
}

bool TableMatcher::isOncePerRow(std::size_t column) const {
    return !isNumber(column) && !facts(column).isDays && !facts(column).hasRepeats &&
           isFilled(column);
}

bool TableMatcher::hasShares() const {
    return std::any_of(columns().begin(), columns().end(), [](const auto& each) {
        return hasAny(lowerCased(each.name), {"percentage", "percent", "share", "proportion"});
    });
}

void TableMatcher::refuseText() {
    for (const Named& named : m_named) {
        const std::size_t column = named.column;
        if (isNumber(column) || facts(column).isDays || isConditionOn(column)) continue;
        const std::string* other = nullptr;
        std::size_t nNumbers = 0;
        for (const auto& row : m_table.table.rows) {
            const std::string& cell = row[column];
            if (numberOf(cell)) {
                ++nNumbers;
            } else if (!cell.empty() && other == nullptr) {
                other = &cell;
            }
        }
        // Of names some may look like numbers.
        if (other == nullptr || 2 * nNumbers < m_table.table.rows.size()) continue;
        refuse(TableRefusal::Why::Text, columns()[column].name + ": " + *other);
        return;
    }
}

std::optional<std::size_t> TableMatcher::priceColumn() const {
    const std::optional<std::size_t> named = namedPriceColumn();
    if (named) return named;
    // "Berths" are no price, whatever is the only column of numbers.
    const std::optional<std::size_t> only = onlyNumberColumn();
    return only && isAmount(*only) ? only : std::nullopt;
}

std::optional<std::size_t> TableMatcher::namedPriceColumn() const {
    for (std::size_t i = 0; i < columns().size(); ++i) {
        if (!isNumber(i)) continue;
        for (const TableToken& word : tableTokens(columns()[i].name)) {
            if (word.surface == "price" || word.surface == "cost") return i;
        }
        if (columns()[i].name.find("价") != std::string::npos) return i;
    }
    return std::nullopt;
}

std::string TableMatcher::inWords(std::size_t column, std::string_view is,
                                  std::string_view isInChinese, const std::string& value) const {
    std::string words = "“" + columns()[column].name + "”";
    words += isChinese(m_question) ? isInChinese : is;
    const bool isText = is == " is " || is == " is not ";
    return words + (isText ? "“" : "") + value + (isText ? "”" : "");
}

void TableMatcher::write(TableQuery& query) const {
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
        const bool isUsed = (m_column == i && query.kind != TableKind::CountDistinct &&
                             query.kind != TableKind::Values) ||
                            (isNumber(i) && isConditionOn(i));
        if (isUsed && isNumber(i)) query.numberColumns.push_back(columns()[i].name);
        const std::set<std::string> units = isUsed ? unitsOf(i) : std::set<std::string>();
        if (units.empty()) continue;
        query.mixedUnits.clear();
        for (const std::string& unit : units) {
            query.mixedUnits += (query.mixedUnits.empty() ? "" : ", ") + unit;
        }
        query.column = columns()[i].name;
    }
    query.rowsSql = "SELECT rowid FROM " + table + where;
    std::string value;
    switch (query.kind) {
        case TableKind::List:
            query.rowsSql += m_order;
            query.sql = "SELECT * FROM " + table + where + m_order;
            return;
        case TableKind::Values:
            query.rowsSql += " WHERE " + column + " IS NOT NULL";
            query.sql = "SELECT DISTINCT " + column + " FROM " + table + " WHERE " + column +
                        " IS NOT NULL ORDER BY 1";
            return;
        case TableKind::Share:
            query.sql = "SELECT round(100.0 * count(CASE WHEN " + m_conditions.front().sql +
                        " THEN 1 END) / count(*), 2) FROM " + table;
            return;
        case TableKind::Count: value = "count(*)"; break;
        case TableKind::CountDistinct: value = "count(DISTINCT " + column + ")"; break;
        case TableKind::Sum: value = "round(sum(" + column + "), 6)"; break;
        case TableKind::Average: value = "round(avg(" + column + "), 4)"; break;
        case TableKind::Least: value = "min(" + column + ")"; break;
        case TableKind::Greatest: value = "max(" + column + ")"; break;
        case TableKind::Median: break;
    }
    const std::string joint = where.empty() ? " WHERE " : " AND ";
    const std::string given = joint + column + " IS NOT NULL";
    if (query.kind == TableKind::Sum || query.kind == TableKind::Average ||
        query.kind == TableKind::Median) {
        query.rowsSql += given;
        query.emptySql = "SELECT count(*) FROM " + table + where + joint + column + " IS NULL";
    }
    if (query.kind == TableKind::Median) {
        const std::string n = "(SELECT count(*) FROM " + table + where + given + ")";
        query.sql = "SELECT round(avg(" + column + "), 4) FROM (SELECT " + column + " FROM " +
                    table + where + given + " ORDER BY " + column + " LIMIT 2 - " + n +
                    " % 2 OFFSET (" + n + " - 1) / 2)";
        return;
    }
    if (query.nth > 1) {
        query.nameColumn = nameColumn();
        query.sql = "SELECT DISTINCT " + column + " FROM " + table + where + given + " ORDER BY " +
                    column + (query.kind == TableKind::Greatest ? " DESC" : "") +
                    " LIMIT 1 OFFSET " + std::to_string(query.nth - 1);
        query.rowsSql +=
            std::string(where.empty() ? " WHERE " : " AND ") + column + " = (" + query.sql + ")";
        return;
    }
    if (m_group) {
        std::string group = quotedName(columns()[*m_group].name);
        query.group = columns()[*m_group].name;
        if (m_periodLength > 0) {
            group = "substr(" + group + ", 1, " + std::to_string(m_periodLength) + ")";
        }
        const std::string_view byValue = m_isLeastFirst ? " ORDER BY 2" : " ORDER BY 2 DESC";
        query.sql =
            "SELECT " + group + ", " + value + " FROM " + table + where + " GROUP BY " + group;
        query.sql += m_periodLength > 0 ? " ORDER BY 1" : byValue;
        return;
    }
    query.sql = "SELECT " + value + " FROM " + table + where;
    if (query.kind == TableKind::Least || query.kind == TableKind::Greatest) {
        query.nameColumn = nameColumn();
        query.rowsSql +=
            std::string(where.empty() ? " WHERE " : " AND ") + column + " = (" + query.sql + ")";
    }
}

}  // namespace conclave::services
