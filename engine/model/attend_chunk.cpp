#include "engine/model/attend_chunk.h"

#include <array>

namespace conclave::engine {
namespace {

// Positions of a call for each of its queries, and the most: a single query waits for memory, so
// that is asked for in small portions ahead of the walk; several have to compute.
constexpr int kStepOfQuery = 8;
constexpr int kLongestStep = 64;
constexpr int kAhead = 32;

std::size_t size(int n) { return static_cast<std::size_t>(n); }

/// The queries of a tile, and where a chunk's results go. Made once for a chunk: a step of one
/// query takes a fifth of a microsecond.
struct TileRows {
    TileRows(const AttendArgs& args, const AttendTile& tile, float* scoresOfTile,
             AttendShare* shares)
        : nQueries(tile.nQueries()), scores(scoresOfTile) {
        for (int i = 0; i < nQueries; ++i) {
            queries[size(i)] = args.queries + tile.pair(args, i) * size(args.queryDim);
            outputs[size(i)] = shares[i].values;
        }
    }
    /// Lets scoreRows begin with the walk's position `offset`.
    void moveTo(int offset) {
        for (int i = 0; i < nQueries; ++i) {
            scoreRows[size(i)] = scores + size(i) * kAttendChunk + offset;
        }
    }
    int nQueries;
    float* scores;  ///< [query][kAttendChunk]
    std::array<const void*, kChunkQueries> queries;
    std::array<float*, kChunkQueries> scoreRows;
    std::array<float*, kChunkQueries> outputs;
};

/// Memory of one thread, kept from call to call.
struct Scratch {
    std::vector<float> scores;  ///< [query][kAttendChunk]
    std::vector<float> values;  ///< [query][valueDim]
};

Scratch& scratchOfThread() {
    thread_local Scratch scratch;
    return scratch;
}

}  // namespace

void attendChunk(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile,
                 int chunk, AttendShare* shares) {
    const Positions walked = withinChunk(seenBy(args, tile), chunk);
    const int kvHead = tile.kvHead(args);
    const int nQueries = tile.nQueries();
    float* scores = atLeast(scratchOfThread().scores, size(nQueries) * kAttendChunk);
    for (int i = 0; i < nQueries; ++i) std::fill_n(shares[i].values, args.valueDim, 0.0f);
    TileRows rows(args, tile, scores, shares);
    const int step = std::min(kStepOfQuery * nQueries, kLongestStep);
    const auto inSteps = [&](const CachedHalves& halves, const auto& body) {
        for (int at = walked.first; at < walked.end; at += step) {
            const Positions part{at, std::min(at + step, walked.end)};
            rows.moveTo(at - walked.first);
            if (nQueries == 1) halves.prefetch({part.first + kAhead, part.end + kAhead});
            body(halves.rows(part), part.size());
        }
    };
    const auto scoresOf = kernels.find(TensorType::F16)->matmul;
    inSteps(CachedHalves::keys(kernels, args, chunk, kvHead), [&](CachedHalves::Rows keys, int n) {
        scoresOf({.weights = reinterpret_cast<const std::byte*>(keys.data),
                  .rowBytes = keys.stride * sizeof(std::uint16_t),
                  .nRows = n,
                  .nColumns = args.queryDim,
                  .inputs = rows.queries.data(),
                  .outputs = rows.scoreRows.data(),
                  .nTokens = nQueries});
    });
    for (int i = 0; i < nQueries; ++i) {
        weighSeen(kernels, args, withinChunk(seenBy(args, tile.token(i)), chunk), walked,
                  scores + size(i) * kAttendChunk, shares[i]);
    }
    inSteps(CachedHalves::values(kernels, args, chunk, kvHead),
            [&](CachedHalves::Rows values, int n) {
                kernels.weightedSum({.weights = rows.scoreRows.data(),
                                     .values = values.data,
                                     .stride = values.stride,
                                     .nPositions = n,
                                     .dim = args.valueDim,
                                     .nQueries = nQueries,
                                     .outputs = rows.outputs.data()});
            });
}

void attendChunks(const KernelTable& kernels, const AttendArgs& args, const AttendTile& tile) {
    float* values = atLeast(scratchOfThread().values, size(kChunkQueries) * size(args.valueDim));
    std::array<AttendShare, kChunkQueries> parts;
    std::array<AttendShare, kChunkQueries> totals;
    for (int i = 0; i < tile.nQueries(); ++i) {
        totals[size(i)].values = args.outputs + tile.pair(args, i) * size(args.valueDim);
        parts[size(i)].values = values + size(i) * size(args.valueDim);
    }
    const Positions chunks = chunksOf(seenBy(args, tile));
    for (int chunk = chunks.first; chunk < chunks.end; ++chunk) {
        attendChunk(kernels, args, tile, chunk, parts.data());
        for (int i = 0; i < tile.nQueries(); ++i) {
            join(totals[size(i)], parts[size(i)], args.valueDim);
        }
    }
    for (int i = 0; i < tile.nQueries(); ++i) finish(args, tile.head(i), totals[size(i)]);
}

}  // namespace conclave::engine
