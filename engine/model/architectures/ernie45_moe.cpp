// ernie45_moe.cpp: ERNIE 4.5 with experts
// (ernie.baidu.com/blog/publication/ERNIE_Technical_Report.pdf), text only.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void ernie45Moe(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);

    readExperts(keys, model, ExpertWidth::FeedForward);
    readInterleaved(keys, model);
    readLeadingDense(keys, model);
    model.moe.normalizeWeights = true;
    model.moe.sharedDim = keys.optional("expert_shared_feed_forward_length", 0, 0, kMaxDim);
}

}  // namespace conclave::engine::architectures
