// table_days.h: days that a question names, and columns of days.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace conclave::services {

/// A day, a month or a year as a question says it. Month and day are 0 where it says none, the year
/// too.
struct AskedDays {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    std::size_t size = 0;  ///< bytes that it takes

    /// The first day, and the first one behind, as 2026-05-01. None without a year, and for a day
    /// that is none.
    struct Range {
        std::string from;
        std::string to;
    };
    [[nodiscard]] std::optional<Range> range() const;
};

/// What a text begins with: "1 May 2026", "May 1", "2026-05-01", "May", "2026", "5月1日", "2026年".
[[nodiscard]] std::optional<AskedDays> daysAtStart(std::string_view text);

/// The cells as 2026-05-01, if each that is not empty is a whole day and nothing else; else none.
[[nodiscard]] std::optional<std::vector<std::string>> daysOfCells(
    const std::vector<std::string>& cells);

}  // namespace conclave::services
