// qwen35.cpp: Qwen3.5's dense models: Qwen3-Next's layers with its value heads in another order,
// and no experts. Text only, where the sections of the rotation ("rope.dimension_sections") turn
// alike.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void qwen35(Keys& keys, ModelConfig& model) {
    readGatedHybrid(keys, model);
    model.deltaNet.isTiled = true;
}

}  // namespace conclave::engine::architectures
