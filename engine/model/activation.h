// activation.h: what a feed-forward network does between its two layers.
#pragma once

#include "engine/kernels/kernels.h"
#include "engine/model/model_config.h"

namespace conclave::engine {

/// gate = f(gate) * up, n values each:
/// - Silu: f(x) = x * sigmoid(x), SwiGLU (arXiv:2002.05202);
/// - Gelu: f(x) = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))), GeGLU with the form of GELU
///   (arXiv:1606.08415) that Gemma was trained with;
/// - ClampedSilu: min(gate, 7) * sigmoid(1.702 gate) * (clamp(up, -7, 7) + 1), of gpt-oss.
void activate(Activation activation, const KernelTable& kernels, float* gate, const float* up,
              int n);

/// x = cap * tanh(x / cap), n values: Gemma 2 (arXiv:2408.00118), section 2.
void softCap(float* x, float cap, int n);

[[nodiscard]] float sigmoid(float x);

/// log(1 + exp(x))
[[nodiscard]] float softplus(float x);

}  // namespace conclave::engine
