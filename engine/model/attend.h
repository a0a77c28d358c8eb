// attend.h: softmax(q k^T) v over the KV cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/kernels/kernels.h"
#include "engine/model/model_config.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

/// Positions of one softmax, whose borders are its multiples, and of a page of the cache.
inline constexpr int kAttendChunk = 256;

/// Where the keys or the values of a layer lie. Within a chunk of kAttendChunk positions those of
/// a kv head lie together, so that decode reads memory from end to end; chunks lie anywhere.
struct CachedHeads {
    const std::byte* const* chunks = nullptr;  ///< [chunk]; those that no token sees may be missing
    std::size_t begin = 0;                     ///< of kv head 0 in each
    TensorType type = TensorType::F16;
    std::size_t rowBytes = 0;   ///< from one position of a chunk to the next
    std::size_t headBytes = 0;  ///< from one kv head to the next
};

/// Causal attention of a batch's tokens, whose own keys and values are already in the cache.
struct AttendArgs {
    const float* queries = nullptr;  ///< [token][head][queryDim]
    float* outputs = nullptr;        ///< [token][head][valueDim]
    CachedHeads keys{};
    CachedHeads values{};
    int queryDim = 0;
    int valueDim = 0;
    int nHeads = 0;
    int nKvHeads = 0;  ///< head h reads the keys and values of h * nKvHeads / nHeads
    int nTokens = 0;
    int firstPosition = 0;  ///< of the batch's first token
    float scale = 1.0f;

    // What only some models have.
    int window = 0;                  ///< a token sees that many positions, its own last; 0: all
    bool windowIsChunk = false;      ///< of these, from the last multiple of `window` on
    float softCap = 0.0f;            ///< scores become cap * tanh(score / cap); 0: they do not
    std::span<const float> sinks{};  ///< [nHeads], or empty: logits that take part in the softmax
                                     ///< and stand for no position
};

/// Positions are walked in chunks of fixed borders, each with a softmax of its own, and the chunks'
/// results are joined in order (as FlashDecoding does, arXiv:2311.01282). So chunks may be shared
/// out among threads, and results of a token depend neither on the batch's other tokens nor on the
/// number of threads. Positions that a window hides are not read.
void attend(const KernelTable& kernels, ThreadPool& pool, const AttendArgs& args);

/// Scratch memory of attention.
[[nodiscard]] std::size_t attendScratchBytes(const ModelConfig& config, int nThreads);

}  // namespace conclave::engine
