// k_blocks.cpp: quantizers of Q2_K to Q6_K. Two steps each: the best scale (and minimum) of every
// group by itself, then these as small integers of the block, and the levels once more with what is
// left of the scales.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "engine/kernels/quant_blocks.h"
#include "engine/kernels/types/unpack.h"
#include "engine/quantize/fit.h"
#include "engine/quantize/row_quantizer.h"

namespace conclave::engine::quantize {
namespace {

constexpr std::size_t kBlock = 256;
constexpr Search kWeightedSearch = {-0.9f, 0.05f, 36, false};

using Levels = std::array<std::uint8_t, kBlock>;

template <typename Block, typename Make>
void forBlocks(std::span<const float> x, std::span<const float> importances, std::byte* out,
               const Make& make) {
    for (std::size_t first = 0; first < x.size(); first += kBlock, out += sizeof(Block)) {
        const auto of = importances.empty() ? importances : importances.subspan(first, kBlock);
        const Block block = make(x.subspan(first, kBlock), of);
        std::memcpy(out, &block, sizeof(block));
    }
}

float rounded(std::uint16_t half) { return fromHalfBits(half); }

/// Pairs of bits as Q2_K and Q3_K hold them: weight 32 k + i of 128 in byte i, pair k.
void packPairs(const Levels& levels, std::uint8_t (&pairs)[64]) {
    std::memset(pairs, 0, sizeof(pairs));
    for (std::size_t i = 0; i < kBlock; ++i) {
        std::uint8_t& byte = pairs[i / 128 * 32 + i % 32];
        byte = static_cast<std::uint8_t>(byte | (levels[i] & 3) << i / 32 % 4 * 2);
    }
}

/// Nibbles as Q4_K and Q5_K hold them: 64 weights in 32 bytes.
void packNibbles(const Levels& levels, std::uint8_t (&nibbles)[128]) {
    std::memset(nibbles, 0, sizeof(nibbles));
    for (std::size_t i = 0; i < kBlock; ++i) {
        std::uint8_t& byte = nibbles[i / 64 * 32 + i % 32];
        byte = static_cast<std::uint8_t>(byte | (levels[i] & 15) << i / 32 % 2 * 4);
    }
}

/// Bit k of byte i: bit `which` of weight 32 k + i.
void packBits(const Levels& levels, int which, std::uint8_t (&bits)[32]) {
    std::memset(bits, 0, sizeof(bits));
    for (std::size_t i = 0; i < kBlock; ++i) {
        std::uint8_t& byte = bits[i % 32];
        byte = static_cast<std::uint8_t>(byte | (levels[i] >> which & 1) << i / 32);
    }
}

// ------------------------------------------------------------------------- types with minima

/// Scale, minimum and total weight of each of nGroups groups, and levels as they fit best.
template <std::size_t nGroups>
struct Groups {
    static constexpr std::size_t kSize = kBlock / nGroups;
    std::array<float, nGroups> scales{};
    std::array<float, nGroups> minima{};
    std::array<float, nGroups> totals{};

    void fit(std::span<const float> x, std::size_t group, std::span<const float> weights, int most,
             const Search& search, Levels& levels) {
        const auto [scale, minimum] = fitAboveMinimum(x.subspan(group * kSize, kSize), weights,
                                                      most, search, levels.data() + group * kSize);
        scales[group] = scale;
        minima[group] = minimum;
        float total = 0.0f;
        for (const float weight : weights) total += weight;
        totals[group] = total;
    }
};

/// The levels of a group anew, now that its scale and minimum are rounded. A scale of 0 leaves
/// them.
void choose(std::span<const float> x, float scale, float minimum, int most, std::uint8_t* levels) {
    if (scale == 0.0f) return;
    for (std::size_t i = 0; i < x.size(); ++i) {
        levels[i] = static_cast<std::uint8_t>(nearestWithin((x[i] + minimum) / scale, 0, most));
    }
}

/// Eight scales and minima of 6 bits, in 12 bytes.
struct SixBits {
    std::array<std::uint8_t, 8> scales{};
    std::array<std::uint8_t, 8> minima{};
    std::uint16_t scale = 0;
    std::uint16_t minScale = 0;

    void pack(std::uint8_t (&packed)[12]) const {
        for (std::size_t i = 0; i < 4; ++i) {
            packed[i] = static_cast<std::uint8_t>(scales[i] | (scales[4 + i] >> 4) << 6);
            packed[4 + i] = static_cast<std::uint8_t>(minima[i] | (minima[4 + i] >> 4) << 6);
            packed[8 + i] =
                static_cast<std::uint8_t>((scales[4 + i] & 15) | (minima[4 + i] & 15) << 4);
        }
    }
};

SixBits fitSixBits(std::span<const float> x, std::span<const float> importances, int most,
                   const Search& search, Levels& levels) {
    Groups<8> groups;
    std::array<float, 32> weights{};
    const float wholeMean = importances.empty() ? 0.0f : 2.0f * meanSquare(x);
    for (std::size_t group = 0; group < 8; ++group) {
        const auto values = x.subspan(32 * group, 32);
        if (importances.empty()) {
            const float mean = std::sqrt(meanSquare(values));
            for (std::size_t i = 0; i < 32; ++i) weights[i] = mean + std::fabs(values[i]);
        } else {
            weigh(values, importances.subspan(32 * group, 32), wholeMean, weights.data());
        }
        groups.fit(x, group, weights, most, importances.empty() ? search : kWeightedSearch, levels);
    }
    SixBits bits;
    if (importances.empty()) {
        const float largestScale =
            std::max(0.0f, *std::max_element(groups.scales.begin(), groups.scales.end()));
        const float largestMinimum =
            std::max(0.0f, *std::max_element(groups.minima.begin(), groups.minima.end()));
        const float inverseScale = largestScale > 0.0f ? 63.0f / largestScale : 0.0f;
        const float inverseMinimum = largestMinimum > 0.0f ? 63.0f / largestMinimum : 0.0f;
        for (std::size_t i = 0; i < 8; ++i) {
            // A negative scale wraps around to a large one, as in ggml.
            const auto scale = static_cast<std::uint8_t>(nearest(inverseScale * groups.scales[i]));
            const auto minimum =
                static_cast<std::uint8_t>(nearest(inverseMinimum * groups.minima[i]));
            bits.scales[i] = std::min<std::uint8_t>(63, scale);
            bits.minima[i] = std::min<std::uint8_t>(63, minimum);
        }
        bits.scale = toHalfBits(largestScale / 63.0f);
        bits.minScale = toHalfBits(largestMinimum / 63.0f);
    } else {
        bits.scale = toHalfBits(fitPositive(groups.scales, groups.totals, 63, bits.scales.data()));
        bits.minScale =
            toHalfBits(fitPositive(groups.minima, groups.totals, 63, bits.minima.data()));
        for (std::size_t i = 0; i < 8; ++i) {
            bits.scales[i] = std::min<std::uint8_t>(63, bits.scales[i]);
            bits.minima[i] = std::min<std::uint8_t>(63, bits.minima[i]);
        }
    }
    for (std::size_t group = 0; group < 8; ++group) {
        choose(x.subspan(32 * group, 32),
               rounded(bits.scale) * static_cast<float>(bits.scales[group]),
               rounded(bits.minScale) * static_cast<float>(bits.minima[group]), most,
               levels.data() + 32 * group);
    }
    return bits;
}

// ---------------------------------------------------------------------- types without minima

/// As choose, for levels around `half`.
void chooseSymmetric(std::span<const float> x, float scale, int half, std::uint8_t* levels) {
    if (scale == 0.0f) return;
    for (std::size_t i = 0; i < x.size(); ++i) {
        levels[i] = static_cast<std::uint8_t>(nearestWithin(x[i] / scale, -half, half - 1) + half);
    }
}

/// Scales of 16 groups as integers around 32; returns the block's scale.
float fitSignedScales(std::span<const float> x, std::span<const float> importances, Levels& levels,
                      std::array<std::uint8_t, 16>& codes) {
    std::array<float, 16> scales{};
    if (importances.empty()) {
        for (std::size_t group = 0; group < 16; ++group) {
            scales[group] = fitOneByOne(x.subspan(16 * group, 16), 4, levels.data() + 16 * group);
        }
        const float extreme = extremeOf(scales);
        if (extreme == 0.0f) {
            codes.fill(0);
            return 0.0f;
        }
        const float inverse = -32.0f / extreme;
        for (std::size_t group = 0; group < 16; ++group) {
            codes[group] =
                static_cast<std::uint8_t>(nearestWithin(inverse * scales[group], -32, 31) + 32);
        }
        return 1.0f / inverse;
    }
    std::array<float, 16> totals{};
    std::array<float, 16> weights{};
    const float mean = 2.0f * meanSquare(x);
    for (std::size_t group = 0; group < 16; ++group) {
        const auto values = x.subspan(16 * group, 16);
        weigh(values, importances.subspan(16 * group, 16), mean, weights.data());
        for (const float weight : weights) totals[group] += weight;
        scales[group] = fitSymmetric(values, weights, 4, levels.data() + 16 * group);
    }
    return fitSymmetric(scales, totals, 32, codes.data());
}

}  // namespace

void quantizeQ2_K(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    constexpr Search kSearch = {-0.5f, 0.1f, 15, true};
    forBlocks<BlockQ2_K>(x, importances, out, [&](std::span<const float> values, auto of) {
        Levels levels{};
        Groups<16> groups;
        std::array<float, 16> weights{};
        const float mean = of.empty() ? 0.0f : meanSquare(values);
        for (std::size_t group = 0; group < 16; ++group) {
            const auto part = values.subspan(16 * group, 16);
            if (of.empty()) {
                for (std::size_t i = 0; i < 16; ++i) weights[i] = std::fabs(part[i]);
            } else {
                weigh(part, of.subspan(16 * group, 16), mean, weights.data());
            }
            groups.fit(values, group, weights, 3, of.empty() ? kSearch : kWeightedSearch, levels);
        }
        BlockQ2_K block{};
        if (of.empty()) {
            const auto pack = [&](const std::array<float, 16>& of16, int shift) {
                const float largest = std::max(0.0f, *std::max_element(of16.begin(), of16.end()));
                if (!(largest > 0.0f)) return std::uint16_t{0};
                const float inverse = 15.0f / largest;
                for (std::size_t i = 0; i < 16; ++i) {
                    block.scales[i] = static_cast<std::uint8_t>(
                        block.scales[i] | static_cast<unsigned>(nearest(inverse * of16[i]))
                                              << shift);
                }
                return toHalfBits(largest / 15.0f);
            };
            block.scale = pack(groups.scales, 0);
            block.minScale = pack(groups.minima, 4);
        } else {
            std::array<std::uint8_t, 16> scales{};
            std::array<std::uint8_t, 16> minima{};
            block.scale = toHalfBits(fitPositive(groups.scales, groups.totals, 15, scales.data()));
            block.minScale =
                toHalfBits(fitPositive(groups.minima, groups.totals, 15, minima.data()));
            for (std::size_t i = 0; i < 16; ++i) {
                block.scales[i] = static_cast<std::uint8_t>(scales[i] | minima[i] << 4);
            }
        }
        for (std::size_t group = 0; group < 16; ++group) {
            choose(values.subspan(16 * group, 16),
                   rounded(block.scale) * static_cast<float>(block.scales[group] & 15),
                   rounded(block.minScale) * static_cast<float>(block.scales[group] >> 4), 3,
                   levels.data() + 16 * group);
        }
        packPairs(levels, block.pairs);
        return block;
    });
}

void quantizeQ3_K(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    forBlocks<BlockQ3_K>(x, importances, out, [](std::span<const float> values, auto of) {
        Levels levels{};
        std::array<std::uint8_t, 16> codes{};
        BlockQ3_K block{};
        block.scale = toHalfBits(fitSignedScales(values, of, levels, codes));
        for (std::size_t group = 0; group < 16; ++group) {
            std::uint8_t& low = block.scales[group % 8];
            low = static_cast<std::uint8_t>(low | (codes[group] & 15) << group / 8 * 4);
            std::uint8_t& high = block.scales[8 + group % 4];
            high = static_cast<std::uint8_t>(high | (codes[group] >> 4 & 3) << group / 4 * 2);
            chooseSymmetric(values.subspan(16 * group, 16),
                            rounded(block.scale) * static_cast<float>(codes[group] - 32), 4,
                            levels.data() + 16 * group);
        }
        packBits(levels, 2, block.highBits);
        packPairs(levels, block.pairs);
        return block;
    });
}

void quantizeQ4_K(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    constexpr Search kSearch = {-1.0f, 0.1f, 20, false};
    forBlocks<BlockQ4_K>(x, importances, out, [&](std::span<const float> values, auto of) {
        Levels levels{};
        const SixBits bits = fitSixBits(values, of, 15, kSearch, levels);
        BlockQ4_K block{bits.scale, bits.minScale, {}, {}};
        bits.pack(block.scales);
        packNibbles(levels, block.nibbles);
        return block;
    });
}

void quantizeQ5_K(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    constexpr Search kSearch = {-0.5f, 0.1f, 15, false};
    forBlocks<BlockQ5_K>(x, importances, out, [&](std::span<const float> values, auto of) {
        Levels levels{};
        const SixBits bits = fitSixBits(values, of, 31, kSearch, levels);
        BlockQ5_K block{bits.scale, bits.minScale, {}, {}, {}};
        bits.pack(block.scales);
        packNibbles(levels, block.nibbles);
        packBits(levels, 4, block.highBits);
        return block;
    });
}

void quantizeQ6_K(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    forBlocks<BlockQ6_K>(x, importances, out, [](std::span<const float> values, auto of) {
        Levels levels{};
        std::array<float, 16> scales{};
        for (std::size_t group = 0; group < 16; ++group) {
            scales[group] = fitSymmetric(values.subspan(16 * group, 16),
                                         of.empty() ? of : of.subspan(16 * group, 16), 32,
                                         levels.data() + 16 * group);
        }
        BlockQ6_K block{};
        const float extreme = extremeOf(scales);
        if (std::fabs(extreme) < kLeastMagnitude) return block;
        const float inverse = -128.0f / extreme;
        block.scale = toHalfBits(1.0f / inverse);
        for (std::size_t group = 0; group < 16; ++group) {
            block.scales[group] =
                static_cast<std::int8_t>(std::min(127, nearest(inverse * scales[group])));
            chooseSymmetric(values.subspan(16 * group, 16),
                            rounded(block.scale) * static_cast<float>(block.scales[group]), 32,
                            levels.data() + 16 * group);
        }
        for (std::size_t i = 0; i < kBlock; ++i) {
            std::uint8_t& low = block.nibbles[i / 128 * 64 + i % 64];
            low = static_cast<std::uint8_t>(low | (levels[i] & 15) << i / 64 % 2 * 4);
            std::uint8_t& high = block.highPairs[i / 128 * 32 + i % 32];
            high = static_cast<std::uint8_t>(high | levels[i] >> 4 << i / 32 % 4 * 2);
        }
        return block;
    });
}

}  // namespace conclave::engine::quantize
