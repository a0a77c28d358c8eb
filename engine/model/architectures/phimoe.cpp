// phimoe.cpp: Phi-3.5-MoE (arXiv:2404.14219). Its norms have biases; they are computed as RMS
// norms, as in llama.cpp, though the published code subtracts the mean.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void phimoe(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.needsBias = true;
    model.grouped.needsOutputBias = true;
    model.rope.pairs = RopePairs::Halves;
    model.norm.hasBias = true;

    readExperts(keys, model, ExpertWidth::FeedForward);
    model.moe.normalizeWeights = true;
    model.needsOutput = true;
}

}  // namespace conclave::engine::architectures
