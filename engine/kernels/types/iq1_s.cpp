// iq1_s.cpp: points of 8 values out of 2048, each moved up or down by an eighth, a scale of 3 bits
// for 32.
#include "engine/kernels/types/iq_grid.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

// A word for 32 weights: 3 high bits for each of 4 indices, the scale, and which way they move.
void unpackIQ1_S(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockIQ1_S>(bytes);
    setScale(out, fromHalfBits(block.scale) * 0.125f);  // values are eighths
    for (int part = 0; part < 8; ++part) {
        const unsigned word = block.words[part];
        out.scales[2 * part] = out.scales[2 * part + 1] =
            static_cast<std::int16_t>(2 * (word >> 12 & 7) + 1);
        for (int point = 0; point < 4; ++point) {
            const unsigned index = block.codes[4 * part + point] | (word >> (3 * point) & 7) << 8;
            writeMoved(static_cast<int>(index), (word & 0x8000) != 0,
                       out.values + 32 * part + 8 * point);
        }
    }
}

}  // namespace conclave::engine
