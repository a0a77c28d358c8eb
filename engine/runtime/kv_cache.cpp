#include "engine/runtime/kv_cache.h"

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

}  // namespace

std::uint64_t KvCache::bytes(const ModelConfig& config, int capacity, KvType type) {
    return static_cast<std::uint64_t>(config.nLayers) * static_cast<std::uint64_t>(capacity) *
           bytesOf(tensorTypeOf(type), config.cacheDim());
}

Result<KvCache> KvCache::create(const ModelConfig& config, int capacity, KvType type) {
    KvCache cache;
    cache.m_type = tensorTypeOf(type);
    if (!dividesHeads(cache.m_type, config)) {
        return fail(ErrorCode::InvalidArgument,
                    "this model's heads cannot be kept in blocks of " +
                        std::to_string(typeTraits(cache.m_type)->blockValues) +
                        " values; take the KV cache type F16");
    }
    cache.m_sizeBytes = bytes(config, capacity, type);
    cache.m_positionBytes = bytesOf(cache.m_type, config.cacheDim());
    cache.m_nLayers = config.nLayers;
    cache.m_capacity = capacity;
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
    std::swap(m_nLayers, other.m_nLayers);
    std::swap(m_capacity, other.m_capacity);
    return *this;
}

KvCache::~KvCache() {
    if (m_entries != nullptr) ::munmap(m_entries, m_sizeBytes);
}

std::byte* KvCache::entry(int layer, int position, int at) {
    const auto index = static_cast<std::size_t>(layer) * static_cast<std::size_t>(m_capacity) +
                       static_cast<std::size_t>(position);
    return m_entries + index * m_positionBytes + bytesOf(m_type, at);
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
