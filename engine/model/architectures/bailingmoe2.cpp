// bailingmoe2.cpp: Ling 2.0 and Ring 2.0 (arXiv:2510.22115).
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void bailingmoe2(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);  // half of a head is rotated: "rope.dimension_count"
    model.grouped.queryKeyNorm = HeadNorm::PerHead;
    model.rope.pairs = RopePairs::Halves;

    readExperts(keys, model, ExpertWidth::FeedForward);
    readLeadingDense(keys, model);
    readRouterScore(keys, model, RouterScore::Sigmoid);
    model.moe.normalizeWeights = keys.flag("expert_weights_norm");
    const int nShared = keys.required("expert_shared_count", 1, kMaxExperts);
    model.moe.sharedDim = nShared * keys.optional("expert_shared_feed_forward_length",
                                                  model.moe.expertDim, 1, kMaxDim / kMaxExperts);
    model.needsOutput = true;
}

}  // namespace conclave::engine::architectures
