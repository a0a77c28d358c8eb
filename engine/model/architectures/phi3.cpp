// phi3.cpp: Phi-3, 3.5 and 4 (arXiv:2404.14219), section 2. The files' "attention.sliding_window"
// is left alone, as in llama.cpp, since converters filled it in for models that have none.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void phi3(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.rope.pairs = RopePairs::Halves;
    model.gateUpInOne = true;
}

}  // namespace conclave::engine::architectures
