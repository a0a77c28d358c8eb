// tq2_0.cpp: the integers -1, 0 and 1 in 2 bits, one scale for 256.
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

// The pairs lie as in Q2_K. ggml has no use for the value 2, but a file may hold it.
void unpackTQ2_0(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockTQ2_0>(bytes);
    setScale(out, fromHalfBits(block.scale));
    for (std::int16_t& scale : out.scales) scale = 1;
    for (int i = 0; i < 256; ++i) {
        const int pairs = block.pairs[i / 128 * 32 + i % 32];
        out.values[i] = static_cast<std::int8_t>((pairs >> (i / 32 % 4 * 2) & 3) - 1);
    }
}

}  // namespace conclave::engine
