// granitemoe.cpp: Granite 3 and 4 with experts: granite's layer, and a mixture for its second
// block.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void granitemoe(Keys& keys, ModelConfig& model) {
    granite(keys, model);
    readExperts(keys, model, ExpertWidth::FeedForward);
    model.moe.normalizeWeights = true;
    model.moe.sharedDim = keys.optional("expert_shared_feed_forward_length", 0, 0, kMaxDim);
}

}  // namespace conclave::engine::architectures
