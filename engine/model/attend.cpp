#include "engine/model/attend.h"

#include <algorithm>
#include <vector>

#include "engine/model/attend_chunk.h"
#include "engine/model/attend_latents.h"
#include "engine/model/attend_panels.h"
#include "engine/model/attend_tile.h"

namespace conclave::engine {
namespace {

// Chunks whose results are kept at once where threads share them out.
constexpr int kChunksAtOnce = 32;
// Tasks of a thread: enough for one to wait little for another.
constexpr int kTasksOfThread = 4;
// The least of them for which heads that share a walk over the positions are separated, and the
// least that stay together.
constexpr int kLeastTasksOfThread = 2;
constexpr int kLeastHeads = 4;
// Multiply-adds from which attention is worth spreading over threads: some 15 microseconds.
constexpr std::size_t kLeastSharedAttention = 250'000;

std::size_t size(int n) { return static_cast<std::size_t>(n); }

/// The heads of one token, together as far as the threads do not lack tasks.
std::vector<AttendTile> headTiles(const AttendArgs& args, int nChunks, int nThreads) {
    const int nWanted = kLeastTasksOfThread * nThreads;
    const int share = (args.nHeads * nChunks + nWanted - 1) / nWanted;
    return attendTiles(
        args, nThreads > 1 ? std::clamp(share, kLeastHeads, kChunkQueries) : kChunkQueries);
}

/// One token, whose heads and chunks the threads share out.
void attendToken(const KernelTable& kernels, ThreadPool& pool, const AttendArgs& args,
                 bool isShared) {
    const Positions chunks = chunksOf(seenBy(args, 0));
    const auto valueDim = size(args.valueDim);
    const auto nHeads = size(args.nHeads);
    const int nAtOnce = std::min(kChunksAtOnce, chunks.size());
    const std::vector<AttendTile> tiles = headTiles(args, nAtOnce, isShared ? pool.nActive() : 1);
    // As memory lies: the heads of a chunk, one behind the other.
    const int wanted = isShared ? kTasksOfThread * pool.nActive() : 1;
    const int nTiles = static_cast<int>(tiles.size());
    const int nParts = std::min((wanted + nAtOnce - 1) / nAtOnce, nTiles);
    const std::size_t partTiles = (tiles.size() + size(nParts) - 1) / size(nParts);

    thread_local std::vector<float> values;        // [chunk][head][valueDim]
    thread_local std::vector<AttendShare> shares;  // [chunk][head]
    float* const room = atLeast(values, size(nAtOnce) * nHeads * valueDim);
    AttendShare* const parts = atLeast(shares, size(nAtOnce) * nHeads);
    for (std::size_t i = 0; i < size(nAtOnce) * nHeads; ++i) parts[i].values = room + i * valueDim;
    std::vector<AttendShare> totals(nHeads);
    for (std::size_t head = 0; head < nHeads; ++head) {
        totals[head].values = args.outputs + head * valueDim;
    }
    const auto attendPart = fitsLatents(kernels, args) ? attendLatentChunk : attendChunk;
    for (int first = chunks.first; first < chunks.end; first += nAtOnce) {
        const int n = std::min(nAtOnce, chunks.end - first);
        const auto task = [&](int index) {
            const int chunk = index / nParts;
            const std::size_t from = size(index % nParts) * partTiles;
            const std::size_t end = std::min(from + partTiles, tiles.size());
            for (std::size_t i = from; i < end; ++i) {
                attendPart(kernels, args, tiles[i], first + chunk,
                           parts + size(chunk) * nHeads + size(tiles[i].firstHead));
            }
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

/// Tiles as large as leave enough of them for the threads.
int panelQueries(const AttendArgs& args, int nThreads) {
    const int share = args.nTokens * args.nHeads / (kTasksOfThread * nThreads);
    return std::clamp(share, kChunkQueries, kPanelQueries);
}

}  // namespace

std::size_t attendScratchBytes(const ModelConfig& config, int nThreads) {
    const bool isLatent = config.attention == AttentionKind::Latent;
    const auto valueDim = size(isLatent ? config.latent.latentDim : config.grouped.headDim);
    const auto queryDim = size(isLatent ? config.cacheDim() : config.grouped.headDim);
    const std::size_t ofThread =
        size(kChunkQueries) * (size(kAttendChunk) + valueDim) * sizeof(float) +
        size(kAttendChunk) * (queryDim + valueDim) * sizeof(std::uint16_t) +
        std::max(attendPanelsBytes(queryDim, valueDim),
                 isLatent ? attendLatentsBytes(queryDim, valueDim) : 0);
    return size(nThreads) * ofThread +
           size(kChunksAtOnce) * size(config.nHeads) * valueDim * sizeof(float);
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
    const bool isLatent = fitsLatents(kernels, args);
    const bool isMany = isLatent || fitsPanels(kernels, args);
    const std::vector<AttendTile> tiles = attendTiles(
        args, isMany ? panelQueries(args, isShared ? pool.nActive() : 1) : kChunkQueries);
    const auto task = [&](int index) {
        if (pool.stopRequested()) return;
        const AttendTile& tile = tiles[size(index)];
        if (isLatent) {
            attendLatents(kernels, args, tile);
        } else if (isMany) {
            attendPanels(kernels, args, tile);
        } else {
            attendChunks(kernels, args, tile);
        }
    };
    if (isShared) {
        pool.run(static_cast<int>(tiles.size()), task);
    } else {
        for (int i = 0; i < static_cast<int>(tiles.size()); ++i) task(i);
    }
}

}  // namespace conclave::engine
