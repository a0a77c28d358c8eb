// bailingmoe.cpp: Ling-lite and Ling-plus (arXiv:2503.05139).
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void bailingmoe(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);

    readExperts(keys, model, ExpertWidth::FeedForward);
    model.moe.normalizeWeights = keys.flag("expert_weights_norm");
    model.moe.sharedDim =
        keys.required("expert_shared_count", 1, kMaxExperts) * model.moe.expertDim;
    model.needsOutput = true;
}

}  // namespace conclave::engine::architectures
