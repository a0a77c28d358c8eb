// call_cursor.h: walks through text that may not have ended yet.
#pragma once

#include <optional>
#include <string_view>

namespace conclave::engine {

/// A place in a text. Each step succeeds, fails for good, or is starved: it failed because the text
/// ended too early, and more of it may follow.
class CallCursor {
public:
    CallCursor(std::string_view text, bool isWhole) : m_text(text), m_isWhole(isWhole) {}

    [[nodiscard]] std::size_t at() const { return m_at; }
    [[nodiscard]] bool isStarved() const { return m_isStarved; }
    [[nodiscard]] std::string_view rest() const { return m_text.substr(m_at); }
    void moveTo(std::size_t at) { m_at = at; }

    void skipSpaces();
    /// The next character, without moving; 0 at the end.
    [[nodiscard]] char peek();
    [[nodiscard]] bool eat(std::string_view literal);
    /// The text before `literal`, moving behind it.
    [[nodiscard]] std::optional<std::string_view> until(std::string_view literal);
    /// The text before the first of `characters`, which may not be the end, moving to it.
    [[nodiscard]] std::optional<std::string_view> untilAnyOf(std::string_view characters);
    /// Letters, digits and _ . - / as far as they go, which may be nowhere.
    [[nodiscard]] std::optional<std::string_view> word();
    /// All that follows, which is known only once the text is whole.
    [[nodiscard]] std::optional<std::string_view> untilEnd();
    /// A JSON object or array, checked, at most 256 levels deep; spaces before it are passed.
    [[nodiscard]] std::optional<std::string_view> json();

private:
    void starve() { m_isStarved = m_isStarved || !m_isWhole; }

    std::string_view m_text;
    std::size_t m_at = 0;
    bool m_isWhole;
    bool m_isStarved = false;
};

}  // namespace conclave::engine
