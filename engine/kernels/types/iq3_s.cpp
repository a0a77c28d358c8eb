// iq3_s.cpp: points of 4 values out of 512, signs, a scale of 4 bits for 32.
#include "engine/kernels/types/iq_grid.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

void unpackIQ3_S(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockIQ3_S>(bytes);
    setScale(out, fromHalfBits(block.scale));
    for (int group = 0; group < 16; ++group) {
        const int scale = block.scales[group / 4] >> (group / 2 % 2 * 4) & 15;
        out.scales[group] = static_cast<std::int16_t>(2 * scale + 1);
    }
    for (int point = 0; point < 64; ++point) {
        const int high = block.highBits[point / 8] >> (point % 8) & 1;
        gridIQ3_S(block.codes[point] | high << 8, out.values + 4 * point);
    }
    for (int i = 0; i < 32; ++i) applySigns(block.signs[i], out.values + 8 * i);
}

}  // namespace conclave::engine
