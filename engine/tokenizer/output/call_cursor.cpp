#include "engine/tokenizer/output/call_cursor.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace conclave::engine {

void CallCursor::skipSpaces() {
    m_at = std::min(m_text.find_first_not_of(" \t\r\n", m_at), m_text.size());
}

char CallCursor::peek() {
    if (m_at < m_text.size()) return m_text[m_at];
    starve();
    return '\0';
}

bool CallCursor::eat(std::string_view literal) {
    if (rest().starts_with(literal)) {
        m_at += literal.size();
        return true;
    }
    if (literal.starts_with(rest())) starve();
    return false;
}

std::optional<std::string_view> CallCursor::until(std::string_view literal) {
    const std::size_t found = m_text.find(literal, m_at);
    if (found == std::string_view::npos) {
        starve();
        return std::nullopt;
    }
    const std::string_view before = m_text.substr(m_at, found - m_at);
    m_at = found + literal.size();
    return before;
}

std::optional<std::string_view> CallCursor::untilAnyOf(std::string_view characters) {
    const std::size_t found = m_text.find_first_of(characters, m_at);
    if (found == std::string_view::npos) {
        starve();
        return std::nullopt;
    }
    const std::string_view before = m_text.substr(m_at, found - m_at);
    m_at = found;
    return before;
}

std::optional<std::string_view> CallCursor::word() {
    const auto isPart = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.' || c == '-' || c == '/';
    };
    const std::string_view left = rest();
    const auto end = std::find_if_not(left.begin(), left.end(), isPart);
    if (end == left.end()) {
        starve();
        return std::nullopt;
    }
    const auto length = static_cast<std::size_t>(end - left.begin());
    m_at += length;
    return left.substr(0, length);
}

std::optional<std::string_view> CallCursor::untilEnd() {
    starve();
    if (!m_isWhole) return std::nullopt;
    const std::string_view all = rest();
    m_at = m_text.size();
    return all;
}

std::optional<std::string_view> CallCursor::json() {
    constexpr std::size_t kDeepest = 256;
    skipSpaces();
    const char first = peek();
    if (first != '{' && first != '[') return std::nullopt;
    std::size_t depth = 0;
    bool inText = false;
    for (std::size_t i = m_at; i < m_text.size(); ++i) {
        const char c = m_text[i];
        if (inText) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                inText = false;
            }
            continue;
        }
        if (c == '"') inText = true;
        if ((c == '{' || c == '[') && ++depth > kDeepest) return std::nullopt;
        if ((c == '}' || c == ']') && --depth == 0) {
            const std::string_view value = m_text.substr(m_at, i + 1 - m_at);
            if (!nlohmann::json::accept(value)) return std::nullopt;
            m_at = i + 1;
            return value;
        }
    }
    starve();
    return std::nullopt;
}

}  // namespace conclave::engine
