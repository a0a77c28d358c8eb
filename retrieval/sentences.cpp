#include "retrieval/sentences.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include <unicode/uchar.h>

#include "base/utf8.h"
#include "retrieval/characters.h"

namespace conclave::retrieval {
namespace {

constexpr auto kAbbreviations = std::to_array<std::string_view>(
    {"al",  "approx", "bzw",  "ca",  "cf",  "co", "dept", "dr", "e.g", "ed",
     "eds", "est",    "etc",  "i.e", "inc", "jr", "ltd",  "mr", "mrs", "ms",
     "mt",  "nr",     "prof", "rev", "sr",  "st", "usw",  "vs", "z.b"});

/// Of these only those that a number follows: "no. 5", and not "the answer is no. We".
constexpr auto kBeforeNumbers = std::to_array<std::string_view>(
    {"art", "ch", "eq", "fig", "figs", "no", "nos", "p", "pp", "sec", "vol"});

bool isClosing(char32_t c) {
    constexpr std::u32string_view kClosing = U"\"')]}»”’」』）】〉》";
    return kClosing.find(c) != std::u32string_view::npos;
}

bool endsWithoutSpace(char32_t c) {
    return c == U'。' || c == U'！' || c == U'？' || c == U'｡' || c == U'．';
}

bool endsBeforeSpace(char32_t c) {
    return c == U'.' || c == U'!' || c == U'?' || c == U'…' || c == U'؟' || c == U'।' || c == U'۔';
}

bool isClauseMark(char32_t c) {
    constexpr std::u32string_view kMarks = U",;:，；：、–—";
    return kMarks.find(c) != std::u32string_view::npos;
}

/// The character that ends at `end` is a Latin letter with a mark: "ñ".
bool isMarkedLetterBefore(std::string_view text, std::size_t end) {
    constexpr char32_t kLastLatin = 0x24F;
    std::size_t start = end;
    while (start > 0 && (static_cast<unsigned char>(text[start - 1]) & 0xC0U) == 0x80U) --start;
    if (start == 0 || start == end) return false;
    --start;
    const char32_t c = nextCodePoint(text, start);
    return c <= kLastLatin && u_isalpha(static_cast<UChar32>(c)) != 0;
}

/// True if the full stop at `dot` follows an abbreviation or an initial rather than a last word.
bool isAbbreviation(std::string_view text, std::size_t dot) {
    std::size_t start = dot;
    while (start > 0) {
        const char c = text[start - 1];
        const bool inWord = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.';
        if (!inWord || dot - start > 8) break;
        --start;
    }
    std::string word(text.substr(start, dot - start));
    // "Señal." is a word, and its last letters are none.
    if (word.empty() || isMarkedLetterBefore(text, start)) return false;
    // "AT-310X." is no initial.
    const bool isEndOfName =
        start > 0 &&
        (text[start - 1] == '-' || std::isdigit(static_cast<unsigned char>(text[start - 1])) != 0);
    if (isEndOfName) return false;
    if (word.size() == 1 && word[0] >= 'A' && word[0] <= 'Z' && word[0] != 'I') return true;
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    if (std::binary_search(kBeforeNumbers.begin(), kBeforeNumbers.end(), word)) {
        const std::size_t next = text.find_first_not_of(" \t\r\n", dot + 1);
        // A bracket or a Roman number may be one, too.
        return next == std::string_view::npos ||
               std::string_view("0123456789([IVX").find(text[next]) != std::string_view::npos;
    }
    return std::binary_search(kAbbreviations.begin(), kAbbreviations.end(), word);
}

std::size_t skipSpace(std::string_view text, std::size_t position) {
    while (position < text.size()) {
        std::size_t after = position;
        if (!isSpace(nextCodePoint(text, after))) break;
        position = after;
    }
    return position;
}

/// True if the white space in [from, to) holds an empty line.
bool hasBlankLine(std::string_view text, std::size_t from, std::size_t to) {
    return std::count(text.begin() + static_cast<std::ptrdiff_t>(from),
                      text.begin() + static_cast<std::ptrdiff_t>(to), '\n') >= 2;
}

bool startsSentence(std::string_view text, std::size_t position) {
    if (position >= text.size()) return true;
    const char32_t next = nextCodePoint(text, position);
    return u_islower(static_cast<UChar32>(next)) == 0;
}

}  // namespace

std::vector<std::size_t> sentenceEnds(std::string_view text) {
    std::vector<std::size_t> ends;
    std::size_t position = 0;
    while (position < text.size()) {
        const std::size_t at = position;
        const char32_t c = nextCodePoint(text, position);
        if (isIdeograph(c)) continue;
        if (c == U'\n') {
            const std::size_t next = skipSpace(text, at);
            if (hasBlankLine(text, at, next)) ends.push_back(next);
            position = std::max(position, next);
            continue;
        }
        const bool cjkEnd = endsWithoutSpace(c);
        if (!cjkEnd && !endsBeforeSpace(c)) continue;
        std::size_t end = position;
        while (end < text.size()) {
            std::size_t after = end;
            const char32_t next = nextCodePoint(text, after);
            if (!isClosing(next) && !endsWithoutSpace(next) && !endsBeforeSpace(next)) break;
            end = after;
        }
        const std::size_t next = skipSpace(text, end);
        position = end;
        if (!cjkEnd) {
            if (next == end && next < text.size()) continue;
            const bool isPlainDot = c == U'.' && end == at + 1;
            if (isPlainDot && isAbbreviation(text, at)) continue;
            if (c == U'.' && !startsSentence(text, next)) continue;
        }
        ends.push_back(next);
        position = next;
    }
    if (!text.empty() && (ends.empty() || ends.back() != text.size())) ends.push_back(text.size());
    return ends;
}

std::size_t bestCut(std::string_view sentence, std::size_t limit) {
    std::size_t clause = 0;
    std::size_t space = 0;
    std::size_t any = 0;
    for (std::size_t position = 0; position < sentence.size();) {
        const char32_t c = nextCodePoint(sentence, position);
        if (position > limit) break;
        // Never between a letter and its marks.
        std::size_t after = position;
        const bool marked = position < sentence.size() &&
                            (U_GET_GC_MASK(static_cast<UChar32>(nextCodePoint(sentence, after))) &
                             U_GC_M_MASK) != 0;
        if (!marked) any = position;
        if (isSpace(c)) space = position;
        if (isClauseMark(c) && !marked) clause = skipSpace(sentence, position);
        if (clause > limit) clause = position;
    }
    const std::size_t enough = limit / 2;
    if (clause >= enough && clause > 0) return clause;
    if (space >= enough && space > 0) return space;
    return any > 0 ? any : limit;
}

}  // namespace conclave::retrieval
