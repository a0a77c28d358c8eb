#include "engine/model/mamba2.h"

#include <algorithm>
#include <cmath>

#include "engine/model/activation.h"
#include "engine/model/causal_convolution.h"

namespace conclave::engine {

Mamba2::Mamba2(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8)
    : m_mixed(maxTokens, config.mamba.mixedDim(), false),
      m_convolved(maxTokens, config.mamba.mixedDim(), false),
      m_gate(maxTokens, config.mamba.innerDim(), false),
      m_steps(maxTokens, config.mamba.nHeads, false),
      m_out(maxTokens, config.mamba.innerDim(), wantsInt8) {}

std::size_t Mamba2::bytes(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8) {
    const Mamba2Config& mamba = config.mamba;
    return 2 * Rows::bytes(maxTokens, mamba.mixedDim(), false) +
           Rows::bytes(maxTokens, mamba.innerDim(), false) +
           Rows::bytes(maxTokens, mamba.nHeads, false) +
           Rows::bytes(maxTokens, mamba.innerDim(), wantsInt8);
}

void Mamba2::run(const Machinery& m, const Mamba2Weights& weights, const Batch& batch,
                 const Rows& in, Rows& out) {
    const Mamba2Config& mamba = m.config.mamba;
    const auto nTokens = static_cast<std::size_t>(batch.nTokens);
    m.products.addRows(weights.gate, in, m_gate, nTokens);
    m.products.addRows(weights.mixed, in, m_mixed, nTokens);
    m.products.addRows(weights.steps, in, m_steps, nTokens);
    m.products.run(m.pool);
    if (m.pool.stopRequested()) return;  // the state must not take in what was not computed

    convolve(m.pool, weights.convolution, batch.nTokens, m.cache.recurrent().inputs(batch.layer),
             m_mixed, m_convolved, true);
    const auto headWork = 4 * nTokens * static_cast<std::size_t>(mamba.headDim) *
                          static_cast<std::size_t>(mamba.stateDim);
    parallelFor(m.pool, static_cast<std::size_t>(mamba.nHeads), headWork,
                [&](std::size_t head) { runHead(m, weights, batch, static_cast<int>(head)); });
    parallelFor(m.pool, nTokens, 2 * static_cast<std::size_t>(mamba.innerDim()),
                [&](std::size_t token) { gateAndNormalize(m, weights, token); });
    m.products.addRows(weights.output, m_out, out, nTokens);
    m.products.run(m.pool);
}

void Mamba2::runHead(const Machinery& m, const Mamba2Weights& weights, const Batch& batch,
                     int head) {
    const Mamba2Config& mamba = m.config.mamba;
    const auto place = static_cast<std::size_t>(head);
    const int dim = mamba.headDim;
    const int group = head / (mamba.nHeads / mamba.nGroups);
    float* state = m.cache.recurrent().memory(batch.layer) +
                   place * static_cast<std::size_t>(dim) * static_cast<std::size_t>(mamba.stateDim);
    for (std::size_t token = 0; token < static_cast<std::size_t>(batch.nTokens); ++token) {
        const float* mixed = m_convolved.row(token);
        const float* x = mixed + head * dim;
        const float* b = mixed + mamba.innerDim() + group * mamba.stateDim;
        const float* c = b + mamba.nGroups * mamba.stateDim;
        const float step = softplus(m_steps.row(token)[head] + weights.stepBias[place]);
        const float kept = std::exp(step * weights.decay[place]);
        float* out = m_out.row(token) + head * dim;
        for (int i = 0; i < dim; ++i) out[i] = weights.skip[place] * x[i];
        for (int j = 0; j < mamba.stateDim; ++j) {
            float* column = state + static_cast<std::ptrdiff_t>(j) * dim;  // of H
            for (int i = 0; i < dim; ++i) column[i] *= kept;
            m.kernels.addScaled(column, x, step * b[j], dim);
            m.kernels.addScaled(out, column, c[j], dim);
        }
    }
}

void Mamba2::gateAndNormalize(const Machinery& m, const Mamba2Weights& weights, std::size_t token) {
    float* values = m_out.row(token);
    m.kernels.swiglu(m_gate.row(token), values, m_out.dim(), values);
    const int groupDim = m_out.dim() / m.config.mamba.nGroups;
    for (int at = 0; at < m_out.dim() && !weights.norm.empty(); at += groupDim) {
        m.kernels.rmsNorm(values + at, weights.norm.data() + at, groupDim, m.config.norm.epsilon,
                          values + at);
    }
    m_out.finish(m.kernels, token);
}

}  // namespace conclave::engine
