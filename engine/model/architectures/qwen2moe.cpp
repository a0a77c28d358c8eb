// qwen2moe.cpp: Qwen1.5-MoE and Qwen2-57B-A14B (arXiv:2407.10671), section 2.2.2.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void qwen2moe(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.needsBias = true;
    model.rope.pairs = RopePairs::Halves;

    readExperts(keys, model, ExpertWidth::FeedForwardShared);
    readSharedWidth(keys, model);
    model.moe.sharedGate = true;
    model.needsOutput = true;
}

}  // namespace conclave::engine::architectures
