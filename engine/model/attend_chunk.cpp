#include "engine/model/attend_chunk.h"

#include <array>

namespace conclave::engine {
namespace {

// Positions that a tile reads before the next ones.
constexpr int kStep = 32;
// The fewest positions at a time where heads of a token are walked together: the CPU's own
// prefetchers follow as many rows side by side. Asking for rows ahead made it slower, and so did
// twice as many rows (by 20 %) or half as many (by 30 %; 16 heads of 128, measured on Zen 3).
constexpr int kLeastStep = 8;
constexpr int kTileSteps = 64;

std::size_t size(int n) { return static_cast<std::size_t>(n); }

/// The queries of a tile, and where a chunk's results go. Made once for a chunk: a step of one
/// query takes a fifth of a microsecond.
struct TileRows {
    TileRows(const AttendArgs& args, const AttendTile& tile, float* scoresOfTile,
             AttendShare* shares)
        : kvHead(tile.kvHead(args)), nQueries(tile.nQueries()), scores(scoresOfTile) {
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
    int kvHead;
    int nQueries;
    float* scores;  ///< [query][kAttendChunk]
    std::array<const void*, kChunkQueries> queries;
    std::array<float*, kChunkQueries> scoreRows;
    std::array<float*, kChunkQueries> outputs;
};

/// Memory of one thread, kept from call to call.
struct Scratch {
    std::vector<float> scores;   ///< [query][kAttendChunk]
    std::vector<float> values;   ///< [query][valueDim]
    std::vector<TileRows> rows;  ///< [tile]
};

Scratch& scratchOfThread() {
    thread_local Scratch scratch;
    return scratch;
}

}  // namespace

void attendChunk(const KernelTable& kernels, const AttendArgs& args,
                 std::span<const AttendTile> tiles, int chunk, AttendShare* shares) {
    const int nTiles = static_cast<int>(tiles.size());
    const Positions walked = withinChunk(seenBy(args, tiles[0]), chunk);
    const int moved = chunkMoved(args, chunk);
    const int step = std::clamp(kTileSteps / nTiles, kLeastStep, kStep);
    Scratch& scratch = scratchOfThread();
    std::size_t nQueries = 0;
    for (const AttendTile& tile : tiles) nQueries += size(tile.nQueries());
    float* scores = atLeast(scratch.scores, nQueries * kAttendChunk);
    for (std::size_t i = 0; i < nQueries; ++i) std::fill_n(shares[i].values, args.valueDim, 0.0f);

    std::vector<TileRows>& rows = scratch.rows;
    rows.clear();
    std::size_t query = 0;
    for (const AttendTile& tile : tiles) {
        rows.emplace_back(args, tile, scores + query * kAttendChunk, shares + query);
        query += size(tile.nQueries());
    }
    const auto inSteps = [&](const CachedHalves& halves, const auto& body) {
        for (int at = walked.first; at < walked.end; at += step) {
            const Positions places{at - moved, std::min(at + step, walked.end) - moved};
            for (TileRows& tile : rows) {
                tile.moveTo(at - walked.first);
                body(tile, halves.rows(tile.kvHead, places), places.size());
            }
        }
    };
    const auto scoresOf = kernels.find(TensorType::F16)->matmul;
    inSteps(CachedHalves::keys(kernels, args),
            [&](const TileRows& tile, CachedHalves::Rows keys, int n) {
                scoresOf({.weights = reinterpret_cast<const std::byte*>(keys.data),
                          .rowBytes = keys.stride * sizeof(std::uint16_t),
                          .nRows = n,
                          .nColumns = args.queryDim,
                          .inputs = tile.queries.data(),
                          .outputs = tile.scoreRows.data(),
                          .nTokens = tile.nQueries});
            });
    query = 0;
    for (const AttendTile& tile : tiles) {
        for (int i = 0; i < tile.nQueries(); ++i, ++query) {
            weighSeen(kernels, args, withinChunk(seenBy(args, tile.token(i)), chunk), walked,
                      scores + query * kAttendChunk, shares[query]);
        }
    }
    inSteps(CachedHalves::values(kernels, args),
            [&](const TileRows& tile, CachedHalves::Rows values, int n) {
                kernels.weightedSum({.weights = tile.scoreRows.data(),
                                     .values = values.data,
                                     .stride = values.stride,
                                     .nPositions = n,
                                     .dim = args.valueDim,
                                     .nQueries = tile.nQueries,
                                     .outputs = tile.outputs.data()});
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
        attendChunk(kernels, args, {&tile, 1}, chunk, parts.data());
        for (int i = 0; i < tile.nQueries(); ++i) {
            join(totals[size(i)], parts[size(i)], args.valueDim);
        }
    }
    for (int i = 0; i < tile.nQueries(); ++i) finish(args, tile.head(i), totals[size(i)]);
}

}  // namespace conclave::engine
