// iq2_xs.cpp: points of 8 values out of 512, signs, a scale of 4 bits for 16.
#include "engine/kernels/types/iq_grid.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

// A code is an index of 9 bits and 7 sign bits.
void unpackIQ2_XS(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockIQ2_XS>(bytes);
    setScale(out, fromHalfBits(block.scale) * 0.125f);
    for (int group = 0; group < 16; ++group) {
        const int scale = block.scales[group / 2] >> (group % 2 * 4) & 15;
        out.scales[group] = static_cast<std::int16_t>(2 * scale + 1);
    }
    for (int point = 0; point < 32; ++point) {
        writeSigned(gridIQ2_XS(block.codes[point] & 511), evenSigns(block.codes[point] >> 9),
                    out.values + 8 * point);
    }
}

}  // namespace conclave::engine
