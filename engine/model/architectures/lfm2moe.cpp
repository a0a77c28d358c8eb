// lfm2moe.cpp: LFM2 with experts (arXiv:2511.23404), section 2: the dense models' layers, of which
// all but the first have a mixture for their second block.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void lfm2moe(Keys& keys, ModelConfig& model) {
    lfm2(keys, model);

    readExperts(keys, model, ExpertWidth::FeedForward);
    readLeadingDense(keys, model);
    readRouterScore(keys, model, RouterScore::Sigmoid);
    model.moe.needsChoiceBias = true;
    model.moe.normalizeWeights = true;
}

}  // namespace conclave::engine::architectures
