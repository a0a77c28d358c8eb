// kv_cache.h: keys and values of past tokens, which decode reads instead of recomputing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "engine/model/attend.h"
#include "engine/model/model_config.h"
#include "engine/runtime/page_pool.h"
#include "engine/runtime/recurrent_state.h"

namespace conclave::engine {

/// What the tokens of one session left in each layer, in fp16 or in the blocks of quantized types.
/// It lies in pages of kAttendChunk positions, laid out [layer][keys, values][kv
/// head][position][dim]: what attention reads of a head lies together. Pages may be shared with
/// other sessions; those that somebody else holds are copied before they are written to. Layers
/// that see a window have pages of their own and let go of those that no token of a batch can see
/// any more, so that their memory does not grow with the context. Latent attention keeps the latent
/// and the rotated shared key (latentDim + ropeDim) as one head, whose values are its beginning.
/// Not thread-safe, except that different entries may be written at once.
class KvCache {
public:
    /// Takes no memory yet, but for the recurrent state.
    /// @param batchTokens  most tokens that are computed at once
    /// @param pool  null: one of its own
    /// Errors: InvalidArgument (the type's blocks do not divide the model's heads).
    [[nodiscard]] static Result<KvCache> create(const ModelConfig& config, int capacity,
                                                int batchTokens, KvTypes types = {},
                                                std::shared_ptr<PagePool> pool = nullptr);

    KvCache() = default;
    KvCache(KvCache&&) noexcept = default;
    KvCache& operator=(KvCache&&) noexcept = default;
    KvCache(const KvCache&) = delete;
    KvCache& operator=(const KvCache&) = delete;
    ~KvCache() = default;

    [[nodiscard]] int capacity() const { return m_capacity; }
    [[nodiscard]] int nLayers() const { return static_cast<int>(m_layers.size()); }
    /// Those of a latent are equal.
    [[nodiscard]] TensorType keyType() const { return m_keys.type; }
    [[nodiscard]] TensorType valueType() const { return m_values.type; }
    /// What a position takes in one layer.
    [[nodiscard]] std::size_t positionBytes() const { return m_positionBytes; }

    /// True for layers of which only positions from heldFrom() on are kept.
    [[nodiscard]] bool isLocal(int layer) const { return layerAt(layer).isLocal; }

    /// Layers that have no entries have this.
    [[nodiscard]] RecurrentState& recurrent() { return m_recurrent; }
    [[nodiscard]] bool isRecurrent(int layer) const { return layerAt(layer).isRecurrent; }

    /// What pages for entries `first` to `end` - 1 take that cannot be written to yet.
    [[nodiscard]] std::uint64_t missingBytes(int first, int end) const;
    /// Takes those of layers that keep everything. False: the system gives no more memory.
    [[nodiscard]] bool reserve(int first, int end) { return take(m_whole, first, end); }
    /// To be called before entries first to first + n - 1 are written: takes what is missing, and
    /// lets go of what is not seen any more. Throws std::bad_alloc.
    void makeRoom(int first, int n);
    /// Lets go of pages that hold only entries from `position` on.
    void truncate(int position);
    /// heldFrom() as makeRoom(first, n) would leave it.
    [[nodiscard]] int heldFromAfter(int first, int n) const;
    /// The first position of which all layers have kept what was written; those behind it have it
    /// too.
    [[nodiscard]] int heldFrom() const { return m_heldFrom; }
    /// The last position up to `position` at which tokens can be computed: less than `position`
    /// where windows have lost what a token there sees, or the recurrent state has gone past it.
    [[nodiscard]] int resumableUpTo(int position) const;

    /// The pages of positions 0 to n - 1; nothing for those that some layers have lost.
    [[nodiscard]] std::vector<KvPages> pages(int n) const;
    /// Takes over such pages of another cache: its first n positions are then those of this one.
    void share(std::span<const KvPages> pages, int n);
    /// Takes pages for entries that come from elsewhere: 0 to end - 1, in local layers `from` to
    /// end - 1. makeRoom(end, 0) then lets go of what is not seen. False as reserve().
    [[nodiscard]] bool restart(int from, int end);

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
            std::byte* from = rowAt(layer, first, at, rowBytesAt(at));
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
    /// Pages of some of the layers.
    struct Table {
        std::size_t pageBytes = 0;          ///< 0: there are no such layers
        std::vector<PagePool::Page> pages;  ///< [chunk]
        std::vector<std::byte*> data;       ///< [chunk], where they lie

        void put(std::size_t chunk, PagePool::Page page);
    };

    struct Layer {
        std::size_t begin = 0;  ///< in its pages
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
    [[nodiscard]] const Table& tableOf(const Layer& layer) const {
        return layer.isLocal ? m_local : m_whole;
    }
    [[nodiscard]] std::uint64_t missingBytes(const Table& table, int first, int end) const;
    [[nodiscard]] bool take(Table& table, int first, int end);
    void copyRows(const Table& table, const std::byte* from, std::byte* to, int nRows) const;
    /// The first position that a token at `position` sees in a local layer.
    [[nodiscard]] int seenFrom(int position) const;
    [[nodiscard]] CachedHeads headsAt(int layer, const Part& part) const;
    [[nodiscard]] std::size_t rowBytesAt(std::size_t inChunk) const {
        return inChunk < m_keys.begin + m_keys.nHeads * m_keys.headBytes() ? m_keys.rowBytes
                                                                           : m_values.rowBytes;
    }
    /// Where a head that begins at `inChunk` keeps a position.
    [[nodiscard]] std::byte* rowAt(int layer, int position, std::size_t inChunk,
                                   std::size_t rowBytes) const {
        const Layer& kept = layerAt(layer);
        return tableOf(kept).data[static_cast<std::size_t>(position / kAttendChunk)] + kept.begin +
               inChunk + static_cast<std::size_t>(position % kAttendChunk) * rowBytes;
    }
    void write(const KernelTable& kernels, const Part& part, int layer, int position,
               std::span<const float> numbers);

    std::shared_ptr<PagePool> m_pool;
    std::size_t m_positionBytes = 0;
    std::size_t m_chunkBytes = 0;  ///< of a layer
    Part m_keys;
    Part m_values;  ///< of a latent: the beginning of its keys
    std::vector<Layer> m_layers;
    Table m_whole;
    Table m_local;
    int m_capacity = 0;
    int m_nKept = 0;   ///< last positions that local layers keep at least
    int m_window = 0;  ///< of local layers; 0: there are none
    bool m_windowIsChunk = false;
    int m_heldFrom = 0;
    RecurrentState m_recurrent;
};

}  // namespace conclave::engine
