// qwen3vlmoe.cpp: Qwen3-VL's models with experts (arXiv:2511.21631), text only, as qwen2vl.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void qwen3vlmoe(Keys& keys, ModelConfig& model) { qwen3moe(keys, model); }

}  // namespace conclave::engine::architectures
