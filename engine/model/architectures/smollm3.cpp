// smollm3.cpp: SmolLM3 (huggingface.co/blog/smollm3): every fourth layer is without position
// (arXiv:2501.18795).
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void smollm3(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    for (std::size_t i = 3; i < model.layers.size(); i += 4) model.layers[i].rotates = false;
}

}  // namespace conclave::engine::architectures
