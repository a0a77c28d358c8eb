#include "engine/model/delta_net.h"

#include <algorithm>
#include <cmath>

#include "engine/model/activation.h"
#include "engine/model/causal_convolution.h"

namespace conclave::engine {
namespace {

std::size_t sizeOf(int n) { return static_cast<std::size_t>(n); }

/// Of a value head, in a row of m_rates.
struct RatePlaces {
    int strength = 0;
    int decay = 0;
};

RatePlaces placesOf(const DeltaNetConfig& net, int head) {
    if (net.isTiled) return {head, net.nValueHeads + head};
    const int strength = 2 * net.keyHead(head) * net.nShared() + head % net.nShared();
    return {strength, strength + net.nShared()};
}

}  // namespace

GatedDeltaNet::GatedDeltaNet(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8)
    : m_mixed(maxTokens, config.deltaNet.mixedDim(), false),
      m_convolved(maxTokens, config.deltaNet.mixedDim(), false),
      m_gate(maxTokens, config.deltaNet.valueDim(), false),
      m_rates(maxTokens, 2 * config.deltaNet.nValueHeads, false),
      m_out(maxTokens, config.deltaNet.valueDim(), wantsInt8) {}

std::size_t GatedDeltaNet::bytes(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8) {
    const DeltaNetConfig& net = config.deltaNet;
    return 2 * Rows::bytes(maxTokens, net.mixedDim(), false) +
           Rows::bytes(maxTokens, net.valueDim(), false) +
           Rows::bytes(maxTokens, 2 * net.nValueHeads, false) +
           Rows::bytes(maxTokens, net.valueDim(), wantsInt8);
}

void GatedDeltaNet::run(const Machinery& m, const DeltaNetWeights& weights, const Batch& batch,
                        const Rows& in, Rows& out) {
    const auto nTokens = sizeOf(batch.nTokens);
    const auto addParts = [&](const std::vector<MatrixPart>& parts, Rows& values) {
        for (const auto& [matrix, firstOutput] : parts) {
            m.products.add(matrix, true);
            for (std::size_t token = 0; token < nTokens; ++token) {
                m.products.addToken(in.input(matrix.kernels->input, token),
                                    values.row(token) + firstOutput);
            }
        }
    };
    addParts(weights.mixed, m_mixed);
    addParts(weights.gate, m_gate);
    m.products.addRows(weights.rates, in, m_rates, nTokens);
    if (weights.decays) {
        m.products.add(*weights.decays, true);
        for (std::size_t token = 0; token < nTokens; ++token) {
            m.products.addToken(in.input(weights.decays->kernels->input, token),
                                m_rates.row(token) + m.config.deltaNet.nValueHeads);
        }
    }
    m.products.run(m.pool);
    if (m.pool.stopRequested()) return;  // the state must not take in what was not computed
    convolve(m.pool, weights.convolution, batch.nTokens, m.cache.recurrent().inputs(batch.layer),
             m_mixed, m_convolved, true);
    parallelFor(m.pool, nTokens, 2 * sizeOf(m_mixed.dim()),
                [&](std::size_t token) { prepare(m, weights, token); });
    const auto headWork =
        4 * nTokens * sizeOf(m.config.deltaNet.headDim * m.config.deltaNet.headDim);
    parallelFor(m.pool, sizeOf(m.config.deltaNet.nValueHeads), headWork,
                [&](std::size_t head) { runHead(m, weights, batch, static_cast<int>(head)); });
    parallelFor(m.pool, nTokens, sizeOf(m_out.dim()),
                [&](std::size_t token) { m_out.finish(m.kernels, token); });
    m.products.addRows(weights.output, m_out, out, nTokens);
    m.products.run(m.pool);
}

/// Unit queries and keys, the queries scaled; strengths and decays.
void GatedDeltaNet::prepare(const Machinery& m, const DeltaNetWeights& weights, std::size_t token) {
    const DeltaNetConfig& net = m.config.deltaNet;
    float* row = m_convolved.row(token);
    const float queryScale = 1.0f / std::sqrt(static_cast<float>(net.headDim));
    for (int head = 0; head < 2 * net.nKeyHeads; ++head) {
        const std::span<float> values(row + head * net.headDim, sizeOf(net.headDim));
        float sum = 0.0f;
        for (const float value : values) sum += value * value;
        const float factor =
            (head < net.nKeyHeads ? queryScale : 1.0f) / std::sqrt(sum + m.config.norm.epsilon);
        for (float& value : values) value *= factor;
    }
    float* rates = m_rates.row(token);
    for (int head = 0; head < net.nValueHeads; ++head) {
        const RatePlaces at = placesOf(net, head);
        rates[at.strength] = sigmoid(rates[at.strength]);
        rates[at.decay] = std::exp(weights.decay[sizeOf(head)] *
                                   softplus(rates[at.decay] + weights.decayBias[sizeOf(head)]));
    }
}

void GatedDeltaNet::runHead(const Machinery& m, const DeltaNetWeights& weights, const Batch& batch,
                            int head) {
    const DeltaNetConfig& net = m.config.deltaNet;
    const int dim = net.headDim;
    const int keyHead = net.keyHead(head);
    const RatePlaces at = placesOf(net, head);
    float* state = m.cache.recurrent().memory(batch.layer) + sizeOf(head) * sizeOf(dim * dim);
    std::vector<float> change(sizeOf(dim));
    for (std::size_t token = 0; token < sizeOf(batch.nTokens); ++token) {
        const float* query = m_convolved.row(token) + keyHead * dim;
        const float* key = query + net.nKeyHeads * dim;
        const float* value = m_convolved.row(token) + (2 * net.nKeyHeads + head) * dim;
        const float strength = m_rates.row(token)[at.strength];
        const float decay = m_rates.row(token)[at.decay];
        std::fill(change.begin(), change.end(), 0.0f);
        for (int i = 0; i < dim; ++i) {
            float* row = state + sizeOf(i) * sizeOf(dim);
            for (int j = 0; j < dim; ++j) row[j] *= decay;
            m.kernels.addScaled(change.data(), row, key[i], dim);
        }
        for (int j = 0; j < dim; ++j) change[sizeOf(j)] = (value[j] - change[sizeOf(j)]) * strength;
        float* out = m_out.row(token) + head * dim;
        std::fill_n(out, dim, 0.0f);
        for (int i = 0; i < dim; ++i) {
            float* row = state + sizeOf(i) * sizeOf(dim);
            m.kernels.addScaled(row, change.data(), key[i], dim);
            m.kernels.addScaled(out, row, query[i], dim);
        }
        m.kernels.rmsNorm(out, weights.norm.data(), dim, m.config.norm.epsilon, out);
        const float* gate = m_gate.row(token) + head * dim;
        for (int j = 0; j < dim; ++j) out[j] *= gate[j] * sigmoid(gate[j]);
    }
}

}  // namespace conclave::engine
