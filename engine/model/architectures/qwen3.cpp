// qwen3.cpp: Qwen3's dense models (arXiv:2505.09388), section 2.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void qwen3(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::PerHead;
    model.rope.pairs = RopePairs::Halves;
}

}  // namespace conclave::engine::architectures
