// chinese_numbers.h: numbers and dates as Chinese writes them, in characters or mixed with digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace conclave::retrieval {

struct ChineseNumber {
    std::int64_t value = 0;
    std::size_t endByte = 0;
    bool hasCharacters = false;  ///< not of digits alone
    int nDigits = 0;             ///< of a number written digit by digit (二〇二六); else 0
};

/// The number that begins at byte `at`: 三万五千, 3万5千, 二〇二六, 壹拾贰, 35; none if there
/// is none, or if it is larger than anybody writes.
[[nodiscard]] std::optional<ChineseNumber> chineseNumberAt(std::string_view text, std::size_t at);

struct ChineseDate {
    int year = 0;  ///< 0: not said
    int month = 0;
    int day = 0;  ///< 0: not said
    std::size_t endByte = 0;
};

/// 2026年5月26日, 二〇二六年五月二十六日, 5月26号, 2026 年 5 月; none for a month alone.
[[nodiscard]] std::optional<ChineseDate> chineseDateAt(std::string_view text, std::size_t at);

/// True if a character of such a number ends right before byte `at`, so that none begins there.
[[nodiscard]] bool endsWithChineseNumber(std::string_view text, std::size_t at);

}  // namespace conclave::retrieval
