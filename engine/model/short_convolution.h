// short_convolution.h: a gated convolution in place of attention: LFM2 (arXiv:2511.23404).
#pragma once

#include "engine/model/attention.h"

namespace conclave::engine {

/// Section 2: a token's normalized values are projected to two gates b and c and to values x, and
/// what the layer gives is W (c * conv(b * x)), the convolution being short, causal and by channel.
class ShortConvolution {
public:
    ShortConvolution(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8);

    /// As LatentAttention::run; moves the layer's state in the cache on by the batch.
    void run(const Machinery& m, const ShortConvolutionWeights& weights, const Batch& batch,
             const Rows& in, Rows& out);

    [[nodiscard]] static std::size_t bytes(const ModelConfig& config, std::size_t maxTokens,
                                           bool wantsInt8);

private:
    Rows m_gateBefore;  ///< [token][embeddingDim], as all of these
    Rows m_gateAfter;
    Rows m_values;
    Rows m_convolved;
};

}  // namespace conclave::engine
