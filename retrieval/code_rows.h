// code_rows.h: the vectors of the index, in memory that grows without being copied.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace conclave::retrieval {

/// Rows of 8-bit numbers, in blocks of about a mebibyte: one array would be copied each time it has
/// to grow, hold up to twice what is in it, and both for moments.
class CodeRows {
public:
    explicit CodeRows(std::size_t dimension) : m_dimension(dimension) {
        while ((m_dimension << m_blockBits) > kBlockBytes && m_blockBits > 0) --m_blockBits;
    }

    [[nodiscard]] std::int8_t* at(std::size_t row) {
        return m_blocks[row >> m_blockBits].get() + inBlock(row);
    }
    [[nodiscard]] const std::int8_t* at(std::size_t row) const {
        return m_blocks[row >> m_blockBits].get() + inBlock(row);
    }
    [[nodiscard]] std::span<const std::int8_t> operator[](std::size_t row) const {
        return {at(row), m_dimension};
    }

    /// What the new row holds is left to the caller.
    void insert(std::size_t row) {
        if (m_nRows == m_blocks.size() << m_blockBits) {
            m_blocks.push_back(
                std::make_unique_for_overwrite<std::int8_t[]>(m_dimension << m_blockBits));
        }
        for (std::size_t to = m_nRows++; to > row; --to) copy(to, to - 1);
    }
    void copy(std::size_t to, std::size_t from) {
        if (to != from) std::memcpy(at(to), at(from), m_dimension);
    }
    void truncate(std::size_t n) {
        m_nRows = n;
        const std::size_t nBlocks = (n + (std::size_t{1} << m_blockBits) - 1) >> m_blockBits;
        m_blocks.resize(std::min(m_blocks.size(), nBlocks));
    }

    [[nodiscard]] std::size_t sizeBytes() const { return m_nRows * m_dimension; }

private:
    static constexpr std::size_t kBlockBytes = std::size_t{1} << 20U;
    static constexpr unsigned kMostBlockBits = 12;

    [[nodiscard]] std::size_t inBlock(std::size_t row) const {
        return (row & ((std::size_t{1} << m_blockBits) - 1)) * m_dimension;
    }

    std::size_t m_dimension;
    unsigned m_blockBits = kMostBlockBits;  ///< of rows
    std::size_t m_nRows = 0;
    std::vector<std::unique_ptr<std::int8_t[]>> m_blocks;
};

}  // namespace conclave::retrieval
