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
#include "engine/runtime/recurrent_state.h"

namespace conclave::engine {

/// What the tokens of one session left in each layer, laid out [layer][position][dim] in fp16 or in
/// the blocks of quantized types: attention walks the positions of one layer, so those are
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
                                                int batchTokens, KvTypes types = {});

    KvCache() = default;
    KvCache(KvCache&& other) noexcept;
    KvCache& operator=(KvCache&& other) noexcept;
    KvCache(const KvCache&) = delete;
    KvCache& operator=(const KvCache&) = delete;
    ~KvCache();

    [[nodiscard]] int capacity() const { return m_capacity; }
    [[nodiscard]] int nLayers() const { return static_cast<int>(m_layers.size()); }
    /// As attention reads them; those of a latent are equal.
    [[nodiscard]] TensorType keyType() const { return m_keyType; }
    [[nodiscard]] TensorType valueType() const { return m_valueType; }
    /// What a position takes in one layer.
    [[nodiscard]] std::size_t positionBytes() const { return m_positionBytes; }

    /// Positions that a ring keeps, a multiple of kAttendChunk: position p lies where p % period
    /// does. 0 for a layer that keeps all.
    [[nodiscard]] int period(int layer) const { return layerAt(layer).period; }
    /// True for layers of which only positions from heldFrom() on are kept.
    [[nodiscard]] bool isLocal(int layer) const { return layerAt(layer).isLocal; }

    /// Layers that have no entries have this.
    [[nodiscard]] RecurrentState& recurrent() { return m_recurrent; }
    [[nodiscard]] bool isRecurrent(int layer) const { return layerAt(layer).isRecurrent; }

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
    /// where rings have lost what a token there sees, or the recurrent state has gone past it.
    [[nodiscard]] int resumableUpTo(int position) const;

    /// A position's number `at`, counted over keys and then values, at the beginning of a block;
    /// those of the next position are positionBytes() behind, up to the end of a chunk of
    /// kAttendChunk positions.
    [[nodiscard]] std::byte* entry(int layer, int position, int at = 0);
    /// The entries of positions first to first + n - 1 in one layer, to be copied out and back in;
    /// all of one chunk.
    [[nodiscard]] std::span<std::byte> rows(int layer, int first, int n);

    /// Keeps `numbers` as a position's from number `at` on, which is the beginning of a block. They
    /// are keys alone or values alone, to the end of a block or of all keys or values.
    void write(const KernelTable& kernels, int layer, int position, int at,
               std::span<const float> numbers);

    [[nodiscard]] static std::uint64_t bytes(const ModelConfig& config, int capacity,
                                             int batchTokens, KvTypes types = {});

private:
    struct Layer {
        std::size_t begin = 0;  ///< in m_entries
        int period = 0;
        bool isLocal = false;
        bool isRecurrent = false;
    };

    [[nodiscard]] const Layer& layerAt(int layer) const {
        return m_layers[static_cast<std::size_t>(layer)];
    }
    /// The first position that a token at `position` sees in a local layer.
    [[nodiscard]] int seenFrom(int position) const;

    std::byte* m_entries = nullptr;
    std::size_t m_sizeBytes = 0;
    std::size_t m_positionBytes = 0;
    TensorType m_keyType = TensorType::F16;
    TensorType m_valueType = TensorType::F16;
    int m_keyDim = 0;  ///< numbers of a position before its values; all of a latent
    std::vector<Layer> m_layers;
    int m_capacity = 0;
    int m_period = 0;  ///< of local layers; 0: they, too, keep all
    int m_window = 0;  ///< of local layers; 0: there are none
    bool m_windowIsChunk = false;
    int m_heldFrom = 0;
    RecurrentState m_recurrent;
};

}  // namespace conclave::engine
