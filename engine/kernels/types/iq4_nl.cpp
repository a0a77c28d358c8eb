// iq4_nl.cpp: 4-bit indices of uneven levels with a scale for 32.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

void unpackIQ4_NL(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockIQ4_NL>(bytes);
    setOneScale(out, fromHalfBits(block.scale));
    splitNibbles(block.nibbles, out.values, [](int nibble, int) { return kIq4Levels[nibble]; });
}

}  // namespace conclave::engine
