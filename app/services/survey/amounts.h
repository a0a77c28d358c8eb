// amounts.h: numbers of a text with what they are numbers of.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace conclave::services {

/// A sum of money, a share or a number with its unit; or a day.
struct Amount {
    enum class Kind { Money, Share, Number, Date } kind = Kind::Number;
    double value = 0.0;  ///< of Date: 20261015, so that later is more
    std::string unit;    ///< "EUR", "%", the stem of "months"; empty: none is said
    std::string text;    ///< as it is to be shown: "1,200 EUR", "3 months", "2026-10-15"
    std::size_t startByte = 0;
    std::size_t endByte = 0;
};

/// Of one kind, from left to right. Days are whole dates alone; numbers are those that are no part
/// of a date, a time or a name.
[[nodiscard]] std::vector<Amount> amountsIn(std::string_view text, Amount::Kind kind);

/// Whatever comes first: money, a share or a number.
[[nodiscard]] std::optional<Amount> firstAmountIn(std::string_view text);

/// With separators and at most two decimals, as "1,428.33 EUR".
[[nodiscard]] std::string amountText(double value, const std::string& unit);

}  // namespace conclave::services
