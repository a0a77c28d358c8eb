// qwen3moe.cpp: Qwen3's models with experts (arXiv:2505.09388), section 2.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void qwen3moe(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::PerHead;
    model.rope.pairs = RopePairs::Halves;

    readExperts(keys, model, ExpertWidth::FeedForwardShared);
    model.moe.normalizeWeights = true;  // always: files have no key for it
}

}  // namespace conclave::engine::architectures
