#include "engine/model/attend.h"

#include <algorithm>
#include <array>
#include <vector>

namespace conclave::engine {
namespace {

// Queries (pairs of token and head) that share one walk over keys and values.
constexpr int kMaxQueries = 24;
// Multiply-adds of one token from which its heads are worth spreading over threads.
constexpr std::size_t kLeastSharedWork = 60'000;

/// A task: some tokens of the batch and some query heads of one kv head.
struct Tile {
    int firstToken = 0;
    int nTokens = 0;
    int firstHead = 0;
    int nHeads = 0;
};

struct Cut {
    int tokensPerTile = 1;
    int headsPerTile = 1;
};

Cut chooseCut(const AttendArgs& args, int nThreads) {
    const int group = args.nHeads / args.nKvHeads;
    Cut cut{std::max(1, kMaxQueries / group), std::min(group, kMaxQueries)};
    if (args.nTokens == 1) {
        const std::size_t work = static_cast<std::size_t>(args.firstPosition + 1) *
                                 static_cast<std::size_t>(args.queryDim + args.valueDim) *
                                 static_cast<std::size_t>(args.nHeads);
        const int nParts = work < kLeastSharedWork ? 1 : (nThreads - 1) / args.nKvHeads + 1;
        cut.headsPerTile = std::min(cut.headsPerTile, (group + nParts - 1) / nParts);
    }
    return cut;
}

void attendTile(const KernelTable& kernels, const AttendArgs& args, const Tile& tile) {
    const int nQueries = tile.nTokens * tile.nHeads;
    const int nPositions = args.firstPosition + tile.firstToken + tile.nTokens;
    const int kvHead = tile.firstHead * args.nKvHeads / args.nHeads;

    // Reused from call to call; grows to the longest context met.
    thread_local std::vector<float> scores;
    const std::size_t needed =
        static_cast<std::size_t>(nQueries) * static_cast<std::size_t>(nPositions);
    if (scores.size() < needed) scores.resize(needed);

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
        rows[at] = scores.data() + at * static_cast<std::size_t>(nPositions);
    }
    const std::uint16_t* keys = args.keys + static_cast<std::ptrdiff_t>(kvHead) * args.queryDim;
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
        const int nSeen = args.firstPosition + tile.firstToken + i / tile.nHeads + 1;
        kernels.softmax(row, nSeen, args.scale);
        std::fill(row + nSeen, row + nPositions, 0.0f);
    }
    kernels.weightedSum(
        {.weights = rows.data(),
         .values = args.values + static_cast<std::ptrdiff_t>(kvHead) * args.valueDim,
         .stride = args.stride,
         .nPositions = nPositions,
         .dim = args.valueDim,
         .nQueries = nQueries,
         .outputs = outputs.data()});
}

}  // namespace

std::size_t attendScratchBytes(int contextLength) {
    return static_cast<std::size_t>(contextLength) * kMaxQueries * sizeof(float);
}

void attend(const KernelTable& kernels, ThreadPool& pool, const AttendArgs& args) {
    const Cut cut = chooseCut(args, pool.nThreads());
    const int group = args.nHeads / args.nKvHeads;
    const int tilesPerGroup = (group + cut.headsPerTile - 1) / cut.headsPerTile;
    const int headTiles = args.nKvHeads * tilesPerGroup;
    const int tokenTiles = (args.nTokens + cut.tokensPerTile - 1) / cut.tokensPerTile;
    pool.run(tokenTiles * headTiles, [&](int task) {
        // Late tokens attend to more positions: the longest tasks go first.
        const int tokenTile = tokenTiles - 1 - task / headTiles;
        const int kvHead = task % headTiles / tilesPerGroup;
        const int firstInGroup = task % tilesPerGroup * cut.headsPerTile;
        const int firstToken = tokenTile * cut.tokensPerTile;
        attendTile(kernels, args,
                   {.firstToken = firstToken,
                    .nTokens = std::min(cut.tokensPerTile, args.nTokens - firstToken),
                    .firstHead = kvHead * group + firstInGroup,
                    .nHeads = std::min(cut.headsPerTile, group - firstInGroup)});
    });
}

}  // namespace conclave::engine
