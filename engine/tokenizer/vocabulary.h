// vocabulary.h: the tokens of a GGUF file and what is special about some of them.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engine/tokenizer/byte_trie.h"
#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {

/// Everything under tokenizer.ggml.* except the segmentation. Immutable once loaded.
class Vocabulary {
public:
    /// `defaultAddBos` and `defaultAddSpacePrefix` count where the file says nothing.
    /// Errors: Corrupt (names the key).
    [[nodiscard]] static Result<std::shared_ptr<const Vocabulary>> load(const GgufFile& file,
                                                                        bool defaultAddBos,
                                                                        bool defaultAddSpacePrefix);

    [[nodiscard]] int size() const { return static_cast<int>(m_texts.size()); }
    [[nodiscard]] bool contains(TokenId token) const { return token >= 0 && token < size(); }
    [[nodiscard]] std::string_view text(TokenId token) const { return m_texts[at(token)]; }
    [[nodiscard]] TokenType type(TokenId token) const { return m_types[at(token)]; }
    [[nodiscard]] float score(TokenId token) const { return m_scores[at(token)]; }
    [[nodiscard]] bool hasScores() const { return m_hasScores; }
    [[nodiscard]] bool isEndOfTurn(TokenId token) const;

    /// The token with this text; -1 if there is none.
    [[nodiscard]] TokenId find(std::string_view text) const;
    /// The token <0x..> of a byte; -1 if there is none.
    [[nodiscard]] TokenId byteToken(unsigned char byte) const { return m_byteTokens[byte]; }
    /// The byte of a token of type Byte.
    [[nodiscard]] unsigned char byteOf(TokenId token) const;
    /// Control and user-defined tokens: what is cut out of a text before it is segmented.
    [[nodiscard]] const ByteTrie& markers() const { return m_markers; }
    /// True if the marker may come from the template only: control tokens, and user-defined ones
    /// that some files use as turn marks.
    [[nodiscard]] bool isReserved(TokenId token) const { return m_reserved[at(token)]; }
    /// True if some marker counts in any text, wherever it comes from.
    [[nodiscard]] bool hasPlainMarkers() const { return m_hasPlainMarkers; }

    TokenId bos = -1;
    TokenId eos = -1;
    TokenId endOfTurn = -1;
    std::vector<TokenId> suppressed;  ///< never to be chosen
    TokenId unknown = -1;
    TokenId separator = -1;
    TokenId textEnd = -1;  ///< what an encoder reads behind a text; -1: nothing
    bool addsBos = false;
    bool addsSpacePrefix = false;
    /// Phi-3: spaces after a control token belong to it.
    bool trimsAfterMarkers = false;

private:
    static std::size_t at(TokenId token) { return static_cast<std::size_t>(token); }

    Result<void> readTokens(const GgufFile& file);
    Result<void> readSpecialIds(const GgufFile& file);
    void readSuppressed(const GgufFile& file);
    void findEndOfTurnTokens();
    void indexTokens();

    std::string m_bytes;  ///< all texts, one after another
    std::vector<std::string_view> m_texts;
    std::vector<float> m_scores;
    std::vector<TokenType> m_types;
    std::vector<bool> m_reserved;
    std::vector<TokenId> m_endOfTurn;                  ///< sorted
    std::array<TokenId, 3> m_fillInMarks{-1, -1, -1};  ///< that the metadata names
    std::unordered_map<std::string_view, TokenId> m_index;
    std::array<TokenId, 256> m_byteTokens{};
    ByteTrie m_markers;
    bool m_hasPlainMarkers = false;
    bool m_hasScores = false;
};

}  // namespace conclave::engine
