#include "engine/model/rotation.h"

#include <cmath>
#include <cstddef>

namespace conclave::engine {

void rotateHeads(std::span<float> values, int dim) {
    const auto n = static_cast<std::size_t>(dim & -dim);
    const float scale = 1.0f / std::sqrt(static_cast<float>(n));
    for (; !values.empty(); values = values.subspan(n)) {
        float* block = values.data();
        for (std::size_t half = 1; half < n; half *= 2) {
            for (std::size_t at = 0; at < n; at += 2 * half) {
                float* low = block + at;
                float* high = low + half;
                for (std::size_t i = 0; i < half; ++i) {
                    const float sum = low[i] + high[i];
                    high[i] = low[i] - high[i];
                    low[i] = sum;
                }
            }
        }
        for (std::size_t i = 0; i < n; ++i) block[i] *= scale;
    }
}

}  // namespace conclave::engine
