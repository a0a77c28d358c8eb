#include "engine/model/prediction_layer.h"

namespace conclave::engine {
namespace {

Stack stackOf(const Weights& weights) {
    const PredictionWeights& own = *weights.prediction;
    return {{&own.layer, 1}, own.outputNorm, own.output ? *own.output : weights.output};
}

}  // namespace

PredictionLayer::PredictionLayer(const ModelConfig& config, const Weights& weights,
                                 const KernelTable& kernels, KvCache& cache, ThreadPool& pool,
                                 int maxTokens)
    : m_config(config),
      m_weights(*weights.prediction),
      m_embedding(m_weights.embedding ? *m_weights.embedding : weights.embedding),
      m_kernels(kernels),
      m_pool(pool),
      m_joined(static_cast<std::size_t>(maxTokens), 2 * config.embeddingDim, weights.needsInt8),
      m_transformer(config, weights, stackOf(weights), kernels, cache, pool, maxTokens) {}

std::uint64_t PredictionLayer::bytes(const ModelConfig& config, bool wantsInt8, int maxTokens) {
    return Transformer::bytes(config, wantsInt8, maxTokens) +
           Rows::bytes(static_cast<std::size_t>(maxTokens), 2 * config.embeddingDim, wantsInt8);
}

bool PredictionLayer::forward(std::span<const TokenId> tokens, std::span<const float> hidden,
                              int firstPosition, int nWanted) {
    const int dim = m_config.embeddingDim;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        float* embedding = m_joined.row(i);
        m_embedding.kernels->dequantize(m_embedding.row(tokens[i]), dim, embedding);
        for (int at = 0; at < dim; ++at) embedding[at] *= m_config.embeddingScale;
        m_kernels.rmsNorm(embedding, m_weights.embeddingNorm.weight.data(), dim,
                          m_config.norm.epsilon, embedding);
        m_kernels.rmsNorm(hidden.data() + i * static_cast<std::size_t>(dim),
                          m_weights.hiddenNorm.weight.data(), dim, m_config.norm.epsilon,
                          embedding + dim);
        m_joined.finish(m_kernels, i);
    }
    m_products.addRows(m_weights.join, m_joined, m_transformer.stream(), tokens.size());
    m_products.run(m_pool);
    return m_transformer.run(static_cast<int>(tokens.size()), firstPosition, nWanted);
}

bool PredictionLayer::logits(int index, std::span<float> out) {
    return m_transformer.logits(index, 1, out);
}

void PredictionLayer::forgetPass() {
    m_products.forget();
    m_transformer.forgetPass();
}

}  // namespace conclave::engine
