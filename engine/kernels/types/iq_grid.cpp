#include "engine/kernels/types/iq_grid.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

namespace conclave::engine {
namespace {

#include "engine/kernels/types/iq_grids.inc"

constexpr std::uint8_t kLevels1[4] = {0xF8, 0, 8, 0};  // -8, 0, 8; the fourth is never used
constexpr std::uint8_t kLevels2[4] = {8, 25, 43, 0};   // the fourth is never used
constexpr std::uint8_t kLevels3XXS[8] = {4, 12, 20, 28, 36, 44, 52, 62};
constexpr std::uint8_t kLevels3S[8] = {1, 3, 5, 7, 9, 11, 13, 15};

/// Points as words, since unpacking them from codes would be most of a product's time.
template <typename Word, std::size_t n>
constexpr std::array<Word, n> expanded(const std::uint16_t (&codes)[n], unsigned bits,
                                       const std::uint8_t* levels) {
    std::array<Word, n> words{};
    for (std::size_t point = 0; point < n; ++point) {
        unsigned code = codes[point];
        for (std::size_t i = 0; i < sizeof(Word); ++i, code >>= bits) {
            words[point] |= static_cast<Word>(levels[code & ((1u << bits) - 1)]) << (8 * i);
        }
    }
    return words;
}

constexpr auto kIQ1 = expanded<std::uint64_t>(kIQ1SCodes, 2, kLevels1);
constexpr auto kIQ2XXS = expanded<std::uint64_t>(kIQ2XXSCodes, 2, kLevels2);
constexpr auto kIQ2XS = expanded<std::uint64_t>(kIQ2XSCodes, 2, kLevels2);
constexpr auto kIQ2S = expanded<std::uint64_t>(kIQ2SCodes, 2, kLevels2);
constexpr auto kIQ3XXS = expanded<std::uint32_t>(kIQ3XXSCodes, 3, kLevels3XXS);
constexpr auto kIQ3S = expanded<std::uint32_t>(kIQ3SCodes, 3, kLevels3S);

/// Byte i has all bits set where bit i is.
constexpr std::array<std::uint64_t, 256> kSignBytes = [] {
    std::array<std::uint64_t, 256> masks{};
    for (unsigned bits = 0; bits < 256; ++bits) {
        for (unsigned i = 0; i < 8; ++i) {
            if ((bits >> i & 1) != 0) masks[bits] |= std::uint64_t{0xFF} << (8 * i);
        }
    }
    return masks;
}();

constexpr std::array<std::uint8_t, 128> kEvenSigns = [] {
    std::array<std::uint8_t, 128> signs{};
    for (unsigned bits = 0; bits < 128; ++bits) {
        const unsigned parity = static_cast<unsigned>(std::popcount(bits)) & 1;
        signs[bits] = static_cast<std::uint8_t>(bits | parity << 7);
    }
    return signs;
}();

}  // namespace

std::uint64_t gridIQ2_XXS(int index) { return kIQ2XXS[static_cast<std::size_t>(index)]; }
std::uint64_t gridIQ2_XS(int index) { return kIQ2XS[static_cast<std::size_t>(index)]; }
std::uint64_t gridIQ2_S(int index) { return kIQ2S[static_cast<std::size_t>(index)]; }
std::uint32_t gridIQ3_XXS(int index) { return kIQ3XXS[static_cast<std::size_t>(index)]; }
std::uint32_t gridIQ3_S(int index) { return kIQ3S[static_cast<std::size_t>(index)]; }

void writeMoved(int index, bool movesDown, std::int8_t* out) {
    std::memcpy(out, &kIQ1[static_cast<std::size_t>(index)], sizeof(std::uint64_t));
    for (int i = 0; i < 8; ++i) out[i] = static_cast<std::int8_t>(out[i] + (movesDown ? -1 : 1));
}

void writeSigned(std::uint64_t values, unsigned bits, std::int8_t* out) {
    // -v is ~v + 1, which carries into the next byte for v = 0 only.
    const std::uint64_t mask = kSignBytes[bits];
    const std::uint64_t result = (values ^ mask) + (mask & 0x0101010101010101u);
    std::memcpy(out, &result, sizeof(result));
}

unsigned evenSigns(unsigned sevenBits) { return kEvenSigns[sevenBits]; }

}  // namespace conclave::engine
