#include "engine/model/transformer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/model/activation.h"
#include "engine/model/layer_norm.h"

namespace conclave::engine {
namespace {

using Attention = std::variant<LatentAttention, GroupedAttention>;

std::size_t size(int n) { return static_cast<std::size_t>(n); }

Attention makeAttention(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8) {
    if (config.attention == AttentionKind::Latent) {
        return LatentAttention(config, maxTokens, wantsInt8);
    }
    return GroupedAttention(config, maxTokens, wantsInt8);
}

std::size_t recurrentBytes(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8) {
    switch (config.recurrent) {
        case RecurrentKind::DeltaNet: return GatedDeltaNet::bytes(config, maxTokens, wantsInt8);
        case RecurrentKind::Mamba2: return Mamba2::bytes(config, maxTokens, wantsInt8);
        case RecurrentKind::ShortConvolution:
            return ShortConvolution::bytes(config, maxTokens, wantsInt8);
    }
    return 0;
}

/// LongRoPE has two sets. As in llama.cpp the session's room decides, not the tokens in it, so that
/// keys in the cache stay valid when a chat grows past the original context.
const std::vector<float>& divisorsFor(const ModelConfig& config, const RopeDivisors& divisors,
                                      int capacity) {
    if (!divisors.always.empty()) return divisors.always;
    return capacity > config.rope.originalContext ? divisors.beyond : divisors.within;
}

}  // namespace

Transformer::Transformer(const ModelConfig& config, const Weights& weights,
                         const KernelTable& kernels, KvCache& cache, ThreadPool& pool,
                         int maxTokens)
    : Transformer(config, weights, {weights.layers, weights.outputNorm, weights.output}, kernels,
                  cache, pool, maxTokens) {}

Transformer::Transformer(const ModelConfig& config, const Weights& weights, const Stack& stack,
                         const KernelTable& kernels, KvCache& cache, ThreadPool& pool,
                         int maxTokens)
    : m_config(config),
      m_weights(weights),
      m_stack(stack),
      m_kernels(kernels),
      m_cache(cache),
      m_pool(pool),
      m_rope(config.rope, divisorsFor(config, weights.ropeDivisors, cache.capacity()), maxTokens),
      m_stream(size(maxTokens), config.embeddingDim, false),
      m_normed(size(maxTokens), config.embeddingDim, weights.needsInt8),
      m_delta(size(maxTokens), config.embeddingDim, false),
      m_attention(makeAttention(config, size(maxTokens), weights.needsInt8)),
      m_feedForward(config, size(maxTokens), weights.needsInt8) {
    if (config.hasLocalLayer()) {
        m_localRope.emplace(config.localRope,
                            config.localRope.usesDivisors
                                ? divisorsFor(config, weights.ropeDivisors, cache.capacity())
                                : std::vector<float>(),
                            maxTokens);
    }
    if (!config.hasRecurrentLayer()) return;
    switch (config.recurrent) {
        case RecurrentKind::DeltaNet:
            m_recurrent.emplace<GatedDeltaNet>(config, size(maxTokens), weights.needsInt8);
            break;
        case RecurrentKind::Mamba2:
            m_recurrent.emplace<Mamba2>(config, size(maxTokens), weights.needsInt8);
            break;
        case RecurrentKind::ShortConvolution:
            m_recurrent.emplace<ShortConvolution>(config, size(maxTokens), weights.needsInt8);
            break;
    }
}

std::uint64_t Transformer::bytes(const ModelConfig& config, bool wantsInt8, int maxTokens) {
    const std::size_t n = size(maxTokens);
    const std::size_t attention = config.attention == AttentionKind::Latent
                                      ? LatentAttention::bytes(config, n, wantsInt8)
                                      : GroupedAttention::bytes(config, n, wantsInt8);
    return 2 * Rows::bytes(n, config.embeddingDim, false) +
           Rows::bytes(n, config.embeddingDim, wantsInt8) + attention +
           (config.hasRecurrentLayer() ? recurrentBytes(config, n, wantsInt8) : 0) +
           FeedForward::bytes(config, n, wantsInt8);
}

void Transformer::setAdapters(const AdapterSet* adapters) {
    m_adapters = adapters;
    m_products.setAdapters(adapters);
}

bool Transformer::forward(std::span<const TokenId> tokens, int firstPosition, int nWanted) {
    embed(tokens);
    return run(static_cast<int>(tokens.size()), firstPosition, nWanted);
}

bool Transformer::run(int nTokens, int firstPosition, int nWanted) {
    CONCLAVE_CHECK(nWanted >= 0 && nWanted <= nTokens);
    m_firstWanted = nTokens - nWanted;
    m_feedForward.clearError();
    CONCLAVE_CHECK(m_cache.resumableUpTo(firstPosition) == firstPosition);
    m_cache.makeRoom(firstPosition, nTokens);
    m_cache.recurrent().prepare(firstPosition, nTokens);
    m_rope.prepare(firstPosition, nTokens);
    if (m_localRope) m_localRope->prepare(firstPosition, nTokens);
    for (int layer = 0; layer < m_config.nLayers && !m_pool.stopRequested() && !error(); ++layer) {
        const int firstWanted = layer + 1 == m_config.nLayers ? m_firstWanted : 0;
        // Threads are chosen by steps of the same work.
        std::optional<ThreadPool::Step> step;
        if (firstWanted == 0) step.emplace(m_pool, nTokens);
        runLayer(m_stack.layers[size(layer)], {nTokens, firstPosition, layer, firstWanted});
    }
    if (m_pool.stopRequested() || error()) return false;
    m_cache.recurrent().moveTo(firstPosition + nTokens);
    return true;
}

void Transformer::embed(std::span<const TokenId> tokens) {
    const Matrix& embedding = m_weights.embedding;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        embedding.kernels->dequantize(embedding.row(tokens[i]), m_config.embeddingDim,
                                      m_stream.row(i));
        if (m_adapters != nullptr) m_adapters->changeEmbedding(tokens[i], m_stream.row(i));
        if (m_config.embeddingScale != 1.0f) {
            for (float& value : std::span(m_stream.row(i), size(m_config.embeddingDim))) {
                value *= m_config.embeddingScale;
            }
        }
    }
}

/// Or what stands in its place.
void Transformer::runAttention(const LayerWeights& layer, const Machinery& machinery,
                               const Batch& batch) {
    const auto run = [&](auto& block, const auto& weights) {
        block.run(machinery, weights, batch, m_normed, m_delta);
    };
    if (const auto* net = std::get_if<DeltaNetWeights>(&layer.attention)) {
        run(std::get<GatedDeltaNet>(m_recurrent), *net);
    } else if (const auto* mamba = std::get_if<Mamba2Weights>(&layer.attention)) {
        run(std::get<Mamba2>(m_recurrent), *mamba);
    } else if (const auto* gated = std::get_if<ShortConvolutionWeights>(&layer.attention)) {
        run(std::get<ShortConvolution>(m_recurrent), *gated);
    } else if (const auto* latent = std::get_if<LatentAttentionWeights>(&layer.attention)) {
        run(std::get<LatentAttention>(m_attention), *latent);
    } else {
        run(std::get<GroupedAttention>(m_attention),
            std::get<GroupedAttentionWeights>(layer.attention));
    }
}

void Transformer::runLayer(const LayerWeights& layer, const Batch& batch) {
    const bool isLocal = m_config.layers[size(batch.layer)].isLocal;
    RopeTable& rope = isLocal ? *m_localRope : m_rope;
    const Machinery machinery{m_config, m_kernels, m_pool, m_cache, rope, m_products};

    normalize(layer.attentionNorm, 0, size(batch.nTokens));
    runAttention(layer, machinery, batch);
    if (batch.nWanted() == 0) return;
    if (batch.firstWanted > 0) keepWanted(batch);
    const Batch wanted{batch.nWanted(), batch.firstPosition + batch.firstWanted, batch.layer};
    const auto nWanted = size(wanted.nTokens);
    addDelta(layer.attentionPostNorm, nWanted);

    if (!m_config.parallelBlocks) normalize(layer.feedForwardNorm, 0, nWanted);
    if (const auto* mixture = std::get_if<MoeWeights>(&layer.feedForward)) {
        m_feedForward.mixture(machinery, *mixture, wanted, m_normed, m_delta);
    } else {
        m_feedForward.dense(machinery, std::get<FeedForwardWeights>(layer.feedForward), wanted,
                            m_normed, m_delta);
    }
    addDelta(layer.feedForwardPostNorm, nWanted);
}

void Transformer::keepWanted(const Batch& batch) {
    const int dim = m_config.embeddingDim;
    for (std::size_t i = 0; i < size(batch.nWanted()); ++i) {
        const std::size_t token = size(batch.firstWanted) + i;
        std::copy_n(m_stream.row(token), dim, m_stream.row(i));
        std::copy_n(m_delta.row(token), dim, m_delta.row(i));
        if (!m_config.parallelBlocks) continue;  // the feed-forward block is normalized anew
        std::copy_n(m_normed.row(token), dim, m_normed.row(i));
        m_normed.finish(m_kernels, i);
    }
}

std::size_t Transformer::streamRow(int token) const {
    CONCLAVE_CHECK(token >= m_firstWanted);
    return size(token - m_firstWanted);
}

void Transformer::applyNorm(const NormWeights& norm, const float* in, float* out) const {
    const int dim = m_config.embeddingDim;
    if (norm.weight.empty()) {
        std::copy_n(in, dim, out);
        return;
    }
    if (m_config.norm.kind == NormKind::Layer) {
        layerNorm(in, norm.weight, norm.bias, m_config.norm.epsilon, out);
        return;
    }
    m_kernels.rmsNorm(in, norm.weight.data(), dim, m_config.norm.epsilon, out);
    if (!norm.bias.empty()) m_kernels.addScaled(out, norm.bias.data(), 1.0f, dim);
}

void Transformer::normalize(const NormWeights& norm, std::size_t first, std::size_t n) {
    parallelFor(m_pool, n, size(m_config.embeddingDim), [&](std::size_t i) {
        const std::size_t token = first + i;
        applyNorm(norm, m_stream.row(token), m_normed.row(token));
        m_normed.finish(m_kernels, token);
    });
}

void Transformer::addDelta(const std::optional<NormWeights>& norm, std::size_t nTokens) {
    parallelFor(m_pool, nTokens, size(m_config.embeddingDim) / 4, [&](std::size_t token) {
        float* delta = m_delta.row(token);
        if (norm) applyNorm(*norm, delta, delta);
        m_kernels.addScaled(m_stream.row(token), delta, m_config.residualScale,
                            m_config.embeddingDim);
    });
}

void Transformer::hidden(int token, std::span<float> out) {
    applyNorm(m_stack.outputNorm, m_stream.row(streamRow(token)), out.data());
}

bool Transformer::logits(int first, int n, std::span<float> out) {
    const std::size_t firstRow = streamRow(first);
    normalize(m_stack.outputNorm, firstRow, size(n));
    const Matrix& output = m_stack.output;
    m_products.add(output);
    for (int i = 0; i < n; ++i) {
        m_products.addToken(m_normed.input(output.kernels->input, firstRow + size(i)),
                            out.data() + size(i) * size(m_config.vocabularySize));
    }
    m_products.run(m_pool);
    if (m_pool.stopRequested()) return false;
    for (int i = 0; i < n; ++i) {
        const auto row =
            out.subspan(size(i) * size(m_config.vocabularySize), size(m_config.vocabularySize));
        finishLogits(row);
        const std::span<const float> stream(m_stream.row(firstRow + size(i)),
                                            size(m_config.embeddingDim));
        const auto isNumber = [](float value) { return std::isfinite(value); };
        if (!std::all_of(stream.begin(), stream.end(), isNumber)) {
            std::fill(row.begin(), row.end(), std::numeric_limits<float>::quiet_NaN());
        }
    }
    return true;
}

void Transformer::finishLogits(std::span<float> logits) const {
    if (!m_weights.outputBias.empty()) {
        m_kernels.addScaled(logits.data(), m_weights.outputBias.data(), 1.0f,
                            m_config.vocabularySize);
    }
    if (m_config.logitScale != 1.0f) {
        for (float& logit : logits) logit *= m_config.logitScale;
    }
    if (m_config.logitSoftCap > 0.0f) {
        softCap(logits.data(), m_config.logitSoftCap, m_config.vocabularySize);
    }
}

}  // namespace conclave::engine
