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
    const auto point = [&](int index) -> std::uint64_t {
        const int high = block.highBits[index / 8] >> (index % 8) & 1;
        return gridIQ3_S(block.codes[index] | high << 8);
    };
    for (int pair = 0; pair < 32; ++pair) {
        writeSigned(point(2 * pair) | point(2 * pair + 1) << 32, block.signs[pair],
                    out.values + 8 * pair);
    }
}

}  // namespace conclave::engine
