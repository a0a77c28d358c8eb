// sign_codes.h: the first pass of vector search in large collections: one bit for each value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace conclave::retrieval {

/// The signs of int8 codes, and how far the values of each are from zero in the mean. The dot
/// product with a query is estimated from the signs alone, with the query's values in 16 steps
/// (after RaBitQ, arXiv:2405.12497, without its rotation): an eighth of the memory to read and a
/// few popcounts a row. Not thread-safe.
class SignCodes {
public:
    explicit SignCodes(std::size_t dimension);

    [[nodiscard]] std::size_t size() const { return m_spreads.size(); }
    [[nodiscard]] std::size_t sizeBytes() const {
        return m_bits.size() * sizeof(std::uint64_t) + m_spreads.size() * sizeof(float);
    }

    /// Puts a row before row `row`, or behind the last one.
    void insert(std::size_t row, std::span<const std::int8_t> code, float scale);
    void set(std::size_t row, std::span<const std::int8_t> code, float scale);
    void copy(std::size_t to, std::size_t from);
    /// Forgets the rows from `n` on.
    void truncate(std::size_t n);

    /// A query as four planes of bits.
    struct Query {
        std::vector<std::uint64_t> planes;  ///< [plane][word], the lowest bits first
        float step = 0.0F;                  ///< between two neighbours of the 16 values
        float least = 0.0F;                 ///< the value that 0 stands for
        float sum = 0.0F;                   ///< of all values
    };
    [[nodiscard]] Query query(std::span<const float> values) const;

    /// Estimates for rows from `first` on, as many as `found` has room for; they are comparable
    /// among each other and grow with the dot product.
    void estimate(const Query& query, std::size_t first, std::span<float> found) const;

private:
    std::size_t m_dimension;
    std::size_t m_nWords;               ///< of 64 bits in a row
    std::vector<std::uint64_t> m_bits;  ///< [row][word]
    std::vector<float> m_spreads;       ///< mean |value| of each row
};

}  // namespace conclave::retrieval
