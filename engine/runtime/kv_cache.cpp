#include "engine/runtime/kv_cache.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "engine/quantize/row_quantizer.h"

namespace conclave::engine {
namespace {

TensorType tensorTypeOf(KvType type) {
    switch (type) {
        case KvType::F16: return TensorType::F16;
        case KvType::Q8_0: return TensorType::Q8_0;
        case KvType::Q4_0: return TensorType::Q4_0;
    }
    CONCLAVE_CHECK(false);
}

std::size_t size(int n) { return static_cast<std::size_t>(n); }

/// The last block may be filled up with zeros.
std::size_t bytesOf(TensorType type, int n) {
    const TypeTraits& traits = *typeTraits(type);
    return (static_cast<std::size_t>(n) + traits.blockValues - 1) / traits.blockValues *
           traits.blockBytes;
}

std::size_t positionBytesOf(const ModelConfig& config, KvTypes types) {
    if (config.attention == AttentionKind::Latent) {
        return bytesOf(tensorTypeOf(types.keys), config.cacheDim());
    }
    const auto nHeads = static_cast<std::size_t>(config.grouped.nKvHeads);
    return nHeads * (bytesOf(tensorTypeOf(types.keys), config.grouped.headDim) +
                     bytesOf(tensorTypeOf(types.values), config.grouped.headDim));
}

int nChunksOf(int nPositions) { return (nPositions + kAttendChunk - 1) / kAttendChunk; }

/// Heads begin at whole blocks. A latent is one head, whose values are its beginning.
bool dividesHeads(TensorType type, const ModelConfig& config) {
    const bool isLatent = config.attention == AttentionKind::Latent;
    const int dim = isLatent ? config.latent.latentDim : config.grouped.headDim;
    return dim % static_cast<int>(typeTraits(type)->blockValues) == 0;
}

bool isLocalLayer(const ModelConfig& config, int layer) {
    return config.attention == AttentionKind::Grouped && config.window > 0 &&
           config.layers[static_cast<std::size_t>(layer)].isLocal;
}

bool isRecurrentLayer(const ModelConfig& config, int layer) {
    return config.hasRecurrentLayer() && config.layers[static_cast<std::size_t>(layer)].isRecurrent;
}

/// Chunks that so many positions meet at most, wherever they begin.
int nChunksMet(int nPositions) { return (nPositions + kAttendChunk - 2) / kAttendChunk + 1; }

}  // namespace

std::optional<KvType> kvTypeNamed(std::string_view name) {
    std::string lower(name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower == "f16") return KvType::F16;
    if (lower == "q8_0") return KvType::Q8_0;
    if (lower == "q4_0") return KvType::Q4_0;
    return std::nullopt;
}

std::uint64_t KvCache::bytes(const ModelConfig& config, int capacity, int batchTokens,
                             KvTypes types) {
    const int all = nChunksOf(capacity);
    std::uint64_t nChunks = 0;
    for (int layer = 0; layer < config.nLayers; ++layer) {
        if (isRecurrentLayer(config, layer)) continue;
        nChunks += static_cast<std::uint64_t>(
            isLocalLayer(config, layer) ? std::min(all, nChunksMet(config.window + batchTokens))
                                        : all);
    }
    return nChunks * kAttendChunk * positionBytesOf(config, types) + RecurrentState::bytes(config);
}

Result<KvCache> KvCache::create(const ModelConfig& config, int capacity, int batchTokens,
                                KvTypes types, std::shared_ptr<PagePool> pool) {
    KvCache cache;
    const bool isLatent = config.attention == AttentionKind::Latent;
    if (isLatent) types.values = types.keys;
    const auto partOf = [&](KvType kvType) {
        const TensorType type = tensorTypeOf(kvType);
        const int nHeads = isLatent ? 1 : config.grouped.nKvHeads;
        const int dim = isLatent ? config.cacheDim() : config.grouped.headDim;
        return Part{0, type, nHeads, dim, bytesOf(type, dim)};
    };
    cache.m_keys = partOf(types.keys);
    cache.m_values = partOf(types.values);
    if (!isLatent) cache.m_values.begin = size(cache.m_keys.nHeads) * cache.m_keys.headBytes();
    for (const TensorType type : {cache.m_keys.type, cache.m_values.type}) {
        if (dividesHeads(type, config)) continue;
        return fail(ErrorCode::InvalidArgument, "this model's heads cannot be kept in blocks of " +
                                                    std::to_string(typeTraits(type)->blockValues) +
                                                    " values; take the KV cache type F16");
    }
    cache.m_pool = pool != nullptr ? std::move(pool) : std::make_shared<PagePool>();
    cache.m_positionBytes = positionBytesOf(config, types);
    cache.m_chunkBytes = kAttendChunk * cache.m_positionBytes;
    cache.m_capacity = capacity;
    cache.m_nKept = config.window + batchTokens;
    cache.m_windowIsChunk = config.windowIsChunk;
    cache.m_recurrent = RecurrentState(config);
    for (int layer = 0; layer < config.nLayers; ++layer) {
        const bool isLocal = isLocalLayer(config, layer);
        const bool isRecurrent = isRecurrentLayer(config, layer);
        Table& table = isLocal ? cache.m_local : cache.m_whole;
        cache.m_layers.push_back({table.pageBytes, isLocal, isRecurrent});
        if (isLocal) cache.m_window = config.window;
        if (!isRecurrent) table.pageBytes += cache.m_chunkBytes;
    }
    for (Table* table : {&cache.m_whole, &cache.m_local}) {
        table->pages.resize(size(nChunksOf(capacity)));
        table->data.resize(table->pages.size());
    }
    return cache;
}

CachedHeads KvCache::headsAt(int layer, const Part& part) const {
    const Layer& kept = layerAt(layer);
    return {.chunks = tableOf(kept).data.data(),
            .begin = kept.begin + part.begin,
            .type = part.type,
            .rowBytes = part.rowBytes,
            .headBytes = part.headBytes()};
}

void KvCache::Table::put(std::size_t chunk, PagePool::Page page) {
    data[chunk] = page.data();
    pages[chunk] = std::move(page);
}

std::uint64_t KvCache::missingBytes(const Table& table, int first, int end) const {
    std::uint64_t nMissing = 0;
    for (int chunk = first / kAttendChunk; chunk < nChunksOf(end); ++chunk) {
        const PagePool::Page& page = table.pages[size(chunk)];
        if (!page || page.isShared()) ++nMissing;
    }
    return nMissing * table.pageBytes;
}

std::uint64_t KvCache::missingBytes(int first, int end) const {
    const int lastKept = (nChunksOf(end) - nChunksMet(m_nKept)) * kAttendChunk;
    return missingBytes(m_whole, first, end) +
           missingBytes(m_local, std::max(first, lastKept), end);
}

bool KvCache::take(Table& table, int first, int end) {
    if (table.pageBytes == 0 || first >= end) return true;
    for (int chunk = first / kAttendChunk; chunk < nChunksOf(end); ++chunk) {
        const PagePool::Page& held = table.pages[size(chunk)];
        if (held && !held.isShared()) continue;
        PagePool::Page page = m_pool->take(table.pageBytes);
        if (!page) return false;
        const int nRows = first - chunk * kAttendChunk;
        if (held && nRows > 0) copyRows(table, held.data(), page.data(), nRows);
        table.put(size(chunk), std::move(page));
    }
    return true;
}

/// Of all layers and heads in a page.
void KvCache::copyRows(const Table& table, const std::byte* from, std::byte* to, int nRows) const {
    for (std::size_t layer = 0; layer < table.pageBytes; layer += m_chunkBytes) {
        for (std::size_t at = 0; at < m_chunkBytes; at += kAttendChunk * rowBytesAt(at)) {
            std::copy_n(from + layer + at, size(nRows) * rowBytesAt(at), to + layer + at);
        }
    }
}

int KvCache::seenFrom(int position) const {
    if (m_windowIsChunk) return position / m_window * m_window;
    return std::max(0, position - m_window + 1);
}

int KvCache::heldFromAfter(int first, int n) const {
    const int unseen = m_window > 0 ? std::max(first + n - m_nKept, 0) : 0;
    return std::max(std::min(m_heldFrom, first), unseen / kAttendChunk * kAttendChunk);
}

void KvCache::makeRoom(int first, int n) {
    m_heldFrom = heldFromAfter(first, n);
    for (std::size_t chunk = size(m_heldFrom / kAttendChunk);
         chunk-- > 0 && m_local.pages[chunk];) {
        m_local.put(chunk, {});
    }
    if (!take(m_whole, first, first + n) || !take(m_local, first, first + n)) {
        throw std::bad_alloc();
    }
}

void KvCache::truncate(int position) {
    for (std::size_t chunk = size(nChunksOf(position)); chunk < m_whole.pages.size(); ++chunk) {
        m_whole.put(chunk, {});
        m_local.put(chunk, {});
    }
}

std::vector<KvPages> KvCache::pages(int n) const {
    std::vector<KvPages> held(size(nChunksOf(n)));
    for (std::size_t chunk = size(nChunksOf(m_heldFrom)); chunk < held.size(); ++chunk) {
        held[chunk] = {m_whole.pages[chunk], m_local.pages[chunk]};
    }
    return held;
}

void KvCache::share(std::span<const KvPages> pages, int n) {
    for (std::size_t chunk = 0; chunk < pages.size(); ++chunk) {
        m_whole.put(chunk, pages[chunk].whole);
        m_local.put(chunk, pages[chunk].local);
    }
    truncate(n);
    m_heldFrom = 0;
    makeRoom(n, 0);
}

bool KvCache::restart(int from, int end) {
    truncate(0);
    m_heldFrom = m_window > 0 ? from : 0;
    return take(m_whole, 0, end) && take(m_local, m_heldFrom, end);
}

int KvCache::resumableUpTo(int position) const {
    position = m_recurrent.resumableUpTo(position);
    if (m_window == 0) return position;
    const int needed = seenFrom(position);
    if (needed >= m_heldFrom || needed == position) return position;
    // What lies further back sees still earlier positions, but for the beginning of a chunk, which
    // sees none.
    return m_windowIsChunk ? needed : 0;
}

void KvCache::write(const KernelTable& kernels, const Part& part, int layer, int position,
                    std::span<const float> numbers) {
    CONCLAVE_CHECK(numbers.size() == size(part.nHeads) * size(part.dim));
    std::byte* to = rowAt(layer, position, part.begin, part.rowBytes);
    for (; !numbers.empty(); to += part.headBytes()) {
        const auto head = numbers.first(size(part.dim));
        numbers = numbers.subspan(head.size());
        if (part.type == TensorType::F16) {
            kernels.toHalf(head.data(), part.dim, reinterpret_cast<std::uint16_t*>(to));
            continue;
        }
        const std::size_t block = typeTraits(part.type)->blockValues;
        std::vector<float> whole(head.begin(), head.end());
        whole.resize((head.size() + block - 1) / block * block);
        quantize::rowQuantizer(part.type)(whole, {}, to);
    }
}

}  // namespace conclave::engine
