// posting_segment.h: an unchanging piece of the keyword index, one block of bytes in memory and in
// the database alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {

/// What the index knows of a term: 48 bits of a hash. Among a million terms two share a key with a
/// probability of 0.2 %, and then count as one.
using TermKey = std::uint64_t;
inline constexpr int kTermKeyBits = 48;
[[nodiscard]] std::uint64_t termHash(std::string_view term);
inline constexpr std::uint64_t kHashFactor = 0x9E3779B97F4A7C15ULL;  // 2^64 over the golden ratio
[[nodiscard]] inline std::uint64_t mixedHash(std::uint64_t value) {
    value ^= value >> 32u;
    value *= kHashFactor;
    value ^= value >> 29u;
    return value;
}
/// termHash() of a term of `size` < 8 bytes, given as a number with the first one lowest.
[[nodiscard]] inline std::uint64_t shortTermHash(std::uint64_t bytes, std::size_t size) {
    return mixedHash((size * kHashFactor ^ bytes) * kHashFactor);
}
[[nodiscard]] inline TermKey keyOfHash(std::uint64_t hash) { return hash >> (64 - kTermKeyBits); }
[[nodiscard]] inline TermKey termKey(std::string_view term) { return keyOfHash(termHash(term)); }

/// Rows are numbers within a segment; a merged segment numbers them anew.
using Row = std::uint32_t;

struct Posting {
    Row row = 0;
    std::uint32_t count = 0;  ///< how often the term stands in the chunk, at least 1
};

/// The chunks with one term, still encoded: of each the distance to the row before, and the count
/// if it is not 1. A term that many chunks have instead has four bits of each row, its count.
struct PostingList {
    const std::uint8_t* begin = nullptr;
    const std::uint8_t* end = nullptr;
    std::uint32_t nPostings = 0;
    Row nRows = 0;
    bool isDense = false;  ///< [begin, end) holds (nRows + 1) / 2 bytes, even rows in the low bits

    /// Calls `visit(row, count)` by ascending row. Damaged bytes end the list early.
    template <typename Visit>
    void forEach(const Visit& visit) const {
        if (isDense) {
            for (Row row = 0; row < nRows; ++row) {
                const std::uint32_t count = denseCount(row);
                if (count > 0) visit(row, count);
            }
            return;
        }
        const std::uint8_t* at = begin;
        Row next = 0;
        for (std::uint32_t i = 0; i < nPostings; ++i) {
            std::uint32_t head = 0;
            std::uint32_t count = 0;
            // Whether there is a count no processor can guess, so that nothing branches on it.
            const bool isShort = end - at >= 2 && ((at[0] | at[1]) & 0x80u) == 0;
            if (isShort) [[likely]] {
                head = at[0];
                const std::uint32_t hasCount = head & 1u;
                count = 1 + ((at[1] - 1u) & (0u - hasCount));
                at += 1 + hasCount;
            } else {
                head = number(at);
                count = (head & 1u) != 0 ? number(at) : 1;
            }
            const Row row = next + (head >> 1u);
            if (row >= nRows) return;
            visit(row, count);
            next = row + 1;
        }
    }
    [[nodiscard]] std::uint32_t denseCount(Row row) const {
        return (begin[row / 2] >> (row % 2 * 4)) & 0xFu;
    }

    /// Seven bits a byte, low ones first; moves `at` behind it.
    std::uint32_t number(const std::uint8_t*& at) const {
        if (at < end && *at < 0x80) [[likely]]
            return *at++;
        std::uint32_t value = 0;
        for (std::uint32_t shift = 0; at < end && shift < 32; shift += 7) {
            const std::uint32_t byte = *at++;
            value |= (byte & 0x7Fu) << shift;
            if (byte < 0x80) break;
        }
        return value;
    }
};

/// Layout: header, chunk ids (ascending), lengths, packed term keys (ascending), ends of the
/// posting lists, posting lists. Thread-safe, since nothing changes.
class PostingSegment {
public:
    /// Errors: Corrupt for bytes that no writer made, Unsupported for those of another version.
    [[nodiscard]] static Result<std::shared_ptr<const PostingSegment>> fromBytes(
        std::vector<std::byte> bytes);

    [[nodiscard]] std::span<const std::byte> bytes() const { return m_bytes; }
    [[nodiscard]] std::size_t sizeBytes() const {
        return m_bytes.size() + m_lastRows.size() * sizeof(Row);
    }
    [[nodiscard]] Row nRows() const { return static_cast<Row>(m_chunks.size()); }
    [[nodiscard]] std::span<const ChunkId> chunks() const { return m_chunks; }
    /// Number of term positions of each chunk.
    [[nodiscard]] std::span<const std::uint32_t> lengths() const { return m_lengths; }

    [[nodiscard]] std::size_t nTerms() const { return m_ends.size(); }
    [[nodiscard]] TermKey key(std::size_t term) const;
    [[nodiscard]] PostingList postings(std::size_t term) const;
    /// The last row of a term's list, where this is a segment that was made of postings a moment
    /// ago; none for others, of which the list itself must be read to its end.
    [[nodiscard]] std::optional<Row> lastRow(std::size_t term) const {
        if (m_lastRows.empty()) return std::nullopt;
        return m_lastRows[term];
    }
    /// An empty list for a term that is not here.
    [[nodiscard]] PostingList find(TermKey wanted) const;

private:
    friend class SegmentWriter;
    explicit PostingSegment(std::vector<std::byte> bytes) : m_bytes(std::move(bytes)) {}
    [[nodiscard]] Result<void> readLayout();

    std::vector<std::byte> m_bytes;
    std::span<const ChunkId> m_chunks;
    std::span<const std::uint32_t> m_lengths;
    const std::byte* m_keys = nullptr;
    std::span<const std::uint32_t> m_ends;
    std::span<const std::byte> m_postings;
    std::vector<Row> m_lastRows;  ///< by term; not among the bytes
};

/// The chunks with a term in one of several segments whose rows follow one another in another one.
struct ShiftedList {
    PostingList list;
    Row firstRow = 0;                           ///< there, of its segment
    std::optional<Row> lastRow = std::nullopt;  ///< of the list, if it is known
};

/// Makes a segment of `nRows` rows term by term.
class SegmentWriter {
public:
    /// `nPostingBytes`: about so many are to come, so that memory grows once.
    explicit SegmentWriter(std::size_t nRows, std::size_t nPostingBytes = 0)
        : m_nRows(nRows),
          m_capacity(nPostingBytes),
          m_postings(std::make_unique_for_overwrite<std::byte[]>(nPostingBytes)) {}

    /// Terms by ascending key, postings by ascending row.
    void add(TermKey key, std::span<const Posting> postings);
    /// The same with the lists of segments, ascending by row. Most are copied as they are.
    void join(TermKey key, std::span<const ShiftedList> lists);
    /// `chunks` ascending, nRows of them. The writer is empty afterwards.
    [[nodiscard]] std::shared_ptr<const PostingSegment> finish(
        std::span<const ChunkId> chunks, std::span<const std::uint32_t> lengths);

private:
    [[nodiscard]] bool isDense(std::size_t nPostings) const;
    [[nodiscard]] bool joinSparse(std::span<const ShiftedList> lists, std::size_t nPostings);
    void joinDense(std::span<const ShiftedList> lists, std::size_t nPostings);
    void addDense(std::span<const Posting> postings);
    /// Memory for so many more bytes, of which keep() says how many were written.
    [[nodiscard]] std::byte* room(std::size_t nBytes);
    void keep(const std::byte* end);
    void endList(TermKey key);

    std::size_t m_nRows;
    std::vector<TermKey> m_keys;
    std::vector<std::uint32_t> m_ends;
    std::vector<Row> m_lastRows;  ///< as many as m_keys while no list was joined
    std::size_t m_capacity;
    std::unique_ptr<std::byte[]> m_postings;  ///< m_capacity, of which m_nWritten are
    std::size_t m_nWritten = 0;
    std::vector<Posting> m_joined;
};

/// A chunk's row in a merged segment.
struct MergeInput {
    const PostingSegment* segment = nullptr;
    std::vector<std::uint8_t> isAlive;  ///< by row; others are left out
};

/// One segment of all living rows, by ascending chunk id. No chunk may be alive in two inputs.
[[nodiscard]] std::shared_ptr<const PostingSegment> mergeSegments(
    std::span<const MergeInput> inputs);

}  // namespace conclave::retrieval
