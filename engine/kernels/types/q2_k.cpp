// q2_k.cpp: 2-bit integers 0 to 3; a scale and a minimum of 4 bits each for 16.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

// Byte i of a half of 32 bytes holds weights i, 32 + i, 64 + i and 96 + i of 128.
void unpackQ2_K(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockQ2_K>(bytes);
    out.scale = fromHalfBits(block.scale);
    out.minScale = fromHalfBits(block.minScale);
    for (int group = 0; group < 16; ++group) {
        out.scales[group] = block.scales[group] & 15;
        out.minima[group] = block.scales[group] >> 4;
    }
    for (int i = 0; i < 256; ++i) {
        const int pairs = block.pairs[i / 128 * 32 + i % 32];
        out.values[i] = static_cast<std::int8_t>(pairs >> (i / 32 % 4 * 2) & 3);
    }
}

}  // namespace conclave::engine
