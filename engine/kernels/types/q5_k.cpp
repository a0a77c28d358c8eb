// q5_k.cpp: 5-bit integers 0 to 31; a scale and a minimum of 6 bits each for 32.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

// The low 4 bits lie as in Q4_K; bit k of highBits[i] is the fifth bit of weight 32 * k + i.
void unpackQ5_K(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockQ5_K>(bytes);
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
        const int low = block.nibbles[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15;
        const int high = block.highBits[i % 32] >> (i / 32) & 1;
        out.values[i] = static_cast<std::int8_t>(low | high << 4);
    }
}

}  // namespace conclave::engine
