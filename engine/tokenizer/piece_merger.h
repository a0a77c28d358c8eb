// piece_merger.h: SentencePiece BPE's merging of one word.
#pragma once

#include <cstddef>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"
#include "engine/tokenizer/token_index.h"
#include "engine/tokenizer/vocabulary.h"

namespace conclave::engine {

/// Merges words; its memory is used again for the next one. Not thread-safe: one a text.
///
/// Spaces are written as spaces here, in words and in pieces, not as U+2581.
class PieceMerger {
public:
    /// `pieces`: what plain text may become: no control tokens, and no bytes but through fallback.
    PieceMerger(const Vocabulary& vocabulary, const TokenIndex& pieces)
        : m_vocabulary(vocabulary), m_pieces(pieces) {}

    /// Appends the tokens of `word`: of all neighbours that make a piece the ones of the highest
    /// score merge, the leftmost of equals, until none do. Unused tokens, which merges may pass
    /// through but no text may contain, become the two symbols that made them; characters that are
    /// no piece become their bytes. A character is what its first byte claims, whatever follows.
    void merge(std::string_view word, std::vector<TokenId>& tokens);

private:
    /// A stretch of the word; in a list over the characters for the long words.
    struct Symbol {
        std::size_t begin = 0;
        std::size_t length = 0;  ///< 0: merged into its left neighbour
        int previous = -1;
        int next = -1;
    };
    /// Two neighbours that make a piece.
    struct Candidate {
        float score = 0.0f;
        int left = 0;
        int right = 0;
        std::size_t length = 0;  ///< of both when found: a later merge of either makes this stale
        TokenId token = -1;
    };
    /// Highest score on top of the heap, then leftmost.
    struct IsWorse {
        bool operator()(const Candidate& a, const Candidate& b) const {
            return a.score != b.score ? a.score < b.score : a.left > b.left;
        }
    };

    void mergeShort(std::size_t nSymbols);
    void mergeLong();
    Symbol& symbol(int i) { return m_symbols[static_cast<std::size_t>(i)]; }
    void consider(int left, int right);
    void apply(const Candidate& candidate);
    void noteIfUnused(TokenId token, std::string_view piece, std::size_t leftLength);
    void emit(std::string_view whole, std::vector<TokenId>& tokens) const;
    void emitUnknown(std::string_view character, std::vector<TokenId>& tokens) const;

    const Vocabulary& m_vocabulary;
    const TokenIndex& m_pieces;
    std::string_view m_word;
    std::vector<Symbol> m_symbols;
    std::priority_queue<Candidate, std::vector<Candidate>, IsWorse> m_candidates;
    /// Unused tokens met in this word, with the length of their left part.
    std::unordered_map<std::string_view, std::size_t> m_partsOfUnused;
};

}  // namespace conclave::engine
