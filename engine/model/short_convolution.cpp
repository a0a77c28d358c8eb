#include "engine/model/short_convolution.h"

#include "engine/model/causal_convolution.h"

namespace conclave::engine {

ShortConvolution::ShortConvolution(const ModelConfig& config, std::size_t maxTokens, bool wantsInt8)
    : m_gateBefore(maxTokens, config.embeddingDim, false),
      m_gateAfter(maxTokens, config.embeddingDim, false),
      m_values(maxTokens, config.embeddingDim, false),
      m_convolved(maxTokens, config.embeddingDim, wantsInt8) {}

std::size_t ShortConvolution::bytes(const ModelConfig& config, std::size_t maxTokens,
                                    bool wantsInt8) {
    return 3 * Rows::bytes(maxTokens, config.embeddingDim, false) +
           Rows::bytes(maxTokens, config.embeddingDim, wantsInt8);
}

void ShortConvolution::run(const Machinery& m, const ShortConvolutionWeights& weights,
                           const Batch& batch, const Rows& in, Rows& out) {
    const auto nTokens = static_cast<std::size_t>(batch.nTokens);
    const int dim = m_values.dim();
    const auto multiply = [dim](float* values, const float* gates) {
        for (int i = 0; i < dim; ++i) values[i] *= gates[i];
    };
    m.products.addRows(weights.gateBefore, in, m_gateBefore, nTokens);
    m.products.addRows(weights.gateAfter, in, m_gateAfter, nTokens);
    m.products.addRows(weights.values, in, m_values, nTokens);
    m.products.run(m.pool);
    if (m.pool.stopRequested()) return;  // the state must not take in what was not computed

    for (std::size_t token = 0; token < nTokens; ++token) {
        multiply(m_values.row(token), m_gateBefore.row(token));
    }
    convolve(m.pool, weights.convolution, batch.nTokens, m.cache.recurrent().inputs(batch.layer),
             m_values, m_convolved, false);
    parallelFor(m.pool, nTokens, static_cast<std::size_t>(dim), [&](std::size_t token) {
        multiply(m_convolved.row(token), m_gateAfter.row(token));
        m_convolved.finish(m.kernels, token);
    });
    m.products.addRows(weights.output, m_convolved, out, nTokens);
    m.products.run(m.pool);
}

}  // namespace conclave::engine
