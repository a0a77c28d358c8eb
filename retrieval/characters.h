// characters.h: what kind of character a code point is, as analysis, chunking and citation see it.
#pragma once

#include <cstdint>

namespace conclave::retrieval {

enum class CharacterKind : std::uint8_t {
    Separator,   ///< space, punctuation, symbol
    Word,        ///< letter, mark or digit of a script that separates words
    Cjk,         ///< Han, Kana, Hangul, Bopomofo: indexed by character and pair
    Unspaced,    ///< Thai, Lao, Khmer, Myanmar: words are found by dictionary
    Ignorable,   ///< soft hyphen, joiners, variation selectors: part of the word, not of the term
    Apostrophe,  ///< ' and its typographic form
};

struct CharacterClass {
    CharacterKind kind = CharacterKind::Separator;
    bool isFolded = true;  ///< its own NFKC case folding, and never joins the character before
    bool isUpper = false;
    bool isLower = false;
    bool isDigit = false;
};

/// Any code point; those above U+10FFFF are separators. One table look-up for the first 64 Ki.
[[nodiscard]] CharacterClass classifyByTable(char32_t codePoint);

/// Most of Chinese.
[[nodiscard]] inline bool isIdeograph(char32_t codePoint) {
    constexpr char32_t kFirst = 0x4E00;
    constexpr char32_t kAll = 0x5200;
    return codePoint - kFirst < kAll;
}

/// The same, without a call for most of Chinese.
[[nodiscard]] inline CharacterClass classify(char32_t codePoint) {
    if (isIdeograph(codePoint)) return {.kind = CharacterKind::Cjk};
    return classifyByTable(codePoint);
}

[[nodiscard]] bool isCjk(char32_t codePoint);
[[nodiscard]] bool isLongSpace(char32_t codePoint);  ///< isSpace() of what is not ASCII
/// Unicode white space.
[[nodiscard]] inline bool isSpace(char32_t codePoint) {
    if (codePoint < 0x80) return codePoint == ' ' || (codePoint >= '\t' && codePoint <= '\r');
    return isLongSpace(codePoint);
}

}  // namespace conclave::retrieval
