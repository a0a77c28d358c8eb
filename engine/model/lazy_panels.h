// lazy_panels.h: a matrix that is brought into panels when somebody first reads it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/kernels/packed.h"

namespace conclave::engine {

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
        std::byte* panels = nullptr;                  ///< zeroed memory
        std::atomic<std::uint8_t>* states = nullptr;  ///< [nPanels], zeros
    };

    explicit LazyPanels(const Place& place);

    [[nodiscard]] int nPanels() const { return m_nPanels; }
    [[nodiscard]] std::size_t panelBytes() const { return m_panelBytes; }

    /// The panels of rows [firstRow, firstRow + nRows), packed now if they are not yet. While
    /// another thread packs one of them, it is a copy, valid until this thread's next call: so
    /// nobody waits for a thread that has lost its core.
    /// @param firstRow  a multiple of kPanelRows
    [[nodiscard]] const std::byte* ready(int firstRow, int nRows) const;

    /// Packs those of the panels that nobody has begun, and gives their file pages back.
    /// Returns true if all of them are packed then.
    bool pack(int firstPanel, int nPanels) const;

    /// Gives back the file's pages that only this matrix lies on.
    void releaseRows() const;

private:
    [[nodiscard]] bool arePacked(int firstPanel, int nPanels) const;
    void packInto(std::byte* out, int firstPanel, int nPanels) const;

    Place m_place;
    int m_nPanels;
    std::size_t m_panelBytes;
};

/// Maps pages of a file at once, which takes a fraction of what a fault for each few of them takes.
void bringInPages(const std::byte* data, std::size_t n);

}  // namespace conclave::engine
