#include "app/services/survey/date_bound.h"

#include <algorithm>
#include <array>

#include "app/services/question.h"
#include "app/services/survey/question_words.h"
#include "retrieval/retrieval.h"

namespace conclave::services {
namespace {

using namespace std::string_view_literals;

/// Longer ones before those that they contain. "From 2024" alone says of when something is.
constexpr auto kComparing = std::to_array<std::string_view>({"on or before",
                                                             "on or after",
                                                             "no later than",
                                                             "not later than",
                                                             "no earlier than",
                                                             "not earlier than",
                                                             "later than",
                                                             "earlier than",
                                                             "prior to",
                                                             "older than",
                                                             "newer than",
                                                             "up to",
                                                             "as of",
                                                             "before",
                                                             "after",
                                                             "since",
                                                             "until",
                                                             "till",
                                                             "through",
                                                             "between",
                                                             "beyond",
                                                             "past",
                                                             "by",
                                                             "from"});
constexpr auto kBeforeDate = std::to_array<std::string_view>(
    {"the end of ", "the beginning of ", "the start of ", "the middle of ", "end of ",
     "beginning of ", "start of ", "mid-", "mid ", "early ", "late ", "about ", "the year ",
     "the "});
constexpr auto kMonths = std::to_array<std::string_view>(
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
    const std::size_t length = beginning(lower.substr(at), kMonths);
    if (length == 0) return at;
    const std::size_t end = at + length;
    const std::size_t next = endOfSpaces(lower, end);
    return std::max(end, endOfYear(lower, next));
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

std::size_t behindFrame(std::string_view lower, std::size_t at) {
    at = endOfSpaces(lower, at);
    for (const std::string_view frame : kBeforeDate) {
        if (lower.substr(at).starts_with(frame)) return at + frame.size();
    }
    return at;
}

/// End of "and 2027" behind a first date; `end` itself: there is none.
std::size_t endOfSecondDate(std::string_view text, std::string_view lower, std::size_t end) {
    for (const std::string_view between : kSecondDate) {
        if (!lower.substr(end).starts_with(between)) continue;
        const std::size_t at = behindFrame(lower, end + between.size());
        const std::size_t second = endOfDate(text, lower, at);
        if (second > at) return second;
    }
    return end;
}

std::string withoutPart(std::string_view text, std::size_t start, std::size_t end) {
    std::string rest(text.substr(0, start));
    while (rest.ends_with(' ')) rest.pop_back();
    return rest + std::string(text.substr(end));
}

std::optional<std::string> withoutEnglishBound(std::string_view text) {
    const std::string lower = lowerCased(text);
    for (const std::string_view comparing : kComparing) {
        for (std::size_t at = findWords(lower, comparing); at != std::string::npos;
             at = findWords(lower, comparing, at + 1)) {
            const std::size_t date = behindFrame(lower, at + comparing.size());
            const std::size_t end = endOfDate(text, lower, date);
            if (end == date) continue;
            const std::size_t second = endOfSecondDate(text, lower, end);
            const std::size_t onwards =
                beginning(std::string_view(lower).substr(endOfSpaces(lower, second)),
                          {"onwards"sv, "onward"sv, "on"sv, "or later"sv, "or earlier"sv});
            if (comparing == "from" && second == end && onwards == 0) continue;
            if (comparing == "between" && second == end) continue;
            const std::size_t last = onwards == 0 ? second : endOfSpaces(lower, second) + onwards;
            return withoutPart(text, at, last);
        }
    }
    return std::nullopt;
}

std::optional<std::string> withoutChineseBound(std::string_view text) {
    constexpr auto kLeading = std::to_array<std::string_view>(
        {"不晚于", "不早于", "早于", "晚于", "截至", "截止到", "截止", "自从", "自", "从"});
    constexpr auto kTrailing = std::to_array<std::string_view>(
        {"（含）之前", "或之前", "或以前", "或之后", "或以后", "之前", "以前", "之后", "以后",
         "以来", "及以后", "及以前", "为止", "起", "前", "后"});
    for (std::size_t at = 0; at < text.size(); ++at) {
        if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) continue;
        if (at > 0 && isDigitOf(text, at - 1)) continue;
        std::size_t end = endOfDate(text, text, at);
        if (end == at) continue;
        for (const std::string_view unit : {"年"sv, "底"sv, "末"sv, "初"sv}) {
            if (text.substr(end).starts_with(unit)) end += unit.size();
        }
        end = endOfSpaces(text, end);
        std::string_view before = text.substr(0, at);
        while (before.ends_with(' ')) before.remove_suffix(1);
        const auto leading = std::find_if(kLeading.begin(), kLeading.end(),
                                          [&](auto each) { return before.ends_with(each); });
        const auto trailing = std::find_if(kTrailing.begin(), kTrailing.end(), [&](auto each) {
            return text.substr(end).starts_with(each);
        });
        const bool hasLeading = leading != kLeading.end();
        const bool hasTrailing = trailing != kTrailing.end();
        // "从2024年的…" says of when something is.
        const bool isFrom = hasLeading && (*leading == "自" || *leading == "从");
        if (!hasTrailing && (!hasLeading || isFrom)) continue;
        const std::size_t start = hasLeading ? before.size() - leading->size() : at;
        return withoutPart(text, start, hasTrailing ? end + trailing->size() : end);
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> withoutDateBound(std::string_view question) {
    return isChinese(question) ? withoutChineseBound(question) : withoutEnglishBound(question);
}

}  // namespace conclave::services
