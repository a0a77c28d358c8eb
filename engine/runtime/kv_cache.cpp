#include "engine/runtime/kv_cache.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <sys/mman.h>

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

int wholeChunks(int nPositions) {
    return (nPositions + kAttendChunk - 1) / kAttendChunk * kAttendChunk;
}

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

/// What the tokens of one batch see, and themselves; 0 where all positions take no more.
int periodFor(const ModelConfig& config, int capacity, int batchTokens) {
    if (config.window == 0) return 0;
    const int period = wholeChunks(config.window + batchTokens);
    return period < capacity ? period : 0;
}

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
    const int period = periodFor(config, capacity, batchTokens);
    std::uint64_t nPositions = 0;
    for (int layer = 0; layer < config.nLayers; ++layer) {
        if (isRecurrentLayer(config, layer)) continue;
        const bool isRing = period > 0 && isLocalLayer(config, layer);
        nPositions += static_cast<std::uint64_t>(isRing ? period : wholeChunks(capacity));
    }
    return nPositions * positionBytesOf(config, types) + RecurrentState::bytes(config);
}

Result<KvCache> KvCache::create(const ModelConfig& config, int capacity, int batchTokens,
                                KvTypes types) {
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
    cache.m_sizeBytes = bytes(config, capacity, batchTokens, types);
    cache.m_positionBytes = positionBytesOf(config, types);
    cache.m_chunkBytes = kAttendChunk * cache.m_positionBytes;
    cache.m_capacity = capacity;
    cache.m_period = periodFor(config, capacity, batchTokens);
    cache.m_windowIsChunk = config.windowIsChunk;
    cache.m_recurrent = RecurrentState(config);
    std::size_t begin = 0;
    for (int layer = 0; layer < config.nLayers; ++layer) {
        const bool isLocal = isLocalLayer(config, layer);
        const int period = isLocal ? cache.m_period : 0;
        const bool isRecurrent = isRecurrentLayer(config, layer);
        cache.m_layers.push_back({begin, period, isLocal, isRecurrent});
        if (isRecurrent) continue;
        if (isLocal) cache.m_window = config.window;
        begin += size(period > 0 ? period : wholeChunks(capacity)) * cache.m_positionBytes;
    }
    void* memory = ::mmap(nullptr, cache.m_sizeBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return fail(ErrorCode::OutOfMemory, "no memory for a KV cache of " +
                                                std::to_string(capacity) + " tokens (" +
                                                std::to_string(cache.m_sizeBytes >> 20) + " MiB)");
    }
    // All of it is read for each token: fewer table walks.
    ::madvise(memory, cache.m_sizeBytes, MADV_HUGEPAGE);
    cache.m_entries = static_cast<std::byte*>(memory);
    return cache;
}

KvCache::KvCache(KvCache&& other) noexcept { *this = std::move(other); }

KvCache& KvCache::operator=(KvCache&& other) noexcept {
    std::swap(m_entries, other.m_entries);
    std::swap(m_sizeBytes, other.m_sizeBytes);
    std::swap(m_positionBytes, other.m_positionBytes);
    std::swap(m_chunkBytes, other.m_chunkBytes);
    std::swap(m_keys, other.m_keys);
    std::swap(m_values, other.m_values);
    std::swap(m_layers, other.m_layers);
    std::swap(m_capacity, other.m_capacity);
    std::swap(m_period, other.m_period);
    std::swap(m_window, other.m_window);
    std::swap(m_windowIsChunk, other.m_windowIsChunk);
    std::swap(m_heldFrom, other.m_heldFrom);
    std::swap(m_recurrent, other.m_recurrent);
    return *this;
}

KvCache::~KvCache() {
    if (m_entries != nullptr) ::munmap(m_entries, m_sizeBytes);
}

std::byte* KvCache::chunkOf(int layer, int position) const {
    const Layer& kept = layerAt(layer);
    const int place = kept.period > 0 ? position % kept.period : position;
    return m_entries + kept.begin + size(place / kAttendChunk) * m_chunkBytes;
}

CachedHeads KvCache::headsAt(int layer, const Part& part) const {
    return {.data = m_entries + layerAt(layer).begin + part.begin,
            .type = part.type,
            .rowBytes = part.rowBytes,
            .headBytes = part.headBytes(),
            .chunkBytes = m_chunkBytes};
}

int KvCache::seenFrom(int position) const {
    if (m_windowIsChunk) return position / m_window * m_window;
    return std::max(0, position - m_window + 1);
}

int KvCache::heldFromAfter(int first, int n) const {
    const int lost = m_period > 0 ? first + n - m_period : 0;
    return std::max(std::min(m_heldFrom, first), lost);
}

void KvCache::makeRoom(int first, int n) { m_heldFrom = heldFromAfter(first, n); }

void KvCache::restart(int from, int end) {
    m_heldFrom = m_window > 0 ? from : 0;
    makeRoom(end, 0);
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
    std::byte* to =
        chunkOf(layer, position) + part.begin + size(position % kAttendChunk) * part.rowBytes;
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
