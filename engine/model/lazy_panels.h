// lazy_panels.h: a matrix that is brought into panels when somebody first reads it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "engine/kernels/packed.h"

namespace conclave::engine {

/// What all matrices of a model have in common while they are packed. Any thread may call.
class PackingLedger {
public:
    explicit PackingLedger(std::size_t totalBytes) : m_totalBytes(totalBytes) {}

    /// These rows of the mapped file were read. Their pages are given back with those of many
    /// others, since each such call to the system stops the other cores for a moment: soon by a
    /// thread behind; by one that answers only where mapped pages and panels together would else
    /// take more memory than all panels will.
    void spent(std::span<const std::byte> rows, bool isBehind);
    /// Gives back all pages that only rows told of so far lie on.
    void giveBack();

    void packed(std::size_t nBytes) { m_packedBytes.fetch_add(nBytes, std::memory_order_relaxed); }
    [[nodiscard]] std::size_t packedBytes() const {
        return m_packedBytes.load(std::memory_order_relaxed);
    }

private:
    std::size_t m_totalBytes;  ///< of all panels
    std::mutex m_mutex;
    std::vector<std::span<const std::byte>> m_spent;
    std::size_t m_spentBytes = 0;
    std::atomic<std::size_t> m_packedBytes = 0;
};

/// Rows as they lie in the mapped file, and the panels that they become. A product packs what it is
/// about to read, and a background thread what nobody has read yet, so that an answer can begin at
/// once and its bits do not depend on who was first. Any thread may call any function.
class LazyPanels {
public:
    /// What is to become what; all of it outlives the object.
    struct Place {
        const std::byte* rows = nullptr;  ///< row-major, in the mapped file
        std::size_t rowBytes = 0;
        int nRows = 0;
        int nColumns = 0;
        const PackedFormat* format = nullptr;
        std::byte* panels = nullptr;
        std::atomic<std::uint8_t>* states = nullptr;  ///< [nPanels], zeros
        PackingLedger* ledger = nullptr;
    };

    explicit LazyPanels(const Place& place);

    [[nodiscard]] int nPanels() const { return m_nPanels; }
    [[nodiscard]] std::size_t panelBytes() const { return m_panelBytes; }

    /// The panels of rows [firstRow, firstRow + nRows). What was never read before, or is being
    /// packed by another thread, comes as a copy, valid until this thread's next call: that costs
    /// no memory that the system has to clear first, and nobody waits for a thread that has lost
    /// its core. The second time it is packed to stay, if it is not yet.
    /// @param firstRow  a multiple of kPanelRows
    [[nodiscard]] const std::byte* ready(int firstRow, int nRows) const;

    /// Packs those of the panels that nobody has begun.
    /// Returns true if all of them are packed then.
    /// @param isBehind  no answer waits for it
    bool pack(int firstPanel, int nPanels, bool isBehind) const;

    /// As they lie in the file.
    [[nodiscard]] std::span<const std::byte> rows() const { return rowsOf(0, m_nPanels); }

private:
    [[nodiscard]] bool arePacked(int firstPanel, int nPanels) const;
    /// True if all of them have been read before, which they have been from now on.
    [[nodiscard]] bool noteRead(int firstPanel, int nPanels) const;
    void packInto(std::byte* out, int firstPanel, int nPanels) const;
    [[nodiscard]] std::span<const std::byte> rowsOf(int firstPanel, int nPanels) const;

    Place m_place;
    int m_nPanels;
    std::size_t m_panelBytes;
};

/// Has the system map pages of a file, or read them.
void bringInPages(std::span<const std::byte> data);

}  // namespace conclave::engine
