#include "engine/model/attend.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "engine/model/activation.h"

namespace conclave::engine {
namespace {

// Queries (pairs of token and head) that share one walk over keys and values.
constexpr int kMaxQueries = 24;
// The scores and values of so many positions stay in the second-level cache.
constexpr int kChunk = kAttendChunk;
// Chunks whose results are kept at once where threads share them out.
constexpr int kChunksAtOnce = 32;
// Positions that a tile reads before the next ones.
constexpr int kStep = 32;
// Heads of a token that are walked together, and the fewest positions at a time: the CPU's own
// prefetchers follow as many rows side by side. Asking for rows ahead made it slower, and so did
// twice as many rows (by 20 %) or half as many (by 30 %; 16 heads of 128, measured on Zen 3).
constexpr int kHeadsAtOnce = 16;
constexpr int kLeastStep = 8;
constexpr int kTileSteps = 64;
// Multiply-adds from which attention is worth spreading over threads: some 15 microseconds.
constexpr std::size_t kLeastSharedAttention = 250'000;

std::size_t size(int n) { return static_cast<std::size_t>(n); }

/// Some tokens of the batch and some query heads of one kv head.
struct Tile {
    int firstToken = 0;
    int nTokens = 0;
    int firstHead = 0;
    int nHeads = 0;

    [[nodiscard]] int nQueries() const { return nTokens * nHeads; }
    [[nodiscard]] int token(int query) const { return firstToken + query / nHeads; }
    [[nodiscard]] int head(int query) const { return firstHead + query % nHeads; }
};

/// Positions [first, end).
struct Range {
    int first = 0;
    int end = 0;
    [[nodiscard]] int size() const { return end - first; }
};

Range seenBy(const AttendArgs& args, int token) {
    const int end = args.firstPosition + token + 1;
    if (args.window == 0) return {0, end};
    if (args.windowIsChunk) return {(end - 1) / args.window * args.window, end};
    return {std::max(0, end - args.window), end};
}

/// What some token of the tile sees.
Range seenBy(const AttendArgs& args, const Tile& tile) {
    return {seenBy(args, tile.firstToken).first,
            seenBy(args, tile.firstToken + tile.nTokens - 1).end};
}

Range within(Range range, int chunk) {
    return {std::max(range.first, chunk * kChunk), std::min(range.end, (chunk + 1) * kChunk)};
}

/// Chunks that hold a position of the range.
Range chunksOf(Range positions) {
    return {positions.first / kChunk, (positions.end - 1) / kChunk + 1};
}

/// What a query gathered from some positions: the sum of exp(score - max), and of the values
/// weighted so.
struct Share {
    float max = 0.0f;
    float sum = 0.0f;         ///< 0: nothing yet
    float* values = nullptr;  ///< [valueDim]
};

/// total = total and part together.
void join(Share& total, const Share& part, int valueDim) {
    if (part.sum == 0.0f) return;
    if (total.sum == 0.0f) {
        total.max = part.max;
        total.sum = part.sum;
        std::copy_n(part.values, valueDim, total.values);
        return;
    }
    const float max = std::max(total.max, part.max);
    const float keep = std::exp(total.max - max);
    const float take = std::exp(part.max - max);
    total.max = max;
    total.sum = total.sum * keep + part.sum * take;
    for (int d = 0; d < valueDim; ++d) {
        total.values[d] = total.values[d] * keep + part.values[d] * take;
    }
}

void finish(const AttendArgs& args, int head, Share& total) {
    float factor = 1.0f / total.sum;
    if (!args.sinks.empty()) {
        const float sink = args.sinks[size(head)];
        const float max = std::max(total.max, sink);
        const float keep = std::exp(total.max - max);
        factor = keep / (total.sum * keep + std::exp(sink - max));
    }
    for (int d = 0; d < args.valueDim; ++d) total.values[d] *= factor;
}

/// The queries of a tile, and where a chunk's results go. Made once for a chunk: a step of one
/// query takes a fifth of a microsecond.
struct TileRows {
    TileRows(const AttendArgs& args, const Tile& tile, float* scoresOfTile, Share* shares)
        : kvHead(tile.firstHead * args.nKvHeads / args.nHeads),
          nQueries(tile.nQueries()),
          scores(scoresOfTile) {
        for (int i = 0; i < nQueries; ++i) {
            const std::size_t pair = size(tile.token(i)) * size(args.nHeads) + size(tile.head(i));
            queries[size(i)] = args.queries + pair * size(args.queryDim);
            outputs[size(i)] = shares[i].values;
        }
    }
    /// Lets scoreRows begin with the walk's position `offset`.
    void moveTo(int offset) {
        for (int i = 0; i < nQueries; ++i) scoreRows[size(i)] = scores + size(i) * kChunk + offset;
    }
    int kvHead;
    int nQueries;
    float* scores;  ///< [query][kChunk]
    std::array<const void*, kMaxQueries> queries;
    std::array<float*, kMaxQueries> scoreRows;
    std::array<float*, kMaxQueries> outputs;
};

/// Memory of one thread, kept from call to call.
struct Scratch {
    std::vector<float> scores;          ///< [query][kChunk]
    std::vector<float> values;          ///< [query][valueDim]
    std::vector<float> row;             ///< one unpacked row
    std::vector<TileRows> rows;         ///< [tile]
    std::vector<std::uint16_t> halves;  ///< [position][dim], of other caches
};

Scratch& scratchOfThread() {
    thread_local Scratch scratch;
    return scratch;
}

template <typename T>
T* atLeast(std::vector<T>& memory, std::size_t n) {
    if (memory.size() < n) memory.resize(n);
    return memory.data();
}

/// Keys or values of some positions as fp16.
struct Halves {
    const std::uint16_t* data = nullptr;
    std::size_t stride = 0;
};

/// As KvCache keeps them: the last block may be filled up.
std::size_t headBytes(TensorType type, int dim) {
    const TypeTraits& traits = *typeTraits(type);
    return (size(dim) + traits.blockValues - 1) / traits.blockValues * traits.blockBytes;
}

/// The keys or the values in the cache.
struct Kept {
    const std::byte* cache = nullptr;
    TensorType type = TensorType::F16;
    int dim = 0;                  ///< of a head
    std::size_t bytesOfHead = 0;  ///< looked up once, not for each step
};

/// @param positions  as places in the cache
Halves halvesOf(const KernelTable& kernels, const AttendArgs& args, const Kept& kept, int kvHead,
                Range positions, Scratch& scratch) {
    const std::byte* from =
        kept.cache + size(positions.first) * args.strideBytes + size(kvHead) * kept.bytesOfHead;
    const int dim = kept.dim;
    if (kept.type == TensorType::F16) {
        return {reinterpret_cast<const std::uint16_t*>(from),
                args.strideBytes / sizeof(std::uint16_t)};
    }
    constexpr std::size_t kLine = 64;
    std::uint16_t* to = atLeast(scratch.halves, size(positions.size()) * size(dim));
    const auto block = static_cast<int>(typeTraits(kept.type)->blockValues);
    const int whole = (dim + block - 1) / block * block;
    float* row = atLeast(scratch.row, size(whole));
    const WeightKernels& type = *kernels.find(kept.type);
    for (int i = 0; i < positions.size(); ++i) {
        const std::byte* at = from + size(i) * args.strideBytes;
        const std::byte* next = at + size(positions.size()) * args.strideBytes;
        for (std::size_t line = 0; line < kept.bytesOfHead; line += kLine) {
            __builtin_prefetch(next + line);
        }
        type.dequantize(at, whole, row);
        kernels.toHalf(row, dim, to + size(i) * size(dim));
    }
    return {to, size(dim)};
}

/// Turns a query's scores of the positions it has seen into exp(score - max), all others to zero.
/// @param scores  of the positions in `walked`
void weighSeen(const KernelTable& kernels, const AttendArgs& args, Range seen, Range walked,
               float* scores, Share& share) {
    share.sum = 0.0f;
    if (seen.size() <= 0) {
        std::fill_n(scores, walked.size(), 0.0f);
        return;
    }
    float* first = scores + (seen.first - walked.first);
    float scale = args.scale;
    if (args.softCap > 0.0f) {
        for (float& score : std::span(first, size(seen.size()))) score *= scale;
        softCap(first, args.softCap, seen.size());
        scale = 1.0f;
    }
    share.sum = kernels.exponentials(first, seen.size(), scale, &share.max);
    share.max *= scale;
    std::fill(scores, first, 0.0f);
    std::fill(first + seen.size(), scores + walked.size(), 0.0f);
}

/// What each query of the tiles gathers from a chunk.
/// @param tiles   one of any tokens, or several of the same token and neighbouring heads
/// @param shares  [queries of all tiles], written; their `values` are room for it
void attendChunk(const KernelTable& kernels, const AttendArgs& args, std::span<const Tile> tiles,
                 int chunk, Share* shares) {
    const int nTiles = static_cast<int>(tiles.size());
    const Range walked = within(seenBy(args, tiles[0]), chunk);
    // A chunk lies together wherever it is kept.
    const int chunkFirst = chunk * kChunk;
    const int moved = args.period > 0 ? chunkFirst - chunkFirst % args.period : 0;
    const int step = std::clamp(kTileSteps / nTiles, kLeastStep, kStep);
    Scratch& scratch = scratchOfThread();
    std::size_t nQueries = 0;
    for (const Tile& tile : tiles) nQueries += size(tile.nQueries());
    float* scores = atLeast(scratch.scores, nQueries * kChunk);
    for (std::size_t i = 0; i < nQueries; ++i) std::fill_n(shares[i].values, args.valueDim, 0.0f);

    std::vector<TileRows>& rows = scratch.rows;
    rows.clear();
    std::size_t query = 0;
    for (const Tile& tile : tiles) {
        rows.emplace_back(args, tile, scores + query * kChunk, shares + query);
        query += size(tile.nQueries());
    }
    const auto kept = [](const std::byte* cache, TensorType type, int dim) {
        return Kept{cache, type, dim, headBytes(type, dim)};
    };
    const Kept keptKeys = kept(args.keys, args.keyType, args.queryDim);
    const Kept keptValues = kept(args.values, args.valueType, args.valueDim);
    const auto inSteps = [&](const Kept& each, const auto& body) {
        for (int at = walked.first; at < walked.end; at += step) {
            const Range places{at - moved, std::min(at + step, walked.end) - moved};
            for (TileRows& tile : rows) {
                tile.moveTo(at - walked.first);
                body(tile, halvesOf(kernels, args, each, tile.kvHead, places, scratch),
                     places.size());
            }
        }
    };
    const auto scoresOf = kernels.find(TensorType::F16)->matmul;
    inSteps(keptKeys, [&](const TileRows& tile, Halves keys, int n) {
        scoresOf({.weights = reinterpret_cast<const std::byte*>(keys.data),
                  .rowBytes = keys.stride * sizeof(std::uint16_t),
                  .nRows = n,
                  .nColumns = args.queryDim,
                  .inputs = tile.queries.data(),
                  .outputs = tile.scoreRows.data(),
                  .nTokens = tile.nQueries});
    });
    query = 0;
    for (const Tile& tile : tiles) {
        for (int i = 0; i < tile.nQueries(); ++i, ++query) {
            weighSeen(kernels, args, within(seenBy(args, tile.token(i)), chunk), walked,
                      scores + query * kChunk, shares[query]);
        }
    }
    inSteps(keptValues, [&](const TileRows& tile, Halves values, int n) {
        kernels.weightedSum({.weights = tile.scoreRows.data(),
                             .values = values.data,
                             .stride = values.stride,
                             .nPositions = n,
                             .dim = args.valueDim,
                             .nQueries = tile.nQueries,
                             .outputs = tile.outputs.data()});
    });
}

/// All that the tile's tokens see, chunk by chunk.
void attendTile(const KernelTable& kernels, const AttendArgs& args, const Tile& tile) {
    float* values = atLeast(scratchOfThread().values, size(kMaxQueries) * size(args.valueDim));
    std::array<Share, kMaxQueries> parts;
    std::array<Share, kMaxQueries> totals;
    for (int i = 0; i < tile.nQueries(); ++i) {
        const std::size_t pair = size(tile.token(i)) * size(args.nHeads) + size(tile.head(i));
        totals[size(i)].values = args.outputs + pair * size(args.valueDim);
        parts[size(i)].values = values + size(i) * size(args.valueDim);
    }
    const Range chunks = chunksOf(seenBy(args, tile));
    for (int chunk = chunks.first; chunk < chunks.end; ++chunk) {
        attendChunk(kernels, args, {&tile, 1}, chunk, parts.data());
        for (int i = 0; i < tile.nQueries(); ++i) {
            join(totals[size(i)], parts[size(i)], args.valueDim);
        }
    }
    for (int i = 0; i < tile.nQueries(); ++i) finish(args, tile.head(i), totals[size(i)]);
}

std::vector<Tile> tilesOf(const AttendArgs& args) {
    const int group = args.nHeads / args.nKvHeads;
    const int headsPerTile = std::min(group, kMaxQueries);
    const int tokensPerTile = std::max(1, kMaxQueries / group);
    std::vector<Tile> tiles;
    // Late tokens attend to more positions: the longest tasks go first.
    for (int end = args.nTokens; end > 0; end -= std::min(end, tokensPerTile)) {
        const int nTokens = std::min(end, tokensPerTile);
        for (int head = 0; head < args.nHeads;
             head += std::min(headsPerTile, group - head % group)) {
            tiles.push_back({.firstToken = end - nTokens,
                             .nTokens = nTokens,
                             .firstHead = head,
                             .nHeads = std::min(headsPerTile, group - head % group)});
        }
    }
    return tiles;
}

/// One token: heads side by side, since their keys lie side by side, and threads share out the
/// chunks and, where that gives too few tasks, the heads.
void attendToken(const KernelTable& kernels, ThreadPool& pool, const AttendArgs& args,
                 bool isShared) {
    const std::vector<Tile> tiles = tilesOf(args);
    const Range chunks = chunksOf(seenBy(args, 0));
    const auto valueDim = size(args.valueDim);
    const auto nHeads = size(args.nHeads);
    const int nAtOnce = std::min(kChunksAtOnce, chunks.size());
    constexpr int kTasksOfThread = 4;  // enough for one to wait little for another
    const int wanted = isShared ? kTasksOfThread * pool.nActive() : 1;
    const int nTiles = static_cast<int>(tiles.size());
    const int nParts = std::min(
        std::max((wanted + nAtOnce - 1) / nAtOnce, (nTiles + kHeadsAtOnce - 1) / kHeadsAtOnce),
        nTiles);
    const std::size_t partTiles = (tiles.size() + size(nParts) - 1) / size(nParts);

    thread_local std::vector<float> values;  // [chunk][head][valueDim]
    thread_local std::vector<Share> shares;  // [chunk][head]
    float* const room = atLeast(values, size(nAtOnce) * nHeads * valueDim);
    Share* const parts = atLeast(shares, size(nAtOnce) * nHeads);
    for (std::size_t i = 0; i < size(nAtOnce) * nHeads; ++i) parts[i].values = room + i * valueDim;
    std::vector<Share> totals(nHeads);
    for (std::size_t head = 0; head < nHeads; ++head) {
        totals[head].values = args.outputs + head * valueDim;
    }
    for (int first = chunks.first; first < chunks.end; first += nAtOnce) {
        const int n = std::min(nAtOnce, chunks.end - first);
        const auto task = [&](int index) {
            const int chunk = index / nParts;
            const std::size_t from = size(index % nParts) * partTiles;
            if (from >= tiles.size()) return;
            const auto own =
                std::span(tiles).subspan(from, std::min(partTiles, tiles.size() - from));
            attendChunk(kernels, args, own, first + chunk,
                        parts + size(chunk) * nHeads + size(own[0].firstHead));
        };
        if (isShared) {
            pool.run(n * nParts, task);
        } else {
            for (int i = 0; i < n * nParts; ++i) task(i);
        }
        if (pool.stopRequested()) return;  // some shares may not have been made
        for (std::size_t i = 0; i < size(n) * nHeads; ++i) {
            join(totals[i % nHeads], parts[i], args.valueDim);
        }
    }
    for (int head = 0; head < args.nHeads; ++head) finish(args, head, totals[size(head)]);
}

}  // namespace

std::size_t attendScratchBytes(const ModelConfig& config, int nThreads) {
    const bool isLatent = config.attention == AttentionKind::Latent;
    const auto valueDim = size(isLatent ? config.latent.latentDim : config.grouped.headDim);
    const auto queryDim = size(isLatent ? config.cacheDim() : config.grouped.headDim);
    const std::size_t ofThread = size(kMaxQueries) * (size(kChunk) + valueDim) * sizeof(float) +
                                 size(kChunk) * (queryDim + valueDim) * sizeof(std::uint16_t);
    return size(nThreads) * ofThread +
           size(kChunksAtOnce) * size(config.nHeads) * valueDim * sizeof(float) +
           size(nThreads) * size(config.nHeads) * size(kChunk) * sizeof(float);
}

void attend(const KernelTable& kernels, ThreadPool& pool, const AttendArgs& args) {
    const std::size_t work = size(seenBy(args, args.nTokens - 1).size()) *
                             size(args.queryDim + args.valueDim) * size(args.nHeads) *
                             size(args.nTokens);
    const bool isShared = work >= kLeastSharedAttention && pool.nActive() > 1;
    if (args.nTokens == 1) {
        attendToken(kernels, pool, args, isShared);
        return;
    }
    const std::vector<Tile> tiles = tilesOf(args);
    const auto task = [&](int index) {
        if (!pool.stopRequested()) attendTile(kernels, args, tiles[size(index)]);
    };
    if (isShared) {
        pool.run(static_cast<int>(tiles.size()), task);
    } else {
        for (int i = 0; i < static_cast<int>(tiles.size()); ++i) task(i);
    }
}

}  // namespace conclave::engine
