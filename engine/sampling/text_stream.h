// text_stream.h: turns chosen tokens into text that may be shown: whole UTF-8 characters, nothing
// of a stop string.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {

/// The text of one answer as it grows.
class TextStream {
public:
    TextStream(const Tokenizer& tokenizer, std::vector<std::string> stopStrings,
               bool showsControlTokens = false);

    /// Adds a token. Returns what has become certain: bytes that could still turn out to be part of
    /// a character or of a stop string are held back.
    [[nodiscard]] std::string push(TokenId token);
    /// The held-back rest at the end; an unfinished character becomes U+FFFD.
    [[nodiscard]] std::string finish();
    /// True once a stop string was met; text then ends before it.
    [[nodiscard]] bool stopped() const { return m_stopped; }

private:
    const Tokenizer& m_tokenizer;
    std::vector<std::string> m_stopStrings;
    bool m_showsControlTokens;
    std::string m_held;
    bool m_stopped = false;
};

}  // namespace conclave::engine
