// lenient_utf8.h: bytes that are no UTF-8, read as llama.cpp reads them, so that its tokens are
// ours.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace conclave::engine {

/// Number of bytes that a character beginning with `first` claims; 1 for a byte that begins none.
[[nodiscard]] inline std::size_t claimedLength(char first) {
    const auto byte = static_cast<unsigned char>(first);
    if (byte < 0xC0u) return 1;
    return byte < 0xE0u ? 2 : byte < 0xF0u ? 3 : 4;
}

/// Decodes the character at `position` and moves past it. Its form alone
/// counts, so that overlong spellings and surrogates are characters, too; U+FFFD for each byte that
/// is not part of one, or of one past U+10FFFF (those llama.cpp refuses).
[[nodiscard]] inline char32_t nextLenientCodePoint(std::string_view text, std::size_t& position) {
    constexpr char32_t kReplacement = 0xFFFD;
    constexpr char32_t kLast = 0x10FFFF;
    const auto byteAt = [&](std::size_t i) {
        return char32_t{static_cast<unsigned char>(text[position + i])};
    };
    const char32_t lead = byteAt(0);
    if (lead < 0x80u) return ++position, lead;
    const std::size_t length = claimedLength(text[position]);
    const bool begins = lead >= 0xC0u && lead < 0xF8u && text.size() - position >= length;
    char32_t codePoint = lead & (0xFFu >> (length + 1));
    for (std::size_t i = 1; begins && i < length; ++i) {
        if ((byteAt(i) & 0xC0u) != 0x80u) return ++position, kReplacement;
        codePoint = codePoint << 6u | (byteAt(i) & 0x3Fu);
    }
    const bool isWhole = begins && codePoint <= kLast;
    position += isWhole ? length : 1;
    return isWhole ? codePoint : kReplacement;
}

/// `text` in the shortest spelling of the characters that nextLenientCodePoint() reads; none if it
/// is UTF-8 as it stands.
[[nodiscard]] std::optional<std::string> readLeniently(std::string_view text);

}  // namespace conclave::engine
