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

bool TableMatcher::addsUp(std::size_t column) const {
    const std::string lower = lowerCased(columns()[column].name);
    const auto words = tableTokens(lower);
    return hasAny(lower, kAddingUpInChinese) ||
           std::any_of(words.begin(), words.end(),
                       [](const TableToken& word) { return isListed(word.surface, kAddingUp); });
}

std::optional<std::size_t> TableMatcher::rankedColumn() const {
    if (m_who) return m_who;
    std::vector<Named> texts;
    for (const Named& named : m_named) {
        const bool isText = !isNumber(named.column) && !facts(named.column).isDays;
        if (isText && !isConditionOn(named.column)) texts.push_back(named);
    }
    if (texts.size() != 1) return std::nullopt;
    const std::size_t at = texts.front().at;
    if (isChinese(m_question) || m_top > 0) return texts.front().column;
    const bool isAsked = at > 0 && at <= 2 &&
                         (surface(0) == "which" || surface(0) == "what" || surface(0) == "whose");
    return isAsked ? std::optional(texts.front().column) : std::nullopt;
}

bool TableMatcher::rankGroups(TableQuery& query, std::string_view phrase) {
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

void TableMatcher::findChineseCount(std::optional<std::size_t> ranked) {
    if (!ranked || m_top > 0) return;
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

bool TableMatcher::chooseColumn(TableQuery& query, std::string_view phrase) {
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
                (m_conditions.empty() || (textAt == m_operationEnd && facts(*text).hasRepeats))) {
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

std::optional<std::size_t> TableMatcher::priceColumn() const {
    const std::optional<std::size_t> named = namedPriceColumn();
    return named ? named : onlyNumberColumn();
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
    const bool isText = is == " is ";
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
        query.sql = "SELECT DISTINCT " + column + " FROM " + table + where + given + " ORDER BY " +
                    column + (query.kind == TableKind::Greatest ? " DESC" : "") +
                    " LIMIT 1 OFFSET " + std::to_string(query.nth - 1);
        query.rowsSql +=
            std::string(where.empty() ? " WHERE " : " AND ") + column + " = (" + query.sql + ")";
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
        query.rowsSql +=
            std::string(where.empty() ? " WHERE " : " AND ") + column + " = (" + query.sql + ")";
    }
}

}  // namespace conclave::services
