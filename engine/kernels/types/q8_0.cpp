// q8_0.cpp: 8-bit integers with a scale for 32.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

void unpackQ8_0(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockQ8_0>(bytes);
    setOneScale(out, fromHalfBits(block.scale));
    std::memcpy(out.values, block.values, sizeof(block.values));
}

}  // namespace conclave::engine
