// char_class.h: what pre-tokenizers ask about a character.
#pragma once

#include <cstdint>

namespace conclave::engine {

/// Unicode's general categories, folded into the groups that pre-tokenizer patterns name.
enum CharClass : std::uint16_t {
    kUpper = 1u << 0u,        ///< \p{Lu} and \p{Lt}
    kLower = 1u << 1u,        ///< \p{Ll}
    kOtherLetter = 1u << 2u,  ///< \p{Lm} and \p{Lo}
    kMark = 1u << 3u,         ///< \p{M}
    kNumber = 1u << 4u,       ///< \p{N}
    kPunctuation = 1u << 5u,  ///< \p{P}
    kSymbol = 1u << 6u,       ///< \p{S}
    kSpace = 1u << 7u,        ///< \s
    kNewline = 1u << 8u,      ///< carriage return and line feed; these are kSpace too
};
inline constexpr std::uint16_t kLetter = kUpper | kLower | kOtherLetter;

/// Groups of the characters below U+10000, made from ICU's tables when first needed.
[[nodiscard]] const std::uint16_t* basicCharClasses();
[[nodiscard]] std::uint16_t computeCharClass(char32_t codePoint);

/// Groups of a code point, or'ed; 0 for control characters and what is not assigned.
[[nodiscard]] inline std::uint16_t charClass(char32_t codePoint) {
    constexpr char32_t kBasicEnd = 0x10000;
    static const std::uint16_t* const kBasic = basicCharClasses();
    return codePoint < kBasicEnd ? kBasic[codePoint] : computeCharClass(codePoint);
}

}  // namespace conclave::engine
