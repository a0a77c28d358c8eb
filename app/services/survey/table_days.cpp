#include "app/services/survey/table_days.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "app/services/survey/question_words.h"
#include "retrieval/retrieval.h"

namespace conclave::services {
namespace {

constexpr auto kMonthNames =
    std::to_array<std::string_view>({"january", "february", "march", "april", "may", "june", "july",
                                     "august", "september", "october", "november", "december"});
constexpr std::size_t kShortMonth = 3;

bool isAsciiDigitAt(std::string_view text, std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

/// Digits from `at` on, at most `most`, and no further one behind; sets `at` behind them.
std::optional<int> takeNumber(std::string_view text, std::size_t& at, std::size_t most) {
    std::size_t end = at;
    int number = 0;
    while (isAsciiDigitAt(text, end)) number = number * 10 + (text[end++] - '0');
    if (end == at || end - at > most) return std::nullopt;
    at = end;
    return number;
}

bool takeText(std::string_view text, std::size_t& at, std::string_view wanted) {
    if (!text.substr(std::min(at, text.size())).starts_with(wanted)) return false;
    at += wanted.size();
    return true;
}

/// 1 of "january" and "jan"; 0: no month.
unsigned takeMonth(std::string_view lower, std::size_t& at) {
    std::size_t end = at;
    while (end < lower.size() && lower[end] >= 'a' && lower[end] <= 'z') ++end;
    const std::string_view word = lower.substr(at, end - at);
    for (std::size_t i = 0; i < kMonthNames.size(); ++i) {
        const bool isShort = word == kMonthNames[i].substr(0, kShortMonth) || word == "sept";
        if (word != kMonthNames[i] && !(isShort && kMonthNames[i].starts_with(word.substr(0, 3))))
            continue;
        at = end;
        takeText(lower, at, ".");
        return static_cast<unsigned>(i) + 1;
    }
    return 0;
}

/// ", 2026" or " 2026" behind a day or a month.
int takeYear(std::string_view text, std::size_t& at) {
    std::size_t behind = at;
    takeText(text, behind, ",");
    if (!takeText(text, behind, " ")) return 0;
    constexpr std::size_t kYear = 4;
    const std::size_t start = behind;
    const auto year = takeNumber(text, behind, kYear);
    if (!year || behind - start != kYear) return 0;
    at = behind;
    return *year;
}

std::optional<AskedDays> chineseDays(std::string_view text) {
    constexpr std::size_t kYear = 4;
    AskedDays days;
    std::size_t at = 0;
    std::size_t before = 0;
    if (const auto year = takeNumber(text, at, kYear); year && takeText(text, at, "年")) {
        days.year = *year;
        before = at;
    }
    at = before;
    if (const auto month = takeNumber(text, at, 2); month && takeText(text, at, "月")) {
        days.month = static_cast<unsigned>(*month);
        before = at;
        const auto day = takeNumber(text, at, 2);
        if (day && (takeText(text, at, "日") || takeText(text, at, "号"))) {
            days.day = static_cast<unsigned>(*day);
            before = at;
        }
    }
    days.size = before;
    return before > 0 ? std::optional(days) : std::nullopt;
}

std::optional<AskedDays> numericDays(std::string_view text) {
    constexpr std::size_t kYear = 4;
    AskedDays days;
    std::size_t at = 0;
    const auto first = takeNumber(text, at, kYear);
    if (!first) return std::nullopt;
    if (at == kYear && takeText(text, at, "-")) {
        const auto month = takeNumber(text, at, 2);
        if (!month) return std::nullopt;
        days.year = *first;
        days.month = static_cast<unsigned>(*month);
        if (takeText(text, at, "-")) {
            const auto day = takeNumber(text, at, 2);
            if (!day) return std::nullopt;
            days.day = static_cast<unsigned>(*day);
        }
        days.size = at;
        return days;
    }
    if (at <= 2 && takeText(text, at, ".")) {
        const auto month = takeNumber(text, at, 2);
        if (!month || !takeText(text, at, ".")) return std::nullopt;
        const std::size_t start = at;
        const auto year = takeNumber(text, at, kYear);
        if (!year || at - start != kYear) return std::nullopt;
        return AskedDays{*year, static_cast<unsigned>(*month), static_cast<unsigned>(*first), at};
    }
    if (at == kYear && *first >= 1900 && *first < 2200) return AskedDays{*first, 0, 0, at};
    return std::nullopt;
}

}  // namespace

std::optional<AskedDays::Range> AskedDays::range() const {
    using namespace std::chrono;
    if (year == 0) return std::nullopt;
    const std::chrono::year y{year};
    const year_month_day first{y, std::chrono::month{month > 0 ? month : 1},
                               std::chrono::day{day > 0 ? day : 1}};
    if (!first.ok()) return std::nullopt;
    year_month_day next{y + years(1), January, std::chrono::day{1}};
    if (day > 0) {
        next = sys_days(first) + days(1);
    } else if (month > 0) {
        const year_month following = year_month{y, first.month()} + months(1);
        next = following / std::chrono::day{1};
    }
    const auto shown = [](const year_month_day& each) {
        const auto two = [](unsigned n) {
            return std::string(n < 10 ? "0" : "") + std::to_string(n);
        };
        return std::to_string(static_cast<int>(each.year())) + "-" +
               two(static_cast<unsigned>(each.month())) + "-" +
               two(static_cast<unsigned>(each.day()));
    };
    return Range{shown(first), shown(next)};
}

std::optional<AskedDays> daysAtStart(std::string_view text) {
    const std::string lower = lowerCased(text);
    if (auto days = chineseDays(lower)) return days;
    std::size_t at = 0;
    if (const unsigned month = takeMonth(lower, at); month > 0) {
        AskedDays days{0, month, 0, at};
        std::size_t behind = at;
        const bool hasDay = takeText(lower, behind, " ");
        if (const auto day = hasDay ? takeNumber(lower, behind, 2) : std::nullopt) {
            for (const std::string_view ending : {"st", "nd", "rd", "th"}) {
                takeText(lower, behind, ending);
            }
            days.day = static_cast<unsigned>(*day);
            at = behind;
        }
        days.year = takeYear(lower, at);
        days.size = at;
        return days;
    }
    if (auto days = numericDays(lower)) return days;
    if (const auto day = takeNumber(lower, at, 2)) {
        for (const std::string_view ending : {"st", "nd", "rd", "th"}) takeText(lower, at, ending);
        if (!takeText(lower, at, " ")) return std::nullopt;
        takeText(lower, at, "of ");
        const unsigned month = takeMonth(lower, at);
        if (month == 0) return std::nullopt;
        AskedDays days{0, month, static_cast<unsigned>(*day), at};
        days.year = takeYear(lower, at);
        days.size = at;
        return days;
    }
    return std::nullopt;
}

std::optional<std::vector<std::string>> daysOfCells(const std::vector<std::string>& cells) {
    constexpr std::string_view kForm = "2026-05-01";
    std::string all;
    for (const std::string& cell : cells) all.append(cell).append("\n");
    const retrieval::SlashDates slashes = retrieval::slashDatesOf(all);
    std::vector<std::string> days;
    bool isAny = false;
    for (const std::string& cell : cells) {
        if (cell.empty()) {
            days.emplace_back();
            continue;
        }
        const auto found = retrieval::findPattern(retrieval::Pattern::Date, cell, slashes);
        const bool isWhole = found.size() == 1 && found.front().span.startByte == 0 &&
                             found.front().span.endByte == cell.size() &&
                             found.front().value.size() == kForm.size() &&
                             found.front().value[4] == '-' && found.front().value[7] == '-';
        if (!isWhole) return std::nullopt;
        isAny = true;
        days.push_back(found.front().value);
    }
    return isAny ? std::optional(std::move(days)) : std::nullopt;
}

}  // namespace conclave::services
