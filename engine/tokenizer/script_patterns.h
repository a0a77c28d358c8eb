// script_patterns.h: the patterns that cut by script, by digits and by marks: DeepSeek's,
// Kimi-K2's, BLOOM's and others. See word_patterns.h for what a matcher is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>

#include <unicode/uscript.h>

#include "engine/tokenizer/deepseek_letters.h"
#include "engine/tokenizer/word_patterns.h"

namespace conclave::engine::patterns {

inline bool isAsciiLetter(char32_t c) { return lowerAscii(c) >= U'a' && lowerAscii(c) <= U'z'; }

inline bool isAsciiPunctuation(char32_t c) {
    return (c >= U'!' && c <= U'/') || (c >= U':' && c <= U'@') || (c >= U'[' && c <= U'`') ||
           (c >= U'{' && c <= U'~');
}

/// DeepSeek-V3's third pattern:
/// [!-/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|
/// \s+(?!\S)|\s+   (where [!-/:-~] is ASCII punctuation only)
/// Spark's has each line end alone: [\r\n] for both \s*[\r\n]+ and the [\r\n]* behind marks.
template <bool lineEndsAlone>
std::size_t deepseekV3Word(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::uint16_t kWord = kLetter | kMark;
    constexpr std::uint16_t kOther = kPunctuation | kSymbol;
    const char32_t c = chars.codePoints[position];
    const bool hasNext = position + 1 < end;
    if (isAsciiPunctuation(c) && hasNext && isAsciiLetter(chars.codePoints[position + 1])) {
        return skipWhile(position + 1, end,
                         [&](std::size_t i) { return isAsciiLetter(chars.codePoints[i]); }) -
               position;
    }
    const bool hasLead = !chars.is(position, kNewline | kLetter | kOther) && hasNext &&
                         chars.is(position + 1, kWord);
    if (hasLead || chars.is(position, kWord)) {
        return skipClass(chars, position + 1, end, kWord) - position;
    }
    const std::size_t first = c == U' ' && hasNext ? position + 1 : position;
    if (chars.is(first, kOther)) {
        const std::size_t stop = skipClass(chars, first, end, kOther);
        return (lineEndsAlone ? stop : skipClass(chars, stop, end, kNewline)) - position;
    }
    if constexpr (lineEndsAlone) {
        return chars.is(position, kNewline) ? 1 : spaces(chars, position, end);
    }
    if (const std::size_t length = spacesToLineEnd(chars, position, end)) return length;
    return spaces(chars, position, end);
}

template <std::uint16_t bits, std::size_t longest>
std::size_t classRun(const CharSequence& chars, std::size_t position, std::size_t end) {
    return skipClass(chars, position, std::min(end, position + longest), bits) - position;
}
constexpr std::size_t kAnyLength = std::size_t{1} << 62u;

/// \s?X+ for the characters X that satisfy `belongs`.
template <typename Belongs>
std::size_t afterSpace(const CharSequence& chars, std::size_t position, std::size_t end,
                       Belongs&& belongs) {
    const bool hasSpace = chars.is(position, kSpace) && position + 1 < end && belongs(position + 1);
    const std::size_t first = hasSpace ? position + 1 : position;
    const std::size_t stop = skipWhile(first, end, belongs);
    return stop > first ? stop - position : 0;
}

inline std::size_t deepseekCoderLetters(const CharSequence& chars, std::size_t position,
                                        std::size_t end) {
    return afterSpace(chars, position, end, [&](std::size_t i) { return chars.is(i, kLetter); });
}

inline std::size_t deepseekCoderPunctuation(const CharSequence& chars, std::size_t position,
                                            std::size_t end) {
    return afterSpace(chars, position, end,
                      [&](std::size_t i) { return chars.is(i, kPunctuation); });
}

inline bool isDeepseekLetter(char32_t c) {
    const auto* const behind =
        std::upper_bound(std::begin(kDeepseekLetters), std::end(kDeepseekLetters), c,
                         [](char32_t value, CharRange range) { return value < range.first; });
    return behind != std::begin(kDeepseekLetters) && c <= std::prev(behind)->last;
}

inline std::size_t deepseekLlmLetters(const CharSequence& chars, std::size_t position,
                                      std::size_t end) {
    return afterSpace(chars, position, end,
                      [&](std::size_t i) { return isDeepseekLetter(chars.codePoints[i]); });
}

/// [!-/:-~！-／：-～‘-‟　-。]
inline std::size_t deepseekLlmPunctuation(const CharSequence& chars, std::size_t position,
                                          std::size_t end) {
    return afterSpace(chars, position, end, [&](std::size_t i) {
        const char32_t c = chars.codePoints[i];
        return (c >= U'!' && c <= U'/') || (c >= U':' && c <= U'~') ||
               (c >= 0xFF01 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF5E) ||
               (c >= 0x2018 && c <= 0x201F) || (c >= 0x3000 && c <= 0x3002);
    });
}

/// \s+$
inline std::size_t trailingSpaces(const CharSequence& chars, std::size_t position,
                                  std::size_t end) {
    const std::size_t stop = skipClass(chars, position, end, kSpace);
    return stop == end ? stop - position : 0;
}

/// [一-龥ࠀ-一가-퟿]
inline std::size_t deepseekCjk(const CharSequence& chars, std::size_t position, std::size_t end) {
    return skipWhile(position, end,
                     [&](std::size_t i) {
                         const char32_t c = chars.codePoints[i];
                         return (c >= 0x800 && c <= 0x9FA5) || (c >= 0xAC00 && c <= 0xD7FF);
                     }) -
           position;
}

/// [一-龥぀-ゟ゠-ヿ]
inline std::size_t deepseekV3Cjk(const CharSequence& chars, std::size_t position, std::size_t end) {
    return skipWhile(position, end,
                     [&](std::size_t i) {
                         const char32_t c = chars.codePoints[i];
                         return (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0x3040 && c <= 0x30FF);
                     }) -
           position;
}

/// [\p{P}\$\+<=>\^~\|]+, and ` with Falcon.
template <bool withBacktick>
std::size_t punctuationRun(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::u32string_view kMore = withBacktick ? U"$+<=>^~|`" : U"$+<=>^~|";
    return skipWhile(position, end,
                     [&](std::size_t i) {
                         return chars.is(i, kPunctuation) ||
                                kMore.find(chars.codePoints[i]) != std::u32string_view::npos;
                     }) -
           position;
}

/// [0-9][0-9][0-9]
inline std::size_t threeDigits(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::size_t kLength = 3;
    const auto isDigit = [&](std::size_t i) {
        return chars.codePoints[i] >= U'0' && chars.codePoints[i] <= U'9';
    };
    const std::size_t stop = skipWhile(position, std::min(end, position + kLength), isDigit);
    return stop - position == kLength ? kLength : 0;
}

/// Digits in threes from the right, 1|234|567: what is over comes first.
inline std::size_t digitGroup(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::size_t kLength = 3;
    if (!chars.is(position, kNumber)) return 0;
    // Behind a digit the run is a multiple already: to count it each time would cost its square.
    if (position > 0 && chars.is(position - 1, kNumber)) return std::min(kLength, end - position);
    const std::size_t rest = (skipClass(chars, position, end, kNumber) - position) % kLength;
    return rest > 0 ? rest : kLength;
}

/// Up to the next place that (?=(\d{3})+(?!\d)) finds: before threes of ASCII digits, counted from
/// the right of their run.
inline std::size_t toDigitGroup(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::size_t kLength = 3;
    const auto isDigit = [&](std::size_t i) {
        return chars.codePoints[i] >= U'0' && chars.codePoints[i] <= U'9';
    };
    std::size_t at = position;
    const bool isInside = isDigit(at) && at > 0 && isDigit(at - 1);
    if (isInside || (isDigit(at) && (skipWhile(at, end, isDigit) - at) % kLength == 0)) {
        at = std::min(end, at + kLength);
        if (at < end && isDigit(at)) return at - position;
    }
    while (at < end) {
        at = skipWhile(at, end, [&](std::size_t i) { return !isDigit(i); });
        const std::size_t stop = skipWhile(at, end, isDigit);
        if (stop - at >= kLength) return at + (stop - at) % kLength - position;
        at = stop;
    }
    return end - position;
}

/// [^\n]+|[\n]+
inline std::size_t lineOrLineEnds(const CharSequence& chars, std::size_t position,
                                  std::size_t end) {
    const bool isEnd = chars.codePoints[position] == U'\n';
    return skipWhile(position, end,
                     [&](std::size_t i) { return (chars.codePoints[i] == U'\n') == isEnd; }) -
           position;
}

/// BLOOM:  ?[^(\s|.,!?…。，、।۔،)]+
inline std::size_t bloomWord(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::u32string_view kCuts = U"(|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)";
    const auto belongs = [&](std::size_t i) {
        return !chars.is(i, kSpace) && kCuts.find(chars.codePoints[i]) == std::u32string_view::npos;
    };
    const bool hasSpace =
        chars.codePoints[position] == U' ' && position + 1 < end && belongs(position + 1);
    return skipWhile(hasSpace ? position + 1 : position, end, belongs) - position;
}

inline bool isHan(char32_t c) {
    constexpr char32_t kFirst = 0x2E80;
    UErrorCode problem = U_ZERO_ERROR;
    return c >= kFirst && uscript_getScript(static_cast<UChar32>(c), &problem) == USCRIPT_HAN;
}

/// Kimi-K2: \p{Han}+, then o200k's pattern with letters that are not Han and without slashes
/// behind marks.
inline std::size_t kimiWord(const CharSequence& chars, std::size_t position, std::size_t end) {
    const auto isHanAt = [&](std::size_t i) { return isHan(chars.codePoints[i]); };
    if (isHanAt(position)) return skipWhile(position, end, isHanAt) - position;
    const auto mayBelong = [&](std::size_t i) {
        return chars.is(i, kLetter | kMark) && !isHanAt(i);
    };
    const std::size_t wordEnd = skipWhile(position + 1, end, mayBelong);
    if (const std::size_t length = casedWord(chars, position, wordEnd)) {
        return length + contraction(chars, position + length, end, true);
    }
    constexpr std::size_t kMostDigits = 3;
    if (chars.is(position, kNumber)) {
        return skipClass(chars, position, std::min(end, position + kMostDigits), kNumber) -
               position;
    }
    if (const std::size_t length =
            otherWord(chars, position, end, kSpace | kLetter | kNumber, MarksEnd::LineEnds)) {
        return length;
    }
    if (const std::size_t length = spacesToLineEnd(chars, position, end)) return length;
    return spaces(chars, position, end);
}

/// The run of characters that lie in one of the ranges.
template <std::size_t nRanges>
std::size_t rangeRun(const CharSequence& chars, std::size_t position, std::size_t end,
                     const CharRange (&ranges)[nRanges]) {
    return skipWhile(position, end,
                     [&](std::size_t i) {
                         const char32_t c = chars.codePoints[i];
                         return std::any_of(
                             std::begin(ranges), std::end(ranges),
                             [&](CharRange each) { return c >= each.first && c <= each.last; });
                     }) -
           position;
}

/// Youtu:
/// [가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+
inline std::size_t youtuScript(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr CharRange kHangul[] = {{0xAC00, 0xD7A3}, {0x3131, 0x318E}};
    constexpr CharRange kMarks[] = {{0xFF01, 0xFF01}, {0x2026, 0x2026}, {0x201C, 0x201D},
                                    {0x2018, 0x2019}, {0x2014, 0x2014}, {0xFF1A, 0xFF1B},
                                    {0xFF0C, 0xFF0C}, {0x3001, 0x303F}, {0xFE30, 0xFE4F}};
    constexpr CharRange kBopomofo[] = {{0x3105, 0x312F}};
    if (const std::size_t length = rangeRun(chars, position, end, kHangul)) return length;
    if (const std::size_t length = rangeRun(chars, position, end, kMarks)) return length;
    if (const std::size_t length = rangeRun(chars, position, end, kBopomofo)) return length;
    return deepseekV3Cjk(chars, position, end);
}

/// AFMoE: the scripts of East and South East Asia that have no spaces between words.
inline std::size_t asianRun(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr CharRange kRanges[] = {{0x4E00, 0x9FFF}, {0x3400, 0x4DBF}, {0x8C48, 0xFAFF},
                                     {0x3040, 0x30FF}, {0xFF65, 0xFF9F}, {0x2F00, 0x2FDF},
                                     {0x0E40, 0x0EFF}, {0x1780, 0x17FF}, {0x1000, 0x109F},
                                     {0xAA60, 0xAA7F}, {0xA9E0, 0xA9FF}, {0x1100, 0x11FF}};
    return rangeRun(chars, position, end, kRanges);
}

/// True if `text` stands at `position`.
inline bool standsAt(const CharSequence& chars, std::size_t position, std::size_t end,
                     std::u32string_view text) {
    return end - position >= text.size() &&
           std::equal(text.begin(), text.end(),
                      chars.codePoints.begin() + static_cast<std::ptrdiff_t>(position));
}

/// Chameleon: <sentinel:[0-9]+>
inline std::size_t sentinel(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::u32string_view kBegin = U"<sentinel:";
    if (!standsAt(chars, position, end, kBegin)) return 0;
    const std::size_t first = position + kBegin.size();
    const std::size_t stop = skipWhile(first, end, [&](std::size_t i) {
        return chars.codePoints[i] >= U'0' && chars.codePoints[i] <= U'9';
    });
    return stop > first && stop < end && chars.codePoints[stop] == U'>' ? stop + 1 - position : 0;
}

/// Chameleon: IMGIMG[A-I]{1,4}Z
inline std::size_t imageMark(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::u32string_view kBegin = U"IMGIMG";
    constexpr std::size_t kMost = 4;
    if (!standsAt(chars, position, end, kBegin)) return 0;
    const std::size_t first = position + kBegin.size();
    const std::size_t stop = skipWhile(first, std::min(end, first + kMost), [&](std::size_t i) {
        return chars.codePoints[i] >= U'A' && chars.codePoints[i] <= U'I';
    });
    return stop > first && stop < end && chars.codePoints[stop] == U'Z' ? stop + 1 - position : 0;
}

/// Chameleon: [\t\n]|    |  (four spaces, then two)
inline std::size_t indent(const CharSequence& chars, std::size_t position, std::size_t end) {
    if (chars.codePoints[position] == U'\t' || chars.codePoints[position] == U'\n') return 1;
    if (standsAt(chars, position, end, U"    ")) return 4;
    return standsAt(chars, position, end, U"  ") ? 2 : 0;
}

/// Chameleon: [\p{P}!-/:-@\[-`{-~]
inline std::size_t oneMark(const CharSequence& chars, std::size_t position, std::size_t) {
    return chars.is(position, kPunctuation) || isAsciiPunctuation(chars.codePoints[position]) ? 1
                                                                                              : 0;
}

}  // namespace conclave::engine::patterns
