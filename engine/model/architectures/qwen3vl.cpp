// qwen3vl.cpp: Qwen3-VL's dense models (arXiv:2511.21631), text only, as qwen2vl: Qwen3's layers.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void qwen3vl(Keys& keys, ModelConfig& model) { qwen3(keys, model); }

}  // namespace conclave::engine::architectures
