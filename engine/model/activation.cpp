#include "engine/model/activation.h"

#include <algorithm>
#include <cmath>

namespace conclave::engine {
namespace {

void gelu(float* gate, const float* up, int n) {
    constexpr float kSqrt2OverPi = 0.79788456080286535588f;
    constexpr float kCubic = 0.044715f;
    for (int i = 0; i < n; ++i) {
        const float x = gate[i];
        gate[i] = 0.5f * x * (1.0f + std::tanh(kSqrt2OverPi * x * (1.0f + kCubic * x * x))) * up[i];
    }
}

void clampedSilu(float* gate, const float* up, int n) {
    constexpr float kAlpha = 1.702f;
    constexpr float kLimit = 7.0f;
    for (int i = 0; i < n; ++i) {
        const float x = std::min(gate[i], kLimit);
        gate[i] = x * sigmoid(kAlpha * x) * (std::clamp(up[i], -kLimit, kLimit) + 1.0f);
    }
}

}  // namespace

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

float softplus(float x) { return x > 20.0f ? x : std::log1p(std::exp(x)); }

void activate(Activation activation, const KernelTable& kernels, float* gate, const float* up,
              int n) {
    switch (activation) {
        case Activation::Silu: kernels.swiglu(gate, up, n, gate); break;
        case Activation::Gelu: gelu(gate, up, n); break;
        case Activation::ClampedSilu: clampedSilu(gate, up, n); break;
    }
}

void softCap(float* x, float cap, int n) {
    for (int i = 0; i < n; ++i) x[i] = cap * std::tanh(x[i] / cap);
}

}  // namespace conclave::engine
