// attend_tile.h: the parts into which attend() cuts its work, and the softmax of each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/model/attend.h"

namespace conclave::engine {

/// Some tokens of the batch and some query heads of one kv head.
struct AttendTile {
    int firstToken = 0;
    int nTokens = 0;
    int firstHead = 0;
    int nHeads = 0;

    [[nodiscard]] int nQueries() const { return nTokens * nHeads; }
    [[nodiscard]] int token(int query) const { return firstToken + query / nHeads; }
    [[nodiscard]] int head(int query) const { return firstHead + query % nHeads; }
    /// Its place among all pairs of token and head.
    [[nodiscard]] std::size_t pair(const AttendArgs& args, int query) const {
        return static_cast<std::size_t>(token(query)) * static_cast<std::size_t>(args.nHeads) +
               static_cast<std::size_t>(head(query));
    }
    [[nodiscard]] int kvHead(const AttendArgs& args) const {
        return firstHead * args.nKvHeads / args.nHeads;
    }
};

/// Tiles of at most so many queries, unless one token's heads are more. Late tokens attend to more
/// positions: the longest tasks go first.
[[nodiscard]] std::vector<AttendTile> attendTiles(const AttendArgs& args, int mostQueries);

/// Positions [first, end).
struct Positions {
    int first = 0;
    int end = 0;
    [[nodiscard]] int size() const { return end - first; }
    [[nodiscard]] bool meets(Positions other) const {
        return first < other.end && other.first < end;
    }
};

[[nodiscard]] Positions seenBy(const AttendArgs& args, int token);
/// What some of the tile's queries `first` to `last` see.
[[nodiscard]] Positions seenBy(const AttendArgs& args, const AttendTile& tile, int first, int last);
[[nodiscard]] inline Positions seenBy(const AttendArgs& args, const AttendTile& tile) {
    return seenBy(args, tile, 0, tile.nQueries() - 1);
}

[[nodiscard]] inline Positions withinChunk(Positions positions, int chunk) {
    return {std::max(positions.first, chunk * kAttendChunk),
            std::min(positions.end, (chunk + 1) * kAttendChunk)};
}
/// Chunks that hold one of the positions.
[[nodiscard]] inline Positions chunksOf(Positions positions) {
    return {positions.first / kAttendChunk, (positions.end - 1) / kAttendChunk + 1};
}

/// What a query gathered from some positions: the sum of exp(score - max), and of the values
/// weighted so.
struct AttendShare {
    float max = 0.0f;
    float sum = 0.0f;         ///< 0: nothing yet
    float* values = nullptr;  ///< [valueDim]
};

/// Turns a query's scores of the positions it has seen into exp(score - max), all others to zero.
/// @param scores  of the positions in `walked`
/// @param share  its max and sum are written
void weighSeen(const KernelTable& kernels, const AttendArgs& args, Positions seen, Positions walked,
               float* scores, AttendShare& share);

/// total = total and part together.
void join(AttendShare& total, const AttendShare& part, int valueDim);

/// Divides by the sum, of which the head's sink is a part.
void finish(const AttendArgs& args, int head, AttendShare& total);

/// Keys or values of a chunk and a kv head as they lie in the cache, read as fp16.
class CachedHalves {
public:
    struct Rows {
        const std::uint16_t* data = nullptr;
        std::size_t stride = 0;  ///< values from one position to the next
    };

    static CachedHalves keys(const KernelTable& kernels, const AttendArgs& args, int chunk,
                             int kvHead) {
        return {kernels, args.keys, args.queryDim, chunk, kvHead};
    }
    static CachedHalves values(const KernelTable& kernels, const AttendArgs& args, int chunk,
                               int kvHead) {
        return {kernels, args.values, args.valueDim, chunk, kvHead};
    }

    /// Valid until the thread's next call.
    /// @param positions  of the chunk
    [[nodiscard]] Rows rows(Positions positions) const;

    /// Asks for memory that rows() will read; behind the chunk's positions the next head's lie.
    void prefetch(Positions positions) const;

private:
    CachedHalves(const KernelTable& kernels, const CachedHeads& heads, int dim, int chunk,
                 int kvHead)
        : m_kernels(&kernels),
          m_head(heads.chunks[chunk] + heads.begin +
                 static_cast<std::size_t>(kvHead) * heads.headBytes),
          m_firstPosition(chunk * kAttendChunk),
          m_type(heads.type),
          m_rowBytes(heads.rowBytes),
          m_dim(dim) {}
    [[nodiscard]] const std::byte* row(int position) const {
        return m_head + static_cast<std::size_t>(position - m_firstPosition) * m_rowBytes;
    }

    const KernelTable* m_kernels;
    const std::byte* m_head;
    int m_firstPosition;
    TensorType m_type;
    std::size_t m_rowBytes;
    int m_dim;  ///< of a head
};

/// A thread's memory that is kept from call to call.
template <typename T>
T* atLeast(std::vector<T>& memory, std::size_t n) {
    if (memory.size() < n) memory.resize(n);
    return memory.data();
}

}  // namespace conclave::engine
