#include "engine/encoder/encoder_pass.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/model/activation.h"
#include "engine/model/layer_norm.h"

namespace conclave::engine {
namespace {

std::size_t extent(int n) { return static_cast<std::size_t>(n); }

void addVector(const KernelTable& kernels, const std::vector<float>& vector, float* values) {
    if (vector.empty()) return;
    kernels.addScaled(values, vector.data(), 1.0f, static_cast<int>(vector.size()));
}

/// ALiBi, section 3: a geometric series over the heads, and for a number of heads that is no power
/// of two every second member of the next series.
std::vector<float> alibiSlopes(int nHeads, float bias) {
    int power = 1;
    while (power * 2 <= nHeads) power *= 2;
    const double first = std::pow(2.0, -bias / power);
    const double between = std::pow(2.0, -bias / 2.0 / power);
    std::vector<float> slopes;
    for (int head = 0; head < nHeads; ++head) {
        slopes.push_back(static_cast<float>(
            head < power ? std::pow(first, head + 1) : std::pow(between, 2 * (head - power) + 1)));
    }
    return slopes;
}

}  // namespace

EncoderPass::EncoderPass(const EncoderConfig& config, const EncoderWeights& weights,
                         const KernelTable& kernels, int maxTokens, int nThreads)
    : m_config(config),
      m_weights(weights),
      m_kernels(kernels),
      m_maxTokens(maxTokens),
      m_pool(nThreads),
      m_stream(extent(maxTokens), config.embeddingDim, false),
      m_normed(extent(maxTokens), config.embeddingDim, weights.needsInt8),
      m_delta(extent(maxTokens), config.embeddingDim, false),
      m_query(extent(maxTokens), config.nHeads * config.headDim, false),
      m_key(extent(maxTokens), config.nKvHeads * config.headDim, false),
      m_value(extent(maxTokens), config.nKvHeads * config.headDim, false),
      m_attended(extent(maxTokens), config.nHeads * config.headDim, weights.needsInt8),
      m_halves(extent(maxTokens) * 2 * extent(config.nKvHeads * config.headDim)),
      m_gate(extent(maxTokens), config.feedForwardDim, weights.needsInt8),
      m_up(extent(config.gated ? maxTokens : 0), config.feedForwardDim, false),
      m_ones(extent(config.gated ? 0 : config.feedForwardDim), 1.0f) {
    if (config.rotates) m_rope.emplace(config.rope, std::span<float>(), maxTokens);
    if (config.window > 0) m_localRope.emplace(config.localRope, std::span<float>(), maxTokens);
    if (config.alibiBias > 0.0f) m_slopes = alibiSlopes(config.nHeads, config.alibiBias);
}

int EncoderPass::outputDim(const EncoderConfig& config) {
    if (config.pooling == Pooling::Rank) return 1;
    return config.dense2Dim > 0 && !config.hasSecondDense ? config.dense2Dim : config.embeddingDim;
}

void EncoderPass::run(std::span<const TokenId> tokens, std::span<const TextRange> texts,
                      std::span<float> out) {
    CONCLAVE_CHECK(std::ssize(tokens) <= m_maxTokens);
    m_nTokens = tokens.size();
    int longest = 0;
    for (const TextRange& text : texts) longest = std::max(longest, text.nTokens);
    if (longest > m_nPrepared) {
        if (m_rope) m_rope->prepare(0, longest);
        if (m_localRope) m_localRope->prepare(0, longest);
        m_nPrepared = longest;
    }
    embedTokens(tokens, texts);
    for (int layer = 0; layer < m_config.nLayers; ++layer) {
        const ThreadPool::Step step(m_pool, static_cast<int>(tokens.size()));
        runLayer(layer, texts);
    }
    if (m_weights.outputNorm) normalizeAll(m_weights.outputNorm, m_stream, m_stream);

    const std::size_t dim = extent(outputDim(m_config));
    std::vector<float> pooled;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        pooled.assign(extent(m_config.embeddingDim), 0.0f);
        pool(texts[i], pooled);
        finish(pooled, out.subspan(i * dim, dim));
    }
}

void EncoderPass::embedTokens(std::span<const TokenId> tokens, std::span<const TextRange> texts) {
    const int dim = m_config.embeddingDim;
    std::vector<float> place(m_weights.position ? extent(dim) : 0);
    for (const TextRange& text : texts) {
        for (int i = 0; i < text.nTokens; ++i) {
            const std::size_t token = extent(text.first + i);
            float* row = m_stream.row(token);
            const Matrix& embedding = m_weights.embedding;
            embedding.kernels->dequantize(embedding.row(tokens[token]), dim, row);
            if (m_config.embeddingScale != 1.0f) {
                for (float& value : std::span(row, extent(dim))) value *= m_config.embeddingScale;
            }
            addVector(m_kernels, m_weights.type, row);
            if (!m_weights.position) continue;
            const Matrix& position = *m_weights.position;
            position.kernels->dequantize(position.row(i), dim, place.data());
            addVector(m_kernels, place, row);
        }
    }
    normalizeAll(m_weights.embeddingNorm, m_stream, m_stream);
}

void EncoderPass::runLayer(int layer, std::span<const TextRange> texts) {
    const EncoderLayerWeights& weights = m_weights.layers[extent(layer)];
    normalizeAll(weights.attentionNorm, m_stream, m_normed);
    attention(layer, texts);
    addBlock(weights.attentionOutNorm, weights.secondNorm);
    normalizeAll(weights.feedForwardNorm, m_stream, m_normed);
    if (weights.router) {
        mixture(weights);
    } else {
        feedForward(weights.feedForward);
    }
    addBlock(weights.outNorm, std::nullopt);
}

void EncoderPass::normalizeRow(const NormWeights& norm, const float* in, float* out) const {
    if (m_config.norm == NormKind::Rms) {
        m_kernels.rmsNorm(in, norm.weight.data(), static_cast<int>(norm.weight.size()),
                          m_config.epsilon, out);
    } else {
        layerNorm(in, norm.weight, norm.bias, m_config.epsilon, out);
    }
}

void EncoderPass::normalizeAll(const std::optional<NormWeights>& norm, Rows& in, Rows& out) {
    const std::size_t dim = extent(m_config.embeddingDim);
    parallelFor(m_pool, m_nTokens, 2 * dim, [&](std::size_t token) {
        if (norm) {
            normalizeRow(*norm, in.row(token), out.row(token));
        } else if (&in != &out) {
            std::copy_n(in.row(token), dim, out.row(token));
        }
        out.finish(m_kernels, token);
    });
}

void EncoderPass::addBlock(const std::optional<NormWeights>& norm,
                           const std::optional<NormWeights>& secondNorm) {
    const int dim = m_config.embeddingDim;
    parallelFor(m_pool, m_nTokens, 3 * extent(dim), [&](std::size_t token) {
        float* stream = m_stream.row(token);
        float* delta = m_delta.row(token);
        if (m_config.normPlace != NormPlace::AfterSum) {
            if (norm) normalizeRow(*norm, delta, delta);
            m_kernels.addScaled(stream, delta, 1.0f, dim);
            return;
        }
        m_kernels.addScaled(delta, stream, 1.0f, dim);
        normalizeRow(*norm, delta, delta);
        if (secondNorm) {
            m_kernels.addScaled(delta, stream, 1.0f, dim);
            normalizeRow(*secondNorm, delta, delta);
        }
        std::copy_n(delta, dim, stream);
    });
}

void EncoderPass::attention(int layer, std::span<const TextRange> texts) {
    const EncoderLayerWeights& weights = m_weights.layers[extent(layer)];
    const bool isLocal = m_config.isLocal(layer);
    m_products.addRows(weights.attention.query, m_normed, m_query, m_nTokens);
    m_products.addRows(weights.attention.key, m_normed, m_key, m_nTokens);
    m_products.addRows(weights.attention.value, m_normed, m_value, m_nTokens);
    m_products.run(m_pool);

    RopeTable* rope = isLocal ? &*m_localRope : m_rope ? &*m_rope : nullptr;
    for (const TextRange& text : texts) {
        parallelFor(m_pool, extent(text.nTokens), extent(m_query.dim() + 2 * m_key.dim()),
                    [&](std::size_t i) {
                        placeToken(weights, rope, static_cast<int>(i), extent(text.first) + i);
                    });
    }
    const std::size_t kvDim = extent(m_key.dim());
    attendWithin(m_kernels, m_pool,
                 {.queries = m_query.row(0),
                  .outputs = m_attended.row(0),
                  .keys = m_halves.data(),
                  .values = m_halves.data() + kvDim,
                  .stride = 2 * kvDim,
                  .headDim = m_config.headDim,
                  .nHeads = m_config.nHeads,
                  .nKvHeads = m_config.nKvHeads,
                  .scale = 1.0f / std::sqrt(static_cast<float>(m_config.headDim)),
                  .causal = m_config.causal,
                  .reach = isLocal ? m_config.window / 2 : 0,
                  .slopes = m_slopes},
                 texts);
    parallelFor(m_pool, m_nTokens, extent(m_attended.dim()),
                [&](std::size_t token) { m_attended.finish(m_kernels, token); });
    m_products.addRows(weights.attention.output, m_attended, m_delta, m_nTokens);
    m_products.run(m_pool);
    for (std::size_t token = 0; token < m_nTokens; ++token) {
        addVector(m_kernels, weights.attention.outputBias, m_delta.row(token));
    }
}

/// Bias, norm and rotation of a token's queries and keys; keys and values become fp16.
void EncoderPass::placeToken(const EncoderLayerWeights& weights, RopeTable* rope, int position,
                             std::size_t token) {
    const GroupedAttentionWeights& attention = weights.attention;
    addVector(m_kernels, attention.queryBias, m_query.row(token));
    addVector(m_kernels, attention.keyBias, m_key.row(token));
    addVector(m_kernels, attention.valueBias, m_value.row(token));
    const auto place = [&](float* values, int dim, const std::vector<float>& norm,
                           const std::vector<float>& bias) {
        for (int at = 0; at < dim && !norm.empty(); at += static_cast<int>(norm.size())) {
            if (m_config.norm == NormKind::Rms) {
                m_kernels.rmsNorm(values + at, norm.data(), static_cast<int>(norm.size()),
                                  m_config.epsilon, values + at);
            } else {
                layerNorm(values + at, norm, bias, m_config.epsilon, values + at);
            }
        }
        for (int at = 0; at < dim && rope != nullptr; at += m_config.headDim) {
            rope->rotate(position, values + at);
        }
    };
    place(m_query.row(token), m_query.dim(), attention.queryNorm, weights.queryNormBias);
    place(m_key.row(token), m_key.dim(), attention.keyNorm, weights.keyNormBias);
    const int kvDim = m_key.dim();
    std::uint16_t* halves = m_halves.data() + token * 2 * extent(kvDim);
    m_kernels.toHalf(m_key.row(token), kvDim, halves);
    m_kernels.toHalf(m_value.row(token), kvDim, halves + kvDim);
}

void EncoderPass::feedForward(const EncoderFeedForward& network) {
    const int dim = m_config.feedForwardDim;
    m_products.addRows(network.up, m_normed, network.gate ? m_up : m_gate, m_nTokens);
    if (network.gate) m_products.addRows(*network.gate, m_normed, m_gate, m_nTokens);
    m_products.run(m_pool);
    parallelFor(m_pool, m_nTokens, 8 * extent(dim), [&](std::size_t token) {
        float* up = network.gate ? m_up.row(token) : m_gate.row(token);
        addVector(m_kernels, network.upBias, up);
        activate(m_config.activation, m_kernels, m_gate.row(token),
                 network.gate ? up : m_ones.data(), dim);
        m_gate.finish(m_kernels, token);
    });
    m_products.addRows(network.down, m_gate, m_delta, m_nTokens);
    m_products.run(m_pool);
    for (std::size_t token = 0; token < m_nTokens; ++token) {
        addVector(m_kernels, network.downBias, m_delta.row(token));
    }
}

/// One expert at a time with its tokens, so that its weights are read once. The shares of a token's
/// experts are added in the order of their numbers.
void EncoderPass::mixture(const EncoderLayerWeights& weights) {
    const auto nExperts = extent(m_config.nExperts);
    const auto nUsed = extent(m_config.nExpertsUsed);
    const int dim = m_config.embeddingDim;
    MoeConfig router;
    router.nExperts = m_config.nExperts;
    router.nExpertsUsed = m_config.nExpertsUsed;
    router.weightScale = m_config.expertScale;
    Rows logits(m_nTokens, m_config.nExperts, false);
    m_products.add(*weights.router);
    for (std::size_t token = 0; token < m_nTokens; ++token) {
        m_products.addToken(m_normed.input(weights.router->kernels->input, token),
                            logits.row(token));
    }
    m_products.run(m_pool);
    std::vector<ExpertChoice> choices(m_nTokens * nUsed);
    for (std::size_t token = 0; token < m_nTokens; ++token) {
        route(router, {logits.row(token), nExperts}, {},
              std::span(choices).subspan(token * nUsed, nUsed));
        std::fill_n(m_delta.row(token), dim, 0.0f);
    }
    Rows results(m_nTokens, dim, false);
    for (std::size_t expert = 0; expert < nExperts; ++expert) {
        const EncoderFeedForward& network = weights.experts[expert];
        std::vector<std::pair<std::size_t, float>> members;  // token and its weight
        for (std::size_t slot = 0; slot < choices.size(); ++slot) {
            if (extent(choices[slot].expert) == expert) {
                members.emplace_back(slot / nUsed, choices[slot].weight);
            }
        }
        m_products.add(network.up);
        for (std::size_t i = 0; i < members.size(); ++i) {
            m_products.addToken(m_normed.input(network.up.kernels->input, members[i].first),
                                m_gate.row(i));
        }
        m_products.run(m_pool);
        parallelFor(m_pool, members.size(), 8 * extent(m_gate.dim()), [&](std::size_t i) {
            activate(m_config.activation, m_kernels, m_gate.row(i), m_ones.data(), m_gate.dim());
            m_gate.finish(m_kernels, i);
        });
        m_products.add(network.down);
        for (std::size_t i = 0; i < members.size(); ++i) {
            m_products.addToken(m_gate.input(network.down.kernels->input, i), results.row(i));
        }
        m_products.run(m_pool);
        for (std::size_t i = 0; i < members.size(); ++i) {
            m_kernels.addScaled(m_delta.row(members[i].first), results.row(i), members[i].second,
                                dim);
        }
    }
}

void EncoderPass::pool(const TextRange& text, std::span<float> pooled) {
    const int dim = m_config.embeddingDim;
    const auto last = extent(text.first + text.nTokens - 1);
    switch (m_config.pooling) {
        case Pooling::Mean:
            for (int i = 0; i < text.nTokens; ++i) {
                m_kernels.addScaled(pooled.data(), m_stream.row(extent(text.first + i)),
                                    1.0f / static_cast<float>(text.nTokens), dim);
            }
            break;
        case Pooling::Last: std::copy_n(m_stream.row(last), dim, pooled.data()); break;
        case Pooling::First:
            std::copy_n(m_stream.row(extent(text.first)), dim, pooled.data());
            break;
        case Pooling::Rank:
            std::copy_n(m_stream.row(m_config.causal ? last : extent(text.first)), dim,
                        pooled.data());
            break;
    }
}

std::vector<float> EncoderPass::project(const Matrix& matrix, std::span<const float> bias,
                                        std::span<const float> in) {
    Rows from(1, matrix.nColumns, matrix.kernels->input == ActivationFormat::Int8Blocks);
    std::copy(in.begin(), in.end(), from.row(0));
    from.finish(m_kernels, 0);
    std::vector<float> out(extent(matrix.nRows));
    m_products.add(matrix);
    m_products.addToken(from.input(matrix.kernels->input, 0), out.data());
    m_products.run(m_pool);
    for (std::size_t i = 0; i < bias.size(); ++i) out[i] += bias[i];
    return out;
}

void EncoderPass::finish(std::vector<float>& pooled, std::span<float> out) {
    if (m_weights.dense2) pooled = project(*m_weights.dense2, {}, pooled);
    if (m_weights.dense3) pooled = project(*m_weights.dense3, {}, pooled);
    if (m_config.pooling == Pooling::Rank) {
        if (m_weights.classifier) {
            pooled = project(*m_weights.classifier, m_weights.classifierBias, pooled);
            for (float& value : pooled) value = std::tanh(value);
        }
        if (m_weights.classes) {
            pooled = project(*m_weights.classes, m_weights.classBias, pooled);
        }
        if (m_config.softmaxClasses) {
            m_kernels.softmax(pooled.data(), static_cast<int>(pooled.size()), 1.0f);
        }
    }
    std::copy_n(pooled.begin(), out.size(), out.begin());
}

}  // namespace conclave::engine
