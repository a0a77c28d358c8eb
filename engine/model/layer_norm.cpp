#include "engine/model/layer_norm.h"

#include <cmath>

namespace conclave::engine {

void layerNorm(const float* x, std::span<const float> weight, std::span<const float> bias,
               float epsilon, float* out) {
    const std::size_t n = weight.size();
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += x[i];
    const auto mean = static_cast<float>(sum / static_cast<double>(n));
    double squares = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
        out[i] = x[i] - mean;
        squares += double{out[i]} * double{out[i]};
    }
    const auto variance = static_cast<float>(squares / static_cast<double>(n));
    const float scale = 1.0f / std::sqrt(variance + epsilon);
    for (std::size_t i = 0; i < n; ++i) out[i] = out[i] * scale * weight[i];
    for (std::size_t i = 0; i < bias.size(); ++i) out[i] += bias[i];
}

}  // namespace conclave::engine
