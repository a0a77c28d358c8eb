// mistral3.cpp: Ministral 3 (arXiv:2601.08584) and Mistral Small 3 in files of that name: Llama's
// layer, whose queries grow with the text where "attention.temperature_scale" says so.
#include <cmath>

#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void mistral3(Keys& keys, ModelConfig& model) {
    llama(keys, model);
    if (model.rope.yarn) {
        model.rope.yarnFast = keys.number("rope.scaling.yarn_beta_fast", 32.0, 1e-3, 1e6);
        model.rope.yarnSlow = keys.number("rope.scaling.yarn_beta_slow", 1.0, 1e-3, 1e6);
        // As much as this multiplies the logarithm, cosine and sine stay as they are.
        const double multiplier = keys.number("rope.scaling.yarn_log_multiplier", 0.0, 0.0, 10.0);
        model.rope.magnitude /= 1.0 + 0.1 * multiplier * std::log(model.rope.yarnFactor);
    }
    const double rate = keys.number("attention.temperature_scale", 0.0, 0.0, 1e3);
    if (rate == 0.0) return;
    model.growth = {
        .step = static_cast<int>(model.rope.originalContext), .rate = rate, .whereRotated = true};
}

}  // namespace conclave::engine::architectures
