// qwen2.cpp: Qwen 1.5 to 2.5 (arXiv:2407.10671), section 2.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void qwen2(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.needsBias = true;
    model.rope.pairs = RopePairs::Halves;
}

}  // namespace conclave::engine::architectures
