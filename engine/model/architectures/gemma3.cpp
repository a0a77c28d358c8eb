// gemma3.cpp: Gemma 3 (arXiv:2503.19786), section 2.
#include <cmath>

#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void gemma3(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    // The 27B model divides by the width per head, which is not the head's width.
    const int scaleDim =
        model.nLayers == 62 ? model.embeddingDim / model.nHeads : model.grouped.headDim;
    model.attentionScale = 1.0f / std::sqrt(static_cast<float>(scaleDim));
    model.grouped.queryKeyNorm = HeadNorm::PerHead;
    model.rope.pairs = RopePairs::Halves;
    readWindow(keys, model, 6);
    // Local layers were not stretched with the context, and turn faster.
    model.localRope = {.dim = model.rope.dim,
                       .pairs = model.rope.pairs,
                       .base = keys.number("rope.freq_base_swa", 10000.0, 1.0, 1e12)};

    model.embeddingScale = std::sqrt(static_cast<float>(model.embeddingDim));
    model.norm.afterBlocks = true;
    model.activation = Activation::Gelu;
    model.logitSoftCap = static_cast<float>(keys.number("final_logit_softcapping", 0.0, 0.0, 1e6));
}

}  // namespace conclave::engine::architectures
