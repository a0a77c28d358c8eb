// ascii.h: what readers of formats ask about single bytes, whatever the language of the text.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace conclave::retrieval::extractor {

[[nodiscard]] inline bool isAsciiSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Letters A-Z as a-z; others stay.
[[nodiscard]] inline std::string asciiLower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    return result;
}

/// Without spaces, tabs and line ends at both ends.
[[nodiscard]] inline std::string_view asciiTrimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// -1 for what is no hexadecimal digit.
[[nodiscard]] inline int hexValue(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

template <std::size_t N>
[[nodiscard]] bool isOneOf(std::string_view word, const std::array<std::string_view, N>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace conclave::retrieval::extractor
