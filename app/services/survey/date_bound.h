// date_bound.h: "before 5 March 2026", "since 2024", "2026年以前" in a question about texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace conclave::services {

/// Days as numbers, 20260305, so that later is more.
struct DayRange {
    static constexpr int kNoFirst = 0;
    static constexpr int kNoLast = 99'999'999;
    int from = kNoFirst;  ///< the first day
    int until = kNoLast;  ///< the first day behind

    [[nodiscard]] bool holds(const DayRange& other) const {
        return other.from >= from && other.until <= until;
    }
    [[nodiscard]] bool touches(const DayRange& other) const {
        return other.from < until && from < other.until;
    }
};

struct DateBound {
    std::string undated;           ///< the question without it, so that what is dated can be found
    std::optional<DayRange> days;  ///< that it means; none where its words leave a doubt
};

/// The first words of a question that compare with a day, a month or a year; none: it has no such
/// words. "In 2024" and "on 5 March" compare nothing.
[[nodiscard]] std::optional<DateBound> dateBoundOf(std::string_view question);

/// The days of a date as patterns write it: "2026-03-05", "2026-03", "2026". None for another form.
[[nodiscard]] std::optional<DayRange> daysOfDate(std::string_view written);

/// "before 2026-03-05", "from 2026-01-01 to 2026-06-30", "早于 2026-03-05".
[[nodiscard]] std::string shownRange(const DayRange& days, bool isChinese);

}  // namespace conclave::services
