// hunyuan_dense.cpp: Hunyuan's dense models (github.com/Tencent-Hunyuan/Hunyuan-7B): queries and
// keys are normalized behind their rotation.
#include <cmath>

#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void hunyuanDense(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::PerHead;
    model.grouped.normalizesRotated = true;
    model.rope.pairs = RopePairs::Halves;
    // NTK-aware scaling with a fixed alpha, where the converter has not put it into the base.
    const double alpha = keys.number("rope.scaling.alpha", 0.0, 0.0, 1e9);
    const double dim = model.grouped.headDim;
    if (alpha > 0.0 && dim > 2.0) model.rope.base *= std::pow(alpha, dim / (dim - 2.0));
}

}  // namespace conclave::engine::architectures
