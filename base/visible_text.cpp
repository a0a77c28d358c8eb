#include "base/visible_text.h"

#include <algorithm>

#include "base/utf8.h"

namespace conclave {
namespace {

bool isControl(char32_t c) {
    const bool isLayout = c == '\n' || c == '\t';
    return (c < 0x20 && !isLayout) || (c >= 0x7F && c <= 0x9F);
}

void appendSpelt(std::string& text, char32_t control) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text.append("\\x").append(1, kDigits[control >> 4U]).append(1, kDigits[control & 0xFU]);
}

}  // namespace

std::string visibleControls(std::string_view text) {
    std::string shown;
    for (std::size_t position = 0; position < text.size();) {
        const std::size_t start = position;
        const char32_t c = nextCodePoint(text, position);
        const char32_t byte = static_cast<unsigned char>(text[start]);
        const bool isByteAlone = c == 0xFFFD && position - start == 1;
        if (isControl(c)) {
            appendSpelt(shown, c);
        } else if (isByteAlone && isControl(byte)) {
            appendSpelt(shown, byte);
        } else {
            shown.append(text.substr(start, position - start));
        }
    }
    return shown;
}

std::string visibleLine(std::string_view text) {
    std::string line;
    while (true) {
        const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
        line += visibleControls(text.substr(0, end));
        if (end == text.size()) return line;
        line += text[end] == '\n' ? "\\n" : "\\r";
        text.remove_prefix(end + 1);
    }
}

}  // namespace conclave
