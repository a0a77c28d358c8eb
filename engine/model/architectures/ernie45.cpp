// ernie45.cpp: ERNIE 4.5 without experts
// (ernie.baidu.com/blog/publication/ERNIE_Technical_Report.pdf).
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void ernie45(Keys& keys, ModelConfig& model) { readGroupedAttention(keys, model); }

}  // namespace conclave::engine::architectures
