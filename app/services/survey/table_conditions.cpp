// table_conditions.cpp: which rows a question is about, by their texts and numbers.
#include "app/services/survey/table_matcher.h"

#include <algorithm>
#include <array>
#include <set>

#include "app/services/english_words.h"
#include "app/services/question.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using storage::quotedName;
using storage::quotedText;

constexpr std::size_t kMostValues = 5000;  ///< different texts of a column that are looked for

}  // namespace

std::vector<TableMatcher::FoundValue> TableMatcher::valuesOf(std::size_t column) {
    std::set<std::string_view> values;
    for (const auto& row : m_table.table.rows) {
        if (!row[column].empty() && values.size() < kMostValues) values.insert(row[column]);
    }
    std::vector<FoundValue> found;
    for (const std::string_view value : values) {
        if (!mayStandInQuestion(value)) continue;
        const std::vector<TableToken> words = tableTokens(value);
        if (words.empty()) continue;
        const std::size_t at =
            isAsking(words) ? findAskingValue(value, column) : findTokens(m_tokens, words);
        if (at == std::string::npos || m_tokens[at].isExplained) continue;
        // "Opened" is the column of that name, and not the value "open" of another.
        const std::string& said = surface(at);
        const bool isColumn =
            words.size() == 1 && said != words.front().surface &&
            std::any_of(columns().begin(), columns().end(),
                        [&](const auto& each) { return lowerCased(each.name) == said; });
        if (isColumn) continue;
        found.push_back({column, value, at, words.size()});
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.size > b.size; });
    std::vector<FoundValue> apart;
    for (const FoundValue& each : found) {
        const bool isApart = std::none_of(apart.begin(), apart.end(), [&](const auto& other) {
            return each.at < other.at + other.size && other.at < each.at + each.size;
        });
        if (isApart) apart.push_back(each);
    }
    return apart;
}

TableMatcher::Link TableMatcher::linkBetween(const FoundValue& first,
                                             const FoundValue& second) const {
    static constexpr auto kBetween = std::to_array<std::string_view>(
        {"in", "at", "from", "of", "for", "a", "an", "the", "to", "on", "with", "是", "在", "的"});
    const std::size_t end = first.at + first.size;
    const std::size_t from = m_tokens[end - 1].endByte;
    const std::string_view gap = m_question.substr(from, m_tokens[second.at].startByte - from);
    Link link = Link::None;
    for (const std::string_view comma : {",", "，", "、"}) {
        if (gap.find(comma) != std::string_view::npos) link = Link::Comma;
    }
    for (std::size_t at = end; at < second.at; ++at) {
        const std::string& word = surface(at);
        if (word == "or" || word == "或" || word == "nor") {
            link = word == "nor" ? Link::Nor : Link::Or;
        } else if (!(word == "者" && link == Link::Or) && !isListed(word, kBetween)) {
            return Link::None;
        }
    }
    return link;
}

std::optional<TableMatcher::FoundValue> TableMatcher::joinedByOr(
    std::vector<FoundValue> values) const {
    if (values.empty()) return std::nullopt;
    std::sort(values.begin(), values.end(),
              [](const auto& a, const auto& b) { return a.at < b.at; });
    for (std::size_t i = 1; i < values.size(); ++i) {
        const Link link = linkBetween(values[i - 1], values[i]);
        // Of "Berlin, Oslo" alone nothing says that either will do.
        const bool isLast = i + 1 == values.size();
        if (link == Link::None || (isLast && link == Link::Comma)) return std::nullopt;
    }
    FoundValue joined = values.front();
    joined.others.assign(values.begin() + 1, values.end());
    return joined;
}

void TableMatcher::findValues() {
    std::vector<FoundValue> found;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        if (isNumber(column) || facts(column).isDays || isFlag(column)) continue;
        std::vector<FoundValue> values = valuesOf(column);
        if (values.empty()) continue;
        auto joined = joinedByOr(values);
        found.push_back(joined ? std::move(*joined) : values.front());
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
        if (nAlike > 1 && nNamed != 1) refuse(TableRefusal::Why::Value, std::string(each.value));
        addValues(*chosen, chosen->column);
    }
    findOpposites();
    findEnded();
}

void TableMatcher::addValues(const FoundValue& found, std::size_t column) {
    const bool isNot = takeNegation(found, column);
    explain(found.at, found.size);
    if (found.at > 0 && surface(found.at - 1) == "by") explain(found.at - 1, 1);
    m_isValueNamed = true;
    const std::string name = quotedName(columns()[column].name);
    if (found.others.empty()) {
        m_conditions.push_back({column, name + (isNot ? " <> " : " = ") + quotedText(found.value),
                                inWords(column, isNot ? " is not " : " is ", isNot ? "不为" : "为",
                                        std::string(found.value))});
        return;
    }
    std::string listed = quotedText(found.value);
    std::string words = inWords(column, isNot ? " is not " : " is ", isNot ? "不为" : "为",
                                std::string(found.value));
    for (const FoundValue& other : found.others) {
        listed.append(", ").append(quotedText(other.value));
        words.append(isChinese(m_question) ? "或“" : " or “").append(other.value).append("”");
    }
    const std::size_t end = found.others.back().at + found.others.back().size;
    explain(found.at, end - found.at);
    m_conditions.push_back(
        {column, name + (isNot ? " NOT IN (" : " IN (") + listed + ")", std::move(words), true});
}

void TableMatcher::findOpposites() {
    constexpr std::string_view kUn = "un";
    constexpr std::size_t kShortest = 5;
    for (std::size_t at = 0; at < m_tokens.size(); ++at) {
        const std::string& word = surface(at);
        if (m_tokens[at].isExplained || word.size() < kShortest || !word.starts_with(kUn)) {
            continue;
        }
        const std::string_view positive = std::string_view(word).substr(kUn.size());
        std::optional<FoundValue> opposite;
        std::size_t nColumns = 0;
        for (std::size_t column = 0; column < columns().size(); ++column) {
            if (isNumber(column) || facts(column).isDays) continue;
            if (isFlag(column) && lowerCased(columns()[column].name) == positive) {
                ++nColumns;
                opposite = FoundValue{column, {}, at, 1};
                continue;
            }
            const auto& rows = m_table.table.rows;
            const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& each) {
                return lowerCased(each[column]) == positive;
            });
            if (row == rows.end()) continue;
            ++nColumns;
            opposite = FoundValue{column, (*row)[column], at, 1};
        }
        if (nColumns != 1) continue;
        explain(at, 1);
        if (opposite->value.empty()) {
            addFlag(opposite->column, false);
            continue;
        }
        // Of an empty cell nobody knows which it would be.
        if (!isFilled(opposite->column)) {
            refuse(TableRefusal::Why::Unfilled, columns()[opposite->column].name);
            continue;
        }
        m_isNegated = true;
        m_isValueNamed = true;
        m_conditions.push_back(
            {opposite->column,
             quotedName(columns()[opposite->column].name) + " <> " + quotedText(opposite->value),
             inWords(opposite->column, " is not ", "不为", std::string(opposite->value))});
    }
}

void TableMatcher::findEnded() {
    static constexpr auto kEnded = std::to_array<std::string_view>(
        {"expired", "terminated", "ended", "cancelled", "canceled", "lapsed", "invalid", "inactive",
         "closed", "void", "revoked"});
    static constexpr auto kGoingOn = std::to_array<std::string_view>(
        {"active", "valid", "current", "running", "open", "in force", "ongoing", "renewed",
         "signed", "pending", "draft", "planned"});
    static constexpr auto kAsked = std::to_array<std::string_view>(
        {"no longer valid", "no longer active", "no longer in force", "no longer running",
         "not valid any more", "not valid anymore", "not in force any more"});
    for (const std::string_view asked : kAsked) {
        const std::vector<TableToken> words = tableTokens(asked);
        const std::size_t at = findTokens(m_tokens, words);
        if (at == std::string::npos || m_tokens[at].isExplained) continue;
        std::optional<FoundValue> found;
        for (std::size_t column = 0; column < columns().size(); ++column) {
            if (isNumber(column) || facts(column).isDays || isFlag(column)) continue;
            std::vector<FoundValue> ended;
            bool areKnown = true;
            for (const auto& row : m_table.table.rows) {
                const std::string state = lowerCased(row[column]);
                if (!isListed(state, kEnded)) {
                    areKnown = areKnown && isListed(state, kGoingOn);
                    continue;
                }
                const bool isNew =
                    std::none_of(ended.begin(), ended.end(),
                                 [&](const FoundValue& each) { return each.value == row[column]; });
                if (isNew) ended.push_back({column, row[column], at, words.size()});
            }
            if (!areKnown || ended.empty()) continue;
            if (found) return;  // of two such columns nobody knows which
            found = ended.front();
            found->others.assign(ended.begin() + 1, ended.end());
        }
        if (!found) continue;
        m_isValueNamed = true;
        explain(at, words.size());
        std::string listed = quotedText(found->value);
        std::string named = inWords(found->column, " is ", "为", std::string(found->value));
        for (const FoundValue& other : found->others) {
            listed.append(", ").append(quotedText(other.value));
            named.append(" or “").append(other.value).append("”");
        }
        m_conditions.push_back({found->column,
                                quotedName(columns()[found->column].name) + " IN (" + listed + ")",
                                std::move(named), true});
        return;
    }
}

std::size_t TableMatcher::findAskingValue(std::string_view value, std::size_t column) {
    static constexpr auto kPlaces = std::to_array<std::string_view>({"in", "for", "from", "of"});
    static constexpr auto kArticles = std::to_array<std::string_view>({"a", "an", "the"});
    const std::vector<TableToken> words = tableTokens(value);
    const auto name = tableTokens(columns()[column].name);
    const std::size_t nameAt = findTokens(m_tokens, name);
    const std::size_t behindName =
        nameAt == std::string::npos ? std::string::npos : nameAt + name.size();
    const auto isIs = [&](std::size_t at) {
        return surface(at) == "is" || surface(at) == "是" || surface(at) == "为";
    };
    for (std::size_t at = findTokens(m_tokens, words); at != std::string::npos;
         at = findTokens(m_tokens, words, at + 1)) {
        if (m_tokens[at].isExplained) continue;
        const std::size_t last = at + words.size() - 1;
        const std::string_view said = m_question.substr(
            m_tokens[at].startByte, m_tokens[last].endByte - m_tokens[at].startByte);
        const auto nCapitals =
            std::count_if(value.begin(), value.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
        // At the beginning any word has a capital.
        if (said == value && nCapitals > (at == 0 ? 1 : 0)) return at;
        const bool isLast = last + 1 == m_tokens.size();
        if (at > 0 && at - 1 == behindName && isIs(at - 1)) return at;
        if (at == behindName && isLast) return at;
        m_isRefused = m_isRefused || at == behindName;  // "type in Berlin"
        std::size_t before = at;
        while (before > 0 && isListed(surface(before - 1), kArticles)) --before;
        const bool isPlace = before > 0 && isListed(surface(before - 1), kPlaces);
        if (!isPlace || (!isLast && isListed(surface(at), kArticles))) continue;
        if (isLast && surface(at) != "all") return at;
        m_isRefused = true;
    }
    return std::string::npos;
}

bool TableMatcher::takeNegation(const FoundValue& found, std::size_t column) {
    // Not "have": who has no such row is another question than which rows have another value.
    static constexpr auto kBetween = std::to_array<std::string_view>(
        {"in", "at", "from", "of", "for", "a", "an", "the", "live", "lives", "to", "on", "work",
         "based", "located", "在", "是", "为"});
    std::size_t at = found.at;
    while (at > 0 && isListed(surface(at - 1), kBetween)) --at;
    const std::string_view before = at > 0 ? std::string_view(surface(at - 1)) : "";
    const bool isNor =
        !found.others.empty() && linkBetween(found, found.others.front()) == Link::Nor;
    const bool isNot = isNegation(before);
    if (before == "either" && !isNor && !found.others.empty()) explain(at - 1, 1);
    // "Paid nor open" alone says nothing.
    if (before != "neither" && !isNot) {
        m_isRefused = m_isRefused || isNor;
        return false;
    }
    // "Not paid or open": is an open one meant?
    if (isNot && !isNor && !found.others.empty() && at == found.at) m_isRefused = true;
    if (!isFilled(column) || (found.others.empty() && !isNot)) return false;
    explain(at - 1, 1);
    m_isNegated = true;
    return true;
}

bool TableMatcher::mayStandInQuestion(std::string_view value) const {
    constexpr std::size_t kBeginning = 3;
    return m_folded.find(lowerCased(value.substr(0, kBeginning))) != std::string::npos;
}

std::optional<TableMatcher::AskedNumber> TableMatcher::numberAt(std::size_t token) const {
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
    while (size < behind.size() && ((behind[size] | 0x20) >= 'a' && (behind[size] | 0x20) <= 'z')) {
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

void TableMatcher::explainBytes(std::size_t startByte, std::size_t endByte) {
    for (TableToken& token : m_tokens) {
        if (token.startByte >= startByte && token.startByte < endByte) token.isExplained = true;
    }
}

void TableMatcher::addBound(std::size_t column, std::string_view sign, const std::string& number) {
    const std::string spaced = " " + std::string(sign) + " ";
    m_conditions.push_back({column, quotedName(columns()[column].name) + spaced + number,
                            inWords(column, spaced, spaced, number)});
    m_isCompared = true;
}

void TableMatcher::findComparisons() {
    for (std::size_t at = 0; at < m_tokens.size(); ++at) {
        if (m_tokens[at].isExplained) continue;
        const bool isBetween = surface(at) == "between";
        const auto low = numberAt(isBetween ? at + 1 : at);
        const std::size_t start = low ? m_tokens[isBetween ? at + 1 : at].startByte : 0;
        if (!low || (hasDays() && daysAtStart(m_question.substr(start)))) continue;
        if (isBetween) {
            addRange(at, *low, " and ");
        } else {
            static_cast<void>(addRange(at, *low, "到") || addRange(at, *low, "至"));
        }
    }
    for (const TableComparison& each : tableComparisons()) {
        const std::vector<TableToken> words = tableTokens(each.phrase);
        for (std::size_t at = findTokens(m_tokens, words); at != std::string::npos;
             at = findTokens(m_tokens, words, at + 1)) {
            if (m_tokens[at].isExplained) continue;
            const auto number = numberAt(at + words.size());
            auto column = number ? columnOfUnitAt(number->endByte) : std::nullopt;
            if (number && !column) column = comparedColumn(at, number->unit, number->number);
            if (!column && !(m_refusal && number)) continue;
            explainBytes(m_tokens[at].startByte, number->endByte);
            if (!column) continue;
            addBound(*column, each.sql, number->number);
            m_isRefused = m_isRefused || countsOthers(*column, number->endByte);
        }
    }
    for (std::size_t at = 0; at < m_tokens.size(); ++at) {
        const auto number = m_tokens[at].isExplained ? std::nullopt : numberAt(at);
        if (!number) continue;
        std::string_view behind = std::string_view(m_folded).substr(number->endByte);
        std::size_t counter = 0;  // "80分以上"
        for (const std::string_view each : {"分", "个", "件", "人"}) {
            if (behind.starts_with(each)) counter = each.size();
        }
        behind.remove_prefix(counter);
        for (const auto& [phrase, sign] : {std::pair(" or more", ">="), std::pair("以上", ">="),
                                           std::pair(" or less", "<="), std::pair("以下", "<=")}) {
            if (!behind.starts_with(phrase)) continue;
            const auto column = comparedColumn(at, number->unit, number->number);
            if (!column) continue;
            explainBytes(m_tokens[at].startByte,
                         number->endByte + counter + std::string_view(phrase).size());
            addBound(*column, sign, number->number);
            m_isRefused = m_isRefused || countsOthers(*column, number->endByte + counter +
                                                                   std::string_view(phrase).size());
            break;
        }
    }
}

bool TableMatcher::addRange(std::size_t at, const AskedNumber& low, std::string_view joint) {
    if (!m_question.substr(low.endByte).starts_with(joint)) return false;
    const auto next = std::find_if(m_tokens.begin(), m_tokens.end(), [&](const auto& each) {
        return each.startByte >= low.endByte + joint.size();
    });
    const auto high = numberAt(static_cast<std::size_t>(next - m_tokens.begin()));
    if (!high) return false;
    const auto column = comparedColumn(at, high->unit.empty() ? low.unit : high->unit, low.number);
    if (!column) return false;
    std::size_t end = high->endByte;
    for (const std::string_view between : {"之间", "间"}) {
        if (m_question.substr(end).starts_with(between)) end += between.size();
    }
    explainBytes(m_tokens[at].startByte, end);
    addBound(*column, ">=", low.number);
    addBound(*column, "<=", high->number);
    return true;
}

bool TableMatcher::isNamedAt(std::size_t at) const {
    return std::any_of(m_named.begin(), m_named.end(),
                       [&](const Named& each) { return each.at == at; });
}

bool TableMatcher::countsOthers(std::size_t column, std::size_t endByte) const {
    for (std::size_t at = 0; at < m_tokens.size(); ++at) {
        if (m_tokens[at].startByte < endByte) continue;
        const bool isOther = std::any_of(m_named.begin(), m_named.end(), [&](const Named& named) {
            return named.at == at && named.column != column && !facts(named.column).isDays;
        });
        return !isChinese(m_question) && (isOther || m_rowNounAt == at);
    }
    return false;
}

std::optional<std::size_t> TableMatcher::comparedColumn(std::size_t at, const std::string& unit,
                                                        const std::string& number) {
    // "Invoices above 2002": their numbers, or what is paid?
    for (const Named& named : m_named) {
        if (!isNumber(named.column) || !isIdentifier(named.column) || isYears(named.column))
            continue;
        const double asked = std::stod(number);
        bool isAbove = false;
        bool isBelow = false;
        for (const auto& row : m_table.table.rows) {
            if (row[named.column].empty()) continue;
            isAbove = isAbove || asked >= std::stod(row[named.column]);
            isBelow = isBelow || asked <= std::stod(row[named.column]);
        }
        m_isRefused = m_isRefused || (isAbove && isBelow && unit.empty());
    }
    if (unit.empty()) {
        const auto near = numberColumnNear(at);
        // "Earn more than 28" of a column of hours: not what is asked.
        const bool isOfTime =
            near && !isNamedColumn(*near) &&
            hasAny(lowerCased(columns()[*near].name), {"hours", "days", "weeks", "months"});
        m_isRefused = m_isRefused ||
                      (isOfTime && hasAny(m_folded, {"earn", "earns", "earned", "cost", "costs",
                                                     "pay", "paid", "spend", "spent"}));
        return near;
    }
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
    refuse(TableRefusal::Why::Unit, unit);
    return std::nullopt;
}

bool TableMatcher::isNamedColumn(std::size_t column) const {
    return std::any_of(m_named.begin(), m_named.end(),
                       [&](const Named& each) { return each.column == column; });
}

std::optional<std::size_t> TableMatcher::numberColumnNear(std::size_t at) const {
    std::optional<std::size_t> found;
    std::size_t nearest = std::string::npos;
    for (const Named& named : m_named) {
        if (!isNumber(named.column)) continue;
        if (isIdentifier(named.column) && !isYears(named.column)) continue;
        const std::size_t distance = named.at < at ? at - named.at : named.at - at;
        if (distance >= nearest) continue;
        nearest = distance;
        found = named.column;
    }
    return found ? found : onlyNumberColumn();
}

std::optional<std::size_t> TableMatcher::onlyNumberColumn() const {
    std::optional<std::size_t> only;
    for (std::size_t i = 0; i < columns().size(); ++i) {
        if (!isNumber(i) || isIdentifier(i)) continue;
        if (only) return std::nullopt;
        only = i;
    }
    return only;
}

}  // namespace conclave::services
