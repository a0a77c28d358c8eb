#include "engine/tokenizer/char_class.h"

#include <vector>

#include <unicode/uchar.h>

namespace conclave::engine {

std::uint16_t computeCharClass(char32_t codePoint) {
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

const std::uint16_t* basicCharClasses() {
    static const std::vector<std::uint16_t> kTable = [] {
        std::vector<std::uint16_t> table(0x10000);
        for (std::size_t c = 0; c < table.size(); ++c) {
            table[c] = computeCharClass(static_cast<char32_t>(c));
        }
        return table;
    }();
    return kTable.data();
}

}  // namespace conclave::engine
