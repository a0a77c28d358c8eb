// kv_cache.h: keys and values of past tokens, which decode reads instead of recomputing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "engine/model/model_config.h"

namespace conclave::engine {

/// What the tokens of one session left in each layer, laid out [layer][position][dim] in fp16 or in
/// the blocks of a quantized type: attention walks the positions of one layer, so those are
/// contiguous. Layers that see a window keep the last positions only, in a ring: as many as a
/// token of a batch can see, so that their memory does not grow with the context. Latent attention
/// keeps the latent and the rotated shared key (latentDim + ropeDim), grouped attention the keys
/// and then the values of all heads. Not thread-safe, except that different entries may be written
/// at once.
class KvCache {
public:
    /// Reserves room for `capacity` tokens; the system gives the memory when it is first written.
    /// @param batchTokens  most tokens that are computed at once
    /// Errors: OutOfMemory, InvalidArgument (the type's blocks do not divide the model's heads).
    [[nodiscard]] static Result<KvCache> create(const ModelConfig& config, int capacity,
                                                int batchTokens, KvType type = KvType::F16);

    KvCache() = default;
    KvCache(KvCache&& other) noexcept;
    KvCache& operator=(KvCache&& other) noexcept;
    KvCache(const KvCache&) = delete;
    KvCache& operator=(const KvCache&) = delete;
    ~KvCache();

    [[nodiscard]] int capacity() const { return m_capacity; }
    [[nodiscard]] int nLayers() const { return static_cast<int>(m_layers.size()); }
    /// The type of the values, as attention reads them.
    [[nodiscard]] TensorType type() const { return m_type; }
    /// What a position takes in one layer.
    [[nodiscard]] std::size_t positionBytes() const { return m_positionBytes; }

    /// Positions that a ring keeps, a multiple of kAttendChunk: position p lies where p % period
    /// does. 0 for a layer that keeps all.
    [[nodiscard]] int period(int layer) const { return layerAt(layer).period; }
    /// True for layers of which only positions from heldFrom() on are kept.
    [[nodiscard]] bool isLocal(int layer) const { return layerAt(layer).isLocal; }

    /// To be called before entries first to first + n - 1 are written: rings lose what lay there.
    void makeRoom(int first, int n);
    /// heldFrom() as makeRoom(first, n) would leave it.
    [[nodiscard]] int heldFromAfter(int first, int n) const;
    /// The first position of which all layers have kept what was written; those behind it have it
    /// too.
    [[nodiscard]] int heldFrom() const { return m_heldFrom; }
    /// As makeRoom, for entries that come from elsewhere: local layers get those of positions
    /// `from` to `end` - 1 only.
    void restart(int from, int end);
    /// The last position up to `position` at which tokens can be computed: less than `position`
    /// where rings have lost what a token there sees.
    [[nodiscard]] int resumableUpTo(int position) const;

    /// A position's value number `at`, a multiple of the type's block; those of the next position
    /// are positionBytes() behind, up to the end of a chunk of kAttendChunk positions.
    [[nodiscard]] std::byte* entry(int layer, int position, int at = 0);
    /// The entries of positions first to first + n - 1 in one layer, to be copied out and back in;
    /// all of one chunk.
    [[nodiscard]] std::span<std::byte> rows(int layer, int first, int n);

    /// Keeps `values` as a position's values number `at` and on; both are multiples of a block.
    void write(const KernelTable& kernels, int layer, int position, int at,
               std::span<const float> values);

    [[nodiscard]] static std::uint64_t bytes(const ModelConfig& config, int capacity,
                                             int batchTokens, KvType type = KvType::F16);

private:
    struct Layer {
        std::size_t begin = 0;  ///< in m_entries
        int period = 0;
        bool isLocal = false;
    };

    [[nodiscard]] const Layer& layerAt(int layer) const {
        return m_layers[static_cast<std::size_t>(layer)];
    }
    /// The first position that a token at `position` sees in a local layer.
    [[nodiscard]] int seenFrom(int position) const;

    std::byte* m_entries = nullptr;
    std::size_t m_sizeBytes = 0;
    std::size_t m_positionBytes = 0;
    TensorType m_type = TensorType::F16;
    std::vector<Layer> m_layers;
    int m_capacity = 0;
    int m_period = 0;  ///< of local layers; 0: they, too, keep all
    int m_window = 0;  ///< of local layers; 0: there are none
    bool m_windowIsChunk = false;
    int m_heldFrom = 0;
};

}  // namespace conclave::engine
