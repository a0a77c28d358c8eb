#include "engine/tokenizer/pre_tokenizer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "base/utf8.h"
#include "engine/tokenizer/char_class.h"

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
            const auto byte = static_cast<unsigned char>(text[position]);
            codePoints[n] = byte < 0x80 ? (++position, byte) : nextCodePoint(text, position);
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

namespace {

using Matcher = PreTokenizer::Matcher;

/// First position in [position, end) whose character does not satisfy `belongs`.
template <typename Belongs>
std::size_t skipWhile(std::size_t position, std::size_t end, Belongs&& belongs) {
    while (position < end && belongs(position)) ++position;
    return position;
}

std::size_t skipClass(const CharSequence& chars, std::size_t position, std::size_t end,
                      std::uint16_t bits) {
    return skipWhile(position, end, [&](std::size_t i) { return chars.is(i, bits); });
}

char32_t lowerAscii(char32_t c) { return c >= U'A' && c <= U'Z' ? c + 32 : c; }

/// 's 't 're 've 'm 'll 'd
std::size_t contraction(const CharSequence& chars, std::size_t position, std::size_t end,
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
std::size_t spaces(const CharSequence& chars, std::size_t position, std::size_t end) {
    const std::size_t stop = skipClass(chars, position, end, kSpace);
    const std::size_t length = stop - position;
    return stop < end && length > 1 ? length - 1 : length;
}

/// \s*[\r\n]+ : spaces up to the last line end of their run; 0 without one.
std::size_t spacesToLineEnd(const CharSequence& chars, std::size_t position, std::size_t end) {
    std::size_t stop = skipClass(chars, position, end, kSpace);
    while (stop > position && !chars.is(stop - 1, kNewline)) --stop;
    return stop - position;
}

/// GPT-2: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t gpt2Word(const CharSequence& chars, std::size_t position, std::size_t end) {
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
    std::size_t nDigits = 3;       ///< \p{N}{1,3} or \p{N}
    bool marksAreLetters = false;  ///< [\p{L}\p{M}]+ instead of \p{L}+
};

///  ?[^\s\p{L}\p{N}]+[\r\n]*
std::size_t otherWord(const CharSequence& chars, std::size_t position, std::size_t end,
                      std::uint16_t excluded, bool slashEnds) {
    const bool hasSpace = chars.codePoints[position] == U' ' && position + 1 < end;
    const std::size_t first = hasSpace ? position + 1 : position;
    const std::size_t stop =
        skipWhile(first, end, [&](std::size_t i) { return !chars.is(i, excluded); });
    if (stop == first) return 0;
    return skipWhile(stop, end,
                     [&](std::size_t i) {
                         return chars.is(i, kNewline) || (slashEnds && chars.codePoints[i] == U'/');
                     }) -
           position;
}

/// '(?i:s|t|re|ve|m|ll|d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|
/// \s*[\r\n]+|\s+(?!\S)|\s+
template <Gpt4Style style>
std::size_t gpt4Word(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::uint16_t kWord = style.marksAreLetters ? kLetter | kMark : kLetter;
    if (const std::size_t length = contraction(chars, position, end, true)) return length;
    const bool hasLead = !chars.is(position, kNewline | kLetter | kNumber) && position + 1 < end &&
                         chars.is(position + 1, kWord);
    if (hasLead || chars.is(position, kWord)) {
        return skipClass(chars, position + 1, end, kWord) - position;
    }
    if (chars.is(position, kNumber)) {
        return skipClass(chars, position, std::min(end, position + style.nDigits), kNumber) -
               position;
    }
    if (const std::size_t length =
            otherWord(chars, position, end, kSpace | kWord | kNumber, false)) {
        return length;
    }
    if (const std::size_t length = spacesToLineEnd(chars, position, end)) return length;
    return spaces(chars, position, end);
}

/// L?UPPER*LOWER+|L?UPPER+LOWER* with L = [^\r\n\p{L}\p{N}], where letters without case and marks
/// count as both UPPER and LOWER.
std::size_t casedWord(const CharSequence& chars, std::size_t position, std::size_t end) {
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
    if (const std::size_t length =
            otherWord(chars, position, end, kSpace | kLetter | kNumber, true)) {
        return length;
    }
    if (const std::size_t length = spacesToLineEnd(chars, position, end)) return length;
    return spaces(chars, position, end);
}

bool isAsciiLetter(char32_t c) { return lowerAscii(c) >= U'a' && lowerAscii(c) <= U'z'; }

bool isAsciiPunctuation(char32_t c) {
    return (c >= U'!' && c <= U'/') || (c >= U':' && c <= U'@') || (c >= U'[' && c <= U'`') ||
           (c >= U'{' && c <= U'~');
}

/// DeepSeek-V3's third pattern:
/// [!-/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|
/// \s+(?!\S)|\s+   (where [!-/:-~] is ASCII punctuation only)
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
        return skipClass(chars, stop, end, kNewline) - position;
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

std::size_t deepseekCoderLetters(const CharSequence& chars, std::size_t position, std::size_t end) {
    return afterSpace(chars, position, end, [&](std::size_t i) { return chars.is(i, kLetter); });
}

std::size_t deepseekCoderPunctuation(const CharSequence& chars, std::size_t position,
                                     std::size_t end) {
    return afterSpace(chars, position, end,
                      [&](std::size_t i) { return chars.is(i, kPunctuation); });
}

/// Letters with case. DeepSeek-LLM lists them by hand; Georgian's small letters got case later than
/// that list.
std::size_t deepseekLlmLetters(const CharSequence& chars, std::size_t position, std::size_t end) {
    return afterSpace(chars, position, end, [&](std::size_t i) {
        const char32_t c = chars.codePoints[i];
        return chars.is(i, kUpper | kLower) && !(c >= 0x10D0 && c <= 0x10FF);
    });
}

/// [!-/:-~！-／：-～‘-‟　-。]
std::size_t deepseekLlmPunctuation(const CharSequence& chars, std::size_t position,
                                   std::size_t end) {
    return afterSpace(chars, position, end, [&](std::size_t i) {
        const char32_t c = chars.codePoints[i];
        return (c >= U'!' && c <= U'/') || (c >= U':' && c <= U'~') ||
               (c >= 0xFF01 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF5E) ||
               (c >= 0x2018 && c <= 0x201F) || (c >= 0x3000 && c <= 0x3002);
    });
}

/// \s+$
std::size_t trailingSpaces(const CharSequence& chars, std::size_t position, std::size_t end) {
    const std::size_t stop = skipClass(chars, position, end, kSpace);
    return stop == end ? stop - position : 0;
}

/// [一-龥ࠀ-一가-퟿]
std::size_t deepseekCjk(const CharSequence& chars, std::size_t position, std::size_t end) {
    return skipWhile(position, end,
                     [&](std::size_t i) {
                         const char32_t c = chars.codePoints[i];
                         return (c >= 0x800 && c <= 0x9FA5) || (c >= 0xAC00 && c <= 0xD7FF);
                     }) -
           position;
}

/// [一-龥぀-ゟ゠-ヿ]
std::size_t deepseekV3Cjk(const CharSequence& chars, std::size_t position, std::size_t end) {
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
std::size_t threeDigits(const CharSequence& chars, std::size_t position, std::size_t end) {
    constexpr std::size_t kLength = 3;
    const auto isDigit = [&](std::size_t i) {
        return chars.codePoints[i] >= U'0' && chars.codePoints[i] <= U'9';
    };
    const std::size_t stop = skipWhile(position, std::min(end, position + kLength), isDigit);
    return stop - position == kLength ? kLength : 0;
}

constexpr std::size_t kMostStages = 6;

struct Scheme {
    std::string_view names;  ///< of tokenizer.ggml.pre, each between spaces
    std::array<Matcher, kMostStages> stages{};
    bool takesWholeWords = false;
    bool composes = false;
};

constexpr Gpt4Style kThreeDigits{3, false};
constexpr Gpt4Style kOneDigit{1, false};
constexpr Gpt4Style kOneDigitWithMarks{1, true};

constexpr Scheme kSchemes[] = {
    {" default ", {punctuationRun<false>, gpt2Word, classRun<kNumber, kAnyLength>, threeDigits}},
    {" gpt-2 phi-2 mpt olmo jais jina-es jina-de jina-v1-en roberta-bpe gigachat ", {gpt2Word}},
    {" llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral lfm2 ", {gpt4Word<kThreeDigits>}, true},
    {" dbrx smaug-bpe chatglm-bpe glm4 ", {gpt4Word<kThreeDigits>}},
    {" qwen2 ", {gpt4Word<kOneDigit>}, false, true},
    {" deepseek-r1-qwen stablelm2 megrez ", {gpt4Word<kOneDigit>}},
    {" qwen35 ", {gpt4Word<kOneDigitWithMarks>}},
    {" refact starcoder command-r smollm codeshell exaone minerva-7b ",
     {classRun<kNumber, 1>, gpt2Word}},
    {" falcon ", {punctuationRun<true>, gpt2Word, threeDigits}},
    {" deepseek-llm ",
     {classRun<kNewline, 1>, deepseekLlmLetters, deepseekLlmPunctuation, trailingSpaces,
      deepseekCjk, classRun<kNumber, kAnyLength>}},
    {" deepseek-coder ",
     {classRun<kNewline, 1>, deepseekCoderLetters, deepseekCoderPunctuation, deepseekCjk,
      classRun<kNumber, 1>}},
    {" deepseek-v3 hunyuan-dense ", {classRun<kNumber, 3>, deepseekV3Cjk, deepseekV3Word}},
    {" tekken ", {o200kWord<1, false>}, true},
    {" gpt-4o llama4 ", {o200kWord<3, true>}},
};

}  // namespace

Result<PreTokenizer> PreTokenizer::find(std::string_view name) {
    const bool isOneWord = !name.empty() && name.find(' ') == std::string_view::npos;
    const std::string wanted = std::string(1, ' ').append(name).append(1, ' ');
    for (const Scheme& scheme : kSchemes) {
        if (!isOneWord || scheme.names.find(wanted) == std::string_view::npos) continue;
        PreTokenizer found;
        for (const Matcher stage : scheme.stages) {
            if (stage != nullptr) found.m_stages.push_back(stage);
        }
        found.m_takesWholeWords = scheme.takesWholeWords;
        found.m_composes = scheme.composes;
        return found;
    }
    return fail(ErrorCode::Unsupported, "tokenizer.ggml.pre \"" + std::string(name) +
                                            "\" is not a pre-tokenizer that this version knows");
}

std::vector<std::size_t> PreTokenizer::wordEnds(std::string_view text) const {
    const CharSequence chars(text);
    std::vector<std::size_t> ends = {chars.codePoints.size()};  // of the words so far
    std::vector<std::size_t> finer;
    for (const Matcher match : m_stages) {
        finer.clear();
        std::size_t position = 0;
        for (const std::size_t end : ends) {
            std::size_t gap = position;  // start of what no match has covered
            while (position < end) {
                const std::size_t length = match(chars, position, end);
                if (length == 0) {
                    ++position;
                    continue;
                }
                if (position > gap) finer.push_back(position);
                position += length;
                finer.push_back(position);
                gap = position;
            }
            if (position > gap) finer.push_back(position);
        }
        ends.swap(finer);
    }
    for (std::size_t& end : ends) end = chars.offsets[end];
    return ends;
}

}  // namespace conclave::engine
