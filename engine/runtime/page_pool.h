// page_pool.h: the memory of KV caches, in pages that sessions share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace conclave::engine {

/// Hands out pages of any sizes, cut from mappings in the system's large pages: attention reads all
/// of a cache for each token, and walks fewer tables then. A mapping of which no page is held any
/// more goes back to the system. Thread-safe. To be made with std::make_shared; lives as long as
/// its pages.
class PagePool : public std::enable_shared_from_this<PagePool> {
    struct Slab;
    struct Slot {
        std::atomic<int> nHolders = 0;
        std::byte* data = nullptr;
        Slab* slab = nullptr;
    };

public:
    /// Holds a page together with others, or none. Who alone holds a page may write to it.
    class Page {
    public:
        Page() = default;
        Page(const Page& other) : m_slot(other.m_slot) {
            if (m_slot != nullptr) m_slot->nHolders.fetch_add(1, std::memory_order_relaxed);
        }
        Page(Page&& other) noexcept : m_slot(std::exchange(other.m_slot, nullptr)) {}
        Page& operator=(Page other) noexcept {
            std::swap(m_slot, other.m_slot);
            return *this;
        }
        ~Page() {
            if (m_slot != nullptr && m_slot->nHolders.fetch_sub(1) == 1) giveBack(*m_slot);
        }

        explicit operator bool() const { return m_slot != nullptr; }
        /// Null for none.
        [[nodiscard]] std::byte* data() const { return m_slot != nullptr ? m_slot->data : nullptr; }
        [[nodiscard]] std::size_t sizeBytes() const;
        /// False only if what others did with the page lies before.
        [[nodiscard]] bool isShared() const { return m_slot != nullptr && m_slot->nHolders > 1; }

    private:
        friend class PagePool;
        explicit Page(Slot& slot) : m_slot(&slot) {}

        Slot* m_slot = nullptr;
    };

    PagePool();
    PagePool(const PagePool&) = delete;
    PagePool& operator=(const PagePool&) = delete;
    ~PagePool();

    /// A page whose contents are undefined; none if the system gives no more memory, which it does
    /// when the page is first written.
    [[nodiscard]] Page take(std::size_t pageBytes);

    /// Of the pages that are held, each counted once.
    [[nodiscard]] std::uint64_t usedBytes() const { return m_usedBytes; }

private:
    static void giveBack(Slot& slot) noexcept;

    std::mutex m_mutex;
    std::vector<std::unique_ptr<Slab>> m_slabs;
    std::atomic<std::uint64_t> m_usedBytes = 0;
};

/// The pages of the same positions.
struct KvPages {
    PagePool::Page whole;  ///< of layers that keep everything
    PagePool::Page local;  ///< of layers that see a window

    [[nodiscard]] std::size_t sizeBytes() const { return whole.sizeBytes() + local.sizeBytes(); }
};

}  // namespace conclave::engine
