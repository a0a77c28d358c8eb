// nomic_bert.cpp: Nomic Embed v1 (arXiv:2402.01613), section 3.2: BERT with RoPE and SwiGLU.
#include "engine/encoder/architectures/architectures.h"

namespace conclave::engine::encoders {

void nomicBert(Keys& keys, EncoderConfig& model) {
    readEncoderRope(keys, model);
    model.gated = true;
    model.activation = Activation::Silu;
}

}  // namespace conclave::engine::encoders
