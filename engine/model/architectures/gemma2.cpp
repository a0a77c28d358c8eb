// gemma2.cpp: Gemma 2 (arXiv:2408.00118), section 2.
#include <cmath>

#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void gemma2(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    // The 27B model divides by the width per head, which is not the head's width.
    const int scaleDim =
        model.nLayers == 46 ? model.embeddingDim / model.nHeads : model.grouped.headDim;
    model.attentionScale = 1.0f / std::sqrt(static_cast<float>(scaleDim));
    model.grouped.softCap =
        static_cast<float>(keys.number("attn_logit_softcapping", 50.0, 1e-3, 1e6));
    model.rope.pairs = RopePairs::Halves;
    model.window = 4096;
    readWindow(keys, model, 2);
    readLocalBase(keys, model);

    model.embeddingScale = std::sqrt(static_cast<float>(model.embeddingDim));
    model.norm.afterBlocks = true;
    model.activation = Activation::Gelu;
    model.logitSoftCap =
        static_cast<float>(keys.number("final_logit_softcapping", 30.0, 1e-3, 1e6));
}

}  // namespace conclave::engine::architectures
