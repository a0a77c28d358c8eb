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
// Positions of one softmax; their scores and values stay in the second-level cache.
constexpr int kChunk = 256;
// Chunks whose results are kept at once where threads share them out.
constexpr int kChunksAtOnce = 32;
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

/// Memory of one thread, kept from call to call.
struct Scratch {
    std::vector<float> scores;          ///< [query][kChunk]
    std::vector<float> values;          ///< [query][valueDim]
    std::vector<float> row;             ///< one unpacked row
    std::vector<std::uint16_t> keys;    ///< [position][queryDim], of caches that are not fp16
    std::vector<std::uint16_t> inputs;  ///< [position][valueDim]
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

/// Keys or values of a chunk as fp16.
struct Halves {
    const std::uint16_t* data = nullptr;
    std::size_t stride = 0;
};

Halves halvesOf(const KernelTable& kernels, const AttendArgs& args, const std::byte* cache,
                int kvHead, int dim, Range positions, std::vector<std::uint16_t>& memory) {
    const TypeTraits& traits = *typeTraits(args.cacheType);
    const std::size_t headBytes = size(dim) / traits.blockValues * traits.blockBytes;
    const std::byte* from =
        cache + size(positions.first) * args.strideBytes + size(kvHead) * headBytes;
    if (args.cacheType == TensorType::F16) {
        return {reinterpret_cast<const std::uint16_t*>(from),
                args.strideBytes / sizeof(std::uint16_t)};
    }
    std::uint16_t* to = atLeast(memory, size(kChunk) * size(dim));
    float* row = atLeast(scratchOfThread().row, size(dim));
    const WeightKernels& type = *kernels.find(args.cacheType);
    for (int i = 0; i < positions.size(); ++i) {
        type.dequantize(from + size(i) * args.strideBytes, dim, row);
        kernels.toHalf(row, dim, to + size(i) * size(dim));
    }
    return {to, size(dim)};
}

/// Turns a query's scores into exp(score - max).
void weigh(const KernelTable& kernels, const AttendArgs& args, float* scores, int n, Share& share) {
    float scale = args.scale;
    if (args.softCap > 0.0f) {
        for (int i = 0; i < n; ++i) scores[i] *= scale;
        softCap(scores, args.softCap, n);
        scale = 1.0f;
    }
    share.sum = kernels.exponentials(scores, n, scale, &share.max);
    share.max *= scale;
}

/// What each query of the tile gathers from a chunk.
/// @param shares  [nQueries], written; their `values` are room for it
void attendChunk(const KernelTable& kernels, const AttendArgs& args, const Tile& tile, int chunk,
                 Share* shares) {
    const int nQueries = tile.nQueries();
    const int kvHead = tile.firstHead * args.nKvHeads / args.nHeads;
    const Range walked = within(seenBy(args, tile), chunk);
    Scratch& scratch = scratchOfThread();
    float* scores = atLeast(scratch.scores, size(kMaxQueries) * kChunk);

    std::array<const void*, kMaxQueries> queries{};
    std::array<float*, kMaxQueries> rows{};
    std::array<float*, kMaxQueries> outputs{};
    for (int i = 0; i < nQueries; ++i) {
        const std::size_t pair = size(tile.token(i)) * size(args.nHeads) + size(tile.head(i));
        queries[size(i)] = args.queries + pair * size(args.queryDim);
        rows[size(i)] = scores + size(i) * kChunk;
        outputs[size(i)] = shares[i].values;
        std::fill_n(shares[i].values, args.valueDim, 0.0f);
    }
    const Halves keys =
        halvesOf(kernels, args, args.keys, kvHead, args.queryDim, walked, scratch.keys);
    kernels.find(TensorType::F16)
        ->matmul({.weights = reinterpret_cast<const std::byte*>(keys.data),
                  .rowBytes = keys.stride * sizeof(std::uint16_t),
                  .nRows = walked.size(),
                  .nColumns = args.queryDim,
                  .inputs = queries.data(),
                  .outputs = rows.data(),
                  .nTokens = nQueries});
    for (int i = 0; i < nQueries; ++i) {
        float* row = rows[size(i)];
        const Range seen = within(seenBy(args, tile.token(i)), chunk);
        if (seen.size() <= 0) {
            std::fill_n(row, walked.size(), 0.0f);
            shares[i].sum = 0.0f;
            continue;
        }
        weigh(kernels, args, row + (seen.first - walked.first), seen.size(), shares[i]);
        std::fill(row, row + (seen.first - walked.first), 0.0f);
        std::fill(row + (seen.end - walked.first), row + walked.size(), 0.0f);
    }
    const bool sameRows = args.values == args.keys && args.cacheType != TensorType::F16;
    const Halves values = sameRows ? keys
                                   : halvesOf(kernels, args, args.values, kvHead, args.valueDim,
                                              walked, scratch.inputs);
    kernels.weightedSum({.weights = rows.data(),
                         .values = values.data,
                         .stride = values.stride,
                         .nPositions = walked.size(),
                         .dim = args.valueDim,
                         .nQueries = nQueries,
                         .outputs = outputs.data()});
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
        attendChunk(kernels, args, tile, chunk, parts.data());
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

/// One token whose few tiles would not keep the threads busy: they share out the chunks.
void attendSplit(const KernelTable& kernels, ThreadPool& pool, const AttendArgs& args,
                 const std::vector<Tile>& tiles) {
    const Range chunks = chunksOf(seenBy(args, 0));
    const auto valueDim = size(args.valueDim);
    const auto nHeads = size(args.nHeads);
    thread_local std::vector<float> values;  // [chunk][head][valueDim]
    thread_local std::vector<Share> shares;  // [chunk][head]
    values.resize(std::max(values.size(), kChunksAtOnce * nHeads * valueDim));
    shares.resize(kChunksAtOnce * nHeads);
    for (std::size_t i = 0; i < shares.size(); ++i) shares[i].values = &values[i * valueDim];
    std::vector<Share> totals(nHeads);
    for (std::size_t head = 0; head < nHeads; ++head) {
        totals[head].values = args.outputs + head * valueDim;
    }
    Share* const parts = shares.data();
    for (int first = chunks.first; first < chunks.end; first += kChunksAtOnce) {
        const int n = std::min(kChunksAtOnce, chunks.end - first);
        pool.run(n * static_cast<int>(tiles.size()), [&](int task) {
            const Tile& tile = tiles[size(task) % tiles.size()];
            const int chunk = task / static_cast<int>(tiles.size());
            attendChunk(kernels, args, tile, first + chunk,
                        parts + size(chunk) * nHeads + size(tile.firstHead));
        });
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
           size(kChunksAtOnce) * size(config.nHeads) * valueDim * sizeof(float);
}

void attend(const KernelTable& kernels, ThreadPool& pool, const AttendArgs& args) {
    const std::vector<Tile> tiles = tilesOf(args);
    const Range seen = seenBy(args, args.nTokens - 1);
    const std::size_t work = size(seen.size()) * size(args.queryDim + args.valueDim) *
                             size(args.nHeads) * size(args.nTokens);
    constexpr int kTilesOfThread = 4;  // enough for one to wait little for another
    const bool fewTiles = static_cast<int>(tiles.size()) < kTilesOfThread * pool.nActive();
    if (work < kLeastSharedAttention || pool.nActive() == 1) {
        for (const Tile& tile : tiles) {
            if (!pool.stopRequested()) attendTile(kernels, args, tile);
        }
    } else if (args.nTokens == 1 && fewTiles && chunksOf(seen).size() > 1) {
        attendSplit(kernels, pool, args, tiles);
    } else {
        pool.run(static_cast<int>(tiles.size()),
                 [&](int task) { attendTile(kernels, args, tiles[size(task)]); });
    }
}

}  // namespace conclave::engine
