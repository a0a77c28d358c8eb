// nomic_bert_moe.cpp: Nomic Embed v2 (arXiv:2502.07972), section 3: every second layer has experts.
#include "engine/encoder/architectures/architectures.h"

namespace conclave::engine::encoders {

void nomicBertMoe(Keys& keys, EncoderConfig& model) {
    readEncoderRope(keys, model);
    model.expertPeriod = keys.optional("moe_every_n_layers", 0, 0, kMaxLayers);
    if (model.expertPeriod == 0 || keys.error()) return;
    model.nExperts = keys.required("expert_count", 1, kMaxExperts);
    if (keys.error()) return;
    model.nExpertsUsed = keys.required("expert_used_count", 1, model.nExperts);
    const double scale = keys.number("expert_weights_scale", 1.0, 0.0, 1e3);  // 0: not set
    model.expertScale = scale > 0.0 ? static_cast<float>(scale) : 1.0f;
}

}  // namespace conclave::engine::encoders
