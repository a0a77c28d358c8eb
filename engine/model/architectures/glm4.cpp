// glm4.cpp: GLM-4-0414 (arXiv:2406.12793), with norms around its blocks.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void glm4(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);  // half of a head is rotated: "rope.dimension_count"
    model.norm.afterBlocks = true;
    model.gateUpInOne = true;
}

}  // namespace conclave::engine::architectures
