// word_patterns.h: the patterns that cut words for GPT-2, GPT-4 and their descendants, as matchers.
//
// A matcher gives the number of characters at `position` that make a word (0: none) in
// [position, end). Included by pre_tokenizer.cpp alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/tokenizer/char_class.h"
#include "engine/tokenizer/lenient_utf8.h"

namespace conclave::engine {

/// A text's characters, decoded once for all stages.
struct CharSequence {
    std::vector<char32_t> codePoints;
    std::vector<std::uint16_t> classes;
    std::vector<std::size_t> offsets;  ///< in bytes; one more than there are characters

    explicit CharSequence(std::string_view text)
        : codePoints(text.size()), classes(text.size()), offsets(text.size() + 1) {
        std::size_t n = 0;
        for (std::size_t position = 0; position < text.size(); ++n) {
            offsets[n] = position;
            codePoints[n] = nextLenientCodePoint(text, position);
            classes[n] = charClass(codePoints[n]);
        }
        offsets[n] = text.size();
        codePoints.resize(n);
        classes.resize(n);
        offsets.resize(n + 1);
    }

    [[nodiscard]] bool is(std::size_t i, std::uint16_t bits) const {
        return (classes[i] & bits) != 0;
    }
};

namespace patterns {

/// First position in [position, end) whose character does not satisfy `belongs`.
template <typename Belongs>
std::size_t skipWhile(std::size_t position, std::size_t end, Belongs&& belongs) {
    while (position < end && belongs(position)) ++position;
    return position;
}

inline std::size_t skipClass(const CharSequence& chars, std::size_t position, std::size_t end,
                             std::uint16_t bits) {
    return skipWhile(position, end, [&](std::size_t i) { return chars.is(i, bits); });
}

inline char32_t lowerAscii(char32_t c) { return c >= U'A' && c <= U'Z' ? c + 32 : c; }

/// 's 't 're 've 'm 'll 'd
inline std::size_t contraction(const CharSequence& chars, std::size_t position, std::size_t end,
                               bool ignoreCase) {
    const auto at = [&](std::size_t i) {
        const char32_t c = position + i < end ? chars.codePoints[position + i] : U'\0';
        return ignoreCase ? lowerAscii(c) : c;
    };
    if (at(0) != U'\'') return 0;
    switch (at(1)) {
        case U's':
        case U't':
        case U'm':
        case U'd': return 2;
        case U'r':
        case U'v': return at(2) == U'e' ? 3 : 0;
        case U'l': return at(2) == U'l' ? 3 : 0;
        default: return 0;
    }
}

/// \s+(?!\S)|\s+ : a run of spaces leaves its last one to the word that follows.
inline std::size_t spaces(const CharSequence& chars, std::size_t position, std::size_t end) {
    const std::size_t stop = skipClass(chars, position, end, kSpace);
    const std::size_t length = stop - position;
    return stop < end && length > 1 ? length - 1 : length;
}

/// \s*[\r\n]+ : spaces up to the last line end of their run; 0 without one.
inline std::size_t spacesToLineEnd(const CharSequence& chars, std::size_t position,
                                   std::size_t end) {
    std::size_t stop = skipClass(chars, position, end, kSpace);
    while (stop > position && !chars.is(stop - 1, kNewline)) --stop;
    return stop - position;
}

/// GPT-2: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
inline std::size_t gpt2Word(const CharSequence& chars, std::size_t position, std::size_t end) {
    if (const std::size_t length = contraction(chars, position, end, false)) return length;
    const bool hasSpace = chars.codePoints[position] == U' ' && position + 1 < end;
    const std::size_t first = hasSpace ? position + 1 : position;
    for (const std::uint16_t bits : {kLetter, std::uint16_t{kNumber}}) {
        if (chars.is(first, bits)) return skipClass(chars, first, end, bits) - position;
    }
    const auto isOther = [&](std::size_t i) { return !chars.is(i, kSpace | kLetter | kNumber); };
    if (isOther(first)) return skipWhile(first, end, isOther) - position;
    return spaces(chars, position, end);
}

/// How the patterns descended from GPT-4's differ.
struct Gpt4Style {
    std::size_t nDigits = 3;        ///< \p{N}{1,3} or \p{N}
    bool marksAreLetters = false;   ///< [\p{L}\p{M}]+ instead of \p{L}+
    bool cutsContractions = true;   ///< '(?i:s|t|re|ve|m|ll|d) is a word
    bool lineEndsFollow = true;     ///< line ends belong to the marks before them
    bool halvesLongSpaces = false;  ///< see halvedSpaces
};

/// \s{512}(?!\S)|\s{256}(?!\S)|…|\s{4}(?!\S)|\s{1,2}(?!\S)|\s
inline std::size_t halvedSpaces(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::size_t kLongest = 512;
    const std::size_t near = std::min(end, position + kLongest + 1);
    const std::size_t stop = skipClass(chars, position, near, kSpace);
    for (std::size_t length = kLongest; length > 1; length /= 2) {
        const bool isFree = position + length < stop || (position + length == stop && stop == end);
        if (isFree) return length;
    }
    return stop > position ? 1 : 0;
}

/// What may stand behind the marks of otherWord.
enum class MarksEnd { Plain, LineEnds, LineEndsAndSlashes };

///  ?[^\s\p{L}\p{N}]+[\r\n]*
inline std::size_t otherWord(const CharSequence& chars, std::size_t position, std::size_t end,
                             std::uint16_t excluded, MarksEnd marksEnd) {
    const bool hasSpace = chars.codePoints[position] == U' ' && position + 1 < end;
    const std::size_t first = hasSpace ? position + 1 : position;
    const std::size_t stop =
        skipWhile(first, end, [&](std::size_t i) { return !chars.is(i, excluded); });
    if (stop == first) return 0;
    if (marksEnd == MarksEnd::Plain) return stop - position;
    const bool withSlashes = marksEnd == MarksEnd::LineEndsAndSlashes;
    return skipWhile(stop, end,
                     [&](std::size_t i) {
                         return chars.is(i, kNewline) ||
                                (withSlashes && chars.codePoints[i] == U'/');
                     }) -
           position;
}

/// '(?i:s|t|re|ve|m|ll|d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|
/// \s*[\r\n]+|\s+(?!\S)|\s+
template <Gpt4Style style>
std::size_t gpt4Word(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::uint16_t kWord = style.marksAreLetters ? kLetter | kMark : kLetter;
    if constexpr (style.cutsContractions) {
        if (const std::size_t length = contraction(chars, position, end, true)) return length;
    }
    const bool hasLead = !chars.is(position, kNewline | kLetter | kNumber) && position + 1 < end &&
                         chars.is(position + 1, kWord);
    if (hasLead || chars.is(position, kWord)) {
        return skipClass(chars, position + 1, end, kWord) - position;
    }
    if (chars.is(position, kNumber)) {
        return skipClass(chars, position, std::min(end, position + style.nDigits), kNumber) -
               position;
    }
    constexpr MarksEnd kMarksEnd = style.lineEndsFollow ? MarksEnd::LineEnds : MarksEnd::Plain;
    if (const std::size_t length =
            otherWord(chars, position, end, kSpace | kWord | kNumber, kMarksEnd)) {
        return length;
    }
    if (const std::size_t length = spacesToLineEnd(chars, position, end)) return length;
    return style.halvesLongSpaces ? halvedSpaces(chars, position, end)
                                  : spaces(chars, position, end);
}

/// EXAONE-MoE: words with single spaces between them stay together, as
/// [^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+, and marks take one line end or slash,
/// as  ?[^\s\p{L}\p{N}]+[\r\n/]? ; the rest is GPT-4's with single digits.
inline std::size_t joinedWords(const CharSequence& chars, std::size_t position, std::size_t end) {
    if (const std::size_t length = contraction(chars, position, end, true)) return length;
    const bool hasLead = !chars.is(position, kNewline | kLetter | kNumber) && position + 1 < end &&
                         chars.is(position + 1, kLetter);
    std::size_t stop = hasLead ? position + 1 : position;
    if (chars.is(stop, kLetter)) {
        do {
            stop = skipClass(chars, stop + 1, end, kLetter | kMark);
        } while (stop + 1 < end && chars.codePoints[stop] == U' ' && chars.is(stop + 1, kLetter) &&
                 (++stop, true));
        return stop - position;
    }
    if (chars.is(position, kNumber)) return 1;
    if (const std::size_t length =
            otherWord(chars, position, end, kSpace | kLetter | kNumber, MarksEnd::Plain)) {
        stop = position + length;
        const bool hasMore =
            stop < end && (chars.is(stop, kNewline) || chars.codePoints[stop] == U'/');
        return hasMore ? length + 1 : length;
    }
    if (const std::size_t length = spacesToLineEnd(chars, position, end)) return length;
    return spaces(chars, position, end);
}

/// L?UPPER*LOWER+|L?UPPER+LOWER* with L = [^\r\n\p{L}\p{N}], where letters without case and marks
/// count as both UPPER and LOWER.
inline std::size_t casedWord(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::uint16_t kBoth = kOtherLetter | kMark;
    /// End of UPPER*LOWER+; 0 if it does not match. Like a regex, UPPER* takes what it can and
    /// gives back only as much as LOWER+ needs.
    const auto endsSmall = [&](std::size_t first) -> std::size_t {
        std::size_t small = skipClass(chars, first, end, kUpper | kBoth);
        if (small == end || !chars.is(small, kLower)) {
            while (small > first && !chars.is(small - 1, kBoth)) --small;
            if (small == first) return 0;
            --small;
        }
        return skipClass(chars, small, end, kLower | kBoth);
    };
    /// End of UPPER+LOWER*; 0 if it does not match.
    const auto endsAny = [&](std::size_t first) -> std::size_t {
        const std::size_t capitals = skipClass(chars, first, end, kUpper | kBoth);
        return capitals > first ? skipClass(chars, capitals, end, kLower | kBoth) : 0;
    };
    const bool mayLead = !chars.is(position, kNewline | kLetter | kNumber) && position + 1 < end;
    std::size_t stop = mayLead ? endsSmall(position + 1) : 0;
    if (stop == 0) stop = endsSmall(position);
    if (stop == 0 && mayLead) stop = endsAny(position + 1);
    if (stop == 0) stop = endsAny(position);
    return stop > 0 ? stop - position : 0;
}

/// Mistral's Tekken and OpenAI's o200k, which split words where capitals follow small letters.
template <std::size_t nDigits, bool withContraction>
std::size_t o200kWord(const CharSequence& chars, std::size_t position, std::size_t end) {
    if (const std::size_t length = casedWord(chars, position, end)) {
        return withContraction ? length + contraction(chars, position + length, end, true) : length;
    }
    if (chars.is(position, kNumber)) {
        return skipClass(chars, position, std::min(end, position + nDigits), kNumber) - position;
    }
    if (const std::size_t length = otherWord(chars, position, end, kSpace | kLetter | kNumber,
                                             MarksEnd::LineEndsAndSlashes)) {
        return length;
    }
    if (const std::size_t length = spacesToLineEnd(chars, position, end)) return length;
    return spaces(chars, position, end);
}

}  // namespace patterns
}  // namespace conclave::engine
