#include "engine/model/lazy_panels.h"

#include <algorithm>
#include <vector>

#include <sys/mman.h>

namespace conclave::engine {
namespace {

constexpr std::uint8_t kUntouched = 0;
constexpr std::uint8_t kBeingPacked = 1;
constexpr std::uint8_t kPacked = 2;
constexpr std::uintptr_t kPage = 4096;

/// Gives back the mapped pages that lie wholly within the range; the system's cache of the file
/// keeps them as long as it has room, and a thread that still reads them gets them again.
void releasePages(const std::byte* data, std::size_t n) {
    const auto begin = (reinterpret_cast<std::uintptr_t>(data) + kPage - 1) / kPage * kPage;
    const auto end = (reinterpret_cast<std::uintptr_t>(data) + n) / kPage * kPage;
    if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace

void bringInPages(const std::byte* data, std::size_t n) {
#ifdef MADV_POPULATE_READ
    const auto begin = reinterpret_cast<std::uintptr_t>(data) / kPage * kPage;
    const auto end = reinterpret_cast<std::uintptr_t>(data) + n;
    // An older system refuses, and the pages come in one by one.
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ);
#endif
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

void LazyPanels::packInto(std::byte* out, int firstPanel, int nPanels) const {
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
    if (arePacked(first, n) || pack(first, n)) {
        return m_place.panels + static_cast<std::size_t>(first) * m_panelBytes;
    }
    thread_local std::vector<std::byte> copy;
    copy.resize(std::max(copy.size(), static_cast<std::size_t>(n) * m_panelBytes));
    packInto(copy.data(), first, n);
    return copy.data();
}

bool LazyPanels::pack(int firstPanel, int nPanels) const {
    const std::size_t firstRow = static_cast<std::size_t>(firstPanel) * kPanelRows;
    const std::size_t nRows = std::min(static_cast<std::size_t>(nPanels) * kPanelRows,
                                       static_cast<std::size_t>(m_place.nRows) - firstRow);
    const std::byte* rows = m_place.rows + firstRow * m_place.rowBytes;
    bool isFirst = true;
    for (int panel = firstPanel; panel < firstPanel + nPanels; ++panel) {
        std::uint8_t expected = kUntouched;
        std::atomic<std::uint8_t>& state = m_place.states[panel];
        if (!state.compare_exchange_strong(expected, kBeingPacked, std::memory_order_acquire)) {
            continue;
        }
        if (isFirst) bringInPages(rows, nRows * m_place.rowBytes);
        isFirst = false;
        packInto(m_place.panels + static_cast<std::size_t>(panel) * m_panelBytes, panel, 1);
        state.store(kPacked, std::memory_order_release);
    }
    if (!isFirst) releasePages(rows, nRows * m_place.rowBytes);
    return arePacked(firstPanel, nPanels);
}

void LazyPanels::releaseRows() const {
    releasePages(m_place.rows, static_cast<std::size_t>(m_place.nRows) * m_place.rowBytes);
}

}  // namespace conclave::engine
