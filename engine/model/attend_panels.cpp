#include "engine/model/attend_panels.h"

namespace conclave::engine {
namespace {

// Queries from which unpacking pays.
constexpr int kLeastQueries = 12;
// Values of so many positions are unpacked at once.
constexpr int kValueStep = 128;
// Keys of the widest panel.
constexpr int kMostKeys = 32;

std::size_t size(int n) { return static_cast<std::size_t>(n); }

/// A tile's queries in panels, and what they gather. The memory is the thread's, kept from call to
/// call.
class Panels {
public:
    Panels(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile)
        : m_kernels(kernels),
          m_args(args),
          m_tile(tile),
          m_set(*kernels.attention),
          m_kvHead(tile.kvHead(args)),
          m_nPanels((tile.nQueries() + m_set.nQueries - 1) / m_set.nQueries),
          m_memory(memoryOfThread()) {
        const std::size_t nRows = size(m_nPanels) * size(m_set.nQueries);
        m_memory.totals.assign(size(tile.nQueries()), {});
        m_memory.from.resize(size(tile.nQueries()));
        for (int i = 0; i < tile.nQueries(); ++i) {
            const std::size_t pair = tile.pair(args, i);
            m_memory.from[size(i)] = args.queries + pair * size(args.queryDim);
            m_memory.totals[size(i)].values = args.outputs + pair * size(args.valueDim);
        }
        m_queries = atLeast(m_memory.queries, nRows * size(args.queryDim));
        m_scores = atLeast(m_memory.scores, nRows * kAttendChunk);
        m_gathered = atLeast(m_memory.gathered, nRows * size(args.valueDim));
        m_unpacked = atLeast(m_memory.unpacked, std::max(size(m_set.nKeys) * size(args.queryDim),
                                                         size(kValueStep) * size(args.valueDim)));
        m_set.packQueries(m_memory.from.data(), tile.nQueries(), args.queryDim, m_queries);
    }

    void gather(int chunk) {
        const Positions walked = withinChunk(seenBy(m_args, m_tile), chunk);
        score(chunk, walked);
        const std::size_t nRows = size(m_nPanels) * size(m_set.nQueries);
        const std::size_t nQueries = size(m_tile.nQueries());
        std::fill_n(m_scores + nQueries * kAttendChunk, (nRows - nQueries) * kAttendChunk, 0.0f);
        m_memory.parts.assign(nQueries, {});
        for (int i = 0; i < m_tile.nQueries(); ++i) {
            AttendShare& part = m_memory.parts[size(i)];
            part.values = m_gathered + size(i) * size(m_args.valueDim);
            weighSeen(m_kernels, m_args, withinChunk(seenBy(m_args, m_tile.token(i)), chunk),
                      walked, m_scores + size(i) * kAttendChunk, part);
        }
        std::fill_n(m_gathered, nRows * size(m_args.valueDim), 0.0f);
        addValues(chunk, walked);
        for (std::size_t i = 0; i < nQueries; ++i) {
            join(m_memory.totals[i], m_memory.parts[i], m_args.valueDim);
        }
    }

    void finishAll() {
        for (int i = 0; i < m_tile.nQueries(); ++i) {
            finish(m_args, m_tile.head(i), m_memory.totals[size(i)]);
        }
    }

private:
    struct Memory {
        std::vector<const float*> from;   ///< [query]
        std::vector<AttendShare> totals;  ///< [query]
        std::vector<AttendShare> parts;   ///< [query]
        std::vector<float> queries;       ///< in panels
        std::vector<float> scores;        ///< [query][kAttendChunk]
        std::vector<float> gathered;      ///< [query][valueDim]
        std::vector<float> unpacked;      ///< keys, later values
    };

    static Memory& memoryOfThread() {
        thread_local Memory memory;
        return memory;
    }

    /// Panels [first, end) of queries.
    struct Seeing {
        int first = 0;
        int end = 0;
    };
    /// Those of which a query sees one of the positions: neighbours, as tokens see on and on.
    Seeing seeing(Positions positions) const {
        const auto sees = [&](int panel) {
            const int first = panel * m_set.nQueries;
            const int last = std::min(first + m_set.nQueries, m_tile.nQueries()) - 1;
            return seenBy(m_args, m_tile, first, last).meets(positions);
        };
        Seeing panels{0, m_nPanels};
        while (panels.first < panels.end && !sees(panels.first)) ++panels.first;
        while (panels.end > panels.first && !sees(panels.end - 1)) --panels.end;
        return panels;
    }

    void score(int chunk, Positions walked) {
        const auto keys = CachedHalves::keys(m_kernels, m_args, chunk, m_kvHead);
        const auto values = CachedHalves::values(m_kernels, m_args, chunk, m_kvHead);
        for (int at = walked.first; at < walked.end; at += m_set.nKeys) {
            const Positions part = partFrom(at, m_set.nKeys, walked);
            const auto rows = keys.rows(part);
            m_set.packKeys(rows.data, rows.stride, part.size(), m_args.queryDim, m_unpacked);
            if (part.end < walked.end) {
                keys.prefetch(partFrom(part.end, m_set.nKeys, walked));
            } else {
                values.prefetch(partFrom(walked.first, kValueStep, walked));
            }
            const Seeing panels = seeing(part);
            const std::size_t first = size(panels.first) * size(m_set.nQueries);
            m_set.scores(m_queries + first * size(m_args.queryDim),
                         (panels.end - panels.first) * m_set.nQueries, m_unpacked, m_args.queryDim,
                         m_scores + first * kAttendChunk + (at - walked.first), kAttendChunk);
        }
    }

    void addValues(int chunk, Positions walked) {
        const auto values = CachedHalves::values(m_kernels, m_args, chunk, m_kvHead);
        for (int at = walked.first; at < walked.end; at += kValueStep) {
            const Positions part = partFrom(at, kValueStep, walked);
            const auto rows = values.rows(part);
            m_set.unpackValues(rows.data, rows.stride, part.size(), m_args.valueDim, m_unpacked);
            if (part.end < walked.end) {
                values.prefetch(partFrom(part.end, kValueStep, walked));
            }
            const Seeing panels = seeing(part);
            const std::size_t first = size(panels.first) * size(m_set.nQueries);
            m_set.weightedSum(m_scores + first * kAttendChunk + (at - walked.first), kAttendChunk,
                              (panels.end - panels.first) * m_set.nQueries, m_unpacked, part.size(),
                              m_args.valueDim, m_gathered + first * size(m_args.valueDim));
        }
    }

    /// Up to n of the walked positions from `at` on.
    static Positions partFrom(int at, int n, Positions walked) {
        return {at, std::min(at + n, walked.end)};
    }

    const KernelTable& m_kernels;
    const AttendArgs& m_args;
    const AttendTile& m_tile;
    const AttentionTiles& m_set;
    int m_kvHead;
    int m_nPanels;
    Memory& m_memory;
    float* m_queries;
    float* m_scores;
    float* m_gathered;
    float* m_unpacked;
};

}  // namespace

bool fitsPanels(const KernelTable& kernels, const AttendArgs& args) {
    return kernels.attention != nullptr && args.queryDim % kernels.attention->dimUnit == 0 &&
           args.valueDim % kernels.attention->dimUnit == 0 &&
           args.nTokens * (args.nHeads / args.nKvHeads) >= kLeastQueries;
}

void attendPanels(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile) {
    Panels panels(kernels, args, tile);
    const Positions chunks = chunksOf(seenBy(args, tile));
    for (int chunk = chunks.first; chunk < chunks.end; ++chunk) panels.gather(chunk);
    panels.finishAll();
}

std::size_t attendPanelsBytes(std::size_t queryDim, std::size_t valueDim) {
    const std::size_t floats = size(kPanelQueries) * (queryDim + kAttendChunk + valueDim) +
                               std::max(size(kMostKeys) * queryDim, size(kValueStep) * valueDim);
    return floats * sizeof(float);
}

}  // namespace conclave::engine
