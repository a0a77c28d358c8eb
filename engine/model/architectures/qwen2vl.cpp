// qwen2vl.cpp: Qwen2-VL (arXiv:2409.12191) and 2.5-VL (arXiv:2502.13923), text only, where the
// sections of the rotation ("rope.dimension_sections") turn alike: Qwen2's layers.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void qwen2vl(Keys& keys, ModelConfig& model) { qwen2(keys, model); }

}  // namespace conclave::engine::architectures
