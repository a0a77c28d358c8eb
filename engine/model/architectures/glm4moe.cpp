// glm4moe.cpp: GLM-4.5 and 4.6 (arXiv:2508.06471), section 2.1.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void glm4moe(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);  // half of a head is rotated: "rope.dimension_count"
    model.grouped.needsBias = true;
    model.rope.pairs = RopePairs::Halves;
    // The larger of the published models has these norms.
    const bool hasNorm = keys.tensor("blk.0.attn_q_norm.weight") != nullptr;
    model.grouped.queryKeyNorm = hasNorm ? HeadNorm::PerHead : HeadNorm::None;
    model.norm.beforeFeedForward = "post_attention_norm";

    readExperts(keys, model, ExpertWidth::FeedForwardShared);
    readLeadingDense(keys, model);
    readRouterScore(keys, model, RouterScore::Sigmoid);
    model.moe.needsChoiceBias = true;
    model.moe.normalizeWeights = keys.flag("expert_weights_norm");
    model.moe.sharedDim =
        keys.optional("expert_shared_count", 0, 0, kMaxExperts) * model.moe.expertDim;
}

}  // namespace conclave::engine::architectures
