#include "engine/tokenizer/char_class.h"

#include <array>

#include <unicode/uchar.h>

namespace conclave::engine {
namespace {

std::uint16_t lookUp(char32_t codePoint) {
    const auto c = static_cast<UChar32>(codePoint);
    std::uint16_t bits = 0;
    switch (u_charType(c)) {
        case U_UPPERCASE_LETTER:
        case U_TITLECASE_LETTER: bits = kUpper; break;
        case U_LOWERCASE_LETTER: bits = kLower; break;
        case U_MODIFIER_LETTER:
        case U_OTHER_LETTER: bits = kOtherLetter; break;
        case U_NON_SPACING_MARK:
        case U_ENCLOSING_MARK:
        case U_COMBINING_SPACING_MARK: bits = kMark; break;
        case U_DECIMAL_DIGIT_NUMBER:
        case U_LETTER_NUMBER:
        case U_OTHER_NUMBER: bits = kNumber; break;
        case U_DASH_PUNCTUATION:
        case U_START_PUNCTUATION:
        case U_END_PUNCTUATION:
        case U_CONNECTOR_PUNCTUATION:
        case U_OTHER_PUNCTUATION:
        case U_INITIAL_PUNCTUATION:
        case U_FINAL_PUNCTUATION: bits = kPunctuation; break;
        case U_MATH_SYMBOL:
        case U_CURRENCY_SYMBOL:
        case U_MODIFIER_SYMBOL:
        case U_OTHER_SYMBOL: bits = kSymbol; break;
        default: break;
    }
    if (u_isUWhiteSpace(c)) bits |= kSpace;
    if (c == '\n' || c == '\r') bits |= kNewline;
    return bits;
}

}  // namespace

std::uint16_t charClass(char32_t codePoint) {
    static const auto kAscii = [] {
        std::array<std::uint16_t, 128> table{};
        for (char32_t c = 0; c < table.size(); ++c) table[c] = lookUp(c);
        return table;
    }();
    return codePoint < kAscii.size() ? kAscii[codePoint] : lookUp(codePoint);
}

}  // namespace conclave::engine
