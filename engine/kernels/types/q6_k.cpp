// q6_k.cpp: 6-bit integers -32 to 31; a scale of 8 bits for 16.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

// For each 128 weights: 64 bytes of nibbles, weights 0-63 in the low halves and 64-127 in the high
// ones, and 32 bytes whose 2-bit pair k at byte i tops weight 32 * k + i.
void unpackQ6_K(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockQ6_K>(bytes);
    setScale(out, fromHalfBits(block.scale));
    for (int group = 0; group < 16; ++group) out.scales[group] = block.scales[group];
    for (int i = 0; i < 256; ++i) {
        const int low = block.nibbles[i / 128 * 64 + i % 64] >> (i / 64 % 2 * 4) & 15;
        const int high = block.highPairs[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
        out.values[i] = static_cast<std::int8_t>((low | high << 4) - 32);
    }
}

}  // namespace conclave::engine
