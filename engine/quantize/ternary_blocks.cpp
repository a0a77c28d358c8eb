// ternary_blocks.cpp: quantizers of the types whose weights are -1, 0 or 1 times a scale.
#include <array>
#include <cmath>
#include <cstring>

#include "engine/kernels/quant_blocks.h"
#include "engine/quantize/fit.h"
#include "engine/quantize/row_quantizer.h"

namespace conclave::engine::quantize {
namespace {

constexpr std::size_t kBlock = 256;

/// A block's values as 0, 1 or 2, and their scale.
struct Ternary {
    explicit Ternary(std::span<const float> x) : scale(std::fabs(extremeOf(x))) {
        const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
        for (std::size_t i = 0; i < kBlock; ++i) {
            digits[i] = static_cast<unsigned>(std::lround(x[i] * inverse) + 1);
        }
    }
    float scale;
    std::array<unsigned, kBlock> digits{};
};

/// Five digits of base 3 as a fraction of 256, rounded up, so that multiplying by 3 brings out one
/// after the other.
std::uint8_t packFive(const unsigned* digits, std::size_t n, std::size_t stride) {
    unsigned number = 0;
    for (std::size_t i = 0; i < 5; ++i) number = number * 3 + (i < n ? digits[i * stride] : 0);
    return static_cast<std::uint8_t>((number * 256 + 242) / 243);
}

}  // namespace

void quantizeTQ1_0(std::span<const float> x, std::span<const float>, std::byte* out) {
    for (std::size_t first = 0; first < x.size(); first += kBlock, out += sizeof(BlockTQ1_0)) {
        const Ternary values(x.subspan(first, kBlock));
        const unsigned* digits = values.digits.data();
        BlockTQ1_0 block{};
        for (std::size_t i = 0; i < 32; ++i) block.fives[i] = packFive(digits + i, 5, 32);
        for (std::size_t i = 0; i < 16; ++i) {
            block.fives[32 + i] = packFive(digits + 160 + i, 5, 16);
        }
        for (std::size_t i = 0; i < 4; ++i) block.fours[i] = packFive(digits + 240 + i, 4, 4);
        block.scale = toHalfBits(values.scale);
        std::memcpy(out, &block, sizeof(block));
    }
}

void quantizeTQ2_0(std::span<const float> x, std::span<const float>, std::byte* out) {
    for (std::size_t first = 0; first < x.size(); first += kBlock, out += sizeof(BlockTQ2_0)) {
        const Ternary values(x.subspan(first, kBlock));
        BlockTQ2_0 block{};
        for (std::size_t i = 0; i < kBlock; ++i) {
            std::uint8_t& pairs = block.pairs[i / 128 * 32 + i % 32];
            pairs = static_cast<std::uint8_t>(pairs | values.digits[i] << i / 32 % 4 * 2);
        }
        block.scale = toHalfBits(values.scale);
        std::memcpy(out, &block, sizeof(block));
    }
}

}  // namespace conclave::engine::quantize
