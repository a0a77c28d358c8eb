// iq1_m.cpp: IQ1_S's points, moved one by one; a scale of 3 bits for 16.
#include "engine/kernels/types/iq_grid.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

// Four words hold 4 scales each in their low 12 bits, and a quarter of the block's own scale above.
void unpackIQ1_M(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockIQ1_M>(bytes);
    unsigned half = 0;
    for (int word = 0; word < 4; ++word) half |= (block.scales[word] >> 12u) << (4 * word);
    setScale(out, fromHalfBits(static_cast<std::uint16_t>(half)) * 0.125f);
    for (int group = 0; group < 16; ++group) {
        const int scale = block.scales[group / 4] >> (3 * (group % 4)) & 7;
        out.scales[group] = static_cast<std::int16_t>(2 * scale + 1);
    }
    for (int point = 0; point < 32; ++point) {
        const int high = block.highBits[point / 2] >> (4 * (point % 2)) & 15;
        writeMoved(block.codes[point] | (high & 7) << 8, (high & 8) != 0, out.values + 8 * point);
    }
}

}  // namespace conclave::engine
