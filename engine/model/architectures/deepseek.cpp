// deepseek.cpp: DeepSeekMoE (arXiv:2401.06066), section 3, and DeepSeek-V1.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void deepseek(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);

    readExperts(keys, model, ExpertWidth::FeedForward);
    readLeadingDense(keys, model);
    model.moe.normalizeWeights = false;  // weights are the chosen experts' shares of all
    model.moe.sharedDim =
        keys.required("expert_shared_count", 1, kMaxExperts) * model.moe.expertDim;
}

}  // namespace conclave::engine::architectures
