// pattern_reader.h: reads numbers and words off a text, for things that are found by their form.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/written_number.h"

namespace conclave::retrieval {

/// Reads a text from left to right; each reader moves on only if it succeeds.
class PatternReader {
public:
    PatternReader(std::string_view text, std::size_t position)
        : m_text(text), m_position(position) {}

    [[nodiscard]] std::size_t position() const { return m_position; }
    [[nodiscard]] bool isAtWordEnd() const {
        return m_position >= m_text.size() ||
               !(isDigit(m_text[m_position]) || isLetter(m_text[m_position]));
    }
    bool take(std::string_view what) {
        if (!m_text.substr(m_position).starts_with(what)) return false;
        m_position += what.size();
        return true;
    }
    void skipSpaces() {
        while (m_position < m_text.size() && m_text[m_position] == ' ') ++m_position;
    }
    std::optional<int> number(std::size_t fewest, std::size_t most) {
        std::size_t end = m_position;
        int value = 0;
        while (end < m_text.size() && isDigit(m_text[end]) && end - m_position < most) {
            value = value * 10 + (m_text[end++] - '0');
        }
        const bool goesOn = end < m_text.size() && isDigit(m_text[end]);
        if (end - m_position < fewest || goesOn) return std::nullopt;
        m_position = end;
        return value;
    }
    /// 1,234.50, 1.234,50, 1 234,50 or 1234.
    std::optional<std::string_view> amount() {
        const std::size_t end = endOfNumber(m_text, m_position);
        if (end == m_position) return std::nullopt;
        const std::string_view found = m_text.substr(m_position, end - m_position);
        m_position = end;
        return found;
    }
    std::string_view word() {
        std::size_t end = m_position;
        while (end < m_text.size() && isLetter(m_text[end])) ++end;
        const std::string_view found = m_text.substr(m_position, end - m_position);
        m_position = end;
        return found;
    }

private:
    static bool isDigit(char c) { return c >= '0' && c <= '9'; }
    static bool isLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

    std::string_view m_text;
    std::size_t m_position;
};

}  // namespace conclave::retrieval
