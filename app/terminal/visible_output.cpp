#include "app/terminal/visible_output.h"

#include <algorithm>
#include <array>

#include <unistd.h>

#include "base/visible_text.h"

namespace conclave::terminal {
namespace {

constexpr std::array<std::string_view, 3> kStyles = {"\x1b[0m", "\x1b[1m", "\x1b[2m"};
constexpr char kEscape = '\x1b';
constexpr unsigned char kLeadOfControls = 0xC2;  ///< U+0080 to U+009F, and others

/// Bytes that follow this first byte of a UTF-8 character.
int continuationsOf(unsigned char lead) {
    if (lead >= 0xF0) return 3;
    if (lead >= 0xE0) return 2;
    return lead >= 0xC0 ? 1 : 0;
}

}  // namespace

VisibleBuffer::~VisibleBuffer() {
    const std::string shown = visibleControls(m_held);
    m_next.sputn(shown.data(), static_cast<std::streamsize>(shown.size()));
}

VisibleBuffer::int_type VisibleBuffer::overflow(int_type c) {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char one = traits_type::to_char_type(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
}

std::streamsize VisibleBuffer::xsputn(const char* text, std::streamsize size) {
    std::string shown;
    for (const char c : std::string_view(text, static_cast<std::size_t>(size))) take(c, shown);
    return pass(shown) ? size : 0;
}

int VisibleBuffer::sync() { return m_next.pubsync(); }

void VisibleBuffer::take(char c, std::string& shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (!m_held.empty()) {
        const char first = m_held.front();
        m_held += c;
        if (first == kEscape) {
            const auto begins = [&](std::string_view style) { return style.starts_with(m_held); };
            if (std::find(kStyles.begin(), kStyles.end(), m_held) != kStyles.end()) {
                shown += m_held;
                m_held.clear();
            } else if (std::none_of(kStyles.begin(), kStyles.end(), begins)) {
                // No style: its first byte is spelt out, and the others begin anew.
                const std::string rest = m_held.substr(1);
                shown += visibleControls(m_held.substr(0, 1));
                m_held.clear();
                for (const char each : rest) take(each, shown);
            }
            return;
        }
        const bool isLineEnd = m_held == "\r\n";
        const bool isCharacter = first != '\r' && (byte & 0xC0u) == 0x80;
        if (isLineEnd || isCharacter) {
            shown += isLineEnd ? m_held : visibleControls(m_held);
            m_held.clear();
            return;
        }
        shown += visibleControls(m_held.substr(0, 1));
        m_held.clear();
        return take(c, shown);
    }
    if (m_nContinuing > 0 && (byte & 0xC0u) == 0x80) {
        --m_nContinuing;
        shown += c;
        return;
    }
    m_nContinuing = 0;
    if (c == kEscape || c == '\r' || byte == kLeadOfControls) {
        m_held = c;
    } else {
        m_nContinuing = continuationsOf(byte);
        shown += m_nContinuing > 0 ? std::string(1, c) : visibleControls({&c, 1});
    }
}

bool VisibleBuffer::pass(std::string_view shown) {
    const auto size = static_cast<std::streamsize>(shown.size());
    return m_next.sputn(shown.data(), size) == size;
}

VisibleOutput::VisibleOutput(std::ostream& stream, int descriptor)
    : m_stream(stream),
      m_before(stream.rdbuf()),
      m_buffer(*m_before),
      m_isOn(::isatty(descriptor) == 1) {
    if (m_isOn) m_stream.rdbuf(&m_buffer);
}

VisibleOutput::~VisibleOutput() {
    if (m_isOn) m_stream.rdbuf(m_before);
}

}  // namespace conclave::terminal
