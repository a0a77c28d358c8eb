#include "retrieval/accents.h"

#include <algorithm>

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include "base/utf8.h"

namespace conclave::retrieval {
namespace {

/// The letters of the language's own alphabet, which a dictionary sorts apart.
std::u32string_view ownLetters(Language language) {
    switch (language) {
        case Language::Swedish:
        case Language::Finnish: return U"åäö";
        case Language::Danish:
        case Language::Norwegian: return U"åæø";
        case Language::Spanish: return U"ñ";
        case Language::Turkish: return U"çğıöşü";
        case Language::Hungarian: return U"áéíóöőúüű";
        default: return {};
    }
}

/// What Unicode takes for a letter of its own, though it is typed as another.
std::string_view plainLetter(char32_t c) {
    switch (c) {
        case U'ø': return "o";
        case U'Ø': return "O";
        case U'ł': return "l";
        case U'Ł': return "L";
        case U'đ': return "d";
        case U'Đ': return "D";
        case U'ı': return "i";
        case U'æ': return "ae";
        case U'œ': return "oe";
        default: return {};
    }
}

/// Null if ICU is without its data. Kept here, as the thread sanitizer cannot see the lock in ICU.
const icu::Normalizer2* decomposition() {
    static const icu::Normalizer2* const instance = [] {
        UErrorCode status = U_ZERO_ERROR;
        const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(status);
        return U_SUCCESS(status) ? nfd : nullptr;
    }();
    return instance;
}

std::string withoutAccentsBut(std::string_view text, std::u32string_view kept) {
    constexpr auto isLatin = [](char32_t c) {
        return (c >= 0xC0 && c <= 0x24F) || (c >= 0x1E00 && c <= 0x1EFF);
    };
    constexpr auto isCombining = [](char32_t c) { return c >= 0x300 && c <= 0x36F; };
    const bool isAscii = std::all_of(text.begin(), text.end(),
                                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    const icu::Normalizer2* const decomposing = isAscii ? nullptr : decomposition();
    if (decomposing == nullptr) return std::string(text);
    std::string plain;
    plain.reserve(text.size());
    icu::UnicodeString parts;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t start = i;
        const char32_t c = nextCodePoint(text, i);
        if (isCombining(c)) continue;
        const bool isKept = !isLatin(c) || kept.find(c) != std::u32string_view::npos;
        const bool isAccented =
            !isKept && decomposing->getDecomposition(static_cast<UChar32>(c), parts) != 0;
        if (const std::string_view letter = plainLetter(c); !isKept && !letter.empty()) {
            plain.append(letter);
        } else if (isAccented && parts.char32At(0) < 0x80) {
            plain.push_back(static_cast<char>(parts.char32At(0)));
        } else {
            plain.append(text.substr(start, i - start));
        }
    }
    return plain;
}

}  // namespace

std::string withoutAccents(std::string_view text) { return withoutAccentsBut(text, {}); }

std::string withoutAccents(std::string_view text, Language language) {
    return withoutAccentsBut(text, ownLetters(language));
}

}  // namespace conclave::retrieval
