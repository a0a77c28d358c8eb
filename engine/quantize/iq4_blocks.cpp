// iq4_blocks.cpp: quantizers of the types whose 4 bits index uneven levels.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "engine/kernels/quant_blocks.h"
#include "engine/quantize/fit.h"
#include "engine/quantize/row_quantizer.h"

namespace conclave::engine::quantize {
namespace {

constexpr std::size_t kGroup = 32;
constexpr std::size_t kBlock = 256;

float levelOf(std::size_t index) { return static_cast<float>(kIq4Levels[index]); }

/// The index of the level nearest to x; the upper one of two equally near.
std::size_t nearestLevel(float x) {
    std::size_t index = 0;
    while (index < 15 && !(x - levelOf(index) < levelOf(index + 1) - x)) ++index;
    return index;
}

/// The scale that renders 32 values best: of 16 tries, by weighted squared error.
float fitScale(std::span<const float> x, std::span<const float> weights) {
    const float extreme = extremeOf(x);
    if (std::fabs(extreme) < kLeastMagnitude) return 0.0f;
    struct Sums {
        float xLevel = 0.0f;
        float levelSquared = 0.0f;
    };
    const auto sumsAt = [&](float inverse) {
        Sums sums;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const float level = levelOf(nearestLevel(inverse * x[i]));
            sums.xLevel += weights[i] * level * x[i];
            sums.levelSquared += weights[i] * level * level;
        }
        return sums;
    };
    constexpr int kTries = 7;
    const float start = -extreme / levelOf(0);
    const Sums first = sumsAt(1.0f / start);
    float scale = first.levelSquared > 0.0f ? first.xLevel / first.levelSquared : 0.0f;
    float best = scale * first.xLevel;
    for (int step = -kTries; step <= kTries; ++step) {
        const Sums sums = sumsAt((static_cast<float>(step) + levelOf(0)) / extreme);
        if (sums.levelSquared > 0.0f && sums.xLevel * sums.xLevel > best * sums.levelSquared) {
            scale = sums.xLevel / sums.levelSquared;
            best = scale * sums.xLevel;
        }
    }
    return scale;
}

float scaleOfGroup(std::span<const float> x, std::span<const float> importances,
                   float doubleMeanSquare) {
    std::array<float, kGroup> weights{};
    if (importances.empty()) {
        std::transform(x.begin(), x.end(), weights.begin(), [](float v) { return v * v; });
    } else {
        weigh(x, importances, doubleMeanSquare, weights.data());
    }
    return fitScale(x, weights);
}

/// As ggml rounds it: the sum times (2 / n).
float doubleMeanSquare(std::span<const float> x) {
    float sum = 0.0f;
    for (const float value : x) sum += value * value;
    return sum * (2.0f / static_cast<float>(x.size()));
}

void packGroup(std::span<const float> x, float inverse, std::uint8_t* nibbles) {
    for (std::size_t i = 0; i < 16; ++i) {
        nibbles[i] = static_cast<std::uint8_t>(nearestLevel(inverse * x[i]) |
                                               nearestLevel(inverse * x[16 + i]) << 4);
    }
}

float inverseOf(float scale) { return scale != 0.0f ? 1.0f / scale : 0.0f; }

std::span<const float> part(std::span<const float> values, std::size_t first, std::size_t n) {
    return values.empty() ? values : values.subspan(first, n);
}

}  // namespace

void quantizeIQ4_NL(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    for (std::size_t first = 0; first < x.size(); first += kGroup, out += sizeof(BlockIQ4_NL)) {
        const auto values = x.subspan(first, kGroup);
        const float scale =
            scaleOfGroup(values, part(importances, first, kGroup), doubleMeanSquare(values));
        BlockIQ4_NL block{toHalfBits(scale), {}};
        packGroup(values, inverseOf(scale), block.nibbles);
        std::memcpy(out, &block, sizeof(block));
    }
}

void quantizeIQ4_XS(std::span<const float> x, std::span<const float> importances, std::byte* out) {
    for (std::size_t first = 0; first < x.size(); first += kBlock, out += sizeof(BlockIQ4_XS)) {
        const auto values = x.subspan(first, kBlock);
        const auto of = part(importances, first, kBlock);
        const float mean = doubleMeanSquare(values);
        std::array<float, kBlock / kGroup> scales{};
        for (std::size_t group = 0; group < scales.size(); ++group) {
            scales[group] = scaleOfGroup(values.subspan(group * kGroup, kGroup),
                                         part(of, group * kGroup, kGroup), mean);
        }
        const float blockScale = -extremeOf(scales) / 32.0f;
        const float inverse = inverseOf(blockScale);
        BlockIQ4_XS block{toHalfBits(blockScale), 0, {}, {}};
        for (std::size_t group = 0; group < scales.size(); ++group) {
            const int scale = nearestWithin(inverse * scales[group], -32, 31);
            packGroup(values.subspan(group * kGroup, kGroup),
                      inverseOf(blockScale * static_cast<float>(scale)),
                      block.nibbles + 16 * group);
            const auto code = static_cast<unsigned>(scale + 32);
            std::uint8_t& low = block.scalesLow[group / 2];
            low = static_cast<std::uint8_t>(low | (code & 15) << group % 2 * 4);
            block.scalesHigh =
                static_cast<std::uint16_t>(block.scalesHigh | (code >> 4) << 2 * group);
        }
        std::memcpy(out, &block, sizeof(block));
    }
}

}  // namespace conclave::engine::quantize
