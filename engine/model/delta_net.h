// delta_net.h: attention that keeps a state instead of the past: Gated DeltaNet (arXiv:2412.06464).
#pragma once

#include <vector>

#include "engine/model/attention.h"

namespace conclave::engine {

/// A head's state is a matrix S that answers keys with values. A token with key k, value v, decay a
/// and strength b changes it to a S + b k (v - a S^T k)^T, and reads S^T q (section 3.1). Keys,
/// queries and values pass a short causal convolution before. Tokens are taken one by one, so that
/// any batches give the same bits; heads are shared out among threads.
class GatedDeltaNet {
public:
    GatedDeltaNet(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8);

    /// As LatentAttention::run; moves the layer's state in the cache on by the batch.
    void run(const Machinery& m, const DeltaNetWeights& weights, const Batch& batch, const Rows& in,
             Rows& out);

    [[nodiscard]] static std::size_t bytes(const ModelConfig& config, std::size_t maxTokens,
                                           bool wantsInt8);

private:
    void prepare(const Machinery& m, const DeltaNetWeights& weights, std::size_t token);
    void runHead(const Machinery& m, const DeltaNetWeights& weights, const Batch& batch, int head);

    Rows m_mixed;      ///< [token][queries, keys, values of all heads]
    Rows m_convolved;  ///< likewise
    Rows m_gate;       ///< [token][value head][headDim]
    Rows m_rates;      ///< [token][strengths and decays, as in DeltaNetWeights]
    Rows m_out;        ///< [token][value head][headDim]
};

}  // namespace conclave::engine
