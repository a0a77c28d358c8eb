// granite.cpp: Granite 3 and 4 without experts
// (github.com/ibm-granite/granite-3.0-language-models), whose scales are those of the maximal
// update parametrization (arXiv:2203.03466).
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {
namespace {

/// A factor; 0 and no key mean none.
float scaleOf(Keys& keys, std::string_view key) {
    const double scale = keys.number(key, 1.0, 0.0, 1e6);
    return scale > 0.0 ? static_cast<float>(scale) : 1.0f;
}

}  // namespace

void granite(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);  // with "attention.scale"
    if (!keys.flag("rope.scaling.finetuned", true)) {
        for (LayerConfig& layer : model.layers) layer.rotates = false;
    }
    model.embeddingScale = scaleOf(keys, "embedding_scale");
    model.residualScale = scaleOf(keys, "residual_scale");
    // Only hybrid models may be without it.
    const bool isHybrid = model.recurrent == RecurrentKind::Mamba2;
    model.logitScale =
        1.0f / (isHybrid ? scaleOf(keys, "logit_scale")
                         : static_cast<float>(keys.requiredNumber("logit_scale", 1e-6, 1e6)));
}

}  // namespace conclave::engine::architectures
