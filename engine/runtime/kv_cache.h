// kv_cache.h: keys and values of past tokens, which decode reads instead of recomputing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "engine/model/attend.h"
#include "engine/model/model_config.h"
#include "engine/runtime/recurrent_state.h"

namespace conclave::engine {

/// What the tokens of one session left in each layer, in fp16 or in the blocks of quantized types,
/// laid out [layer][chunk of kAttendChunk positions][keys, values][kv head][position][dim]: what
/// attention reads of a head lies together. Layers that see a window keep the last positions only,
/// in a ring: as many as a token of a batch can see, so that their memory does not grow with the
/// context. Latent attention keeps the latent and the rotated shared key (latentDim + ropeDim) as
/// one head, whose values are its beginning. Not thread-safe, except that different entries may be
/// written at once.
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
    /// Those of a latent are equal.
    [[nodiscard]] TensorType keyType() const { return m_keys.type; }
    [[nodiscard]] TensorType valueType() const { return m_values.type; }
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

    /// As attention reads them.
    [[nodiscard]] CachedHeads keys(int layer) const { return headsAt(layer, m_keys); }
    [[nodiscard]] CachedHeads values(int layer) const { return headsAt(layer, m_values); }

    /// The entries of positions first to first + n - 1 in one layer, to be copied out and back in;
    /// all of one chunk. Calls use(bytes) for each head's keys and then for each head's values,
    /// until a call returns false, and returns what the last one did.
    template <typename Use>
    bool forEachRun(int layer, int first, int n, const Use& use) {
        const auto nRows = static_cast<std::size_t>(n);
        for (std::size_t at = 0; at < m_chunkBytes; at += kAttendChunk * rowBytesAt(at)) {
            std::byte* from = chunkOf(layer, first) + at;
            from += static_cast<std::size_t>(first % kAttendChunk) * rowBytesAt(at);
            if (!use(std::span(from, nRows * rowBytesAt(at)))) return false;
        }
        return true;
    }

    /// Keeps what attention will read of a position.
    /// @param keys  [kv head][queryDim]; of a latent all that is kept of it
    void writeKeys(const KernelTable& kernels, int layer, int position,
                   std::span<const float> keys) {
        write(kernels, m_keys, layer, position, keys);
    }
    /// @param values  [kv head][valueDim]
    void writeValues(const KernelTable& kernels, int layer, int position,
                     std::span<const float> values) {
        write(kernels, m_values, layer, position, values);
    }

    [[nodiscard]] static std::uint64_t bytes(const ModelConfig& config, int capacity,
                                             int batchTokens, KvTypes types = {});

private:
    struct Layer {
        std::size_t begin = 0;  ///< in m_entries
        int period = 0;
        bool isLocal = false;
        bool isRecurrent = false;
    };

    /// The keys or the values of all heads in a chunk.
    struct Part {
        std::size_t begin = 0;  ///< in the chunk
        TensorType type = TensorType::F16;
        int nHeads = 0;
        int dim = 0;               ///< of a head
        std::size_t rowBytes = 0;  ///< of a head's position
        [[nodiscard]] std::size_t headBytes() const { return kAttendChunk * rowBytes; }
    };

    [[nodiscard]] const Layer& layerAt(int layer) const {
        return m_layers[static_cast<std::size_t>(layer)];
    }
    /// The first position that a token at `position` sees in a local layer.
    [[nodiscard]] int seenFrom(int position) const;

    /// What keeps a position, or the one whose place it takes.
    [[nodiscard]] std::byte* chunkOf(int layer, int position) const;
    [[nodiscard]] CachedHeads headsAt(int layer, const Part& part) const;
    [[nodiscard]] std::size_t rowBytesAt(std::size_t inChunk) const {
        return inChunk < m_keys.begin + m_keys.nHeads * m_keys.headBytes() ? m_keys.rowBytes
                                                                           : m_values.rowBytes;
    }
    void write(const KernelTable& kernels, const Part& part, int layer, int position,
               std::span<const float> numbers);

    std::byte* m_entries = nullptr;
    std::size_t m_sizeBytes = 0;
    std::size_t m_positionBytes = 0;
    std::size_t m_chunkBytes = 0;
    Part m_keys;
    Part m_values;  ///< of a latent: the beginning of its keys
    std::vector<Layer> m_layers;
    int m_capacity = 0;
    int m_period = 0;  ///< of local layers; 0: they, too, keep all
    int m_window = 0;  ///< of local layers; 0: there are none
    bool m_windowIsChunk = false;
    int m_heldFrom = 0;
    RecurrentState m_recurrent;
};

}  // namespace conclave::engine
