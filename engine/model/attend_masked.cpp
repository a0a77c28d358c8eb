#include "engine/model/attend_masked.h"

#include <algorithm>
#include <array>
#include <vector>

#include "engine/model/activation.h"

namespace conclave::engine {
namespace {

// Queries (pairs of token and head) that share one walk over keys and values.
constexpr int kMaxQueries = 24;

/// A task: some tokens of the batch and some query heads of one kv head.
struct Tile {
    int firstToken = 0;
    int nTokens = 0;
    int firstHead = 0;
    int nHeads = 0;
};

/// The positions [first, end) that a query sees.
struct Seen {
    int first = 0;
    int end = 0;
};

Seen seenBy(const AttendArgs& args, const AttendOptions& options, int token) {
    const int end = args.firstPosition + token + 1;
    if (options.window == 0) return {0, end};
    if (options.chunked) return {(end - 1) / options.window * options.window, end};
    return {std::max(0, end - options.window), end};
}

/// Turns a query's raw scores into its shares of `n` positions. With a sink there must be room for
/// one value more.
void weigh(const KernelTable& kernels, const AttendArgs& args, const AttendOptions& options,
           int head, float* scores, int n) {
    if (options.softCap == 0.0f && options.sinks.empty()) {
        kernels.softmax(scores, n, args.scale);
        return;
    }
    for (int i = 0; i < n; ++i) scores[i] *= args.scale;
    if (options.softCap > 0.0f) softCap(scores, options.softCap, n);
    if (options.sinks.empty()) {
        kernels.softmax(scores, n, 1.0f);
    } else {
        scores[n] = options.sinks[static_cast<std::size_t>(head)];
        kernels.softmax(scores, n + 1, 1.0f);
    }
}

void attendTile(const KernelTable& kernels, const AttendArgs& args, const AttendOptions& options,
                const Tile& tile) {
    const int nQueries = tile.nTokens * tile.nHeads;
    const int first = seenBy(args, options, tile.firstToken).first;
    const int nPositions = args.firstPosition + tile.firstToken + tile.nTokens - first;
    const int kvHead = tile.firstHead * args.nKvHeads / args.nHeads;

    // Reused from call to call; grows to the longest context met. A value more for the sink.
    thread_local std::vector<float> scores;
    const auto rowDim = static_cast<std::size_t>(nPositions) + 1;
    scores.resize(std::max(scores.size(), static_cast<std::size_t>(nQueries) * rowDim));

    std::array<const void*, kMaxQueries> queries{};
    std::array<float*, kMaxQueries> rows{};
    std::array<float*, kMaxQueries> outputs{};
    for (int i = 0; i < nQueries; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const std::size_t pair = static_cast<std::size_t>(tile.firstToken + i / tile.nHeads) *
                                     static_cast<std::size_t>(args.nHeads) +
                                 static_cast<std::size_t>(tile.firstHead + i % tile.nHeads);
        queries[at] = args.queries + pair * static_cast<std::size_t>(args.queryDim);
        outputs[at] = args.outputs + pair * static_cast<std::size_t>(args.valueDim);
        rows[at] = scores.data() + at * rowDim;
    }
    const std::size_t skipped = static_cast<std::size_t>(first) * args.stride;
    const std::uint16_t* keys =
        args.keys + skipped + static_cast<std::ptrdiff_t>(kvHead) * args.queryDim;
    kernels.find(TensorType::F16)
        ->matmul({.weights = reinterpret_cast<const std::byte*>(keys),
                  .rowBytes = args.stride * sizeof(std::uint16_t),
                  .nRows = nPositions,
                  .nColumns = args.queryDim,
                  .inputs = queries.data(),
                  .outputs = rows.data(),
                  .nTokens = nQueries});
    for (int i = 0; i < nQueries; ++i) {
        float* row = rows[static_cast<std::size_t>(i)];
        const Seen seen = seenBy(args, options, tile.firstToken + i / tile.nHeads);
        weigh(kernels, args, options, tile.firstHead + i % tile.nHeads, row + (seen.first - first),
              seen.end - seen.first);
        std::fill(row, row + (seen.first - first), 0.0f);
        std::fill(row + (seen.end - first), row + nPositions, 0.0f);
    }
    kernels.weightedSum(
        {.weights = rows.data(),
         .values = args.values + skipped + static_cast<std::ptrdiff_t>(kvHead) * args.valueDim,
         .stride = args.stride,
         .nPositions = nPositions,
         .dim = args.valueDim,
         .nQueries = nQueries,
         .outputs = outputs.data()});
}

}  // namespace

void attendMasked(const KernelTable& kernels, ThreadPool& pool, const AttendArgs& args,
                  const AttendOptions& options) {
    if (!options.any()) {
        attend(kernels, pool, args);
        return;
    }
    const int group = args.nHeads / args.nKvHeads;
    const int headsPerTile = std::min(group, kMaxQueries);
    const int tokensPerTile = std::max(1, kMaxQueries / group);
    const int tilesPerGroup = (group + headsPerTile - 1) / headsPerTile;
    const int headTiles = args.nKvHeads * tilesPerGroup;
    const int tokenTiles = (args.nTokens + tokensPerTile - 1) / tokensPerTile;
    pool.run(tokenTiles * headTiles, [&](int task) {
        // Late tokens attend to more positions: the longest tasks go first.
        const int tokenTile = tokenTiles - 1 - task / headTiles;
        const int kvHead = task % headTiles / tilesPerGroup;
        const int firstInGroup = task % tilesPerGroup * headsPerTile;
        const int firstToken = tokenTile * tokensPerTile;
        attendTile(kernels, args, options,
                   {.firstToken = firstToken,
                    .nTokens = std::min(tokensPerTile, args.nTokens - firstToken),
                    .firstHead = kvHead * group + firstInGroup,
                    .nHeads = std::min(headsPerTile, group - firstInGroup)});
    });
}

}  // namespace conclave::engine
