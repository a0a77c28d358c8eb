// kv_cache.h: keys and values of past tokens, which decode reads instead of recomputing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "engine/model/model_config.h"

namespace conclave::engine {

/// What the tokens of one session left in each layer, laid out [layer][position][dim] in fp16 or in
/// the blocks of a quantized type: attention walks the positions of one layer, so those are
/// contiguous. Latent attention keeps the latent and the rotated shared key (latentDim + ropeDim),
/// grouped attention the keys and then the values of all heads. Not thread-safe, except that
/// different entries may be written at once.
class KvCache {
public:
    /// Reserves room for `capacity` tokens; the system gives the memory when it is first written.
    /// Errors: OutOfMemory, InvalidArgument (the type's blocks do not divide the model's heads).
    [[nodiscard]] static Result<KvCache> create(const ModelConfig& config, int capacity,
                                                KvType type = KvType::F16);

    KvCache() = default;
    KvCache(KvCache&& other) noexcept;
    KvCache& operator=(KvCache&& other) noexcept;
    KvCache(const KvCache&) = delete;
    KvCache& operator=(const KvCache&) = delete;
    ~KvCache();

    [[nodiscard]] int capacity() const { return m_capacity; }
    [[nodiscard]] int nLayers() const { return m_nLayers; }
    /// The type of the values, as attention reads them.
    [[nodiscard]] TensorType type() const { return m_type; }
    /// What a position takes in one layer.
    [[nodiscard]] std::size_t positionBytes() const { return m_positionBytes; }

    /// A position's value number `at`, a multiple of the type's block; those of the next position
    /// are positionBytes() behind.
    [[nodiscard]] std::byte* entry(int layer, int position, int at = 0);
    /// The entries of positions first to first + n - 1 in one layer, to be copied out and back in.
    [[nodiscard]] std::span<std::byte> rows(int layer, int first, int n);

    /// Keeps `values` as a position's values number `at` and on; both are multiples of a block.
    void write(const KernelTable& kernels, int layer, int position, int at,
               std::span<const float> values);

    [[nodiscard]] static std::uint64_t bytes(const ModelConfig& config, int capacity,
                                             KvType type = KvType::F16);

private:
    std::byte* m_entries = nullptr;
    std::size_t m_sizeBytes = 0;
    std::size_t m_positionBytes = 0;
    TensorType m_type = TensorType::F16;
    int m_nLayers = 0;
    int m_capacity = 0;
};

}  // namespace conclave::engine
