// iq3_xxs.cpp: points of 4 values out of 256, signs, a scale of 4 bits for 32.
#include "engine/kernels/types/iq_grid.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

// A word for 32 weights: 4 times 7 sign bits, of two points each, and the scale.
void unpackIQ3_XXS(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockIQ3_XXS>(bytes);
    setScale(out, fromHalfBits(block.scale) * 0.25f);  // times 2 s + 1, that is (0.5 + s) / 2
    for (int part = 0; part < 8; ++part) {
        std::uint32_t word = 0;
        std::memcpy(&word, block.signsAndScales + 4 * part, sizeof(word));
        out.scales[2 * part] = out.scales[2 * part + 1] =
            static_cast<std::int16_t>(2 * (word >> 28) + 1);
        for (int pair = 0; pair < 4; ++pair) {
            const std::uint8_t* codes = block.codes + 8 * part + 2 * pair;
            const std::uint64_t values =
                gridIQ3_XXS(codes[0]) | std::uint64_t{gridIQ3_XXS(codes[1])} << 32;
            writeSigned(values, evenSigns(word >> (7 * pair) & 127),
                        out.values + 32 * part + 8 * pair);
        }
    }
}

}  // namespace conclave::engine
