// gemma_embedding.cpp: EmbeddingGemma (arXiv:2509.20354), section 2: Gemma 3 that looks both ways.
#include <cmath>

#include "engine/encoder/architectures/architectures.h"
#include "engine/model/architectures/blocks.h"

namespace conclave::engine::encoders {

void gemmaEmbedding(Keys& keys, EncoderConfig& model) {
    model.norm = NormKind::Rms;
    model.normPlace = NormPlace::BothSides;
    model.embeddingScale = std::sqrt(static_cast<float>(model.embeddingDim));
    model.queryKeyNorm = HeadNorm::PerHead;
    model.gated = true;
    readEncoderRope(keys, model);
    model.window = keys.required("attention.sliding_window", 1, kMaxContext);
    model.localLayers = readLocalLayers(keys, model.nLayers, 6);
    model.localRope = {.dim = model.rope.dim,
                       .pairs = model.rope.pairs,
                       .base = keys.number("rope.freq_base_swa", 10000.0, 1.0, 1e12)};
    const TensorInfo* first = keys.tensor("dense_2.weight");
    if (first == nullptr) return;
    model.dense2Dim = keys.required("dense_2_feat_out", 1, kMaxDim);
    model.hasSecondDense = keys.tensor("dense_3.weight") != nullptr;
}

}  // namespace conclave::engine::encoders
