// tq1_0.cpp: the integers -1, 0 and 1 in base 3, one scale for 256.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

namespace {

/// Digit `index` of a byte that stands for the fraction 0.d0d1d2... in base 3, times 256 and
/// rounded up: multiplying by 3^index, modulo 256, brings the digit to the front.
std::int8_t digit(std::uint8_t byte, int index) {
    static constexpr std::uint8_t kPowers[5] = {1, 3, 9, 27, 81};
    const auto moved = static_cast<std::uint8_t>(byte * kPowers[index]);
    return static_cast<std::int8_t>((moved * 3 >> 8) - 1);
}

}  // namespace

// 32 bytes hold weights 0-159, digit k of byte i weight 32 * k + i; the next 16 hold weights
// 160-239 likewise, and the last 4, of four digits, weights 240-255.
void unpackTQ1_0(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockTQ1_0>(bytes);
    setScale(out, fromHalfBits(block.scale));
    for (std::int16_t& scale : out.scales) scale = 1;
    for (int i = 0; i < 160; ++i) out.values[i] = digit(block.fives[i % 32], i / 32);
    for (int i = 0; i < 80; ++i) out.values[160 + i] = digit(block.fives[32 + i % 16], i / 16);
    for (int i = 0; i < 16; ++i) out.values[240 + i] = digit(block.fours[i % 4], i / 4);
}

}  // namespace conclave::engine
