#include "engine/tokenizer/jinja/text_tools.h"

#include <algorithm>

#include <unicode/uchar.h>

#include "base/utf8.h"

namespace conclave::engine::jinja {
namespace {

/// Appends a character that took the place of text[i].
void appendCharacter(MarkedText& out, char32_t character, Origin origin) {
    std::string bytes;
    appendUtf8(bytes, character);
    out.append(bytes, origin);
}

char32_t upper(char32_t c) { return static_cast<char32_t>(u_toupper(static_cast<UChar32>(c))); }
char32_t lower(char32_t c) { return static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))); }

/// `map(character, isFirst)` for every character.
template <typename Map>
MarkedText mapCharacters(const MarkedText& text, Map&& map) {
    MarkedText out;
    for (std::size_t position = 0; position < text.size();) {
        const std::size_t begin = position;
        const char32_t character = nextCodePoint(text.bytes(), position);
        const char32_t mapped = map(character, begin == 0);
        if (mapped == character) {
            out.append(text, begin, position - begin);
        } else {
            appendCharacter(out, mapped, text.origin(begin));
        }
    }
    return out;
}

std::vector<MarkedText> splitAtSpaces(const MarkedText& text, std::int64_t limit) {
    std::vector<MarkedText> parts;
    const std::string_view bytes = text.bytes();
    std::size_t position = 0;
    const auto skip = [&](bool spaces) {
        while (position < bytes.size()) {
            std::size_t next = position;
            if (isSpaceCharacter(nextCodePoint(bytes, next)) != spaces) break;
            position = next;
        }
    };
    while (true) {
        skip(true);
        if (position >= bytes.size()) return parts;
        if (limit >= 0 && std::ssize(parts) >= limit) {
            parts.push_back(text.slice(position));  // the rest, its trailing spaces too
            return parts;
        }
        const std::size_t begin = position;
        skip(false);
        parts.push_back(text.slice(begin, position - begin));
    }
}

}  // namespace

std::vector<std::size_t> characterOffsets(std::string_view text) {
    std::vector<std::size_t> offsets;
    for (std::size_t position = 0; position < text.size();) {
        offsets.push_back(position);
        (void)nextCodePoint(text, position);
    }
    offsets.push_back(text.size());
    return offsets;
}

bool isSpaceCharacter(char32_t character) {
    const bool isSeparator = character >= 0x1C && character <= 0x1F;
    return isSeparator || u_isUWhiteSpace(static_cast<UChar32>(character));
}

MarkedText strip(const MarkedText& text, Side side, std::string_view characters) {
    const std::string_view bytes = text.bytes();
    const auto isStripped = [&](std::size_t begin, std::size_t end) {
        if (!characters.empty()) {
            return characters.find(bytes.substr(begin, end - begin)) != std::string_view::npos;
        }
        return isSpaceCharacter(nextCodePoint(bytes, begin));
    };
    std::size_t begin = 0;
    while (side != Side::Right && begin < bytes.size()) {
        std::size_t next = begin;
        (void)nextCodePoint(bytes, next);
        if (!isStripped(begin, next)) break;
        begin = next;
    }
    std::size_t end = bytes.size();
    while (side != Side::Left && end > begin) {
        std::size_t previous = end - 1;
        while (previous > begin && (static_cast<unsigned char>(bytes[previous]) & 0xC0u) == 0x80u) {
            --previous;
        }
        if (!isStripped(previous, end)) break;
        end = previous;
    }
    return text.slice(begin, end - begin);
}

MarkedText withCase(const MarkedText& text, LetterCase letterCase) {
    return mapCharacters(text, [&](char32_t character, bool isFirst) {
        const bool makeUpper =
            letterCase == LetterCase::Upper || (letterCase == LetterCase::Capitalized && isFirst);
        return makeUpper ? upper(character) : lower(character);
    });
}

MarkedText titled(const MarkedText& text, bool (*isBreak)(char32_t character)) {
    bool begins = true;
    return mapCharacters(text, [&](char32_t character, bool /*isFirst*/) {
        const char32_t mapped = begins ? upper(character) : lower(character);
        begins = isBreak(character);
        return mapped;
    });
}

MarkedText replaced(const MarkedText& text, std::string_view from, const MarkedText& to,
                    std::int64_t limit) {
    MarkedText out;
    std::size_t begin = 0;
    while (limit != 0) {
        const std::size_t found = text.bytes().find(from, begin);
        if (found == std::string_view::npos) break;
        out.append(text, begin, found - begin);
        out.append(to);
        begin = found + from.size();
        if (limit > 0) --limit;
    }
    out.append(text, begin, std::string::npos);
    return out;
}

std::vector<MarkedText> split(const MarkedText& text, std::string_view separator,
                              std::int64_t limit) {
    if (separator.empty()) return splitAtSpaces(text, limit);
    std::vector<MarkedText> parts;
    std::size_t begin = 0;
    while (limit < 0 || std::ssize(parts) < limit) {
        const std::size_t found = text.bytes().find(separator, begin);
        if (found == std::string_view::npos) break;
        parts.push_back(text.slice(begin, found - begin));
        begin = found + separator.size();
    }
    parts.push_back(text.slice(begin));
    return parts;
}

std::vector<MarkedText> splitRight(const MarkedText& text, std::string_view separator,
                                   std::int64_t limit) {
    if (limit < 0 || separator.empty()) return split(text, separator, limit);
    std::vector<MarkedText> parts;
    std::size_t end = text.size();
    while (std::ssize(parts) < limit && end >= separator.size()) {
        const std::size_t found = text.bytes().rfind(separator, end - separator.size());
        if (found == std::string_view::npos) break;
        parts.push_back(text.slice(found + separator.size(), end - found - separator.size()));
        end = found;
    }
    parts.push_back(text.slice(0, end));
    std::reverse(parts.begin(), parts.end());
    return parts;
}

std::vector<MarkedText> splitLines(const MarkedText& text, bool keepEnds) {
    std::vector<MarkedText> lines;
    const std::string_view bytes = text.bytes();
    for (std::size_t begin = 0; begin < bytes.size();) {
        const std::size_t end = std::min(bytes.find_first_of("\r\n", begin), bytes.size());
        std::size_t next = std::min(end + 1, bytes.size());
        if (end + 1 < bytes.size() && bytes[end] == '\r' && bytes[end + 1] == '\n') ++next;
        lines.push_back(text.slice(begin, (keepEnds ? next : end) - begin));
        begin = next;
    }
    return lines;
}

}  // namespace conclave::engine::jinja
