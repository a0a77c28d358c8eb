// comparable_text.h: text as quotes are compared.
#pragma once

#include <string>
#include <string_view>

namespace conclave {

/// Without white space and with a to z for A to Z: a passage may break its lines elsewhere.
[[nodiscard]] inline std::string comparableText(std::string_view text) {
    std::string kept;
    for (const char c : text) {
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
        kept += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    }
    return kept;
}

}  // namespace conclave
