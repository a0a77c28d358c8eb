#include "engine/model/attention.h"

#include <algorithm>
#include <cmath>

#include "engine/model/activation.h"
#include "engine/model/attend.h"
#include "engine/model/layer_norm.h"
#include "engine/model/rotation.h"

namespace conclave::engine {
namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

void addBias(const KernelTable& kernels, const std::vector<float>& bias, float* values) {
    if (!bias.empty()) kernels.addScaled(values, bias.data(), 1.0f, static_cast<int>(bias.size()));
}

/// Where the model and the layer have queries that grow.
void growQuery(const Machinery& m, const Batch& batch, std::size_t token, Rows& query) {
    const QueryGrowthConfig& growth = m.config.growth;
    const bool grows = growth.whereRotated || !m.config.layers[size(batch.layer)].rotates;
    if (growth.step == 0 || !grows) return;
    const int position = batch.firstPosition + static_cast<int>(token);
    const int nSteps = (position + growth.offset) / growth.step;
    const auto share = static_cast<float>(growth.rate * std::log1p(nSteps));
    m.kernels.addScaled(query.row(token), query.row(token), share, query.dim());
}

int gatedDim(const ModelConfig& config) {
    return config.grouped.hasOutputGate ? 2 * config.nHeads * config.grouped.headDim : 0;
}

int latentKeyDim(const ModelConfig& config) { return config.latent.latentDim + config.rope.dim; }

/// Latent and rotated part, each for itself: the values are the latent.
void rotateLatent(const ModelConfig& config, float* key) {
    rotateHeads({key, size(config.latent.latentDim)}, config.latent.latentDim);
    rotateHeads({key + config.latent.latentDim, size(config.rope.dim)}, config.rope.dim);
}

}  // namespace

// ------------------------------------------------------------------------------ latent attention

LatentAttention::LatentAttention(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8)
    : m_queryLatent(maxTokens, config.latent.queryRank, wantsInt8),
      m_query(maxTokens, config.nHeads * (config.latent.nopeDim + config.rope.dim), false),
      m_kv(maxTokens, latentKeyDim(config), false),
      m_queryNope(maxTokens * size(config.nHeads), config.latent.nopeDim, wantsInt8),
      m_absorbed(maxTokens * size(config.nHeads), latentKeyDim(config), false),
      m_attended(maxTokens * size(config.nHeads), config.latent.latentDim, wantsInt8),
      m_values(maxTokens, config.nHeads * config.latent.valueDim, wantsInt8) {}

std::size_t LatentAttention::bytes(const ModelConfig& config, std::size_t maxTokens,
                                   bool wantsInt8) {
    const auto& latent = config.latent;
    const std::size_t nPairs = maxTokens * size(config.nHeads);
    return Rows::bytes(maxTokens, latent.queryRank, wantsInt8) +
           Rows::bytes(nPairs, latent.nopeDim + config.rope.dim, false) +
           Rows::bytes(maxTokens, latentKeyDim(config), false) +
           Rows::bytes(nPairs, latent.nopeDim, wantsInt8) +
           Rows::bytes(nPairs, latentKeyDim(config), false) +
           Rows::bytes(nPairs, latent.latentDim, wantsInt8) +
           Rows::bytes(nPairs, latent.valueDim, wantsInt8);
}

void LatentAttention::run(const Machinery& m, const LatentAttentionWeights& weights,
                          const Batch& batch, const Rows& in, Rows& out) {
    const auto nTokens = size(batch.nTokens);
    const auto nHeads = size(m.config.nHeads);
    const bool compressed = weights.queryDown.has_value();

    // Down to the latents of queries (if these are compressed) and of keys and values.
    if (compressed) {
        m.products.addRows(*weights.queryDown, in, m_queryLatent, nTokens);
    } else {
        m.products.addRows(weights.query, in, m_query, nTokens);
    }
    m.products.addRows(weights.kvDown, in, m_kv, nTokens);
    m.products.run(m.pool);
    parallelFor(m.pool, nTokens, size(m_queryLatent.dim() + m_kv.dim()), [&](std::size_t token) {
        if (compressed) {
            m.kernels.rmsNorm(m_queryLatent.row(token), weights.queryNorm.data(),
                              m_queryLatent.dim(), m.config.norm.epsilon, m_queryLatent.row(token));
            m_queryLatent.finish(m.kernels, token);
        }
        compressKeys(m, weights, batch, token);
    });

    // Up to the queries of heads; their part without position goes on into the latent space.
    if (compressed) {
        m.products.addRows(weights.query, m_queryLatent, m_query, nTokens);
        m.products.run(m.pool);
    }
    parallelFor(m.pool, nTokens, size(m_query.dim()) * 2,
                [&](std::size_t token) { splitQuery(m, batch, token); });
    for (std::size_t head = 0; head < nHeads; ++head) {
        const Matrix& keyUp = weights.keyUp[head];
        m.products.add(keyUp);
        for (std::size_t token = 0; token < nTokens; ++token) {
            const std::size_t pair = token * nHeads + head;
            m.products.addToken(m_queryNope.input(keyUp.kernels->input, pair),
                                m_absorbed.row(pair));
        }
    }
    m.products.run(m.pool);

    const std::size_t nPairs = nTokens * nHeads;
    const bool isQuantized = m.cache.keyType() != TensorType::F16;
    if (isQuantized) {
        parallelFor(m.pool, nPairs, size(m_absorbed.dim()),
                    [&](std::size_t pair) { rotateLatent(m.config, m_absorbed.row(pair)); });
    }
    attend(m.kernels, m.pool,
           {.queries = m_absorbed.row(0),
            .outputs = m_attended.row(0),
            .keys = m.cache.keys(batch.layer),
            .values = m.cache.values(batch.layer),
            .queryDim = m_absorbed.dim(),
            .valueDim = m_attended.dim(),
            .nHeads = m.config.nHeads,
            .nKvHeads = 1,
            .nTokens = batch.nTokens,
            .firstPosition = batch.firstPosition,
            .scale = m.config.attentionScale});
    parallelFor(m.pool, nPairs, size(m_attended.dim()), [&](std::size_t pair) {
        if (isQuantized) {
            rotateHeads({m_attended.row(pair), size(m_attended.dim())}, m_attended.dim());
        }
        m_attended.finish(m.kernels, pair);
    });

    // Up to the values of heads, and out.
    for (std::size_t head = 0; head < nHeads; ++head) {
        const Matrix& valueUp = weights.valueUp[head];
        m.products.add(valueUp);
        for (std::size_t token = 0; token < nTokens; ++token) {
            m.products.addToken(m_attended.input(valueUp.kernels->input, token * nHeads + head),
                                m_values.row(token) + head * size(m.config.latent.valueDim));
        }
    }
    m.products.run(m.pool);
    parallelFor(m.pool, nTokens, size(m_values.dim()),
                [&](std::size_t token) { m_values.finish(m.kernels, token); });
    m.products.addRows(weights.output, m_values, out, nTokens);
    m.products.run(m.pool);
}

/// Norm covers the latent only; position goes into the shared key only. Both join the cache.
void LatentAttention::compressKeys(const Machinery& m, const LatentAttentionWeights& weights,
                                   const Batch& batch, std::size_t token) {
    float* latent = m_kv.row(token);
    const int latentDim = m.config.latent.latentDim;
    m.kernels.rmsNorm(latent, weights.kvNorm.data(), latentDim, m.config.norm.epsilon, latent);
    const int index = static_cast<int>(token);
    m.rope.rotate(index, latent + latentDim);
    if (m.cache.keyType() != TensorType::F16) rotateLatent(m.config, latent);
    m.cache.writeKeys(m.kernels, batch.layer, batch.firstPosition + index,
                      {latent, size(m_kv.dim())});
}

/// A head's query is [nopeDim without position | ropeDim with it]. The first part is set aside for
/// the product into the latent space, the second goes behind that product's result.
void LatentAttention::splitQuery(const Machinery& m, const Batch& batch, std::size_t token) {
    growQuery(m, batch, token, m_query);
    const int nopeDim = m.config.latent.nopeDim;
    const int ropeDim = m.config.rope.dim;
    const auto nHeads = size(m.config.nHeads);
    float* query = m_query.row(token);
    for (std::size_t pair = token * nHeads; pair < (token + 1) * nHeads; ++pair) {
        std::copy_n(query, nopeDim, m_queryNope.row(pair));
        m_queryNope.finish(m.kernels, pair);
        query += nopeDim;
        m.rope.rotate(static_cast<int>(token), query);
        std::copy_n(query, ropeDim, m_absorbed.row(pair) + m.config.latent.latentDim);
        query += ropeDim;
    }
}

// ----------------------------------------------------------------------------- grouped attention

GroupedAttention::GroupedAttention(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8)
    : m_queryAndGate(maxTokens, gatedDim(config), false),
      m_query(maxTokens, config.nHeads * config.grouped.headDim, false),
      m_key(maxTokens, config.grouped.nKvHeads * config.grouped.headDim, false),
      m_value(maxTokens, config.grouped.nKvHeads * config.grouped.headDim, false),
      m_attended(maxTokens, config.nHeads * config.grouped.headDim, wantsInt8),
      m_ones(size(config.grouped.headDim), 1.0f) {}

std::size_t GroupedAttention::bytes(const ModelConfig& config, std::size_t maxTokens,
                                    bool wantsInt8) {
    const auto& grouped = config.grouped;
    return Rows::bytes(maxTokens, gatedDim(config), false) +
           Rows::bytes(maxTokens, config.nHeads * grouped.headDim, false) +
           2 * Rows::bytes(maxTokens, grouped.nKvHeads * grouped.headDim, false) +
           Rows::bytes(maxTokens, config.nHeads * grouped.headDim, wantsInt8);
}

void GroupedAttention::run(const Machinery& m, const GroupedAttentionWeights& weights,
                           const Batch& batch, const Rows& in, Rows& out) {
    const auto nTokens = size(batch.nTokens);
    const int headDim = m.config.grouped.headDim;
    const int kvDim = m_key.dim();
    const bool isGated = m.config.grouped.hasOutputGate;
    const bool hasRotatedKeys = m.cache.keyType() != TensorType::F16;
    const bool hasRotatedValues = m.cache.valueType() != TensorType::F16;
    m.products.addRows(weights.query, in, isGated ? m_queryAndGate : m_query, nTokens);
    m.products.addRows(weights.key, in, m_key, nTokens);
    m.products.addRows(weights.value, in, m_value, nTokens);
    m.products.run(m.pool);

    parallelFor(m.pool, nTokens, size(m_query.dim() + 2 * kvDim), [&](std::size_t token) {
        for (int head = 0; isGated && head < m.config.nHeads; ++head) {
            std::copy_n(m_queryAndGate.row(token) + 2 * head * headDim, headDim,
                        m_query.row(token) + head * headDim);
        }
        addBias(m.kernels, weights.queryBias, m_query.row(token));
        addBias(m.kernels, weights.keyBias, m_key.row(token));
        addBias(m.kernels, weights.valueBias, m_value.row(token));
        placeQueryAndKey(m, weights, batch, token);
        const int position = batch.firstPosition + static_cast<int>(token);
        const std::span<float> key(m_key.row(token), size(kvDim));
        const std::span<float> value(m_value.row(token), size(kvDim));
        if (hasRotatedKeys) {
            rotateHeads({m_query.row(token), size(m_query.dim())}, headDim);
            rotateHeads(key, headDim);
        }
        if (hasRotatedValues) rotateHeads(value, headDim);
        m.cache.writeKeys(m.kernels, batch.layer, position, key);
        m.cache.writeValues(m.kernels, batch.layer, position, value);
    });

    const bool isLocal = m.config.layers[size(batch.layer)].isLocal;
    attend(m.kernels, m.pool,
           {.queries = m_query.row(0),
            .outputs = m_attended.row(0),
            .keys = m.cache.keys(batch.layer),
            .values = m.cache.values(batch.layer),
            .queryDim = headDim,
            .valueDim = headDim,
            .nHeads = m.config.nHeads,
            .nKvHeads = m.config.grouped.nKvHeads,
            .nTokens = batch.nTokens,
            .firstPosition = batch.firstPosition,
            .scale = m.config.attentionScale,
            .window = isLocal ? m.config.window : 0,
            .windowIsChunk = m.config.windowIsChunk,
            .softCap = m.config.grouped.softCap,
            .sinks = weights.sinks});
    parallelFor(m.pool, nTokens, size(m_attended.dim()), [&](std::size_t token) {
        if (hasRotatedValues) {
            rotateHeads({m_attended.row(token), size(m_attended.dim())}, headDim);
        }
        if (isGated) applyGates(headDim, token);
        m_attended.finish(m.kernels, token);
    });
    m.products.addRows(weights.output, m_attended, out, nTokens);
    m.products.run(m.pool);
    if (weights.outputBias.empty()) return;
    for (std::size_t token = 0; token < nTokens; ++token) {
        addBias(m.kernels, weights.outputBias, out.row(token));
    }
}

void GroupedAttention::applyGates(int headDim, std::size_t token) {
    float* values = m_attended.row(token);
    const float* gates = m_queryAndGate.row(token) + headDim;  // behind each head's query
    for (int at = 0; at < m_attended.dim(); at += headDim, gates += std::ptrdiff_t{2} * headDim) {
        for (int i = 0; i < headDim; ++i) values[at + i] *= sigmoid(gates[i]);
    }
}

/// Norms and positions, where the model and the layer have them.
void GroupedAttention::placeQueryAndKey(const Machinery& m, const GroupedAttentionWeights& weights,
                                        const Batch& batch, std::size_t token) {
    const GroupedAttentionConfig& grouped = m.config.grouped;
    const bool rotates = m.config.layers[size(batch.layer)].rotates;
    const int headDim = grouped.headDim;
    const auto normalize = [&](float* values, int dim, const std::vector<float>& norm) {
        const int width = grouped.queryKeyNorm == HeadNorm::AllHeads ? dim : headDim;
        for (int at = 0; at < dim && !norm.empty(); at += width) {
            const std::span weight(norm.data() + size(at) % norm.size(), size(width));
            if (m.config.norm.kind == NormKind::Layer) {
                layerNorm(values + at, weight, {}, m.config.norm.epsilon, values + at);
            } else {
                m.kernels.rmsNorm(values + at, weight.data(), width, m.config.norm.epsilon,
                                  values + at);
            }
        }
    };
    const auto place = [&](float* values, int dim, const std::vector<float>& norm) {
        if (!grouped.normalizesRotated) normalize(values, dim, norm);
        for (int at = 0; at < dim && rotates; at += headDim) {
            m.rope.rotate(static_cast<int>(token), values + at);
            if (!grouped.unitHeads) continue;
            m.kernels.rmsNorm(values + at, m_ones.data(), headDim, m.config.norm.epsilon,
                              values + at);
        }
        if (grouped.normalizesRotated) normalize(values, dim, norm);
    };
    place(m_query.row(token), m_query.dim(), weights.queryNorm);
    place(m_key.row(token), m_key.dim(), weights.keyNorm);
    growQuery(m, batch, token, m_query);
}

}  // namespace conclave::engine
