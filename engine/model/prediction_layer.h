// prediction_layer.h: multi-token prediction, DeepSeek-V3 (arXiv:2412.19437), section 2.2.
#pragma once

#include <cstdint>
#include <span>

#include "engine/engine.h"
#include "engine/model/model_config.h"
#include "engine/model/products.h"
#include "engine/model/transformer.h"
#include "engine/model/weights.h"
#include "engine/runtime/kv_cache.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

/// The layer behind a model's own that says which token follows the next one: from what the model
/// made of token i, h_i, and from token i + 1 it computes
///
///     h'_i = layer(join [norm(embedding(t_{i+1})); norm(h_i)]),
///
/// and norm(h'_i), brought to logits, tells t_{i+2}. h_i is what the model's own logits are made
/// of, after its last norm, which the paper leaves open and implementations agree on; norm(h'_i)
/// in its place goes one token further. Not thread-safe.
class PredictionLayer {
public:
    /// @param config   ModelConfig::predictionLayer() of the model's
    /// @param weights  with a prediction layer
    /// @param cache    made for `config`: the layer's own
    PredictionLayer(const ModelConfig& config, const Weights& weights, const KernelTable& kernels,
                    KvCache& cache, ThreadPool& pool, int maxTokens);

    /// Computes pairs of a state and the token that follows it, and writes their entries at
    /// `firstPosition` and on. Only the last `nWanted` have logits and a hidden state. False as
    /// Transformer::forward.
    /// @param hidden  [tokens.size()][embeddingDim]
    [[nodiscard]] bool forward(std::span<const TokenId> tokens, std::span<const float> hidden,
                               int firstPosition, int nWanted);

    /// As Transformer::logits and hidden, of the wanted pair `index` of the last pass.
    [[nodiscard]] bool logits(int index, std::span<float> out);
    void hidden(int index, std::span<float> out) { m_transformer.hidden(index, out); }

    /// What an exception left of a pass.
    void forgetPass();

    /// Memory of the buffers.
    [[nodiscard]] static std::uint64_t bytes(const ModelConfig& config, bool wantsInt8,
                                             int maxTokens);

private:
    const ModelConfig& m_config;
    const PredictionWeights& m_weights;
    const Matrix& m_embedding;
    const KernelTable& m_kernels;
    ThreadPool& m_pool;
    Products m_products;
    Rows m_joined;  ///< [pair][embedding, hidden]
    Transformer m_transformer;
};

}  // namespace conclave::engine
