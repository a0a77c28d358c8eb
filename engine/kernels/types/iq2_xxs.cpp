// iq2_xxs.cpp: points of 8 values out of 256, signs, a scale of 4 bits for 32.
#include "engine/kernels/types/iq_grid.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

// Eight bytes hold 32 weights: 4 indices, then 4 times 7 sign bits and the scale in one word.
void unpackIQ2_XXS(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockIQ2_XXS>(bytes);
    setScale(out, fromHalfBits(block.scale) * 0.125f);  // times 2 s + 1, that is (0.5 + s) / 4
    for (int part = 0; part < 8; ++part) {
        const std::uint16_t* codes = block.codes + 4 * part;
        const std::uint32_t word = codes[2] | std::uint32_t{codes[3]} << 16;
        out.scales[2 * part] = out.scales[2 * part + 1] =
            static_cast<std::int16_t>(2 * (word >> 28) + 1);
        for (int point = 0; point < 4; ++point) {
            writeSigned(gridIQ2_XXS(codes[point / 2] >> (point % 2 * 8) & 255),
                        evenSigns(word >> (7 * point) & 127), out.values + 32 * part + 8 * point);
        }
    }
}

}  // namespace conclave::engine
