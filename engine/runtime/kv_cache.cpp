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

int keyDimOf(const ModelConfig& config) {
    const bool isLatent = config.attention == AttentionKind::Latent;
    return isLatent ? config.cacheDim() : config.cacheDim() / 2;
}

std::size_t positionBytesOf(const ModelConfig& config, KvTypes types) {
    const int keyDim = keyDimOf(config);
    return bytesOf(tensorTypeOf(types.keys), keyDim) +
           bytesOf(tensorTypeOf(types.values), config.cacheDim() - keyDim);
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
    const int wanted = config.window + batchTokens;
    const int period = (wanted + kAttendChunk - 1) / kAttendChunk * kAttendChunk;
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
        nPositions += static_cast<std::uint64_t>(isRing ? period : capacity);
    }
    return nPositions * positionBytesOf(config, types) + RecurrentState::bytes(config);
}

Result<KvCache> KvCache::create(const ModelConfig& config, int capacity, int batchTokens,
                                KvTypes types) {
    KvCache cache;
    if (config.attention == AttentionKind::Latent) types.values = types.keys;
    cache.m_keyType = tensorTypeOf(types.keys);
    cache.m_valueType = tensorTypeOf(types.values);
    for (const TensorType type : {cache.m_keyType, cache.m_valueType}) {
        if (dividesHeads(type, config)) continue;
        return fail(ErrorCode::InvalidArgument, "this model's heads cannot be kept in blocks of " +
                                                    std::to_string(typeTraits(type)->blockValues) +
                                                    " values; take the KV cache type F16");
    }
    cache.m_keyDim = keyDimOf(config);
    cache.m_sizeBytes = bytes(config, capacity, batchTokens, types);
    cache.m_positionBytes = positionBytesOf(config, types);
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
    std::swap(m_keyType, other.m_keyType);
    std::swap(m_valueType, other.m_valueType);
    std::swap(m_keyDim, other.m_keyDim);
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

std::byte* KvCache::entry(int layer, int position, int at) {
    const Layer& kept = layerAt(layer);
    const auto place =
        static_cast<std::size_t>(kept.period > 0 ? position % kept.period : position);
    const std::size_t within =
        at < m_keyDim ? bytesOf(m_keyType, at)
                      : bytesOf(m_keyType, m_keyDim) + bytesOf(m_valueType, at - m_keyDim);
    return m_entries + kept.begin + place * m_positionBytes + within;
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

std::span<std::byte> KvCache::rows(int layer, int first, int n) {
    return {entry(layer, first), static_cast<std::size_t>(n) * m_positionBytes};
}

void KvCache::write(const KernelTable& kernels, int layer, int position, int at,
                    std::span<const float> numbers) {
    std::byte* to = entry(layer, position, at);
    const TensorType type = at < m_keyDim ? m_keyType : m_valueType;
    if (type == TensorType::F16) {
        kernels.toHalf(numbers.data(), static_cast<int>(numbers.size()),
                       reinterpret_cast<std::uint16_t*>(to));
    } else {
        const std::size_t block = typeTraits(type)->blockValues;
        std::vector<float> whole(numbers.begin(), numbers.end());
        whole.resize((numbers.size() + block - 1) / block * block);
        quantize::rowQuantizer(type)(whole, {}, to);
    }
}

}  // namespace conclave::engine
