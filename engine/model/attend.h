// attend.h: softmax(q k^T) v over the KV cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/kernels/kernels.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

/// Causal attention of a batch's tokens, whose own keys and values are already in the cache.
struct AttendArgs {
    const float* queries = nullptr;       ///< [token][head][queryDim]
    float* outputs = nullptr;             ///< [token][head][valueDim]
    const std::uint16_t* keys = nullptr;  ///< fp16, position 0, kv head 0
    const std::uint16_t* values = nullptr;
    std::size_t stride = 0;  ///< values from one position to the next
    int queryDim = 0;
    int valueDim = 0;
    int nHeads = 0;
    int nKvHeads = 0;  ///< head h reads the keys and values of h * nKvHeads / nHeads
    int nTokens = 0;
    int firstPosition = 0;  ///< of the batch's first token
    float scale = 1.0f;
};

/// Results of a token depend neither on the batch's other tokens nor on the number of threads.
void attend(const KernelTable& kernels, ThreadPool& pool, const AttendArgs& args);

/// Scratch memory of one thread for `contextLength` positions.
[[nodiscard]] std::size_t attendScratchBytes(int contextLength);

}  // namespace conclave::engine
