#include "engine/model/transformer.h"

#include <utility>

namespace conclave::engine {
namespace {

using Attention = std::variant<LatentAttention, GroupedAttention>;

std::size_t size(int n) { return static_cast<std::size_t>(n); }

Attention makeAttention(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8) {
    if (config.architecture == Architecture::DeepSeek2) {
        return LatentAttention(config, maxTokens, wantsInt8);
    }
    return GroupedAttention(config, maxTokens, wantsInt8);
}

}  // namespace

Transformer::Transformer(const ModelConfig& config, const Weights& weights,
                         const KernelTable& kernels, KvCache& cache, ThreadPool& pool,
                         int maxTokens)
    : m_config(config),
      m_weights(weights),
      m_kernels(kernels),
      m_cache(cache),
      m_pool(pool),
      m_rope(config.rope, weights.ropeDivisors, maxTokens),
      m_stream(size(maxTokens), config.embeddingDim, false),
      m_normed(size(maxTokens), config.embeddingDim, weights.needsInt8),
      m_delta(size(maxTokens), config.embeddingDim, false),
      m_attention(makeAttention(config, size(maxTokens), weights.needsInt8)),
      m_feedForward(config, size(maxTokens), weights.needsInt8) {}

std::uint64_t Transformer::bytes(const ModelConfig& config, bool wantsInt8, int maxTokens) {
    const std::size_t n = size(maxTokens);
    const std::size_t attention = config.architecture == Architecture::DeepSeek2
                                      ? LatentAttention::bytes(config, n, wantsInt8)
                                      : GroupedAttention::bytes(config, n, wantsInt8);
    return 2 * Rows::bytes(n, config.embeddingDim, false) +
           Rows::bytes(n, config.embeddingDim, wantsInt8) + attention +
           FeedForward::bytes(config, n, wantsInt8);
}

bool Transformer::forward(std::span<const TokenId> tokens, int firstPosition) {
    embed(tokens);
    const int nTokens = static_cast<int>(tokens.size());
    m_rope.prepare(firstPosition, nTokens);
    for (int layer = 0; layer < m_config.nLayers && !m_pool.stopRequested(); ++layer) {
        runLayer(m_weights.layers[size(layer)], {nTokens, firstPosition, layer});
    }
    return !m_pool.stopRequested();
}

void Transformer::embed(std::span<const TokenId> tokens) {
    const Matrix& embedding = m_weights.embedding;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        embedding.kernels->dequantize(embedding.row(tokens[i]), m_config.embeddingDim,
                                      m_stream.row(i));
    }
}

void Transformer::runLayer(const LayerWeights& layer, const Batch& batch) {
    const Machinery machinery{m_config, m_kernels, m_pool, m_cache, m_rope, m_products};
    const auto nTokens = size(batch.nTokens);

    normalize(layer.attentionNorm, 0, nTokens);
    if (auto* latent = std::get_if<LatentAttention>(&m_attention)) {
        latent->run(machinery, std::get<LatentAttentionWeights>(layer.attention), batch, m_normed,
                    m_delta);
    } else {
        std::get<GroupedAttention>(m_attention)
            .run(machinery, std::get<GroupedAttentionWeights>(layer.attention), batch, m_normed,
                 m_delta);
    }
    addDelta(nTokens);

    normalize(layer.feedForwardNorm, 0, nTokens);
    if (const auto* mixture = std::get_if<MoeWeights>(&layer.feedForward)) {
        m_feedForward.mixture(machinery, *mixture, batch, m_normed, m_delta);
    } else {
        m_feedForward.dense(machinery, std::get<FeedForwardWeights>(layer.feedForward), batch,
                            m_normed, m_delta);
    }
    addDelta(nTokens);
}

void Transformer::normalize(const std::vector<float>& weight, std::size_t first, std::size_t n) {
    parallelFor(m_pool, n, size(m_config.embeddingDim), [&](std::size_t i) {
        const std::size_t token = first + i;
        m_kernels.rmsNorm(m_stream.row(token), weight.data(), m_config.embeddingDim,
                          m_config.normEpsilon, m_normed.row(token));
        m_normed.finish(m_kernels, token);
    });
}

void Transformer::addDelta(std::size_t nTokens) {
    parallelFor(m_pool, nTokens, size(m_config.embeddingDim) / 4, [&](std::size_t token) {
        m_kernels.addScaled(m_stream.row(token), m_delta.row(token), 1.0f, m_config.embeddingDim);
    });
}

bool Transformer::logits(int first, int n, std::span<float> out) {
    normalize(m_weights.outputNorm, size(first), size(n));
    const Matrix& output = m_weights.output;
    m_products.add(output);
    for (int i = 0; i < n; ++i) {
        m_products.addToken(m_normed.input(output.kernels->input, size(first + i)),
                            out.data() + size(i) * size(m_config.vocabularySize));
    }
    m_products.run(m_pool);
    return !m_pool.stopRequested();
}

}  // namespace conclave::engine
