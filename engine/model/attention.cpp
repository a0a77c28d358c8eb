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
    const auto firstWanted = size(batch.firstWanted);
    const auto nHeads = size(m.config.nHeads);
    const bool compressed = weights.queryDown.has_value();

    // Down to the latents of queries (if these are compressed) and of keys and values.
    if (compressed) {
        m.products.addRows(*weights.queryDown, in, m_queryLatent, firstWanted, nTokens);
    } else {
        m.products.addRows(weights.query, in, m_query, firstWanted, nTokens);
    }
    m.products.addRows(weights.kvDown, in, m_kv, nTokens);
    m.products.run(m.pool);
    parallelFor(m.pool, nTokens, size(m_queryLatent.dim() + m_kv.dim()), [&](std::size_t token) {
        if (compressed && token >= firstWanted) {
            m.kernels.rmsNorm(m_queryLatent.row(token), weights.queryNorm.data(),
                              m_queryLatent.dim(), m.config.norm.epsilon, m_queryLatent.row(token));
            m_queryLatent.finish(m.kernels, token);
        }
        compressKeys(m, weights, batch, token);
    });
    if (batch.nWanted() == 0) return;

    absorbQueries(m, weights, batch);
    const std::size_t firstPair = firstWanted * nHeads;
    const std::size_t nPairs = size(batch.nWanted()) * nHeads;
    const bool isQuantized = m.cache.keyType() != TensorType::F16;
    if (isQuantized) {
        parallelFor(m.pool, nPairs, size(m_absorbed.dim()),
                    [&](std::size_t i) { rotateLatent(m.config, m_absorbed.row(firstPair + i)); });
    }
    attend(m.kernels, m.pool,
           {.queries = m_absorbed.row(firstPair),
            .outputs = m_attended.row(firstPair),
            .keys = m.cache.keys(batch.layer),
            .values = m.cache.values(batch.layer),
            .queryDim = m_absorbed.dim(),
            .valueDim = m_attended.dim(),
            .nHeads = m.config.nHeads,
            .nKvHeads = 1,
            .nTokens = batch.nWanted(),
            .firstPosition = batch.firstPosition + batch.firstWanted,
            .scale = m.config.attentionScale});
    parallelFor(m.pool, nPairs, size(m_attended.dim()), [&](std::size_t i) {
        const std::size_t pair = firstPair + i;
        if (isQuantized) {
            rotateHeads({m_attended.row(pair), size(m_attended.dim())}, m_attended.dim());
        }
        m_attended.finish(m.kernels, pair);
    });

    // Up to the values of heads, and out.
    for (std::size_t head = 0; head < nHeads; ++head) {
        const Matrix& valueUp = weights.valueUp[head];
        m.products.add(valueUp);
        for (std::size_t token = firstWanted; token < nTokens; ++token) {
            m.products.addToken(m_attended.input(valueUp.kernels->input, token * nHeads + head),
                                m_values.row(token) + head * size(m.config.latent.valueDim));
        }
    }
    m.products.run(m.pool);
    parallelFor(m.pool, size(batch.nWanted()), size(m_values.dim()),
                [&](std::size_t i) { m_values.finish(m.kernels, firstWanted + i); });
    m.products.addRows(weights.output, m_values, out, firstWanted, nTokens);
    m.products.run(m.pool);
}

/// Up to the queries of heads, whose part without position goes on into the latent space.
void LatentAttention::absorbQueries(const Machinery& m, const LatentAttentionWeights& weights,
                                    const Batch& batch) {
    const auto nTokens = size(batch.nTokens);
    const auto firstWanted = size(batch.firstWanted);
    const auto nHeads = size(m.config.nHeads);
    if (weights.queryDown.has_value()) {
        m.products.addRows(weights.query, m_queryLatent, m_query, firstWanted, nTokens);
        m.products.run(m.pool);
    }
    parallelFor(m.pool, size(batch.nWanted()), size(m_query.dim()) * 2,
                [&](std::size_t i) { splitQuery(m, batch, firstWanted + i); });
    for (std::size_t head = 0; head < nHeads; ++head) {
        const Matrix& keyUp = weights.keyUp[head];
        m.products.add(keyUp);
        for (std::size_t token = firstWanted; token < nTokens; ++token) {
            const std::size_t pair = token * nHeads + head;
            m.products.addToken(m_queryNope.input(keyUp.kernels->input, pair),
                                m_absorbed.row(pair));
        }
    }
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
    const auto firstWanted = size(batch.firstWanted);
    const int headDim = m.config.grouped.headDim;
    const int kvDim = m_key.dim();
    const bool isGated = m.config.grouped.hasOutputGate;
    const bool hasRotatedKeys = m.cache.keyType() != TensorType::F16;
    const bool hasRotatedValues = m.cache.valueType() != TensorType::F16;
    m.products.addRows(weights.query, in, isGated ? m_queryAndGate : m_query, firstWanted, nTokens);
    m.products.addRows(weights.key, in, m_key, nTokens);
    m.products.addRows(weights.value, in, m_value, nTokens);
    m.products.run(m.pool);

    parallelFor(m.pool, nTokens, size(m_query.dim() + 2 * kvDim), [&](std::size_t token) {
        const bool isWanted = token >= firstWanted;
        if (isWanted) placeQuery(m, weights, batch, token);
        addBias(m.kernels, weights.keyBias, m_key.row(token));
        addBias(m.kernels, weights.valueBias, m_value.row(token));
        place(m, batch, token, m_key, weights.keyNorm);
        const int position = batch.firstPosition + static_cast<int>(token);
        const std::span<float> key(m_key.row(token), size(kvDim));
        const std::span<float> value(m_value.row(token), size(kvDim));
        if (hasRotatedKeys && isWanted) {
            rotateHeads({m_query.row(token), size(m_query.dim())}, headDim);
        }
        if (hasRotatedKeys) rotateHeads(key, headDim);
        if (hasRotatedValues) rotateHeads(value, headDim);
        m.cache.writeKeys(m.kernels, batch.layer, position, key);
        m.cache.writeValues(m.kernels, batch.layer, position, value);
    });
    if (batch.nWanted() == 0) return;

    const bool isLocal = m.config.layers[size(batch.layer)].isLocal;
    attend(m.kernels, m.pool,
           {.queries = m_query.row(firstWanted),
            .outputs = m_attended.row(firstWanted),
            .keys = m.cache.keys(batch.layer),
            .values = m.cache.values(batch.layer),
            .queryDim = headDim,
            .valueDim = headDim,
            .nHeads = m.config.nHeads,
            .nKvHeads = m.config.grouped.nKvHeads,
            .nTokens = batch.nWanted(),
            .firstPosition = batch.firstPosition + batch.firstWanted,
            .scale = m.config.attentionScale,
            .window = isLocal ? m.config.window : 0,
            .windowIsChunk = m.config.windowIsChunk,
            .softCap = m.config.grouped.softCap,
            .sinks = weights.sinks});
    parallelFor(m.pool, size(batch.nWanted()), size(m_attended.dim()), [&](std::size_t i) {
        const std::size_t token = firstWanted + i;
        if (hasRotatedValues) {
            rotateHeads({m_attended.row(token), size(m_attended.dim())}, headDim);
        }
        if (isGated) applyGates(headDim, token);
        m_attended.finish(m.kernels, token);
    });
    m.products.addRows(weights.output, m_attended, out, firstWanted, nTokens);
    m.products.run(m.pool);
    if (weights.outputBias.empty()) return;
    for (std::size_t token = firstWanted; token < nTokens; ++token) {
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

/// Bias, norms and position of a token's query, where the model and the layer have them.
void GroupedAttention::placeQuery(const Machinery& m, const GroupedAttentionWeights& weights,
                                  const Batch& batch, std::size_t token) {
    const int headDim = m.config.grouped.headDim;
    float* query = m_query.row(token);
    for (int head = 0; m.config.grouped.hasOutputGate && head < m.config.nHeads; ++head) {
        std::copy_n(m_queryAndGate.row(token) + 2 * head * headDim, headDim,
                    query + head * headDim);
    }
    addBias(m.kernels, weights.queryBias, query);
    place(m, batch, token, m_query, weights.queryNorm);
    growQuery(m, batch, token, m_query);
}

/// Norms and position of a token's query or key.
void GroupedAttention::place(const Machinery& m, const Batch& batch, std::size_t token, Rows& rows,
                             const std::vector<float>& norm) const {
    const GroupedAttentionConfig& grouped = m.config.grouped;
    const bool rotates = m.config.layers[size(batch.layer)].rotates;
    const int dim = rows.dim();
    float* values = rows.row(token);
    const auto normalize = [&] {
        const int width = grouped.queryKeyNorm == HeadNorm::AllHeads ? dim : grouped.headDim;
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
    if (!grouped.normalizesRotated) normalize();
    for (int at = 0; at < dim && rotates; at += grouped.headDim) {
        m.rope.rotate(static_cast<int>(token), values + at);
        if (!grouped.unitHeads) continue;
        m.kernels.rmsNorm(values + at, m_ones.data(), grouped.headDim, m.config.norm.epsilon,
                          values + at);
    }
    if (grouped.normalizesRotated) normalize();
}

}  // namespace conclave::engine
