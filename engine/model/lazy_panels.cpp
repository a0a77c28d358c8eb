#include "engine/model/lazy_panels.h"

#include <algorithm>
#include <vector>

#include <sys/mman.h>

namespace conclave::engine {
namespace {

constexpr std::uint8_t kUntouched = 0;
constexpr std::uint8_t kRead = 1;  ///< once, as a copy
constexpr std::uint8_t kBeingPacked = 2;
constexpr std::uint8_t kPacked = 3;
constexpr std::uintptr_t kPage = 4096;
/// Mapped pages that wait for being given back: little beside a model.
constexpr std::size_t kMostSpentBytes = std::size_t{16} << 20U;
constexpr std::size_t kLine = 64;

/// Gives back the mapped pages that lie wholly within the range; the system's cache of the file
/// keeps them as long as it has room, and a thread that still reads them gets them again.
void releasePages(const std::byte* first, const std::byte* last) {
    const auto begin = (reinterpret_cast<std::uintptr_t>(first) + kPage - 1) / kPage * kPage;
    const auto end = reinterpret_cast<std::uintptr_t>(last) / kPage * kPage;
    if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace

// A fault brings in sixteen pages; MADV_POPULATE_READ takes half as long again.
void bringInPages(std::span<const std::byte> data) {
    const volatile std::byte* bytes = data.data();
    for (std::size_t i = 0; i < data.size(); i += kPage) static_cast<void>(bytes[i]);
    if (!data.empty()) static_cast<void>(bytes[data.size() - 1]);
}

void PackingLedger::spent(std::span<const std::byte> rows, bool isBehind) {
    std::size_t most = kMostSpentBytes;
    // A quarter, since panels take whole large pages, of which others may not be there yet.
    if (!isBehind) most += (m_totalBytes - std::min(m_totalBytes, packedBytes())) / 4;
    {
        const std::lock_guard lock(m_mutex);
        m_spent.push_back(rows);
        m_spentBytes += rows.size();
        if (m_spentBytes < most) return;
    }
    giveBack();
}

void PackingLedger::giveBack() {
    std::vector<std::span<const std::byte>> spent;
    {
        const std::lock_guard lock(m_mutex);
        spent.swap(m_spent);
        m_spentBytes = 0;
    }
    std::sort(spent.begin(), spent.end(),
              [](const auto& a, const auto& b) { return a.data() < b.data(); });
    for (std::size_t i = 0; i < spent.size();) {
        const std::byte* first = spent[i].data();
        const std::byte* last = first;
        for (; i < spent.size() && spent[i].data() <= last; ++i) {
            last = std::max(last, spent[i].data() + spent[i].size());
        }
        releasePages(first, last);
    }
}

LazyPanels::LazyPanels(const Place& place)
    : m_place(place),
      m_nPanels((place.nRows + kPanelRows - 1) / kPanelRows),
      m_panelBytes(static_cast<std::size_t>(place.nColumns / place.format->blockColumns) *
                   place.format->blockBytes) {}

bool LazyPanels::arePacked(int firstPanel, int nPanels) const {
    const auto* states = m_place.states + firstPanel;
    return std::all_of(states, states + nPanels, [](const std::atomic<std::uint8_t>& state) {
        return state.load(std::memory_order_acquire) == kPacked;
    });
}

bool LazyPanels::noteRead(int firstPanel, int nPanels) const {
    bool areRead = true;
    for (int panel = firstPanel; panel < firstPanel + nPanels; ++panel) {
        std::uint8_t expected = kUntouched;
        if (m_place.states[panel].compare_exchange_strong(expected, kRead,
                                                          std::memory_order_relaxed)) {
            areRead = false;
        }
    }
    return areRead;
}

std::span<const std::byte> LazyPanels::rowsOf(int firstPanel, int nPanels) const {
    const std::size_t first = static_cast<std::size_t>(firstPanel) * kPanelRows;
    const std::size_t n = std::min(static_cast<std::size_t>(nPanels) * kPanelRows,
                                   static_cast<std::size_t>(m_place.nRows) - first);
    return {m_place.rows + first * m_place.rowBytes, n * m_place.rowBytes};
}

void LazyPanels::packInto(std::byte* out, int firstPanel, int nPanels) const {
    const auto begun = rowsOf(firstPanel, 1);
    for (std::size_t i = 0; i < begun.size(); i += kLine) __builtin_prefetch(begun.data() + i);
    for (int panel = firstPanel; panel < firstPanel + nPanels; ++panel, out += m_panelBytes) {
        const int row = panel * kPanelRows;
        m_place.format->pack(m_place.rows + static_cast<std::size_t>(row) * m_place.rowBytes,
                             m_place.rowBytes, std::min(kPanelRows, m_place.nRows - row),
                             m_place.nColumns / m_place.format->blockColumns, out);
    }
}

const std::byte* LazyPanels::ready(int firstRow, int nRows) const {
    const int first = firstRow / kPanelRows;
    const int n = (nRows + kPanelRows - 1) / kPanelRows;
    if (arePacked(first, n) || (noteRead(first, n) && pack(first, n, false))) {
        return m_place.panels + static_cast<std::size_t>(first) * m_panelBytes;
    }
    thread_local std::vector<std::byte> copy;
    copy.resize(std::max(copy.size(), static_cast<std::size_t>(n) * m_panelBytes));
    bringInPages(rowsOf(first, n));
    packInto(copy.data(), first, n);
    m_place.ledger->spent(rowsOf(first, n), false);
    return copy.data();
}

bool LazyPanels::pack(int firstPanel, int nPanels, bool isBehind) const {
    int nPacked = 0;
    for (int panel = firstPanel; panel < firstPanel + nPanels; ++panel) {
        std::atomic<std::uint8_t>& state = m_place.states[panel];
        std::uint8_t before = state.load(std::memory_order_relaxed);
        while (before < kBeingPacked &&
               !state.compare_exchange_weak(before, kBeingPacked, std::memory_order_acquire)) {
        }
        if (before >= kBeingPacked) continue;
        bringInPages(rowsOf(panel, 1));
        ++nPacked;
        packInto(m_place.panels + static_cast<std::size_t>(panel) * m_panelBytes, panel, 1);
        state.store(kPacked, std::memory_order_release);
    }
    if (nPacked > 0) {
        m_place.ledger->packed(static_cast<std::size_t>(nPacked) * m_panelBytes);
        m_place.ledger->spent(rowsOf(firstPanel, nPanels), isBehind);
    }
    return arePacked(firstPanel, nPanels);
}

}  // namespace conclave::engine
