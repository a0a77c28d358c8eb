// q4_1.cpp: 4-bit integers 0 to 15 with a scale and a minimum for 32.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

void unpackQ4_1(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockQ4_1>(bytes);
    setOneScale(out, fromHalfBits(block.scale));
    out.minScale = -fromHalfBits(block.minimum);
    out.minima[0] = out.minima[1] = 1;
    splitNibbles(block.nibbles, out.values, [](int nibble, int) { return nibble; });
}

}  // namespace conclave::engine
