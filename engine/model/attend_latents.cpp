#include "engine/model/attend_latents.h"

#include <memory>

#include "engine/model/attend_panels.h"

namespace conclave::engine {
namespace {

// A rotated part is longer in no known model; the kernels keep so much of a row on their stack.
constexpr int kMostRotated = 256;
// With latents of 128 packing costs decode a quarter of its speed, and prefill gains 6 %; with 512
// both gain (Zen 4).
constexpr int kLeastLatent = 256;

std::size_t size(int n) { return static_cast<std::size_t>(n); }

/// A thread's memory, from a line of the cache on: registers as long as a line are loaded from it.
std::int16_t* inLines(std::vector<std::int16_t>& memory, std::size_t n) {
    constexpr std::size_t kLine = 64;
    std::size_t room = n * sizeof(std::int16_t) + kLine;
    void* from = atLeast(memory, n + kLine / sizeof(std::int16_t));
    return static_cast<std::int16_t*>(std::align(kLine, n * sizeof(std::int16_t), from, room));
}

/// A tile's queries in fixed point, and a chunk's keys. The memory is the thread's, kept from call
/// to call.
class Walk {
public:
    Walk(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile)
        : m_kernels(kernels),
          m_args(args),
          m_tile(tile),
          m_set(*kernels.latents),
          m_length(size(m_set.rowLength(args.valueDim, args.queryDim))),
          m_nRows((tile.nQueries() + m_set.nQueries - 1) / m_set.nQueries * m_set.nQueries),
          m_memory(memoryOfThread()) {
        m_queries = inLines(m_memory.queries, size(m_nRows) * m_length);
        m_queryScales = atLeast(m_memory.queryScales, 2 * size(m_nRows));
        m_block = inLines(m_memory.keys, kAttendChunk * m_length);
        m_blockScales = atLeast(m_memory.keyScales, 2 * kAttendChunk);
        m_scores = atLeast(m_memory.scores, size(m_nRows) * kAttendChunk);
        m_gathered = atLeast(m_memory.gathered, size(m_nRows) * size(args.valueDim));
        for (int i = 0; i < tile.nQueries(); ++i) {
            m_set.packQuery(args.queries + tile.pair(args, i) * size(args.queryDim), args.valueDim,
                            args.queryDim, m_queries + size(i) * m_length,
                            m_queryScales + 2 * size(i));
        }
    }

    /// @param shares  [query], written; their `values` stay valid until the next call
    void gather(int chunk, AttendShare* shares) {
        const Positions walked = withinChunk(seenBy(m_args, m_tile), chunk);
        // Blocks begin at multiples of their length, so that a token's are the same in any batch.
        score(chunk, walked);
        for (int i = 0; i < m_tile.nQueries(); ++i) {
            float* scores = m_scores + size(i) * kAttendChunk;
            weighSeen(m_kernels, m_args, withinChunk(seenBy(m_args, m_tile.token(i)), chunk),
                      walked, scores, shares[i]);
            std::fill(scores + walked.size(), scores + kAttendChunk, 0.0f);
            shares[i].values = m_gathered + size(i) * size(m_args.valueDim);
        }
        const int nQueries = m_tile.nQueries();
        std::fill(m_scores + size(nQueries) * kAttendChunk, m_scores + size(m_nRows) * kAttendChunk,
                  0.0f);
        std::fill_n(m_gathered, size(m_nRows) * size(m_args.valueDim), 0.0f);
        for (int at = 0; at < walked.size(); at += m_set.nPositions) {
            m_set.weightedSum(m_scores + at, kAttendChunk, m_nRows, m_block + size(at) * m_length,
                              m_blockScales + 2 * size(at), m_args.valueDim, m_args.queryDim,
                              m_gathered);
        }
    }

private:
    struct Memory {
        std::vector<std::int16_t> queries;  ///< [query][row]
        std::vector<float> queryScales;     ///< [query][latent, rotated]
        std::vector<std::int16_t> keys;     ///< [position][row]
        std::vector<float> keyScales;       ///< [block][latent, rotated][position]
        std::vector<float> scores;          ///< [query][kAttendChunk]
        std::vector<float> gathered;        ///< [query][latent]
    };

    static Memory& memoryOfThread() {
        thread_local Memory memory;
        return memory;
    }

    void score(int chunk, Positions walked) {
        const CachedHalves keys = CachedHalves::keys(m_kernels, m_args, chunk, 0);
        for (int at = 0; at < walked.size(); at += m_set.nPositions) {
            const int first = walked.first + at;
            const int n = std::min(m_set.nPositions, walked.size() - at);
            const auto rows = keys.rows({first, first + n});
            std::int16_t* block = m_block + size(at) * m_length;
            float* scales = m_blockScales + 2 * size(at);
            m_set.packKeys(rows.data, rows.stride, n, m_args.valueDim, m_args.queryDim, block,
                           scales);
            if (at + n < walked.size()) {
                const int most = std::min(m_set.nPositions, walked.size() - at - n);
                keys.prefetch({first + n, first + n + most});
            }
            m_set.scores(m_queries, m_queryScales, m_nRows, block, scales, m_args.valueDim,
                         m_args.queryDim, m_scores + at, kAttendChunk);
        }
    }

    const KernelTable& m_kernels;
    const AttendArgs& m_args;
    const AttendTile& m_tile;
    const LatentTiles& m_set;
    std::size_t m_length;
    int m_nRows;
    Memory& m_memory;
    std::int16_t* m_queries;
    float* m_queryScales;
    std::int16_t* m_block;
    float* m_blockScales;
    float* m_scores;
    float* m_gathered;
};

}  // namespace

bool fitsLatents(const KernelTable& kernels, const AttendArgs& args) {
    return kernels.latents != nullptr && args.keys.chunks == args.values.chunks &&
           args.keys.begin == args.values.begin && args.window == 0 &&
           args.valueDim % kernels.latents->dimUnit == 0 && args.valueDim >= kLeastLatent &&
           args.valueDim <= kernels.latents->mostDims &&
           args.queryDim - args.valueDim <= kMostRotated;
}

void attendLatentChunk(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile,
                       int chunk, AttendShare* shares) {
    Walk walk(kernels, args, tile);
    std::vector<AttendShare> gathered(size(tile.nQueries()));
    walk.gather(chunk, gathered.data());
    for (std::size_t i = 0; i < gathered.size(); ++i) {
        std::copy_n(gathered[i].values, args.valueDim, shares[i].values);
        shares[i].max = gathered[i].max;
        shares[i].sum = gathered[i].sum;
    }
}

void attendLatents(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile) {
    Walk walk(kernels, args, tile);
    const auto nQueries = size(tile.nQueries());
    std::vector<AttendShare> totals(nQueries);
    std::vector<AttendShare> parts(nQueries);
    for (int i = 0; i < tile.nQueries(); ++i) {
        totals[size(i)].values = args.outputs + tile.pair(args, i) * size(args.valueDim);
    }
    const Positions chunks = chunksOf(seenBy(args, tile));
    for (int chunk = chunks.first; chunk < chunks.end; ++chunk) {
        walk.gather(chunk, parts.data());
        for (std::size_t i = 0; i < nQueries; ++i) join(totals[i], parts[i], args.valueDim);
    }
    for (int i = 0; i < tile.nQueries(); ++i) finish(args, tile.head(i), totals[size(i)]);
}

std::size_t attendLatentsBytes(std::size_t keyDim, std::size_t latentDim) {
    const std::size_t nRows = size(kPanelQueries) + kAttendChunk;
    return nRows * (keyDim + 2) * sizeof(std::int16_t) +
           size(kPanelQueries) * (kAttendChunk + latentDim) * sizeof(float);
}

}  // namespace conclave::engine
