// mamba2.h: attention that keeps a state instead of the past: Mamba-2 (arXiv:2405.21060).
#pragma once

#include "engine/model/attention.h"

namespace conclave::engine {

/// Section 7.1: a head's state H, [headDim][stateDim], fades and takes the token in, H = exp(d A) H
/// + d x B^T with a step d of the token, and the head gives H C + D x. Heads share B and C by
/// groups; x, B and C pass a short causal convolution before. What all heads give is gated and
/// normalized by groups. Tokens are taken one by one, so that any batches give the same bits; heads
/// are shared out among threads.
class Mamba2 {
public:
    Mamba2(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8);

    /// As LatentAttention::run; moves the layer's state in the cache on by the batch.
    void run(const Machinery& m, const Mamba2Weights& weights, const Batch& batch, const Rows& in,
             Rows& out);

    [[nodiscard]] static std::size_t bytes(const ModelConfig& config, std::size_t maxTokens,
                                           bool wantsInt8);

private:
    void runHead(const Machinery& m, const Mamba2Weights& weights, const Batch& batch, int head);
    void gateAndNormalize(const Machinery& m, const Mamba2Weights& weights, std::size_t token);

    Rows m_mixed;      ///< [token][x of all heads, B of all groups, C of all groups]
    Rows m_convolved;  ///< likewise
    Rows m_gate;       ///< [token][head][headDim]
    Rows m_steps;      ///< [token][head]
    Rows m_out;        ///< [token][head][headDim]
};

}  // namespace conclave::engine
