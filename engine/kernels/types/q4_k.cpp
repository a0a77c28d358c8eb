// q4_k.cpp: 4-bit integers 0 to 15; a scale and a minimum of 6 bits each for 32.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

// 32 bytes hold 64 weights: the first 32 in the low halves, the others in the high ones.
void unpackQ4_K(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockQ4_K>(bytes);
    out.scale = fromHalfBits(block.scale);
    out.minScale = fromHalfBits(block.minScale);
    std::uint8_t scales[8];
    std::uint8_t minima[8];
    unpackSixBits(block.scales, scales, minima);
    for (int group = 0; group < 16; ++group) {
        out.scales[group] = scales[group / 2];
        out.minima[group] = minima[group / 2];
    }
    for (int i = 0; i < 256; ++i) {
        const int nibbles = block.nibbles[i / 64 * 32 + i % 32];
        out.values[i] = static_cast<std::int8_t>(nibbles >> (i / 32 % 2 * 4) & 15);
    }
}

}  // namespace conclave::engine
