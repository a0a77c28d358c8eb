// dense_scores.h: BM25 of a term that a large share of the chunks has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace conclave::retrieval {

/// scores[row] += weight * tf / (tf + norms[row]) for all rows; tf is four bits of `counts` (see
/// PostingList), and 0 adds nothing. The same bits on every processor.
using AddDenseScores = void (*)(const std::uint8_t* counts, const float* norms, std::size_t nRows,
                                float weight, float* scores);

void addDenseScoresScalar(const std::uint8_t* counts, const float* norms, std::size_t nRows,
                          float weight, float* scores);

/// The fastest one that this processor has.
[[nodiscard]] AddDenseScores addDenseScores();

}  // namespace conclave::retrieval
