// qwen3next.cpp: Qwen3-Next (qwenlm.github.io/blog/qwen3_next): three layers of four are gated
// delta nets (arXiv:2412.06464), the fourth attends to everything and gates what it gives.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void qwen3next(Keys& keys, ModelConfig& model) {
    readGatedHybrid(keys, model);

    readExperts(keys, model, ExpertWidth::FeedForwardShared);
    model.moe.normalizeWeights = true;  // always: files have no key for it
    readSharedWidth(keys, model);
    model.moe.sharedGate = true;
}

}  // namespace conclave::engine::architectures
