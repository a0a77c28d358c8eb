// written_number.h: numbers as people write them: 1,234.50, 1.234,50, 1 234,50, 1'234.50.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace conclave {

/// What a point or a comma before three last digits is: "1.200" is said differently in texts that
/// write 1.200,50 and in those that write 1,200.50.
enum class DecimalMark { Unknown, Point, Comma };

/// End of the number that begins at byte `at`, with its groups, whatever parts them: points,
/// commas, apostrophes, or spaces before exactly three digits each. `at` itself: there is none.
[[nodiscard]] std::size_t endOfNumber(std::string_view text, std::size_t at);

/// The mark that the numbers of a text leave no doubt about, as 1.200,50 does; Unknown where there
/// are none, or where they disagree.
[[nodiscard]] DecimalMark decimalMarkOf(std::string_view text);

/// The number with a decimal point and nothing else: "1300.50" of "1.300,50". Where the mark is
/// Unknown, a single point or comma before exactly three digits parts groups ("1.200" is 1200, but
/// "0.125" and "1234.567" are not). None: no number is written so ("1.2.3", "1,23,4").
[[nodiscard]] std::optional<std::string> plainNumber(std::string_view number,
                                                     DecimalMark mark = DecimalMark::Unknown);

}  // namespace conclave
