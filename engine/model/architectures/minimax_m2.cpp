// minimax_m2.cpp: MiniMax-M2 (github.com/MiniMax-AI/MiniMax-M2): half of a head is rotated, and all
// heads are normalized together.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void minimaxM2(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::AllHeads;
    model.rope.pairs = RopePairs::Halves;

    readExperts(keys, model, ExpertWidth::FeedForward);
    readRouterScore(keys, model, RouterScore::Sigmoid);
    model.moe.needsChoiceBias = true;
    model.moe.normalizeWeights = true;
    model.needsOutput = true;
}

}  // namespace conclave::engine::architectures
