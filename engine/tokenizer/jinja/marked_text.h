// marked_text.h: text that remembers which of its bytes the template's author wrote.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace conclave::engine::jinja {

/// Who wrote a byte: the template, where control tokens count, or a message, where they do not.
enum class Origin : char { Data = 0, Template = 1 };

/// A byte string with the origin of every byte. Operations on template values keep origins, so that
/// no filter can launder a message's text into control tokens.
class MarkedText {
public:
    MarkedText() = default;
    MarkedText(std::string_view text, Origin origin)
        : m_bytes(text), m_origins(text.size(), static_cast<char>(origin)) {}

    [[nodiscard]] std::string_view bytes() const { return m_bytes; }
    [[nodiscard]] std::size_t size() const { return m_bytes.size(); }
    [[nodiscard]] bool empty() const { return m_bytes.empty(); }
    [[nodiscard]] Origin origin(std::size_t i) const { return static_cast<Origin>(m_origins[i]); }

    void append(std::string_view text, Origin origin) {
        m_bytes += text;
        m_origins.append(text.size(), static_cast<char>(origin));
    }
    void append(const MarkedText& text) {
        m_bytes += text.m_bytes;
        m_origins += text.m_origins;
    }
    void append(const MarkedText& text, std::size_t begin, std::size_t length) {
        m_bytes.append(text.m_bytes, begin, length);
        m_origins.append(text.m_origins, begin, length);
    }
    [[nodiscard]] MarkedText slice(std::size_t begin,
                                   std::size_t length = std::string::npos) const {
        MarkedText part;
        part.append(*this, begin, length);
        return part;
    }
    /// End of the stretch of one origin that begins at `begin`.
    [[nodiscard]] std::size_t stretchEnd(std::size_t begin) const {
        return std::min(m_origins.find_first_not_of(m_origins[begin], begin), m_origins.size());
    }

private:
    std::string m_bytes;
    std::string m_origins;  ///< one Origin a byte
};

}  // namespace conclave::engine::jinja
