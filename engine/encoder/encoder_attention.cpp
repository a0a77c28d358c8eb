#include "engine/encoder/encoder_attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace conclave::engine {
namespace {

constexpr int kMostQueries = 24;  // that share one walk over keys and values

/// A task: neighbouring tokens of a text, and query heads of one kv head.
struct EncoderTile {
    TextRange text;
    int firstToken = 0;  ///< within the text
    int nTokens = 0;
    int firstHead = 0;
    int nHeads = 0;
};

/// Tokens [first, end) of its text that a token sees.
struct Sight {
    int first = 0;
    int end = 0;
};

Sight sightOf(const EncoderAttendArgs& args, const TextRange& text, int token) {
    Sight sight{0, args.causal ? token + 1 : text.nTokens};
    if (args.reach > 0) {
        sight.first = std::max(sight.first, token - args.reach);
        sight.end = std::min(sight.end, token + args.reach + 1);
    }
    return sight;
}

void weighByDistance(float* scores, const Sight& sight, int token, float scale, float slope) {
    for (int i = sight.first; i < sight.end; ++i) {
        const auto distance = static_cast<float>(std::abs(i - token));
        scores[i - sight.first] = scale * scores[i - sight.first] - slope * distance;
    }
}

void runEncoderTile(const KernelTable& kernels, const EncoderAttendArgs& args,
                    const EncoderTile& tile) {
    const int nQueries = tile.nTokens * tile.nHeads;
    const int first = sightOf(args, tile.text, tile.firstToken).first;
    const int end = sightOf(args, tile.text, tile.firstToken + tile.nTokens - 1).end;
    const int nPositions = end - first;
    const int kvHead = tile.firstHead * args.nKvHeads / args.nHeads;

    // Reused from call to call; grows to the longest text met.
    thread_local std::vector<float> scores;
    const auto rowDim = static_cast<std::size_t>(nPositions);
    scores.resize(std::max(scores.size(), static_cast<std::size_t>(nQueries) * rowDim));

    std::array<const void*, kMostQueries> queries{};
    std::array<float*, kMostQueries> rows{};
    std::array<float*, kMostQueries> outputs{};
    for (int i = 0; i < nQueries; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const int token = tile.text.first + tile.firstToken + i / tile.nHeads;
        const std::size_t pair =
            static_cast<std::size_t>(token) * static_cast<std::size_t>(args.nHeads) +
            static_cast<std::size_t>(tile.firstHead + i % tile.nHeads);
        queries[at] = args.queries + pair * static_cast<std::size_t>(args.headDim);
        outputs[at] = args.outputs + pair * static_cast<std::size_t>(args.headDim);
        std::fill_n(outputs[at], args.headDim, 0.0f);  // what is seen is added to it
        rows[at] = scores.data() + at * rowDim;
    }
    const std::size_t begin =
        static_cast<std::size_t>(tile.text.first + first) * args.stride +
        static_cast<std::size_t>(kvHead) * static_cast<std::size_t>(args.headDim);
    kernels.find(TensorType::F16)
        ->matmul({.weights = reinterpret_cast<const std::byte*>(args.keys + begin),
                  .rowBytes = args.stride * sizeof(std::uint16_t),
                  .nRows = nPositions,
                  .nColumns = args.headDim,
                  .inputs = queries.data(),
                  .outputs = rows.data(),
                  .nTokens = nQueries});
    for (int i = 0; i < nQueries; ++i) {
        float* row = rows[static_cast<std::size_t>(i)];
        const int token = tile.firstToken + i / tile.nHeads;
        const Sight sight = sightOf(args, tile.text, token);
        float* seen = row + (sight.first - first);
        float scale = args.scale;
        if (!args.slopes.empty()) {
            const auto head = static_cast<std::size_t>(tile.firstHead) +
                              static_cast<std::size_t>(i % tile.nHeads);
            weighByDistance(seen, sight, token, scale, args.slopes[head]);
            scale = 1.0f;
        }
        kernels.softmax(seen, sight.end - sight.first, scale);
        std::fill(row, seen, 0.0f);
        std::fill(row + (sight.end - first), row + nPositions, 0.0f);
    }
    kernels.weightedSum({.weights = rows.data(),
                         .values = args.values + begin,
                         .stride = args.stride,
                         .nPositions = nPositions,
                         .dim = args.headDim,
                         .nQueries = nQueries,
                         .outputs = outputs.data()});
}

}  // namespace

void attendWithin(const KernelTable& kernels, ThreadPool& pool, const EncoderAttendArgs& args,
                  std::span<const TextRange> texts) {
    const int group = args.nHeads / args.nKvHeads;
    const int tokensPerTile = std::max(1, kMostQueries / group);
    std::vector<EncoderTile> tiles;
    for (const TextRange& text : texts) {
        for (int token = 0; token < text.nTokens; token += tokensPerTile) {
            int nHeads = 0;
            for (int head = 0; head < args.nHeads; head += nHeads) {
                nHeads = std::min(kMostQueries, group - head % group);  // of one kv head
                tiles.push_back(
                    {text, token, std::min(tokensPerTile, text.nTokens - token), head, nHeads});
            }
        }
    }
    pool.run(static_cast<int>(tiles.size()), [&](int task) {
        runEncoderTile(kernels, args, tiles[static_cast<std::size_t>(task)]);
    });
}

}  // namespace conclave::engine
