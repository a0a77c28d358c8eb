#include "retrieval/characters.h"

#include <array>

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

namespace conclave::retrieval {
namespace {

constexpr char32_t kTableSize = 0x10000;

constexpr std::uint8_t kKindMask = 0x07;
constexpr std::uint8_t kFolded = 0x08;
constexpr std::uint8_t kUpper = 0x10;
constexpr std::uint8_t kLower = 0x20;
constexpr std::uint8_t kDigit = 0x40;

const icu::Normalizer2* foldingNormalizer() {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(status);
    return U_SUCCESS(status) ? normalizer : nullptr;
}

/// Iteration, length and voicing marks, whose script is "common".
bool isCjkMark(char32_t c) {
    return (c >= 0x3005 && c <= 0x3007) || c == 0x303B || c == 0x30FC || c == 0xFF70 ||
           c == 0x3099 || c == 0x309A || c == 0xFF9E || c == 0xFF9F;
}

CharacterKind scriptKind(UChar32 c) {
    UErrorCode status = U_ZERO_ERROR;
    switch (uscript_getScript(c, &status)) {
        case USCRIPT_HAN:
        case USCRIPT_HIRAGANA:
        case USCRIPT_KATAKANA:
        case USCRIPT_HANGUL:
        case USCRIPT_BOPOMOFO: return CharacterKind::Cjk;
        case USCRIPT_THAI:
        case USCRIPT_LAO:
        case USCRIPT_KHMER:
        case USCRIPT_MYANMAR: return CharacterKind::Unspaced;
        default: return CharacterKind::Word;
    }
}

/// Symbols such as U+338F (kg) are words after compatibility folding.
bool foldsToWord(UChar32 c, const icu::Normalizer2& normalizer) {
    icu::UnicodeString folded;
    UErrorCode status = U_ZERO_ERROR;
    normalizer.normalize(icu::UnicodeString(c), folded, status);
    if (U_FAILURE(status) || folded.isEmpty() || folded == icu::UnicodeString(c)) return false;
    for (int32_t i = 0; i < folded.length(); i = folded.moveIndex32(i, 1)) {
        if (u_isalnum(folded.char32At(i))) return true;
    }
    return false;
}

CharacterKind computeKind(UChar32 c, const icu::Normalizer2& normalizer) {
    if (c == '\'' || c == 0x2019 || c == 0xFF07) return CharacterKind::Apostrophe;
    if (isCjkMark(static_cast<char32_t>(c))) return CharacterKind::Cjk;
    const auto mask = U_GET_GC_MASK(c);
    if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) != 0) {
        return CharacterKind::Ignorable;
    }
    if ((mask & (U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK)) != 0) return scriptKind(c);
    if ((mask & U_GC_S_MASK) != 0 && c > 0x7F && foldsToWord(c, normalizer)) {
        return CharacterKind::Word;
    }
    return CharacterKind::Separator;
}

std::uint8_t compute(UChar32 c) {
    const icu::Normalizer2* normalizer = foldingNormalizer();
    if (normalizer == nullptr) return kFolded;
    auto bits = static_cast<std::uint8_t>(computeKind(c, *normalizer));
    UErrorCode status = U_ZERO_ERROR;
    const bool isNormal = normalizer->isNormalized(icu::UnicodeString(c), status) != 0;
    // A mark may compose with the letter before it; the letter alone is as folded as it gets.
    if (isNormal && normalizer->hasBoundaryBefore(c) != 0) bits |= kFolded;
    if (u_isupper(c) != 0) bits |= kUpper;
    if (u_islower(c) != 0) bits |= kLower;
    if (u_isdigit(c) != 0) bits |= kDigit;
    return bits;
}

const std::array<std::uint8_t, kTableSize>& table() {
    static const auto values = [] {
        std::array<std::uint8_t, kTableSize> all{};
        for (char32_t c = 0; c < kTableSize; ++c) all[c] = compute(static_cast<UChar32>(c));
        return all;
    }();
    return values;
}

}  // namespace

CharacterClass classifyByTable(char32_t codePoint) {
    if (codePoint > 0x10FFFF) return {};
    const std::uint8_t bits =
        codePoint < kTableSize ? table()[codePoint] : compute(static_cast<UChar32>(codePoint));
    return {.kind = static_cast<CharacterKind>(bits & kKindMask),
            .isFolded = (bits & kFolded) != 0,
            .isUpper = (bits & kUpper) != 0,
            .isLower = (bits & kLower) != 0,
            .isDigit = (bits & kDigit) != 0};
}

bool isCjk(char32_t codePoint) {
    return codePoint >= 0x1100 && classify(codePoint).kind == CharacterKind::Cjk;
}

bool isLongSpace(char32_t codePoint) {
    // The property White_Space (PropList.txt), which ICU would look up character by character.
    return (codePoint >= 0x2000 && codePoint <= 0x200A) || codePoint == 0x3000 ||
           codePoint == 0xA0 || codePoint == 0x85 || codePoint == 0x2028 || codePoint == 0x2029 ||
           codePoint == 0x202F || codePoint == 0x205F || codePoint == 0x1680;
}

}  // namespace conclave::retrieval
