#include "engine/model/causal_convolution.h"

#include <algorithm>

#include "engine/model/activation.h"

namespace conclave::engine {

void convolve(ThreadPool& pool, const ConvolutionWeights& weights, int nTokens, float* before,
              Rows& in, Rows& out, bool hasSilu) {
    constexpr int kChannelsOfTask = 256;
    const auto index = [](int n) { return static_cast<std::size_t>(n); };
    const int nBefore = static_cast<int>(weights.taps.size()) - 1;
    const int nChannels = in.dim();
    const int nTasks = (nChannels + kChannelsOfTask - 1) / kChannelsOfTask;
    parallelFor(pool, index(nTasks), index(nTokens * (nBefore + 1)) * kChannelsOfTask,
                [&](std::size_t task) {
                    const int first = static_cast<int>(task) * kChannelsOfTask;
                    const int end = std::min(nChannels, first + kChannelsOfTask);
                    const auto inputs = [&](int token) {
                        return token < 0 ? before + index(nBefore + token) * index(nChannels)
                                         : in.row(index(token));
                    };
                    for (int token = 0; token < nTokens; ++token) {
                        float* sum = out.row(index(token));
                        std::fill(sum + first, sum + end, 0.0f);
                        for (int tap = 0; tap <= nBefore; ++tap) {
                            const float* x = inputs(token - nBefore + tap);
                            const float* w = weights.taps[index(tap)].data();
                            for (int c = first; c < end; ++c) sum[c] += w[c] * x[c];
                        }
                        if (!weights.bias.empty()) {
                            for (int c = first; c < end; ++c) sum[c] += weights.bias[index(c)];
                        }
                        for (int c = first; c < end && hasSilu; ++c) sum[c] *= sigmoid(sum[c]);
                    }
                    // In order: a short batch moves what was there before.
                    for (int i = 0; i < nBefore; ++i) {
                        const float* x = inputs(nTokens - nBefore + i);
                        std::copy(x + first, x + end, before + index(i) * index(nChannels) + first);
                    }
                });
}

}  // namespace conclave::engine
