#include "engine/runtime/kv_cache.h"

#include <utility>

#include <sys/mman.h>

namespace conclave::engine {

std::uint64_t KvCache::bytes(const ModelConfig& config, int capacity) {
    return static_cast<std::uint64_t>(config.nLayers) * static_cast<std::uint64_t>(capacity) *
           static_cast<std::uint64_t>(config.cacheDim()) * sizeof(std::uint16_t);
}

Result<KvCache> KvCache::create(const ModelConfig& config, int capacity) {
    KvCache cache;
    cache.m_sizeBytes = bytes(config, capacity);
    cache.m_nLayers = config.nLayers;
    cache.m_capacity = capacity;
    cache.m_dim = config.cacheDim();
    void* memory = ::mmap(nullptr, cache.m_sizeBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return fail(ErrorCode::OutOfMemory, "no memory for a KV cache of " +
                                                std::to_string(capacity) + " tokens (" +
                                                std::to_string(cache.m_sizeBytes >> 20) + " MiB)");
    }
    // A head's keys lie far apart: with small pages each of them would cost a table walk.
    ::madvise(memory, cache.m_sizeBytes, MADV_HUGEPAGE);
    cache.m_entries = static_cast<std::uint16_t*>(memory);
    return cache;
}

KvCache::KvCache(KvCache&& other) noexcept { *this = std::move(other); }

KvCache& KvCache::operator=(KvCache&& other) noexcept {
    std::swap(m_entries, other.m_entries);
    std::swap(m_sizeBytes, other.m_sizeBytes);
    std::swap(m_nLayers, other.m_nLayers);
    std::swap(m_capacity, other.m_capacity);
    std::swap(m_dim, other.m_dim);
    return *this;
}

KvCache::~KvCache() {
    if (m_entries != nullptr) ::munmap(m_entries, m_sizeBytes);
}

std::uint16_t* KvCache::entry(int layer, int position) {
    const auto index = static_cast<std::size_t>(layer) * static_cast<std::size_t>(m_capacity) +
                       static_cast<std::size_t>(position);
    return m_entries + index * static_cast<std::size_t>(m_dim);
}

std::size_t KvCache::positionBytes() const {
    return static_cast<std::size_t>(m_dim) * sizeof(std::uint16_t);
}

std::span<std::byte> KvCache::rows(int layer, int first, int n) {
    return std::as_writable_bytes(std::span(
        entry(layer, first), static_cast<std::size_t>(n) * static_cast<std::size_t>(m_dim)));
}

}  // namespace conclave::engine
