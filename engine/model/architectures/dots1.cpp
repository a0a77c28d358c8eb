// dots1.cpp: dots.llm1 (arXiv:2506.05767), section 2.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void dots1(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::PerHead;
    model.rope.pairs = RopePairs::Halves;

    readExperts(keys, model, ExpertWidth::FeedForward);
    readLeadingDense(keys, model);
    readRouterScore(keys, model, RouterScore::Sigmoid);
    model.moe.normalizeWeights = keys.flag("expert_weights_norm");
    model.moe.sharedDim =
        keys.required("expert_shared_count", 1, kMaxExperts) * model.moe.expertDim;
    model.needsOutput = true;
}

}  // namespace conclave::engine::architectures
