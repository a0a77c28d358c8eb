// rope.h: rotary position embedding.
#pragma once

#include <span>
#include <vector>

#include "engine/model/model_config.h"

namespace conclave::engine {

/// Cosines and sines for the positions of one batch.
class RopeTable {
public:
    /// @param divisors  shape [dim / 2], or empty; each pair's angle is divided by its value
    RopeTable(const RopeConfig& config, std::span<const float> divisors, int maxTokens);

    /// Prepares positions `first` to `first + nTokens - 1`.
    void prepare(int first, int nTokens);

    /// Turns the pairs of `values`, shape [dim], by the angles of token `token`.
    void rotate(int token, float* values) const;

private:
    int m_nPairs;
    bool m_halves;  ///< pairs are (i, i + dim / 2), else (2i, 2i + 1)
    double m_positionScale;
    double m_magnitude;
    std::vector<double> m_frequencies;  ///< [nPairs], radians a position
    std::vector<float> m_table;         ///< [token][pair][cosine, sine]
};

}  // namespace conclave::engine
