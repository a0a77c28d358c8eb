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
    const auto byteAt = [&](std::size_t i) {
        return char32_t{static_cast<unsigned char>(text[position + i])};
    };
    const char32_t byte = byteAt(0);
    if (byte < 0x80U) {
        ++position;
        return byte;
    }
    // Three bytes, as of Chinese, where none of the rarer rules applies.
    if (byte > 0xE0U && byte < 0xEDU && text.size() - position >= 3 &&
        (byteAt(1) & 0xC0U) == 0x80U && (byteAt(2) & 0xC0U) == 0x80U) {
        const char32_t codePoint =
            (byte & 0x0FU) << 12U | (byteAt(1) & 0x3FU) << 6U | (byteAt(2) & 0x3FU);
        position += 3;
        return codePoint;
    }
    return nextLongCodePoint(text, position);
}

void appendUtf8(std::string& text, char32_t codePoint);

}  // namespace conclave
