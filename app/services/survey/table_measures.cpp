// table_measures.cpp: columns that a question means without naming them (table_meanings.h).
#include "app/services/survey/table_matcher.h"

#include <algorithm>
#include <array>

#include "app/services/english_words.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/table_meanings.h"

namespace conclave::services {
namespace {

using TableKind = TableQuery::Kind;
using Use = MeasureWord::Use;

/// Names of what is counted, without a plural.
constexpr auto kCountsOfThings =
    std::to_array<std::string_view>({"staff", "stock", "population", "headcount", "count"});

/// Columns of what is left of a thing.
constexpr auto kStockNames = std::to_array<std::string_view>({"stock", "inventory", "库存"});

/// "kw" of "Power (kW)", "minutes" of "delay_minutes".
std::string unitInName(std::string_view name) {
    const std::size_t open = name.find('(');
    const std::size_t close = name.find(')', open);
    if (open != std::string_view::npos && close != std::string_view::npos) {
        return lowerCased(name.substr(open + 1, close - open - 1));
    }
    const auto words = tableTokens(name);
    return words.size() > 1 && isUnitWord(words.back().surface) ? words.back().surface : "";
}

}  // namespace

bool TableMatcher::isOfMeasure(std::size_t column, Measure measure) const {
    if (!isNumber(column)) return false;
    if (measure != Measure::Year && isIdentifier(column)) return false;
    const std::string name = lowerCased(columns()[column].name);
    const auto words = tableTokens(name);
    return std::any_of(measureNames().begin(), measureNames().end(), [&](const MeasureName& each) {
        if (each.measure != measure) return false;
        const bool isAscii = static_cast<unsigned char>(each.word.front()) < 0x80;
        if (!isAscii) return name.find(each.word) != std::string::npos;
        return std::any_of(words.begin(), words.end(),
                           [&](const TableToken& word) { return word.surface == each.word; });
    });
}

std::optional<std::size_t> TableMatcher::onlyColumnOf(Measure measure) const {
    std::optional<std::size_t> only;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        if (!isOfMeasure(column, measure)) continue;
        if (only) return std::nullopt;
        only = column;
    }
    return only;
}

std::optional<TableOperation> TableMatcher::findSuperlative() {
    for (const MeasureWord& each : measureWords()) {
        if (each.use != Use::Greatest && each.use != Use::Least) continue;
        const std::vector<TableToken> words = tableTokens(each.phrase);
        const std::size_t at = findSaid(words);
        if (at == std::string::npos) continue;
        const std::size_t behind = at + words.size();
        const auto kind = each.use == Use::Least ? TableKind::Least : TableKind::Greatest;
        if (each.measure == Measure::Length && isDurationAt(behind)) {
            explain(at, words.size());
            m_operationEnd = behind;
            return TableOperation{kind, each.phrase};
        }
        const auto column = onlyColumnOf(each.measure);
        if (!column) continue;
        // "The highest price" of a table with heights.
        bool isOfOther = false;
        for (std::size_t other = 0; other < columns().size(); ++other) {
            const auto name = tableTokens(columns()[other].name);
            isOfOther = isOfOther || (other != *column && isNumber(other) && !name.empty() &&
                                      findTokens(m_tokens, {name.front()}, behind) == behind);
        }
        if (isOfOther) continue;
        explain(at, words.size());
        takeCountBefore(at);
        m_operationEnd = behind;
        // "Most expensive per day" of "Price per day"
        const auto name = tableTokens(saidName(*column));
        for (std::size_t from = 1; from < name.size(); ++from) {
            const std::vector<TableToken> rest(name.begin() + static_cast<std::ptrdiff_t>(from),
                                               name.end());
            if (rest.front().surface != "per") continue;
            if (findTokens(m_tokens, rest, behind) == behind) explain(behind, rest.size());
        }
        m_named.push_back({*column, at});
        m_isMeasureMeant = true;
        return TableOperation{kind, each.phrase};
    }
    return std::nullopt;
}

bool TableMatcher::isDurationAt(std::size_t at) const {
    static constexpr auto kDurations = std::to_array<std::string_view>(
        {"seconds", "minutes", "mins", "hours", "days", "weeks", "months"});
    for (std::size_t column = 0; column < columns().size(); ++column) {
        const std::string unit = isNumber(column) ? unitInName(columns()[column].name) : "";
        auto name = tableTokens(columns()[column].name);
        if (!isListed(unit, kDurations) || name.size() < 2) continue;
        name.pop_back();
        if (findTokens(m_tokens, name, at) == at) return true;
    }
    return false;
}

std::optional<TableOperation> TableMatcher::findFirstOrLast() {
    struct FirstOrLast {
        std::string_view phrase;
        TableKind kind;
    };
    static constexpr auto kPhrases =
        std::to_array<FirstOrLast>({{"most recently", TableKind::Greatest},
                                    {"most recent", TableKind::Greatest},
                                    {"first", TableKind::Least},
                                    {"earliest", TableKind::Least},
                                    {"last", TableKind::Greatest},
                                    {"latest", TableKind::Greatest},
                                    {"最早", TableKind::Least},
                                    {"最晚", TableKind::Greatest}});
    // "The last year", "first name", "the last 3"
    static constexpr auto kNotBefore =
        std::to_array<std::string_view>({"name", "names", "year", "month", "week", "quarter", "day",
                                         "days", "weeks", "months", "years", "time", "half"});
    for (const FirstOrLast& each : kPhrases) {
        const std::vector<TableToken> words = tableTokens(each.phrase);
        const std::size_t at = findSaid(words);
        if (at == std::string::npos) continue;
        const std::size_t behind = at + words.size();
        const bool isOther = behind < m_tokens.size() &&
                             (isListed(surface(behind), kNotBefore) || askedCount(surface(behind)));
        const auto days = isOther ? std::nullopt : dayColumnSaid();
        if (!days) return std::nullopt;
        explain(at, words.size());
        take("when");
        m_operationEnd = behind;
        m_dayColumn = days;
        return TableOperation{each.kind, each.phrase};
    }
    return std::nullopt;
}

std::optional<std::size_t> TableMatcher::dayColumnSaid() const {
    std::optional<std::size_t> only;
    std::optional<std::size_t> said;
    std::size_t nOfDays = 0;
    std::size_t nSaid = 0;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        if (!facts(column).isDays) continue;
        ++nOfDays;
        only = column;
        const auto words = tableTokens(columns()[column].name);
        const bool isSaid = std::any_of(words.begin(), words.end(), [&](const TableToken& word) {
            return word.surface != "date" && !isAskingWord(word.surface) &&
                   findTokens(m_tokens, {word}) != std::string::npos;
        });
        if (!isSaid) continue;
        ++nSaid;
        said = column;
    }
    if (nSaid == 1) return said;
    return nOfDays == 1 ? only : std::nullopt;
}

std::size_t TableMatcher::findSaid(const std::vector<TableToken>& words, std::size_t from) const {
    for (std::size_t at = from; at + words.size() <= m_tokens.size(); ++at) {
        const auto isSame = [](const TableToken& a, const TableToken& b) {
            return a.surface == b.surface;
        };
        if (std::equal(words.begin(), words.end(),
                       m_tokens.begin() + static_cast<std::ptrdiff_t>(at), isSame)) {
            return at;
        }
    }
    return std::string::npos;
}

void TableMatcher::findMeasures() {
    for (const MeasureWord& each : measureWords()) {
        if (each.use == Use::Greatest || each.use == Use::Least) continue;
        const std::vector<TableToken> words = tableTokens(each.phrase);
        const std::size_t at = findSaid(words);
        if (at == std::string::npos || m_tokens[at].isExplained) continue;
        const auto column = onlyColumnOf(each.measure);
        if (!column) continue;
        if (each.use == Use::Has) {
            explain(at, words.size());
            m_named.push_back({*column, at});
            continue;
        }
        const std::size_t than = at + words.size();
        const auto number =
            than < m_tokens.size() && surface(than) == "than" ? numberAt(than + 1) : std::nullopt;
        if (!number) continue;
        const auto& units = facts(*column).units;
        if (!number->unit.empty() && !units.empty() && !units.contains(number->unit)) {
            refuse(TableRefusal::Why::Unit, number->unit);
        }
        explainBytes(m_tokens[at].startByte, number->endByte);
        m_named.push_back({*column, at});
        addBound(*column, each.use == Use::Above ? ">" : "<", number->number);
    }
}

void TableMatcher::findStock() {
    std::optional<std::size_t> left;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        if (!isNumber(column) || !hasAny(lowerCased(columns()[column].name), kStockNames)) continue;
        if (left) return;
        left = column;
    }
    if (!left) return;
    for (const StockPhrase& each : stockPhrases()) {
        const std::vector<TableToken> words = tableTokens(each.phrase);
        const std::size_t at = findSaid(words);
        if (at == std::string::npos) continue;
        // "How many are in stock" asks for the numbers.
        if (each.isLeft && m_operation && m_operation->kind != TableKind::List) return;
        explain(at, words.size());
        addBound(*left, each.isLeft ? ">" : "=", "0");
        return;
    }
}

void TableMatcher::findOwnBounds() {
    struct OwnBound {
        std::string_view word;
        std::string_view sign;
    };
    static constexpr auto kBounds = std::to_array<OwnBound>({{"below", "<"},
                                                             {"under", "<"},
                                                             {"above", ">"},
                                                             {"over", ">"},
                                                             {"beyond", ">"},
                                                             {"exceeding", ">"}});
    for (const Named& named : m_named) {
        if (!isNumber(named.column) || named.at < 2) continue;
        const std::string& own = surface(named.at - 1);
        const auto bound = std::find_if(kBounds.begin(), kBounds.end(), [&](const OwnBound& each) {
            return each.word == surface(named.at - 2);
        });
        if ((own != "its" && own != "their") || bound == kBounds.end()) continue;
        std::optional<std::size_t> other;
        for (std::size_t column = 0; column < columns().size(); ++column) {
            if (column == named.column || !isNumber(column) || isIdentifier(column)) continue;
            if (other) return;  // of three numbers nobody knows which
            other = column;
        }
        if (!other) return;
        explain(named.at - 2, 2);
        const std::string sign = " " + std::string(bound->sign) + " ";
        const std::string& name = columns()[named.column].name;
        m_conditions.push_back(
            {*other, storage::quotedName(columns()[*other].name) + sign + storage::quotedName(name),
             inWords(*other, sign, sign, "“" + name + "”")});
        m_isCompared = true;
        return;
    }
}

void TableMatcher::findEqualNumbers() {
    static constexpr auto kBetween =
        std::to_array<std::string_view>({"is", "of", "was", "are", "为", "是"});
    const std::vector<Named> named = m_named;
    for (const Named& each : named) {
        if (!isNumber(each.column) || isIdentifier(each.column) || isConditionOn(each.column)) {
            continue;
        }
        std::size_t at = each.at + tableTokens(saidName(each.column)).size();
        while (at < m_tokens.size() && isListed(surface(at), kBetween)) ++at;
        // "0 copies"
        const bool isBefore = each.at > 0 && !m_tokens[each.at - 1].isExplained &&
                              hasNumber(each.column, numberAt(each.at - 1));
        if (isBefore) at = each.at - 1;
        if (at >= m_tokens.size() || m_tokens[at].isExplained) continue;
        const auto number = numberAt(at);
        if (!number) continue;
        const auto& units = facts(each.column).units;
        if (!number->unit.empty() && !units.contains(number->unit)) continue;
        explainBytes(m_tokens[at].startByte, number->endByte);
        addBound(each.column, "=", number->number);
    }
}

bool TableMatcher::hasNumber(std::size_t column, const std::optional<AskedNumber>& asked) const {
    const auto& rows = m_table.table.rows;
    return asked && std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
               return !row[column].empty() && std::stod(row[column]) == std::stod(asked->number);
           });
}

void TableMatcher::findEmpty() {
    static constexpr auto kWithout = std::to_array<std::string_view>({"no", "without", "lack"});
    static constexpr auto kArticles = std::to_array<std::string_view>({"a", "an", "any"});
    for (const Named& each : m_named) {
        std::size_t at = each.at;
        while (at > 0 && isListed(surface(at - 1), kArticles)) --at;
        const bool isWithout = at > 0 && isListed(surface(at - 1), kWithout);
        const std::size_t behind = each.at + tableTokens(columns()[each.column].name).size();
        // "No remote work" of yes and no; "no office in Bern" is another question.
        if (!isWithout || isFlag(each.column) || m_tokens[at - 1].isExplained ||
            behind < m_tokens.size()) {
            continue;
        }
        explain(at - 1, 1);
        m_isValueNamed = true;
        m_conditions.push_back({each.column,
                                storage::quotedName(columns()[each.column].name) + " IS NULL",
                                inWords(each.column, " is empty", "为空", "")});
        return;
    }
}

std::optional<TableOperation> TableMatcher::findChoice() {
    const bool isOfSeveral = std::any_of(m_conditions.begin(), m_conditions.end(),
                                         [](const Condition& each) { return each.isOfSeveral; });
    if (!isOfSeveral) return std::nullopt;
    for (const MeasureWord& each : measureWords()) {
        if (each.use != Use::Above && each.use != Use::Below) continue;
        const std::vector<TableToken> words = tableTokens(each.phrase);
        const std::size_t at = findSaid(words);
        if (at == std::string::npos || m_tokens[at].isExplained) continue;
        const auto column = onlyColumnOf(each.measure);
        const std::size_t behind = at + words.size();
        if (!column || (behind < m_tokens.size() && surface(behind) == "than")) continue;
        explain(at, words.size());
        m_operationEnd = behind;
        m_named.push_back({*column, at});
        return TableOperation{each.use == Use::Above ? TableKind::Greatest : TableKind::Least,
                              each.phrase};
    }
    // "Who earns more, Ann or Ben?"
    for (const auto& [word, kind] :
         {std::pair("more", TableKind::Greatest), std::pair("less", TableKind::Least)}) {
        const std::size_t at = findSaid(tableTokens(word));
        if (at == std::string::npos || at == 0 || m_tokens[at].isExplained || !isNamedAt(at - 1) ||
            (at + 1 < m_tokens.size() && surface(at + 1) == "than")) {
            continue;
        }
        explain(at, 1);
        m_operationEnd = at + 1;
        return TableOperation{kind, word};
    }
    return std::nullopt;
}

std::optional<std::size_t> TableMatcher::columnOfUnitAt(std::size_t byte) const {
    const auto behind = std::find_if(m_tokens.begin(), m_tokens.end(),
                                     [&](const auto& each) { return each.startByte >= byte; });
    if (behind == m_tokens.end()) return std::nullopt;
    std::optional<std::size_t> only;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        if (!isNumber(column) || unitInName(columns()[column].name) != behind->surface) {
            continue;
        }
        if (only) return std::nullopt;
        only = column;
    }
    return only;
}

void TableMatcher::explainUnitsOfNames() {
    for (const Condition& each : m_conditions) {
        const std::string unit = unitInName(columns()[each.column].name);
        for (std::size_t at = 1; !unit.empty() && at < m_tokens.size(); ++at) {
            if (surface(at) == unit && numberAt(at - 1)) explain(at, 1);
        }
    }
}

bool TableMatcher::isNamedByDocument() const {
    static constexpr auto kNames = std::to_array<std::string_view>(
        {"name", "title", "titel", "titre", "designation", "名称", "书名", "标题"});
    return isListed(lowerCased(columns().front().name), kNames);
}

std::optional<std::size_t> TableMatcher::personColumn() const {
    static constexpr auto kPersons = std::to_array<std::string_view>(
        {"name", "employee", "person", "member", "driver", "student", "teacher", "worker",
         "colleague", "player", "patient", "volunteer", "mitarbeiter", "姓名", "名字", "员工",
         "学生"});
    std::optional<std::size_t> only;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        if (isNumber(column) || facts(column).isDays || facts(column).hasRepeats) continue;
        const auto words = tableTokens(columns()[column].name);
        const bool isPerson =
            hasAny(columns()[column].name, {"姓名", "名字", "员工", "学生"}) ||
            (!words.empty() && words.size() <= 2 && isListed(words.back().surface, kPersons));
        if (!isPerson) continue;
        if (only) return std::nullopt;
        only = column;
    }
    return only;
}

void TableMatcher::findPeople() {
    static constexpr auto kPeople = std::to_array<std::string_view>(
        {"employee", "employees", "people", "person", "persons", "staff", "worker", "workers",
         "colleague", "colleagues", "members", "everyone", "everybody", "人", "员工"});
    if (!personColumn()) return;
    for (std::size_t at = 0; at < m_tokens.size(); ++at) {
        if (m_tokens[at].isExplained || !isListed(surface(at), kPeople)) continue;
        explain(at, 1);
        m_isNamed = true;
        if (!m_rowNounAt) m_rowNounAt = at;
    }
}

bool TableMatcher::isCountOfThings(std::size_t column) const {
    const auto words = tableTokens(columns()[column].name);
    if (words.empty() || columns()[column].type != storage::Table::Column::Type::Integer) {
        return false;
    }
    const std::string& last = words.back().surface;
    const bool isPlural = last.size() > 3 && last.ends_with('s') && !last.ends_with("ss") &&
                          !last.ends_with("us") && !last.ends_with("is");
    return isPlural || isListed(last, kCountsOfThings);
}

bool TableMatcher::isCountOfEvents(std::size_t column) const {
    // How many there are at a time: of two years nothing adds them up.
    static constexpr auto kStates = std::to_array<std::string_view>(
        {"employees", "members", "inhabitants", "residents", "students", "pupils", "citizens",
         "people", "beds", "rooms", "seats", "places", "years", "points", "levels"});
    const auto words = tableTokens(columns()[column].name);
    return !words.empty() && isCountOfThings(column) && !isListed(words.back().surface, kStates) &&
           !isListed(words.back().surface, kCountsOfThings);
}

std::optional<std::size_t> TableMatcher::columnOfCounts() const {
    static constexpr auto kCounts = std::to_array<std::string_view>(
        {"count", "quantity", "qty", "number", "stock", "pieces", "数量", "库存"});
    std::optional<std::size_t> only;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        if (!isNumber(column) || !isListed(lowerCased(columns()[column].name), kCounts)) continue;
        if (only) return std::nullopt;
        only = column;
    }
    return only;
}

}  // namespace conclave::services
