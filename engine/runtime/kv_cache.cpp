#include "engine/runtime/kv_cache.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include "engine/model/attend.h"
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

/// The last block may be filled up with zeros.
std::size_t bytesOf(TensorType type, int n) {
    const TypeTraits& traits = *typeTraits(type);
    return (static_cast<std::size_t>(n) + traits.blockValues - 1) / traits.blockValues *
           traits.blockBytes;
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

/// What the tokens of one batch see, and themselves; 0 where all positions take no more.
int periodFor(const ModelConfig& config, int capacity, int batchTokens) {
    if (config.window == 0) return 0;
    const int wanted = config.window + batchTokens;
    const int period = (wanted + kAttendChunk - 1) / kAttendChunk * kAttendChunk;
    return period < capacity ? period : 0;
}

}  // namespace

std::uint64_t KvCache::bytes(const ModelConfig& config, int capacity, int batchTokens,
                             KvType type) {
    const int period = periodFor(config, capacity, batchTokens);
    std::uint64_t nPositions = 0;
    for (int layer = 0; layer < config.nLayers; ++layer) {
        const bool isRing = period > 0 && isLocalLayer(config, layer);
        nPositions += static_cast<std::uint64_t>(isRing ? period : capacity);
    }
    return nPositions * bytesOf(tensorTypeOf(type), config.cacheDim());
}

Result<KvCache> KvCache::create(const ModelConfig& config, int capacity, int batchTokens,
                                KvType type) {
    KvCache cache;
    cache.m_type = tensorTypeOf(type);
    if (!dividesHeads(cache.m_type, config)) {
        return fail(ErrorCode::InvalidArgument,
                    "this model's heads cannot be kept in blocks of " +
                        std::to_string(typeTraits(cache.m_type)->blockValues) +
                        " values; take the KV cache type F16");
    }
    cache.m_sizeBytes = bytes(config, capacity, batchTokens, type);
    cache.m_positionBytes = bytesOf(cache.m_type, config.cacheDim());
    cache.m_capacity = capacity;
    cache.m_period = periodFor(config, capacity, batchTokens);
    cache.m_windowIsChunk = config.windowIsChunk;
    std::size_t begin = 0;
    for (int layer = 0; layer < config.nLayers; ++layer) {
        const bool isLocal = isLocalLayer(config, layer);
        const int period = isLocal ? cache.m_period : 0;
        cache.m_layers.push_back({begin, period, isLocal});
        if (isLocal) cache.m_window = config.window;
        begin += static_cast<std::size_t>(period > 0 ? period : capacity) * cache.m_positionBytes;
    }
    void* memory = ::mmap(nullptr, cache.m_sizeBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return fail(ErrorCode::OutOfMemory, "no memory for a KV cache of " +
                                                std::to_string(capacity) + " tokens (" +
                                                std::to_string(cache.m_sizeBytes >> 20) + " MiB)");
    }
    // A head's keys lie far apart: with small pages each of them would cost a table walk.
    ::madvise(memory, cache.m_sizeBytes, MADV_HUGEPAGE);
    cache.m_entries = static_cast<std::byte*>(memory);
    return cache;
}

KvCache::KvCache(KvCache&& other) noexcept { *this = std::move(other); }

KvCache& KvCache::operator=(KvCache&& other) noexcept {
    std::swap(m_entries, other.m_entries);
    std::swap(m_sizeBytes, other.m_sizeBytes);
    std::swap(m_positionBytes, other.m_positionBytes);
    std::swap(m_type, other.m_type);
    std::swap(m_layers, other.m_layers);
    std::swap(m_capacity, other.m_capacity);
    std::swap(m_period, other.m_period);
    std::swap(m_window, other.m_window);
    std::swap(m_windowIsChunk, other.m_windowIsChunk);
    std::swap(m_heldFrom, other.m_heldFrom);
    return *this;
}

KvCache::~KvCache() {
    if (m_entries != nullptr) ::munmap(m_entries, m_sizeBytes);
}

std::byte* KvCache::entry(int layer, int position, int at) {
    const Layer& kept = layerAt(layer);
    const auto place =
        static_cast<std::size_t>(kept.period > 0 ? position % kept.period : position);
    return m_entries + kept.begin + place * m_positionBytes + bytesOf(m_type, at);
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
    if (m_window == 0) return position;
    const int needed = seenFrom(position);
    if (needed >= m_heldFrom || needed == position) return position;
    // What lies further back sees still earlier positions, but for the beginning of a chunk, which
    // sees none.
    return m_windowIsChunk ? needed : 0;
}

std::span<std::byte> KvCache::rows(int layer, int first, int n) {
    return {entry(layer, first), static_cast<std::size_t>(n) * m_positionBytes};
}

void KvCache::write(const KernelTable& kernels, int layer, int position, int at,
                    std::span<const float> values) {
    std::byte* to = entry(layer, position, at);
    if (m_type == TensorType::F16) {
        kernels.toHalf(values.data(), static_cast<int>(values.size()),
                       reinterpret_cast<std::uint16_t*>(to));
    } else {
        const std::size_t block = typeTraits(m_type)->blockValues;
        std::vector<float> whole(values.begin(), values.end());
        whole.resize((values.size() + block - 1) / block * block);
        quantize::rowQuantizer(m_type)(whole, {}, to);
    }
}

}  // namespace conclave::engine
