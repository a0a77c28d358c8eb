#include "engine/sampling/text_stream.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace conclave::engine {
namespace {

/// Length of the longest end of `text` with which `stop` begins, but not all of `stop`.
std::size_t possibleStart(std::string_view text, std::string_view stop) {
    for (std::size_t length = std::min(text.size(), stop.size() - 1); length > 0; --length) {
        if (text.substr(text.size() - length) == stop.substr(0, length)) return length;
    }
    return 0;
}

}  // namespace

TextStream::TextStream(const Tokenizer& tokenizer, std::vector<std::string> stopStrings,
                       bool showsControlTokens)
    : m_tokenizer(tokenizer),
      m_stopStrings(std::move(stopStrings)),
      m_showsControlTokens(showsControlTokens) {
    std::erase_if(m_stopStrings, [](const std::string& stop) { return stop.empty(); });
}

std::string TextStream::push(TokenId token) {
    if (m_stopped) return {};
    m_held += m_tokenizer.piece(token, m_showsControlTokens);
    std::size_t stopAt = std::string::npos;
    std::size_t nHeld = 0;
    for (const std::string& stop : m_stopStrings) {
        stopAt = std::min(stopAt, m_held.find(stop));
        nHeld = std::max(nHeld, possibleStart(m_held, stop));
    }
    if (stopAt != std::string::npos) {
        m_stopped = true;
        m_held.resize(stopAt);
        return finish();
    }
    const std::string_view certain = std::string_view(m_held).substr(0, m_held.size() - nHeld);
    const std::size_t length = completeUtf8Prefix(certain);
    std::string shown = toValidUtf8(certain.substr(0, length));
    m_held.erase(0, length);
    return shown;
}

std::string TextStream::finish() { return toValidUtf8(std::exchange(m_held, {})); }

}  // namespace conclave::engine
