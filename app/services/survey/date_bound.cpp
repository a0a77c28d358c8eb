#include "app/services/survey/date_bound.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "app/services/question.h"
#include "app/services/survey/question_words.h"
#include "app/services/survey/table_days.h"
#include "retrieval/retrieval.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

/// How a date bounds what is asked. Unclear: "valid until", "as of".
enum class Bounding { Before, UpTo, From, After, Between, Unclear };
struct BoundingWords {
    std::string_view words;
    Bounding bounding;
};

/// Longer ones before those that they contain. "From 2024" alone says of when something is.
constexpr auto kComparing = std::to_array<BoundingWords>({{"on or before", Bounding::UpTo},
                                                          {"on or after", Bounding::From},
                                                          {"no later than", Bounding::UpTo},
                                                          {"not later than", Bounding::UpTo},
                                                          {"no earlier than", Bounding::From},
                                                          {"not earlier than", Bounding::From},
                                                          {"later than", Bounding::After},
                                                          {"earlier than", Bounding::Before},
                                                          {"prior to", Bounding::Before},
                                                          {"older than", Bounding::Before},
                                                          {"newer than", Bounding::After},
                                                          {"up to", Bounding::UpTo},
                                                          {"as of", Bounding::Unclear},
                                                          {"before", Bounding::Before},
                                                          {"after", Bounding::After},
                                                          {"since", Bounding::From},
                                                          {"until", Bounding::Unclear},
                                                          {"till", Bounding::Unclear},
                                                          {"through", Bounding::Unclear},
                                                          {"between", Bounding::Between},
                                                          {"beyond", Bounding::After},
                                                          {"past", Bounding::After},
                                                          {"by", Bounding::UpTo},
                                                          {"from", Bounding::From}});

/// What stands before a date and means a part of it.
enum class PartOfDate { Whole, End, Start, Vague };
struct DateFrame {
    std::string_view words;
    PartOfDate part;
};
constexpr auto kBeforeDate = std::to_array<DateFrame>({{"the end of ", PartOfDate::End},
                                                       {"the beginning of ", PartOfDate::Start},
                                                       {"the start of ", PartOfDate::Start},
                                                       {"the middle of ", PartOfDate::Vague},
                                                       {"end of ", PartOfDate::End},
                                                       {"beginning of ", PartOfDate::Start},
                                                       {"start of ", PartOfDate::Start},
                                                       {"mid-", PartOfDate::Vague},
                                                       {"mid ", PartOfDate::Vague},
                                                       {"early ", PartOfDate::Vague},
                                                       {"late ", PartOfDate::Vague},
                                                       {"about ", PartOfDate::Vague},
                                                       {"the year ", PartOfDate::Whole},
                                                       {"the ", PartOfDate::Whole}});
constexpr auto kMonthsOfBounds = std::to_array<std::string_view>(
    {"january",   "february", "march",    "april",    "may",  "june", "july", "august",
     "september", "october",  "november", "december", "jan",  "feb",  "mar",  "apr",
     "jun",       "jul",      "aug",      "sep",      "sept", "oct",  "nov",  "dec"});
constexpr auto kDaysByName = std::to_array<std::string_view>(
    {"today", "tomorrow", "yesterday", "now", "last year", "last month", "last week", "this year",
     "this month", "this week", "next year", "next month", "next week"});
constexpr auto kSecondDate = std::to_array<std::string_view>(
    {" and ", " to ", " until ", " till ", " through ", " – ", " - "});

bool isDigitOf(std::string_view text, std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

std::size_t endOfSpaces(std::string_view text, std::size_t at) {
    while (at < text.size() && text[at] == ' ') ++at;
    return at;
}

/// End of a year that begins at byte `at`; `at` itself: there is none.
std::size_t endOfYear(std::string_view text, std::size_t at) {
    constexpr std::size_t kDigits = 4;
    std::size_t end = at;
    while (isDigitOf(text, end)) ++end;
    const std::string_view year = text.substr(at, end - at);
    return year.size() == kDigits && year >= "1500"sv && year <= "2199"sv ? end : at;
}

/// The same for a month by its name, with its year or without.
std::size_t endOfMonth(std::string_view lower, std::size_t at) {
    const std::size_t length = beginning(lower.substr(at), kMonthsOfBounds);
    if (length == 0) return at;
    const std::size_t end = at + length;
    const std::size_t next = endOfSpaces(lower, end);
    const std::size_t year = endOfYear(lower, next);
    return year > next ? year : end;
}

/// "5", "5th", "5th of" before a month.
std::size_t endOfDay(std::string_view lower, std::size_t at) {
    std::size_t end = at;
    while (isDigitOf(lower, end)) ++end;
    if (end == at || end - at > 2) return at;
    for (const std::string_view ending : {"st"sv, "nd"sv, "rd"sv, "th"sv}) {
        if (!lower.substr(end).starts_with(ending)) continue;
        end += ending.size();
        break;
    }
    end = endOfSpaces(lower, end);
    if (lower.substr(end).starts_with("of ")) end = endOfSpaces(lower, end + "of "sv.size());
    return end;
}

/// End of whatever is a date at byte `at`; `at` itself: nothing is.
std::size_t endOfDate(std::string_view text, std::string_view lower, std::size_t at) {
    if (at >= text.size()) return at;
    for (const auto& match : retrieval::findPattern(retrieval::Pattern::Date, text.substr(at))) {
        if (match.span.startByte == 0) return at + match.span.endByte;
    }
    if (const std::size_t length = beginning(lower.substr(at), kDaysByName); length > 0) {
        return at + length;
    }
    if (const std::size_t month = endOfMonth(lower, at); month > at) return month;
    if (const std::size_t day = endOfDay(lower, at); day > at) {
        if (const std::size_t month = endOfMonth(lower, day); month > day) return month;
    }
    return endOfYear(lower, at);
}

/// Where the date begins behind words such as "the end of"; tells which part of it they mean.
std::size_t behindFrame(std::string_view lower, std::size_t at, PartOfDate& part) {
    at = endOfSpaces(lower, at);
    part = PartOfDate::Whole;
    for (const DateFrame& frame : kBeforeDate) {
        if (!lower.substr(at).starts_with(frame.words)) continue;
        part = frame.part;
        return at + frame.words.size();
    }
    return at;
}

// ------------------------------------------------------------------------------------------- days

constexpr int kYearPlace = 10'000;
constexpr int kMonthPlace = 100;

int numberOfDay(std::string_view iso) {
    int number = 0;
    for (const char c : iso) {
        if (c != '-') number = number * 10 + (c - '0');
    }
    return number;
}

DayRange rangeOf(const AskedDays::Range& range) {
    return {numberOfDay(range.from), numberOfDay(range.to)};
}

/// A date of a question as it names it, which may lack its year.
std::optional<AskedDays> namedDays(std::string_view text) {
    for (const auto& match : retrieval::findPattern(retrieval::Pattern::Date, text)) {
        const auto days = match.span.startByte == 0 ? daysOfDate(match.value) : std::nullopt;
        if (!days) break;
        const bool isMonth = match.value.size() == std::string_view("2026-03").size();
        return AskedDays{
            days->from / kYearPlace, static_cast<unsigned>(days->from / kMonthPlace % kMonthPlace),
            isMonth ? 0 : static_cast<unsigned>(days->from % kMonthPlace), text.size()};
    }
    return daysAtStart(text);
}

/// The range that a part of it means: its end and its start are moments.
std::optional<DayRange> daysOfPart(const AskedDays& days, PartOfDate part) {
    const auto range = days.range();
    if (!range || part == PartOfDate::Vague) return std::nullopt;
    DayRange whole = rangeOf(*range);
    if (part == PartOfDate::End) whole.from = whole.until;
    if (part == PartOfDate::Start) whole.until = whole.from;
    return whole;
}

std::optional<DayRange> boundedBy(Bounding bounding, const std::optional<DayRange>& first,
                                  const std::optional<DayRange>& second) {
    if (!first) return std::nullopt;
    switch (bounding) {
        case Bounding::Before: return DayRange{DayRange::kNoFirst, first->from};
        case Bounding::UpTo: return DayRange{DayRange::kNoFirst, first->until};
        case Bounding::From: return DayRange{first->from, DayRange::kNoLast};
        case Bounding::After: return DayRange{first->until, DayRange::kNoLast};
        case Bounding::Between:
            if (!second || second->until <= first->from) return std::nullopt;
            return DayRange{first->from, second->until};
        case Bounding::Unclear: return std::nullopt;
    }
    return std::nullopt;
}

/// "Between January and June 2020": the year of one is that of the other.
void shareYear(std::optional<AskedDays>& first, std::optional<AskedDays>& second) {
    if (!first || !second) return;
    if (second->year == 0) second->year = first->year;
    if (first->year != 0) return;
    const bool isYearBefore = first->month > second->month;
    first->year = second->year - (isYearBefore && second->year > 0 ? 1 : 0);
}

/// A date, and where it ends.
struct DatePlace {
    std::size_t start = 0;
    std::size_t end = 0;
    PartOfDate part = PartOfDate::Whole;
};

/// "and 2027" behind a first date; none ends where that ends.
DatePlace secondDate(std::string_view text, std::string_view lower, std::size_t end) {
    for (const std::string_view between : kSecondDate) {
        if (!lower.substr(end).starts_with(between)) continue;
        DatePlace second;
        second.start = behindFrame(lower, end + between.size(), second.part);
        second.end = endOfDate(text, lower, second.start);
        if (second.end > second.start) return second;
    }
    return {end, end};
}

std::string withoutPart(std::string_view text, std::size_t start, std::size_t end) {
    std::string rest(text.substr(0, start));
    while (rest.ends_with(' ')) rest.pop_back();
    return rest + std::string(text.substr(end));
}

std::optional<DateBound> englishBound(std::string_view text) {
    const std::string lower = lowerCased(text);
    for (const auto& [comparing, meaning] : kComparing) {
        for (std::size_t at = findWords(lower, comparing); at != std::string::npos;
             at = findWords(lower, comparing, at + 1)) {
            DatePlace first;
            first.start = behindFrame(lower, at + comparing.size(), first.part);
            first.end = endOfDate(text, lower, first.start);
            if (first.end == first.start) continue;
            const DatePlace second = secondDate(text, lower, first.end);
            const bool hasSecond = second.end > first.end;
            const std::size_t onwards =
                beginning(std::string_view(lower).substr(endOfSpaces(lower, second.end)),
                          {"onwards"sv, "onward"sv, "on"sv, "or later"sv, "or earlier"sv});
            if (comparing == "from" && !hasSecond && onwards == 0) continue;
            if (comparing == "between" && !hasSecond) continue;
            const std::size_t last =
                onwards == 0 ? second.end : endOfSpaces(lower, second.end) + onwards;
            Bounding bounding = meaning;
            if (hasSecond) {
                const bool isSpan = comparing == "between" || comparing == "from";
                bounding = isSpan ? Bounding::Between : Bounding::Unclear;
            }
            auto from = namedDays(text.substr(first.start, first.end - first.start));
            auto to = hasSecond ? namedDays(text.substr(second.start, second.end - second.start))
                                : std::nullopt;
            shareYear(from, to);
            return DateBound{
                withoutPart(text, at, last),
                boundedBy(bounding, from ? daysOfPart(*from, first.part) : std::nullopt,
                          to ? daysOfPart(*to, second.part) : std::nullopt)};
        }
    }
    return std::nullopt;
}

// ---------------------------------------------------------------------------------------- Chinese

constexpr auto kLeadingBounds = std::to_array<BoundingWords>({{"不晚于", Bounding::UpTo},
                                                              {"不早于", Bounding::From},
                                                              {"早于", Bounding::Before},
                                                              {"晚于", Bounding::After},
                                                              {"截至", Bounding::UpTo},
                                                              {"截止到", Bounding::UpTo},
                                                              {"截止", Bounding::UpTo},
                                                              {"自从", Bounding::From},
                                                              {"自", Bounding::From},
                                                              {"从", Bounding::From}});
constexpr auto kTrailingBounds = std::to_array<BoundingWords>({{"（含）之前", Bounding::UpTo},
                                                               {"或之前", Bounding::UpTo},
                                                               {"或以前", Bounding::UpTo},
                                                               {"或之后", Bounding::From},
                                                               {"或以后", Bounding::From},
                                                               {"之前", Bounding::Before},
                                                               {"以前", Bounding::Before},
                                                               {"之后", Bounding::After},
                                                               {"以后", Bounding::After},
                                                               {"以来", Bounding::From},
                                                               {"及以后", Bounding::From},
                                                               {"及以前", Bounding::UpTo},
                                                               {"为止", Bounding::UpTo},
                                                               {"起", Bounding::From},
                                                               {"前", Bounding::Before},
                                                               {"后", Bounding::After}});

/// End of a Chinese date with its unit; tells whether its end or its start is meant.
std::size_t endOfChineseDate(std::string_view text, std::size_t at, PartOfDate& part) {
    part = PartOfDate::Whole;
    std::size_t end = endOfDate(text, text, at);
    if (end == at) {
        // "6月" behind "1月到": a month of the same year.
        const auto days = daysAtStart(text.substr(at));
        if (!days || days->month == 0) return at;
        end = at + days->size;
    }
    for (const auto& [unit, means] :
         {std::pair("年"sv, PartOfDate::Whole), std::pair("底"sv, PartOfDate::End),
          std::pair("末"sv, PartOfDate::End), std::pair("初"sv, PartOfDate::Start)}) {
        if (!text.substr(end).starts_with(unit)) continue;
        end += unit.size();
        part = means == PartOfDate::Whole ? part : means;
    }
    return end;
}

/// "至2020年6月之间" behind a first date.
std::optional<DatePlace> secondChineseDate(std::string_view text, std::size_t end,
                                           std::size_t& behind) {
    for (const std::string_view between : {"到"sv, "至"sv, "和"sv, "与"sv, "-"sv, "—"sv, "~"sv}) {
        if (!text.substr(end).starts_with(between)) continue;
        DatePlace second;
        second.start = endOfSpaces(text, end + between.size());
        second.end = endOfChineseDate(text, second.start, second.part);
        if (second.end == second.start) continue;
        behind = endOfSpaces(text, second.end);
        for (const std::string_view frame : {"之间"sv, "期间"sv, "间"sv}) {
            if (!text.substr(behind).starts_with(frame)) continue;
            behind += frame.size();
            return second;
        }
        return second;
    }
    return std::nullopt;
}

std::optional<DateBound> chineseBound(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) continue;
        if (at > 0 && isDigitOf(text, at - 1)) continue;
        if (endOfDate(text, text, at) == at) continue;
        PartOfDate part = PartOfDate::Whole;
        const std::size_t dateEnd = endOfChineseDate(text, at, part);
        const std::size_t end = endOfSpaces(text, dateEnd);
        std::string_view before = text.substr(0, at);
        while (before.ends_with(' ')) before.remove_suffix(1);
        const auto leading =
            std::find_if(kLeadingBounds.begin(), kLeadingBounds.end(),
                         [&](const auto& each) { return before.ends_with(each.words); });
        const bool hasLeading = leading != kLeadingBounds.end();
        const std::size_t start = hasLeading ? before.size() - leading->words.size() : at;
        auto from = namedDays(text.substr(at, dateEnd - at));
        std::size_t behind = end;
        if (const auto second = secondChineseDate(text, end, behind)) {
            auto to = namedDays(text.substr(second->start, second->end - second->start));
            shareYear(from, to);
            return DateBound{
                withoutPart(text, start, behind),
                boundedBy(Bounding::Between, from ? daysOfPart(*from, part) : std::nullopt,
                          to ? daysOfPart(*to, second->part) : std::nullopt)};
        }
        const auto trailing = std::find_if(
            kTrailingBounds.begin(), kTrailingBounds.end(),
            [&](const auto& each) { return text.substr(end).starts_with(each.words); });
        const bool hasTrailing = trailing != kTrailingBounds.end();
        // "从2024年的…" says of when something is.
        const bool isFrom = hasLeading && (leading->words == "自" || leading->words == "从");
        if (!hasTrailing && (!hasLeading || isFrom)) continue;
        Bounding bounding = hasLeading ? leading->bounding : trailing->bounding;
        // "2021年以后" has the year itself, other than a day.
        const auto named = daysAtStart(text.substr(at));
        const bool isYear = named && named->year > 0 && named->month == 0;
        if (!hasLeading && isYear && part == PartOfDate::Whole && trailing->words == "以后") {
            bounding = Bounding::From;
        }
        return DateBound{
            withoutPart(text, start, hasTrailing ? end + trailing->words.size() : end),
            boundedBy(bounding, from ? daysOfPart(*from, part) : std::nullopt, std::nullopt)};
    }
    return std::nullopt;
}

std::string shownNumber(int day) {
    const auto two = [](int n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
    return std::to_string(day / kYearPlace) + "-" + two(day / kMonthPlace % kMonthPlace) + "-" +
           two(day % kMonthPlace);
}

int dayBefore(int day) {
    using namespace std::chrono;
    const year_month_day date{year{day / kYearPlace},
                              month{static_cast<unsigned>(day / kMonthPlace % kMonthPlace)},
                              std::chrono::day{static_cast<unsigned>(day % kMonthPlace)}};
    const year_month_day before{sys_days(date) - days(1)};
    return static_cast<int>(before.year()) * kYearPlace +
           static_cast<int>(static_cast<unsigned>(before.month())) * kMonthPlace +
           static_cast<int>(static_cast<unsigned>(before.day()));
}

}  // namespace

std::optional<DateBound> dateBoundOf(std::string_view question) {
    return isChinese(question) ? chineseBound(question) : englishBound(question);
}

std::optional<DayRange> daysOfDate(std::string_view written) {
    constexpr std::string_view kForm = "0000-00-00";
    if (written.size() != 4 && written.size() != 7 && written.size() != kForm.size()) return {};
    for (std::size_t i = 0; i < written.size(); ++i) {
        if ((kForm[i] == '-') != (written[i] == '-')) return {};
        if (kForm[i] != '-' && !isDigitOf(written, i)) return {};
    }
    AskedDays days;
    days.year = numberOfDay(written.substr(0, 4));
    if (written.size() > 4) days.month = static_cast<unsigned>(numberOfDay(written.substr(5, 2)));
    if (written.size() > 7) days.day = static_cast<unsigned>(numberOfDay(written.substr(8)));
    const auto range = days.range();
    return range ? std::optional(rangeOf(*range)) : std::nullopt;
}

std::string shownRange(const DayRange& days, bool isChinese) {
    const bool hasFirst = days.from != DayRange::kNoFirst;
    const bool hasLast = days.until != DayRange::kNoLast;
    if (hasFirst && hasLast) {
        const std::string first = shownNumber(days.from);
        const std::string last = shownNumber(dayBefore(days.until));
        return isChinese ? "在 " + first + " 至 " + last + " 之间"
                         : "from " + first + " to " + last;
    }
    if (hasFirst) {
        const std::string first = shownNumber(days.from);
        return isChinese ? "不早于 " + first : "on or after " + first;
    }
    const std::string last = shownNumber(days.until);
    return isChinese ? "早于 " + last : "before " + last;
}

}  // namespace conclave::services
