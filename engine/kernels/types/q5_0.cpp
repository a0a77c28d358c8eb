// q5_0.cpp: 5-bit integers -16 to 15 with a scale for 32.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

void unpackQ5_0(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockQ5_0>(bytes);
    setOneScale(out, fromHalfBits(block.scale));
    splitNibbles(block.nibbles, out.values, [&](int nibble, int i) {
        return (nibble | ((block.highBits[i / 8] >> i % 8 & 1) << 4)) - 16;
    });
}

}  // namespace conclave::engine
