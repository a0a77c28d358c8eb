// q4_0.cpp: 4-bit integers -8 to 7 with a scale for 32.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

void unpackQ4_0(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockQ4_0>(bytes);
    setOneScale(out, fromHalfBits(block.scale));
    splitNibbles(block.nibbles, out.values, [](int nibble, int) { return nibble - 8; });
}

}  // namespace conclave::engine
