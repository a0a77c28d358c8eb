// encoder_attention.h: softmax(q k^T) v within each text of a batch, in both directions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/kernels/kernels.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

/// The tokens of one text within a batch.
struct TextRange {
    int first = 0;
    int nTokens = 0;
};

struct EncoderAttendArgs {
    const float* queries = nullptr;       ///< [token][head][headDim]
    float* outputs = nullptr;             ///< [token][head][headDim]
    const std::uint16_t* keys = nullptr;  ///< fp16, [token][kvHead][headDim] every `stride` values
    const std::uint16_t* values = nullptr;
    std::size_t stride = 0;
    int headDim = 0;
    int nHeads = 0;
    int nKvHeads = 0;  ///< head h reads the keys and values of h * nKvHeads / nHeads
    float scale = 1.0f;
    bool causal = false;            ///< a token sees itself and those before it
    int reach = 0;                  ///< tokens seen to either side; 0: all
    std::span<const float> slopes;  ///< [nHeads], or empty: ALiBi (arXiv:2108.12409) takes
                                    ///< slope * distance off a score
};

/// Each token attends to tokens of its own text. Results depend neither on the batch's other texts
/// nor on the number of threads.
void attendWithin(const KernelTable& kernels, ThreadPool& pool, const EncoderAttendArgs& args,
                  std::span<const TextRange> texts);

}  // namespace conclave::engine
