// gemma.cpp: Gemma (arXiv:2403.08295), section 2.
#include <cmath>

#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void gemma(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.rope.pairs = RopePairs::Halves;
    model.embeddingScale = std::sqrt(static_cast<float>(model.embeddingDim));
    model.activation = Activation::Gelu;
}

}  // namespace conclave::engine::architectures
