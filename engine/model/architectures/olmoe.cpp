// olmoe.cpp: OLMoE (arXiv:2409.02060), section 2.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void olmoe(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::AllHeads;
    model.rope.pairs = RopePairs::Halves;

    readExperts(keys, model, ExpertWidth::FeedForward);
    model.moe.normalizeWeights = false;  // weights are the chosen experts' shares of all
    model.needsOutput = true;
}

}  // namespace conclave::engine::architectures
