// encoder_pass.h: the forward pass of an encoder, from tokens to one vector a text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/encoder/encoder_attention.h"
#include "engine/encoder/encoder_config.h"
#include "engine/encoder/encoder_weights.h"
#include "engine/engine.h"
#include "engine/model/products.h"
#include "engine/model/rope.h"
#include "engine/model/router.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

/// Borrows a model's config and weights and owns the threads and buffers of a batch; nothing is
/// kept from one batch to the next. Not thread-safe.
class EncoderPass {
public:
    /// @param maxTokens  most tokens of a batch, over all of its texts
    EncoderPass(const EncoderConfig& config, const EncoderWeights& weights,
                const KernelTable& kernels, int maxTokens, int nThreads);

    [[nodiscard]] int maxTokens() const { return m_maxTokens; }
    /// Values that `run` gives for a text: the vector's width, or 1 for a reranker.
    [[nodiscard]] static int outputDim(const EncoderConfig& config);

    /// Computes texts whose tokens stand one after another. A text's result does not depend on the
    /// others. All ids must be in range, no text empty or longer than the context.
    /// @param out  written: [text][outputDim], pooled and projected, not normalized
    void run(std::span<const TokenId> tokens, std::span<const TextRange> texts,
             std::span<float> out);

private:
    void embedTokens(std::span<const TokenId> tokens, std::span<const TextRange> texts);
    void runLayer(int layer, std::span<const TextRange> texts);
    void attention(int layer, std::span<const TextRange> texts);
    void placeToken(const EncoderLayerWeights& weights, RopeTable* rope, int position,
                    std::size_t token);
    void feedForward(const EncoderFeedForward& network);
    void mixture(const EncoderLayerWeights& weights);
    void normalizeRow(const NormWeights& norm, const float* in, float* out) const;
    /// out = norm(in), or in without a norm; `out` is ready for products.
    void normalizeAll(const std::optional<NormWeights>& norm, Rows& in, Rows& out);
    /// What a block gave joins the stream, at the place where the model normalizes.
    void addBlock(const std::optional<NormWeights>& norm,
                  const std::optional<NormWeights>& secondNorm);
    void pool(const TextRange& text, std::span<float> pooled);
    void finish(std::vector<float>& pooled, std::span<float> out);
    [[nodiscard]] std::vector<float> project(const Matrix& matrix, std::span<const float> bias,
                                             std::span<const float> in);

    const EncoderConfig& m_config;
    const EncoderWeights& m_weights;
    const KernelTable& m_kernels;
    int m_maxTokens;
    ThreadPool m_pool;
    Products m_products;
    std::size_t m_nTokens = 0;  ///< of the batch
    std::optional<RopeTable> m_rope, m_localRope;
    int m_nPrepared = 0;          ///< positions in both
    std::vector<float> m_slopes;  ///< [nHeads], or empty
    Rows m_stream;                ///< [token][embeddingDim]
    Rows m_normed;
    Rows m_delta;  ///< what a block gives
    Rows m_query, m_key, m_value, m_attended;
    std::vector<std::uint16_t> m_halves;  ///< keys and values, [token][2][kvHead][headDim]
    Rows m_gate, m_up;
    std::vector<float> m_ones;  ///< stands for the gate that a network does not have
};

}  // namespace conclave::engine
