#include "engine/runtime/page_pool.h"

#include <algorithm>
#include <iterator>

#include <sys/mman.h>

namespace conclave::engine {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20U;

/// So many large pages that all but an eighth of them is used.
std::size_t slabBytesFor(std::size_t pageBytes) {
    constexpr std::size_t kShareLost = 8;
    std::size_t bytes = (pageBytes + kLargePage - 1) / kLargePage * kLargePage;
    while (bytes % pageBytes > bytes / kShareLost) bytes += kLargePage;
    return bytes;
}

}  // namespace

/// A mapping, and the pages that it is cut into.
struct PagePool::Slab {
    Slab(std::shared_ptr<PagePool> owner, std::size_t bytesOfPage)
        : pool(std::move(owner)),
          pageBytes(bytesOfPage),
          mappedBytes(slabBytesFor(bytesOfPage) + kLargePage),
          slots(slabBytesFor(bytesOfPage) / bytesOfPage) {
        free.reserve(slots.size());
        memory = ::mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) return;
        trim();
        ::madvise(memory, mappedBytes, MADV_HUGEPAGE);
        // The first one is handed out first.
        for (std::size_t i = slots.size(); i-- > 0;) {
            slots[i].data = static_cast<std::byte*>(memory) + i * pageBytes;
            slots[i].slab = this;
            free.push_back(&slots[i]);
        }
    }
    Slab(const Slab&) = delete;
    Slab& operator=(const Slab&) = delete;
    ~Slab() {
        if (memory != MAP_FAILED) ::munmap(memory, mappedBytes);
    }

    /// Leaves what begins where a large page does.
    void trim() {
        const auto over = reinterpret_cast<std::uintptr_t>(memory) % kLargePage;
        const std::size_t before = over > 0 ? kLargePage - over : 0;
        auto* begin = static_cast<std::byte*>(memory) + before;
        mappedBytes -= kLargePage;
        if (before > 0) ::munmap(memory, before);
        if (before < kLargePage) ::munmap(begin + mappedBytes, kLargePage - before);
        memory = begin;
    }

    std::shared_ptr<PagePool> pool;
    std::size_t pageBytes;
    std::size_t mappedBytes;
    void* memory = MAP_FAILED;
    std::vector<Slot> slots;
    std::vector<Slot*> free;
};

PagePool::PagePool() = default;
PagePool::~PagePool() = default;

std::size_t PagePool::Page::sizeBytes() const {
    return m_slot != nullptr ? m_slot->slab->pageBytes : 0;
}

PagePool::Page PagePool::take(std::size_t pageBytes) {
    const std::lock_guard lock(m_mutex);
    auto found = std::find_if(m_slabs.begin(), m_slabs.end(), [&](const auto& slab) {
        return slab->pageBytes == pageBytes && !slab->free.empty();
    });
    if (found == m_slabs.end()) {
        auto slab = std::make_unique<Slab>(shared_from_this(), pageBytes);
        if (slab->free.empty()) return {};
        m_slabs.push_back(std::move(slab));
        found = std::prev(m_slabs.end());
    }
    Slot& slot = *(*found)->free.back();
    (*found)->free.pop_back();
    slot.nHolders = 1;
    m_usedBytes += pageBytes;
    return Page(slot);
}

void PagePool::giveBack(Slot& slot) noexcept {
    Slab& slab = *slot.slab;
    const std::shared_ptr<PagePool> pool = slab.pool;
    std::unique_ptr<Slab> unused;  // unmapped without the lock
    const std::lock_guard lock(pool->m_mutex);
    pool->m_usedBytes -= slab.pageBytes;
    slab.free.push_back(&slot);
    if (slab.free.size() < slab.slots.size()) return;
    const auto at = std::find_if(pool->m_slabs.begin(), pool->m_slabs.end(),
                                 [&](const auto& each) { return each.get() == &slab; });
    unused = std::move(*at);
    pool->m_slabs.erase(at);
}

}  // namespace conclave::engine
