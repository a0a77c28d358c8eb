// hunyuan_moe.cpp: Hunyuan-A13B (technical report in github.com/Tencent-Hunyuan/Hunyuan-A13B): the
// dense models' attention, and a shared expert beside those that are chosen.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void hunyuanMoe(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::PerHead;
    model.grouped.normalizesRotated = true;
    model.rope.pairs = RopePairs::Halves;

    readExperts(keys, model, ExpertWidth::FeedForward);
    model.moe.normalizeWeights = true;
    readSharedWidth(keys, model);
}

}  // namespace conclave::engine::architectures
