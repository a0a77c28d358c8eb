// qwen3.cpp: Qwen3 Embedding and Reranker (arXiv:2506.05176), section 2: the language model's
// layers, of whose last token the vector is taken, or the share of "yes" against "no".
#include "engine/encoder/architectures/architectures.h"

namespace conclave::engine::encoders {

void qwen3(Keys& keys, EncoderConfig& model) {
    model.norm = NormKind::Rms;
    model.normPlace = NormPlace::Before;
    model.causal = keys.flag("attention.causal", true);
    model.queryKeyNorm = HeadNorm::PerHead;
    model.gated = true;
    model.activation = Activation::Silu;
    model.softmaxClasses = true;
    readEncoderRope(keys, model);
}

}  // namespace conclave::engine::encoders
