// layer_norm.h: LayerNorm, of models that do not content themselves with RMS norms.
#pragma once

#include <span>

namespace conclave::engine {

/// LayerNorm (arXiv:1607.06450), without a bias if there is none; out may be x.
void layerNorm(const float* x, std::span<const float> weight, std::span<const float> bias,
               float epsilon, float* out);

}  // namespace conclave::engine
