#include "engine/kernels/types/iq_grid.h"

#include <bit>

namespace conclave::engine {
namespace {

#include "engine/kernels/types/iq_grids.inc"

void decode(unsigned code, int n, unsigned bits, const std::int8_t* levels, std::int8_t* out) {
    for (int i = 0; i < n; ++i, code >>= bits) out[i] = levels[code & ((1u << bits) - 1)];
}

constexpr std::int8_t kLevels2[4] = {8, 25, 43, 0};  // the fourth is never used
constexpr std::int8_t kLevels3XXS[8] = {4, 12, 20, 28, 36, 44, 52, 62};
constexpr std::int8_t kLevels3S[8] = {1, 3, 5, 7, 9, 11, 13, 15};

}  // namespace

void gridIQ2_XXS(int index, std::int8_t* out) { decode(kIQ2XXSCodes[index], 8, 2, kLevels2, out); }
void gridIQ2_XS(int index, std::int8_t* out) { decode(kIQ2XSCodes[index], 8, 2, kLevels2, out); }
void gridIQ2_S(int index, std::int8_t* out) { decode(kIQ2SCodes[index], 8, 2, kLevels2, out); }
void gridIQ3_XXS(int index, std::int8_t* out) {
    decode(kIQ3XXSCodes[index], 4, 3, kLevels3XXS, out);
}
void gridIQ3_S(int index, std::int8_t* out) { decode(kIQ3SCodes[index], 4, 3, kLevels3S, out); }

void applySigns(unsigned bits, std::int8_t* values) {
    for (int i = 0; i < 8; ++i) {
        if ((bits >> i & 1) != 0) values[i] = static_cast<std::int8_t>(-values[i]);
    }
}

unsigned evenSigns(unsigned sevenBits) {
    return sevenBits | (static_cast<unsigned>(std::popcount(sevenBits)) & 1) << 7;
}

}  // namespace conclave::engine
