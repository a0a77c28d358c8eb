// attend_masked.h: attention with what only some models have: windows, sinks, capped scores.
#pragma once

#include <span>

#include "engine/model/attend.h"

namespace conclave::engine {

struct AttendOptions {
    int window = 0;                ///< a token sees that many positions, its own last; 0: all
    bool chunked = false;          ///< of these, from the last multiple of `window` on
    float softCap = 0.0f;          ///< scores become cap * tanh(score / cap); 0: they do not
    std::span<const float> sinks;  ///< [nHeads], or empty: logits that take part in the softmax and
                                   ///< stand for no position

    [[nodiscard]] bool any() const { return window > 0 || softCap > 0.0f || !sinks.empty(); }
};

/// As attend, which it calls where there are no options.
void attendMasked(const KernelTable& kernels, ThreadPool& pool, const AttendArgs& args,
                  const AttendOptions& options);

}  // namespace conclave::engine
