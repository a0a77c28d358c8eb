#include "retrieval/extractor/hidden_text.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include "base/utf8.h"

namespace conclave::retrieval::extractor {
namespace {

bool isJoiner(char32_t c) { return c == 0x200C || c == 0x200D; }

bool isVariationSelector(char32_t c) {
    return (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0100 && c <= 0xE01EF);
}

bool isAlwaysHidden(char32_t c) {
    if (c < 0x20) return c != U'\t' && c != U'\n' && c != U'\r' && c != U'\f' && c != U'\v';
    return c == 0x7F || (c >= 0x80 && c < 0xA0 && c != 0x85) || c == 0x061C || c == 0x180E ||
           c == 0x200B || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
           c == 0x3164 || c == 0x115F || c == 0x1160 || (c >= 0xE0000 && c <= 0xE007F);
}

/// Scripts in which a joiner changes what one reads; also the signs that emoji are joined from.
bool needsJoiners(char32_t c) {
    if (isVariationSelector(c) || u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_EMOJI) != 0) {
        return c > 0x7F;
    }
    UErrorCode status = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(static_cast<UChar32>(c), &status);
    switch (script) {
        case USCRIPT_COMMON:
        case USCRIPT_LATIN:
        case USCRIPT_GREEK:
        case USCRIPT_CYRILLIC:
        case USCRIPT_HAN:
        case USCRIPT_HIRAGANA:
        case USCRIPT_KATAKANA:
        case USCRIPT_HANGUL: return false;
        default: return true;
    }
}

bool isHidden(char32_t before, char32_t c, char32_t after) {
    if (c < 0x7F && c >= 0x20) return false;
    if (isAlwaysHidden(c)) return true;
    if (isJoiner(c)) return !needsJoiners(before) || !needsJoiners(after);
    return isVariationSelector(c) && (before == 0 || isVariationSelector(before));
}

/// Bytes taken out of a page: where in the old text, and how many in all up to there.
struct Removal {
    std::size_t at = 0;
    std::size_t total = 0;
};

std::size_t countBefore(const std::vector<Removal>& removals, std::size_t position) {
    const auto next =
        std::lower_bound(removals.begin(), removals.end(), position,
                         [](const Removal& removal, std::size_t at) { return removal.at < at; });
    return next == removals.begin() ? 0 : std::prev(next)->total;
}

bool mayHoldHidden(std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x7F) return true;
        if (byte < 0x20 && isAlwaysHidden(byte)) return true;
    }
    return false;
}

/// Number of characters taken out.
std::size_t clean(ExtractedPage& page, std::vector<Removal>& removals) {
    if (!mayHoldHidden(page.text)) return 0;
    const std::string_view text = page.text;
    std::string kept;
    std::size_t nRemoved = 0;
    char32_t before = 0;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t from = i;
        const char32_t c = nextCodePoint(text, i);
        std::size_t ahead = i;
        const char32_t after = ahead < text.size() ? nextCodePoint(text, ahead) : 0;
        if (isHidden(before, c, after)) {
            if (nRemoved == 0) kept.assign(text.substr(0, from));
            ++nRemoved;
            const std::size_t total = removals.empty() ? 0 : removals.back().total;
            removals.push_back({from, total + (i - from)});
        } else {
            if (nRemoved > 0) kept.append(text.substr(from, i - from));
            before = c;
        }
    }
    if (nRemoved > 0) page.text = std::move(kept);
    return nRemoved;
}

}  // namespace

std::size_t countVisibleSigns(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && (byte & 0xC0U) != 0x80;
    }));
}

void cutOut(ExtractedDocument& document, const std::vector<TextRange>& ranges) {
    if (ranges.empty()) return;
    const std::string& text = document.pages.front().text;
    std::string kept;
    std::vector<Removal> removals;
    std::size_t at = 0;
    std::size_t total = 0;
    for (const TextRange& range : ranges) {
        kept.append(text, at, range.startByte - at);
        at = range.endByte;
        total += range.endByte - range.startByte;
        removals.push_back({range.startByte, total});
    }
    kept.append(text, at);
    document.pages.front().text = std::move(kept);
    for (Heading& heading : document.headings) {
        heading.startByte -= countBefore(removals, heading.startByte);
        heading.endByte -= countBefore(removals, heading.endByte);
    }
}

void removeHiddenCharacters(ExtractedDocument& document) {
    std::size_t nRemoved = 0;
    std::unordered_map<int, std::vector<Removal>> removed;
    for (ExtractedPage& page : document.pages) {
        std::vector<Removal> removals;
        nRemoved += clean(page, removals);
        if (!removals.empty()) removed[page.number] = std::move(removals);
    }
    if (!removed.empty()) {
        for (Heading& heading : document.headings) {
            const auto found = removed.find(heading.page);
            if (found == removed.end()) continue;
            const std::vector<Removal>& removals = found->second;
            heading.startByte -= countBefore(removals, heading.startByte);
            heading.endByte -= countBefore(removals, heading.endByte);
        }
    }
    std::erase_if(document.headings,
                  [](const Heading& heading) { return heading.startByte >= heading.endByte; });
    if (nRemoved > 0) {
        document.warnings.push_back(invisibleWarning(nRemoved));
    }
}

}  // namespace conclave::retrieval::extractor
