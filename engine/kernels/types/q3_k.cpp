// q3_k.cpp: 3-bit integers -4 to 3; a scale of 6 bits, -32 to 31, for 16.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

// Scales 0-7 have their low 4 bits in the low halves of bytes 0-7 and scales 8-15 theirs in the
// high ones; the upper 2 bits of scale g are bits 2 * (g / 4) and up of byte 8 + g % 4.
void unpackScales(const BlockQ3_K& block, std::int8_t (&scales)[16]) {
    for (int group = 0; group < 16; ++group) {
        const int low = block.scales[group % 8] >> (group / 8 * 4) & 15;
        const int high = block.scales[8 + group % 4] >> (group / 4 * 2) & 3;
        scales[group] = static_cast<std::int8_t>((low | high << 4) - 32);
    }
}

// The low 2 bits lie as in Q2_K; bit k of highBits[i] is the third bit of weight 32 * k + i.
void unpackQ3_K(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockQ3_K>(bytes);
    setScale(out, fromHalfBits(block.scale));
    std::int8_t scales[16];
    unpackScales(block, scales);
    for (int group = 0; group < 16; ++group) out.scales[group] = scales[group];
    for (int i = 0; i < 256; ++i) {
        const int low = block.pairs[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
        const int high = block.highBits[i % 32] >> (i / 32) & 1;
        out.values[i] = static_cast<std::int8_t>((low | high << 2) - 4);
    }
}

}  // namespace conclave::engine
