// ernie45_moe.cpp: ERNIE 4.5 with experts
// (ernie.baidu.com/blog/publication/ERNIE_Technical_Report.pdf), text only.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void ernie45Moe(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);

    readExperts(keys, model, ExpertWidth::FeedForward);
    const int step = keys.optional("interleave_moe_layer_step", 1, 1, kMaxLayers);
    for (int i = 0; i < model.nLayers && !keys.error(); ++i) {
        model.layers[static_cast<std::size_t>(i)].hasExperts = (i + 1) % step == 0;
    }
    readLeadingDense(keys, model);
    model.moe.normalizeWeights = true;
    model.moe.sharedDim = keys.optional("expert_shared_feed_forward_length", 0, 0, kMaxDim);
}

}  // namespace conclave::engine::architectures
