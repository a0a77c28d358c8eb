// kv_cache.h: keys and values of past tokens, which decode reads instead of recomputing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "engine/model/model_config.h"

namespace conclave::engine {

/// What the tokens of one session left in each layer, fp16 bits, laid out [layer][position][dim]:
/// attention walks the positions of one layer, so those are contiguous.
/// Latent attention keeps the latent and the rotated shared key (latentDim + ropeDim), grouped
/// attention the keys and then the values of all heads. Not thread-safe.
class KvCache {
public:
    /// Reserves room for `capacity` tokens; the system gives the memory when it is first written.
    /// Errors: OutOfMemory.
    [[nodiscard]] static Result<KvCache> create(const ModelConfig& config, int capacity);

    KvCache() = default;
    KvCache(KvCache&& other) noexcept;
    KvCache& operator=(KvCache&& other) noexcept;
    KvCache(const KvCache&) = delete;
    KvCache& operator=(const KvCache&) = delete;
    ~KvCache();

    [[nodiscard]] int capacity() const { return m_capacity; }
    [[nodiscard]] int dim() const { return m_dim; }

    /// The entry of a position, shape [dim]; those of later positions follow it.
    [[nodiscard]] std::uint16_t* entry(int layer, int position);

    [[nodiscard]] int nLayers() const { return m_nLayers; }
    /// What a position takes in one layer.
    [[nodiscard]] std::size_t positionBytes() const;
    /// The entries of positions first to first + n - 1 in one layer, to be copied out and back in.
    [[nodiscard]] std::span<std::byte> rows(int layer, int first, int n);

    [[nodiscard]] static std::uint64_t bytes(const ModelConfig& config, int capacity);

private:
    std::uint16_t* m_entries = nullptr;
    std::size_t m_sizeBytes = 0;
    int m_nLayers = 0;
    int m_capacity = 0;
    int m_dim = 0;
};

}  // namespace conclave::engine
