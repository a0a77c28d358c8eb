// small_blocks.cpp: quantizers of the types in blocks of 32.
#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <cstring>

#include "engine/kernels/quant_blocks.h"
#include "engine/kernels/types/unpack.h"
#include "engine/quantize/fit.h"
#include "engine/quantize/row_quantizer.h"

namespace conclave::engine::quantize {
namespace {

constexpr std::size_t kBlock = 32;
constexpr Search kSearch = {-0.9f, 0.05f, 36, false};

using Levels = std::array<std::uint8_t, kBlock>;

/// Calls make(values of the block, importances or none) for each block and stores the result.
template <typename Block, typename Make>
void forBlocks(std::span<const float> x, std::span<const float> importances, std::byte* out,
               const Make& make) {
    for (std::size_t first = 0; first < x.size(); first += kBlock, out += sizeof(Block)) {
        const auto of = importances.empty() ? importances : importances.subspan(first, kBlock);
        const Block block = make(x.subspan(first, kBlock), of);
        std::memcpy(out, &block, sizeof(block));
    }
}

void packNibbles(const Levels& levels, std::uint8_t (&nibbles)[16]) {
    for (std::size_t i = 0; i < 16; ++i) {
        nibbles[i] = static_cast<std::uint8_t>((levels[i] & 15) | (levels[16 + i] & 15) << 4);
    }
}

void packFifthBits(const Levels& levels, std::uint8_t (&bits)[4]) {
    std::memset(bits, 0, sizeof(bits));
    for (std::size_t i = 0; i < kBlock; ++i) {
        bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | (levels[i] >> 4 & 1) << i % 8);
    }
}

float inverseOf(float scale) { return scale != 0.0f ? 1.0f / scale : 0.0f; }

/// Levels around `half` with the extreme value at level 0.
float symmetricLevels(std::span<const float> x, int half, Levels& levels) {
    const float scale = extremeOf(x) / static_cast<float>(-half);
    const float inverse = inverseOf(scale);
    for (std::size_t i = 0; i < kBlock; ++i) {
        const int level = static_cast<int>(x[i] * inverse + (static_cast<float>(half) + 0.5f));
        levels[i] = static_cast<std::uint8_t>(std::min(2 * half - 1, level));
    }
    return scale;
}

float weightedSymmetricLevels(std::span<const float> x, std::span<const float> importances,
                              float rowMeanSquare, int half, Levels& levels) {
    std::array<float, kBlock> weights{};
    weigh(x, importances, rowMeanSquare, weights.data());
    return fitSymmetric(x, weights, half, levels.data());
}

/// Levels from 0 at the least value to `most` at the largest. The minimum is to be added.
ScaleAndMinimum rangeLevels(std::span<const float> x, int most, Levels& levels) {
    float least = FLT_MAX;
    float largest = -FLT_MAX;
    for (const float value : x) {
        least = std::min(least, value);
        largest = std::max(largest, value);
    }
    const float scale = (largest - least) / static_cast<float>(most);
    const float inverse = inverseOf(scale);
    for (std::size_t i = 0; i < kBlock; ++i) {
        const int level = static_cast<int>(std::floor((x[i] - least) * inverse + 0.5f));
        levels[i] = static_cast<std::uint8_t>(std::min(most, level));
    }
    return {scale, least};
}

ScaleAndMinimum weightedRangeLevels(std::span<const float> x, std::span<const float> importances,
                                    float rowMeanSquare, int most, Levels& levels) {
    std::array<float, kBlock> weights{};
    weigh(x, importances, rowMeanSquare, weights.data());
    const ScaleAndMinimum fit = fitAboveMinimum(x, weights, most, kSearch, levels.data());
    return {fit.scale, -fit.minimum};
}

std::uint8_t nearestMxfp4(float x, float scale) {
    std::uint8_t best = 0;
    float leastError = FLT_MAX;
    for (std::uint8_t i = 0; i < 16; ++i) {
        const float error = std::fabs(static_cast<float>(kMxfp4Levels[i]) * scale - x);
        if (error < leastError) {
            leastError = error;
            best = i;
        }
    }
    return best;
}

}  // namespace

void quantizeQ8_0(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    forBlocks<BlockQ8_0>(x, importances, out, [](std::span<const float> values, auto) {
        const float scale = std::fabs(extremeOf(values)) / 127.0f;
        const float inverse = inverseOf(scale);
        BlockQ8_0 block{toHalfBits(scale), {}};
        for (std::size_t i = 0; i < kBlock; ++i) {
            block.values[i] = static_cast<std::int8_t>(std::round(values[i] * inverse));
        }
        return block;
    });
}

void quantizeQ4_0(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    const float rowMean = importances.empty() ? 0.0f : meanSquare(x);
    forBlocks<BlockQ4_0>(x, importances, out, [&](auto values, std::span<const float> of) {
        Levels levels{};
        BlockQ4_0 block{};
        block.scale =
            toHalfBits(of.empty() ? symmetricLevels(values, 8, levels)
                                  : weightedSymmetricLevels(values, of, rowMean, 8, levels));
        packNibbles(levels, block.nibbles);
        return block;
    });
}

void quantizeQ5_0(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    const float rowMean = importances.empty() ? 0.0f : meanSquare(x);
    forBlocks<BlockQ5_0>(x, importances, out, [&](auto values, std::span<const float> of) {
        Levels levels{};
        BlockQ5_0 block{};
        block.scale =
            toHalfBits(of.empty() ? symmetricLevels(values, 16, levels)
                                  : weightedSymmetricLevels(values, of, rowMean, 16, levels));
        packNibbles(levels, block.nibbles);
        packFifthBits(levels, block.highBits);
        return block;
    });
}

void quantizeQ4_1(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    const float rowMean = importances.empty() ? 0.0f : meanSquare(x);
    forBlocks<BlockQ4_1>(x, importances, out, [&](auto values, std::span<const float> of) {
        Levels levels{};
        const auto [scale, least] = of.empty()
                                        ? rangeLevels(values, 15, levels)
                                        : weightedRangeLevels(values, of, rowMean, 15, levels);
        BlockQ4_1 block{toHalfBits(scale), toHalfBits(least), {}};
        packNibbles(levels, block.nibbles);
        return block;
    });
}

void quantizeQ5_1(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    const float rowMean = importances.empty() ? 0.0f : meanSquare(x);
    forBlocks<BlockQ5_1>(x, importances, out, [&](auto values, std::span<const float> of) {
        Levels levels{};
        const auto [scale, least] = of.empty()
                                        ? rangeLevels(values, 31, levels)
                                        : weightedRangeLevels(values, of, rowMean, 31, levels);
        BlockQ5_1 block{toHalfBits(scale), toHalfBits(least), {}, {}};
        packNibbles(levels, block.nibbles);
        packFifthBits(levels, block.highBits);
        return block;
    });
}

void quantizeMXFP4(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    forBlocks<BlockMXFP4>(x, importances, out, [](std::span<const float> values, auto) {
        const float largest = std::fabs(extremeOf(values));
        BlockMXFP4 block{};
        if (largest > 0.0f) {  // 6 is the largest level: 2 octaves above 1
            const float exponent = std::floor(std::log2(largest)) - 2.0f + 127.0f;
            block.exponent = static_cast<std::uint8_t>(std::clamp(exponent, 0.0f, 254.0f));
        }
        UnpackedBlock scaled;
        unpackMXFP4(reinterpret_cast<const std::byte*>(&block), scaled);
        Levels levels{};
        for (std::size_t i = 0; i < kBlock; ++i) levels[i] = nearestMxfp4(values[i], scaled.scale);
        packNibbles(levels, block.nibbles);
        return block;
    });
}

}  // namespace conclave::engine::quantize
