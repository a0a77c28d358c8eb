// qwen35moe.cpp: Qwen3.5's models with experts: Qwen3-Next with its value heads in another order.
// Text only, as qwen35.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void qwen35moe(Keys& keys, ModelConfig& model) {
    qwen3next(keys, model);
    model.deltaNet.isTiled = true;
}

}  // namespace conclave::engine::architectures
