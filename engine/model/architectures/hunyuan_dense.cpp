// hunyuan_dense.cpp: Hunyuan's dense models (github.com/Tencent-Hunyuan/Hunyuan-7B): queries and
// keys are normalized behind their rotation.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void hunyuanDense(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::PerHead;
    model.grouped.normalizesRotated = true;
    model.rope.pairs = RopePairs::Halves;
}

}  // namespace conclave::engine::architectures
