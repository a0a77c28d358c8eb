// iq2_s.cpp: points of 8 values out of 1024, signs, a scale of 4 bits for 16.
#include "engine/kernels/types/iq_grid.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

void unpackIQ2_S(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockIQ2_S>(bytes);
    setScale(out, fromHalfBits(block.scale) * 0.125f);
    for (int group = 0; group < 16; ++group) {
        const int scale = block.scales[group / 2] >> (group % 2 * 4) & 15;
        out.scales[group] = static_cast<std::int16_t>(2 * scale + 1);
    }
    for (int point = 0; point < 32; ++point) {
        const int high = block.highBits[point / 4] >> (point % 4 * 2) & 3;
        writeSigned(gridIQ2_S(block.codes[point] | high << 8), block.signs[point],
                    out.values + 8 * point);
    }
}

}  // namespace conclave::engine
