#include "engine/model/attend_latents.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include "engine/model/attend_panels.h"

namespace conclave::engine {
namespace {

// A rotated part is longer in no known model; the kernels keep so much of a row on their stack.
constexpr int kMostRotated = 256;
// With latents of 128 packing costs decode a quarter of its speed, and prefill gains 6 %; with 512
// both gain (Zen 4).
constexpr int kLeastLatent = 256;
// Of a block's positions, two each.
constexpr std::size_t kMostScales = 2 * kAttendChunk;

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
          m_memory(memoryOfThread()),
          m_queries(m_memory.queries.of(size(m_nRows), m_length)),
          m_queryRests(m_memory.queryRests.of(size(m_nRows), m_length)),
          m_keys(m_memory.keys.of(kAttendChunk, m_length)),
          m_keyRests(m_memory.keyRests.of(kAttendChunk, m_length)) {
        m_scores = atLeast(m_memory.scores, size(m_nRows) * kAttendChunk);
        m_gathered = atLeast(m_memory.gathered, size(m_nRows) * size(args.valueDim));
        m_smoothScales = atLeast(m_memory.smoothScales, 2 * size(m_nRows));
        m_roughScales = atLeast(m_memory.roughScales, 2 * size(m_nRows));
        std::fill_n(m_roughScales, 2 * size(m_nRows), 0.0f);
        m_memory.isRough.assign(size(tile.nQueries()), false);
        for (int i = 0; i < tile.nQueries(); ++i) {
            m_memory.isRough[size(i)] = pack(i, false);
            (m_memory.isRough[size(i)] ? m_hasRoughQuery : m_hasSmoothQuery) = true;
            if (!m_memory.isRough[size(i)]) continue;
            std::copy_n(at(m_queries, i).scales, 2, m_roughScales + 2 * size(i));
        }
        for (int i = tile.nQueries(); i < m_nRows; ++i) {
            std::fill_n(at(m_queries, i).scales, 2, 0.0f);
            std::fill_n(at(m_queryRests, i).scales, 2, 0.0f);
            std::fill_n(m_smoothScales + 2 * size(i), 2, 0.0f);
        }
    }

    /// @param shares  [query], written; their `values` stay valid until the next call
    void gather(int chunk, AttendShare* shares) {
        const Positions walked = withinChunk(seenBy(m_args, m_tile), chunk);
        // Blocks begin at multiples of their length, so that a token's are the same in any batch.
        score(chunk, walked);
        askForNext(chunk);
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
        for (int first = 0; first < walked.size(); first += m_set.nPositions) {
            const auto sum = [&](FixedRows values) {
                m_set.weightedSum(m_scores + first, kAttendChunk, m_nRows, values, m_args.valueDim,
                                  m_args.queryDim, m_gathered);
            };
            sum(at(m_keys, first));
            if (m_memory.hasRest[size(first / m_set.nPositions)]) sum(at(m_keyRests, first));
        }
    }

private:
    struct Rows {
        std::vector<std::int16_t> numbers;  ///< [row]
        std::vector<float> scales;

        FixedRows of(std::size_t nRows, std::size_t length) {
            return {inLines(numbers, nRows * length), atLeast(scales, 2 * nRows)};
        }
    };
    struct Memory {
        Rows queries;
        Rows queryRests;
        Rows keys;  ///< scales are [block][latent, rotated][position]
        Rows keyRests;
        std::array<bool, kAttendChunk> hasRest{};  ///< [block]
        std::vector<bool> isRough;                 ///< [query]
        std::vector<float> roughScales;            ///< of the queries that are, else zero
        std::vector<float> smoothScales;           ///< of the rests of the others
        std::vector<float> scores;                 ///< [query][kAttendChunk]
        std::vector<float> gathered;               ///< [query][latent]
    };

    static Memory& memoryOfThread() {
        thread_local Memory memory;
        return memory;
    }

    /// From a row on, which for keys begins a block.
    [[nodiscard]] FixedRows at(FixedRows rows, int first) const {
        return {rows.rows + size(first) * m_length, rows.scales + 2 * size(first)};
    }

    void score(int chunk, Positions walked) {
        std::fill_n(m_scores, size(m_nRows) * kAttendChunk, 0.0f);
        const CachedHalves keys = CachedHalves::keys(m_kernels, m_args, chunk, 0);
        const bool isInPlace = m_args.keys.type == TensorType::F16;
        for (int i = 0; i < walked.size(); i += m_set.nPositions) {
            const int first = walked.first + i;
            const int n = std::min(m_set.nPositions, walked.size() - i);
            const int nAhead = isInPlace ? std::min(m_set.nPositions, walked.size() - i - n) : 0;
            const auto rows = keys.rows({first, first + n});
            const FixedRows block = at(m_keys, i);
            const FixedRows rests = at(m_keyRests, i);
            std::array<bool, kAttendChunk> isRough{};
            const bool hasRough =
                m_set.packKeys(rows.data, rows.stride, n, nAhead, m_args.valueDim, m_args.queryDim,
                               m_hasRoughQuery, block, rests, isRough.data());
            m_memory.hasRest[size(i / m_set.nPositions)] = hasRough;
            addScores(m_queries, block, i);
            if (hasRough || m_hasRoughQuery) addRests(i, n, isRough.data(), hasRough);
        }
    }

    /// What the next chunk begins with comes from memory while this one's values are added up.
    void askForNext(int chunk) const {
        if (chunk + 1 >= chunksOf(seenBy(m_args, m_tile)).end) return;
        const Positions next = withinChunk(seenBy(m_args, m_tile), chunk + 1);
        const Positions block{next.first, std::min(next.first + m_set.nPositions, next.end)};
        CachedHalves::keys(m_kernels, m_args, chunk + 1, 0).prefetch(block);
    }

    void addScores(FixedRows queries, FixedRows block, int i) {
        m_set.scores(queries, m_nRows, block, m_args.valueDim, m_args.queryDim, m_scores + i,
                     kAttendChunk);
    }

    /// Where a key or a query has numbers that stand out, the other's there may be small, below the
    /// last of its bits: both rests count. Which pairs these are depends on nothing but the two.
    void addRests(int i, int nKeys, const bool* isRough, bool hasRough) {
        const FixedRows block = at(m_keys, i);
        const FixedRows rests = at(m_keyRests, i);
        std::array<float, kMostScales> roughKeys{};
        std::array<float, kMostScales> smoothRests{};
        for (int of = 0; of < 2 * m_set.nPositions; ++of) {
            if (isRough[of % m_set.nPositions]) {
                roughKeys[size(of)] = block.scales[of];
            } else {
                std::swap(smoothRests[size(of)], rests.scales[of]);
            }
        }
        const auto isSmooth = [](bool rough) { return !rough; };
        const std::span<const bool> rough(isRough, size(nKeys));
        if (hasRough) {
            addScores(m_queries, rests, i);
            if (m_hasRoughQuery) addScores(m_queryRests, rests, i);
            if (m_hasSmoothQuery) {
                packSmoothRests();
                const FixedRows smooth{m_queryRests.rows, m_smoothScales};
                addScores(smooth, {block.rows, roughKeys.data()}, i);
                addScores(smooth, rests, i);
            }
        }
        if (!m_hasRoughQuery) return;
        addScores(m_queryRests, block, i);
        if (std::any_of(rough.begin(), rough.end(), isSmooth)) {
            addScores({m_queries.rows, m_roughScales}, {rests.rows, smoothRests.data()}, i);
        }
    }

    /// @returns true if it is rough
    bool pack(int query, bool wantsRest) {
        return m_set.packQuery(m_args.queries + m_tile.pair(m_args, query) * size(m_args.queryDim),
                               m_args.valueDim, m_args.queryDim, wantsRest, at(m_queries, query),
                               at(m_queryRests, query));
    }

    /// Rests of the queries that have none yet, with scales of their own.
    void packSmoothRests() {
        if (m_hasSmoothRests) return;
        m_hasSmoothRests = true;
        for (int i = 0; i < m_tile.nQueries(); ++i) {
            float* scales = m_smoothScales + 2 * size(i);
            std::fill_n(scales, 2, 0.0f);
            if (m_memory.isRough[size(i)]) continue;
            static_cast<void>(pack(i, true));
            std::swap_ranges(scales, scales + 2, at(m_queryRests, i).scales);
        }
    }

    const KernelTable& m_kernels;
    const AttendArgs& m_args;
    const AttendTile& m_tile;
    const LatentTiles& m_set;
    std::size_t m_length;
    int m_nRows;
    Memory& m_memory;
    FixedRows m_queries;
    FixedRows m_queryRests;
    FixedRows m_keys;
    FixedRows m_keyRests;
    float* m_roughScales;
    float* m_smoothScales;
    bool m_hasRoughQuery = false;
    bool m_hasSmoothQuery = false;
    bool m_hasSmoothRests = false;
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
    const std::size_t nRows = 2 * (size(kPanelQueries) + kAttendChunk);  // with their rests
    return nRows * (keyDim * sizeof(std::int16_t) + 2 * sizeof(float)) +
           size(kPanelQueries) * (kAttendChunk + latentDim) * sizeof(float);
}

}  // namespace conclave::engine
