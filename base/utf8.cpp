#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace conclave {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

unsigned byteAt(std::string_view text, std::size_t i) {
    return static_cast<unsigned char>(text[i]);
}

bool isContinuation(unsigned byte) { return (byte & 0xC0u) == 0x80u; }

/// Length a character with this first byte has, 0 for a byte that cannot start one.
std::size_t lengthFromLead(unsigned byte) {
    if (byte < 0x80u) return 1;
    if (byte >= 0xC2u && byte < 0xE0u) return 2;
    if (byte >= 0xE0u && byte < 0xF0u) return 3;
    if (byte >= 0xF0u && byte < 0xF5u) return 4;
    return 0;
}

/// True if `second` may follow `lead`: excludes overlong forms, surrogates and code points past
/// U+10FFFF (Unicode, table 3-7).
bool mayFollow(unsigned lead, unsigned second) {
    if (lead == 0xE0u) return second >= 0xA0u && second <= 0xBFu;
    if (lead == 0xEDu) return second >= 0x80u && second <= 0x9Fu;
    if (lead == 0xF0u) return second >= 0x90u && second <= 0xBFu;
    if (lead == 0xF4u) return second >= 0x80u && second <= 0x8Fu;
    return isContinuation(second);
}

/// Bytes of the longest valid start of a character at `position`, and whether it is whole.
struct Decoded {
    std::size_t length = 1;
    bool whole = false;
    bool cutShort = false;  ///< valid so far, but the text ends
    char32_t codePoint = kReplacement;
};

Decoded decodeAt(std::string_view text, std::size_t position) {
    const unsigned lead = byteAt(text, position);
    const std::size_t length = lengthFromLead(lead);
    if (length == 0) return {};
    if (length == 1) return {1, true, false, lead};
    constexpr std::array<unsigned, 5> kLeadMask = {0, 0, 0x1F, 0x0F, 0x07};
    char32_t codePoint = lead & kLeadMask[length];
    for (std::size_t i = 1; i < length; ++i) {
        if (position + i >= text.size()) return {i, false, true, kReplacement};
        const unsigned byte = byteAt(text, position + i);
        if (!(i == 1 ? mayFollow(lead, byte) : isContinuation(byte))) {
            return {i, false, false, kReplacement};
        }
        codePoint = (codePoint << 6u) | (byte & 0x3Fu);
    }
    return {length, true, false, codePoint};
}

bool startsWithEightAscii(std::string_view text, std::size_t position) {
    std::uint64_t bytes = 0;
    if (text.size() - position < sizeof bytes) return false;
    std::memcpy(&bytes, text.data() + position, sizeof bytes);
    return (bytes & 0x8080808080808080ULL) == 0;
}

}  // namespace

std::size_t completeUtf8Prefix(std::string_view text) {
    constexpr std::size_t kLongest = 4;
    const std::size_t first = text.size() > kLongest - 1 ? text.size() - (kLongest - 1) : 0;
    for (std::size_t i = text.size(); i-- > first;) {
        if (isContinuation(byteAt(text, i))) continue;
        return decodeAt(text, i).cutShort ? i : text.size();
    }
    return text.size();
}

bool isValidUtf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        if (startsWithEightAscii(text, i)) {
            i += sizeof(std::uint64_t);
            continue;
        }
        const Decoded next = decodeAt(text, i);
        if (!next.whole) return false;
        i += next.length;
    }
    return true;
}

std::string toValidUtf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const Decoded next = decodeAt(text, i);
        if (next.whole) {
            valid.append(text.substr(i, next.length));
        } else {
            appendUtf8(valid, kReplacement);
        }
        i += next.length;
    }
    return valid;
}

std::size_t countCodePoints(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
    }));
}

std::size_t byteOffsetOf(std::string_view text, std::size_t index) {
    std::size_t position = 0;
    while (index > 0 && position < text.size()) {
        if (index >= sizeof(std::uint64_t) && startsWithEightAscii(text, position)) {
            position += sizeof(std::uint64_t);
            index -= sizeof(std::uint64_t);
            continue;
        }
        (void)nextCodePoint(text, position);
        --index;
    }
    return position;
}

char32_t nextLongCodePoint(std::string_view text, std::size_t& position) {
    const Decoded next = decodeAt(text, position);
    position += next.length;
    return next.codePoint;
}

void appendUtf8(std::string& text, char32_t codePoint) {
    const auto push = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
    if (codePoint < 0x80) {
        push(codePoint);
    } else if (codePoint < 0x800) {
        push(0xC0 | (codePoint >> 6u));
        push(0x80 | (codePoint & 0x3F));
    } else if (codePoint < 0x10000) {
        push(0xE0 | (codePoint >> 12u));
        push(0x80 | ((codePoint >> 6u) & 0x3F));
        push(0x80 | (codePoint & 0x3F));
    } else {
        push(0xF0 | (codePoint >> 18u));
        push(0x80 | ((codePoint >> 12u) & 0x3F));
        push(0x80 | ((codePoint >> 6u) & 0x3F));
        push(0x80 | (codePoint & 0x3F));
    }
}

}  // namespace conclave
