// hunyuan_moe.cpp: Hunyuan-A13B (github.com/Tencent-Hunyuan/Hunyuan-A13B, technical report, section
// 2): the dense models' attention, and a shared expert beside those that are chosen.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void hunyuanMoe(Keys& keys, ModelConfig& model) {
    hunyuanDense(keys, model);

    readExperts(keys, model, ExpertWidth::FeedForward);
    model.moe.normalizeWeights = true;
    readSharedWidth(keys, model);
}

}  // namespace conclave::engine::architectures
