// table_day_bounds.cpp: which rows a question is about, by their days and years.
#include "app/services/survey/table_matcher.h"

#include <algorithm>
#include <array>
#include <set>

#include "app/services/question.h"
#include "app/services/survey/question_words.h"

namespace conclave::services {
namespace {

using storage::quotedName;
using storage::quotedText;

/// Words that say how the day behind them bounds, in Chinese the day before them.
struct DayPhrase {
    std::string_view words;
    DayBound bound;
};
constexpr auto kDayPhrases = std::to_array<DayPhrase>({{"before", DayBound::Before},
                                                       {"until", DayBound::Until},
                                                       {"by", DayBound::Until},
                                                       {"since", DayBound::Since},
                                                       {"from", DayBound::Within},
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

}  // namespace

bool TableMatcher::hasDays() const {
    return std::any_of(m_table.columns.begin(), m_table.columns.end(),
                       [](const LoadedTable::Column& each) { return each.isDays; });
}

void TableMatcher::findDays() {
    for (std::size_t i = 0; i < m_tokens.size(); ++i) {
        if (m_tokens[i].isExplained) continue;
        const std::size_t start = m_tokens[i].startByte;
        const auto days = daysAtStart(m_question.substr(start));
        if (!days) continue;
        const std::string_view behind = m_question.substr(start + days->size);
        const auto chinese =
            std::find_if(kChineseDayPhrases.begin(), kChineseDayPhrases.end(),
                         [&](const DayPhrase& each) { return behind.starts_with(each.words); });
        const auto english =
            i == 0
                ? kDayPhrases.end()
                : std::find_if(kDayPhrases.begin(), kDayPhrases.end(),
                               [&](const DayPhrase& each) { return surface(i - 1) == each.words; });
        const bool isInChinese = isChinese(m_question);
        const bool mayBeFirst =
            isInChinese || (i > 0 && (surface(i - 1) == "between" || surface(i - 1) == "from"));
        if (mayBeFirst && addDaysBetween(*days, i, start + days->size)) continue;
        if (!isInChinese && english == kDayPhrases.end()) continue;
        DayBound bound = DayBound::Within;
        std::size_t end = start + days->size;
        if (isInChinese && chinese != kChineseDayPhrases.end()) {
            bound = chinese->bound;
            end += chinese->words.size();
            // "2021年以后" has the year itself, other than a day.
            const bool isYear = days->month == 0 && chinese->words == "以后";
            if (isYear) bound = DayBound::Since;
        } else if (!isInChinese) {
            bound = english->bound;
            // "From 2019 on"
            for (const std::string_view on : {" onwards", " onward", " on"}) {
                if (english->words != "from" || !behind.starts_with(on)) continue;
                if (behind.size() > on.size() && isWordCharacter(behind[on.size()])) continue;
                bound = DayBound::Since;
                end += on.size();
                break;
            }
        }
        addDays(*days, bound, isInChinese ? i : i - 1, end);
    }
}

bool TableMatcher::addDaysBetween(AskedDays first, std::size_t at, std::size_t endByte) {
    static constexpr auto kJoints = std::to_array<std::string_view>(
        {" and ", " to ", " until ", " through ", "到", "至", "和"});
    const std::string_view behind = m_question.substr(endByte);
    const auto joint = std::find_if(kJoints.begin(), kJoints.end(), [&](std::string_view each) {
        return behind.starts_with(each);
    });
    if (joint == kJoints.end()) return false;
    const auto last = daysAtStart(behind.substr(joint->size()));
    if (!last) return false;
    std::size_t end = endByte + joint->size() + last->size;
    for (const std::string_view between : {"之间", "间"}) {
        if (m_question.substr(end).starts_with(between)) end += between.size();
    }
    // "Between 1 March and 31 May 2024"
    if (first.year == 0) first.year = last->year;
    const std::size_t from = isChinese(m_question) ? at : at - 1;
    addDays(first, DayBound::Since, from, end);
    addDays(*last, DayBound::Until, from, end);
    return true;
}

bool TableMatcher::addYear(const AskedDays& days, DayBound bound, std::size_t at,
                           std::size_t endByte) {
    if (days.month != 0 || days.year == 0) return false;
    std::optional<std::size_t> years;
    for (std::size_t column = 0; column < columns().size(); ++column) {
        if (!isNumber(column) || !isYears(column)) continue;
        if (years) return false;
        years = column;
    }
    if (!years) return false;
    explainBytes(m_tokens[at].startByte, endByte);
    static constexpr auto kSigns = std::to_array<std::string_view>({"<", "<=", ">=", ">", "="});
    addBound(*years, kSigns.at(static_cast<std::size_t>(bound)), std::to_string(days.year));
    return true;
}

void TableMatcher::addDays(AskedDays days, DayBound bound, std::size_t at, std::size_t endByte) {
    const auto column = dayColumnFor(at);
    if (!column) {
        if (!hasDays() && addYear(days, bound, at, endByte)) return;
        std::string names;
        std::size_t nOfDays = 0;
        for (std::size_t i = 0; i < columns().size(); ++i) {
            if (!facts(i).isDays) continue;
            ++nOfDays;
            names.append(names.empty() ? "" : ", ").append(columns()[i].name);
        }
        if (nOfDays < 2) return;  // its words stay without an explanation
        refuse(TableRefusal::Why::Days, std::move(names));
        explainBytes(m_tokens[at].startByte, endByte);
        return;
    }
    if (days.year == 0) days.year = onlyYearOf(*column);
    const auto range = days.range();
    if (!range) {
        refuse(TableRefusal::Why::Year, columns()[*column].name);
        explainBytes(m_tokens[at].startByte, endByte);
        return;
    }
    explainBytes(m_tokens[at].startByte, endByte);
    for (const std::string_view planned : {"due", "scheduled", "planned"}) take(planned);
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

std::optional<std::size_t> TableMatcher::dayColumnFor(std::size_t at) {
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
        m_isDayColumnNamed = true;
        return column;
    }
    // In Chinese it may stand behind: "5月1日之前到期的".
    std::vector<std::size_t> said;
    for (const std::size_t column : ofDays) {
        const auto isSaid = [&](const TableToken& token) { return hasWord(column, token); };
        if (std::any_of(m_tokens.begin(), m_tokens.end(), isSaid)) said.push_back(column);
    }
    // "Invoices after 1 April" of "Date" and "Due date": their own.
    std::vector<std::size_t> own;
    for (const std::size_t column : ofDays) {
        const std::string name = lowerCased(columns()[column].name);
        if (name == "date" || name == "日期") own.push_back(column);
    }
    const std::vector<std::size_t>& unsaid = own.size() == 1 && said.empty() ? own : ofDays;
    const std::vector<std::size_t>& clear = said.size() == 1 ? said : unsaid;
    if (clear.size() != 1) return std::nullopt;
    m_isDayColumnNamed = m_isDayColumnNamed || said.size() == 1;
    for (TableToken& token : m_tokens) {
        if (hasWord(clear.front(), token)) token.isExplained = true;
    }
    return clear.front();
}

int TableMatcher::onlyYearOf(std::size_t column) const {
    std::set<std::string> years;
    constexpr std::size_t kDigits = 4;
    for (const auto& row : m_table.table.rows) {
        if (!row[column].empty()) years.insert(row[column].substr(0, kDigits));
    }
    return years.size() == 1 ? std::stoi(*years.begin()) : 0;
}

}  // namespace conclave::services
