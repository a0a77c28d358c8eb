// q5_1.cpp: 5-bit integers 0 to 31 with a scale and a minimum for 32.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

void unpackQ5_1(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockQ5_1>(bytes);
    setOneScale(out, fromHalfBits(block.scale));
    out.minScale = -fromHalfBits(block.minimum);
    out.minima[0] = out.minima[1] = 1;
    splitNibbles(block.nibbles, out.values, [&](int nibble, int i) {
        return nibble | ((block.highBits[i / 8] >> i % 8 & 1) << 4);
    });
}

}  // namespace conclave::engine
