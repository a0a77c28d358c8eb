// feedback.h: a second search with the words that the first one's best matches share.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {

/// How many of the first search's chunks feedback reads.
inline constexpr int kFeedbackChunks = 10;

/// True where more words help and cannot lead astray: a question of several content words that
/// quotes nothing, names no rare name or number, and has no match that stands out. Whoever asks for
/// one fact gets an answer to these very words.
[[nodiscard]] bool wantsFeedback(std::string_view query, const KeywordIndex& keywords,
                                 std::span<const ScoredChunk> matches);

/// Half of the score of `terms`, and the best terms of the texts of `matches` with the other half
/// of their weight: Rocchio's formula (1971) over BM25 weights; each text counts by its share of
/// the matches' probability (relevance models, Lavrenko and Croft 2001: softmax of the scores).
/// Nothing added: the share is all.
[[nodiscard]] Expansion expansionOf(std::span<const QueryTerm> terms, const KeywordIndex& keywords,
                                    std::span<const ScoredChunk> matches,
                                    std::span<const ChunkTexts::Text> texts);

}  // namespace conclave::retrieval
