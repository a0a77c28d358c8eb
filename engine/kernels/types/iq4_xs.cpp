// iq4_xs.cpp: 4-bit indices of uneven levels; a scale of 6 bits, -32 to 31, for 32.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

void unpackIQ4_XS(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockIQ4_XS>(bytes);
    setScale(out, fromHalfBits(block.scale));
    for (int group = 0; group < 16; ++group) {
        const int part = group / 2;
        const int low = block.scalesLow[part / 2] >> (part % 2 * 4) & 15;
        const int high = block.scalesHigh >> (part * 2) & 3;
        out.scales[group] = static_cast<std::int16_t>((low | high << 4) - 32);
    }
    for (int i = 0; i < 256; ++i) {
        const int nibbles = block.nibbles[i / 32 * 16 + i % 16];
        out.values[i] = kIq4Levels[nibbles >> (i / 16 % 2 * 4) & 15];
    }
}

}  // namespace conclave::engine
