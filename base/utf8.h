// utf8.h: the little that every part must know about UTF-8.
//
// Inside Conclave text is UTF-8 and positions are byte offsets at character boundaries; JSON and
// other outer interfaces count Unicode code points, the window UTF-16 units.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace conclave {

/// Number of leading bytes of `text` that end at a character boundary: what may be shown while the
/// rest of a character is still to come. Invalid bytes count as complete.
[[nodiscard]] std::size_t completeUtf8Prefix(std::string_view text);

[[nodiscard]] bool isValidUtf8(std::string_view text);

/// `text` with every invalid sequence replaced by U+FFFD, as the Unicode standard recommends.
[[nodiscard]] std::string toValidUtf8(std::string_view text);

/// Code points in valid UTF-8.
[[nodiscard]] std::size_t countCodePoints(std::string_view text);

/// Byte offset of code point number `index`, clamped to the end of the text.
[[nodiscard]] std::size_t byteOffsetOf(std::string_view text, std::size_t index);

/// nextCodePoint() of what is not ASCII.
[[nodiscard]] char32_t nextLongCodePoint(std::string_view text, std::size_t& position);

/// Decodes the character at `position` and moves past it; U+FFFD for an invalid byte.
[[nodiscard]] inline char32_t nextCodePoint(std::string_view text, std::size_t& position) {
    const auto byte = static_cast<unsigned char>(text[position]);
    if (byte >= 0x80U) return nextLongCodePoint(text, position);
    ++position;
    return byte;
}

void appendUtf8(std::string& text, char32_t codePoint);

}  // namespace conclave
