// quant_blocks.h: ggml's quantization blocks, as they lie in the file (no padding between them).
// What the fields mean stands in kernels/types, in the file of each type.
#pragma once

#include <cstdint>

namespace conclave::engine {

// ----------------------------------------------------------------------------- blocks of 32 values

/// 32 weights: scale * value.
struct BlockQ8_0 {
    std::uint16_t scale;  ///< fp16
    std::int8_t values[32];
};
static_assert(sizeof(BlockQ8_0) == 34 && alignof(BlockQ8_0) == 2);

/// 32 weights: scale * (nibble - 8). Byte i holds weight i in its low and 16 + i in its high half.
struct BlockQ4_0 {
    std::uint16_t scale;  ///< fp16
    std::uint8_t nibbles[16];
};
static_assert(sizeof(BlockQ4_0) == 18 && alignof(BlockQ4_0) == 2);

struct BlockQ4_1 {
    std::uint16_t scale;  ///< fp16, as all scales and minima below unless said
    std::uint16_t minimum;
    std::uint8_t nibbles[16];
};
static_assert(sizeof(BlockQ4_1) == 20);

struct BlockQ5_0 {
    std::uint16_t scale;
    std::uint8_t highBits[4];  ///< bit i: the fifth bit of weight i
    std::uint8_t nibbles[16];
};
static_assert(sizeof(BlockQ5_0) == 22);

struct BlockQ5_1 {
    std::uint16_t scale;
    std::uint16_t minimum;
    std::uint8_t highBits[4];
    std::uint8_t nibbles[16];
};
static_assert(sizeof(BlockQ5_1) == 24);

struct BlockIQ4_NL {
    std::uint16_t scale;
    std::uint8_t nibbles[16];  ///< index kIq4Levels
};
static_assert(sizeof(BlockIQ4_NL) == 18);

struct BlockMXFP4 {
    std::uint8_t exponent;     ///< the scale is 2^(exponent - 128)
    std::uint8_t nibbles[16];  ///< index kMxfp4Levels
};
static_assert(sizeof(BlockMXFP4) == 17);

/// Levels of IQ4_NL and IQ4_XS: about the quantiles of a bell curve.
inline constexpr std::int8_t kIq4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

/// Levels of MXFP4, doubled: the 4-bit floats 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
inline constexpr std::int8_t kMxfp4Levels[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                                 0, -1, -2, -3, -4, -6, -8, -12};

// ---------------------------------------------------------------------------- blocks of 256 values

struct BlockQ2_K {
    std::uint8_t scales[16];  ///< of 16 weights each: scale in the low half, minimum in the high
    std::uint8_t pairs[64];   ///< 2 bits a weight
    std::uint16_t scale;
    std::uint16_t minScale;
};
static_assert(sizeof(BlockQ2_K) == 84);

struct BlockQ3_K {
    std::uint8_t highBits[32];
    std::uint8_t pairs[64];
    std::uint8_t scales[12];  ///< 16 scales of 6 bits
    std::uint16_t scale;
};
static_assert(sizeof(BlockQ3_K) == 110);

struct BlockQ4_K {
    std::uint16_t scale;
    std::uint16_t minScale;
    std::uint8_t scales[12];  ///< 8 scales and 8 minima of 6 bits
    std::uint8_t nibbles[128];
};
static_assert(sizeof(BlockQ4_K) == 144);

struct BlockQ5_K {
    std::uint16_t scale;
    std::uint16_t minScale;
    std::uint8_t scales[12];
    std::uint8_t highBits[32];
    std::uint8_t nibbles[128];
};
static_assert(sizeof(BlockQ5_K) == 176);

struct BlockQ6_K {
    std::uint8_t nibbles[128];
    std::uint8_t highPairs[64];
    std::int8_t scales[16];
    std::uint16_t scale;
};
static_assert(sizeof(BlockQ6_K) == 210);

struct BlockIQ4_XS {
    std::uint16_t scale;
    std::uint16_t scalesHigh;
    std::uint8_t scalesLow[4];
    std::uint8_t nibbles[128];
};
static_assert(sizeof(BlockIQ4_XS) == 136);

struct BlockIQ2_XXS {
    std::uint16_t scale;
    std::uint16_t codes[32];
};
static_assert(sizeof(BlockIQ2_XXS) == 66);

struct BlockIQ2_XS {
    std::uint16_t scale;
    std::uint16_t codes[32];
    std::uint8_t scales[8];
};
static_assert(sizeof(BlockIQ2_XS) == 74);

struct BlockIQ2_S {
    std::uint16_t scale;
    std::uint8_t codes[32];
    std::uint8_t signs[32];
    std::uint8_t highBits[8];
    std::uint8_t scales[8];
};
static_assert(sizeof(BlockIQ2_S) == 82);

struct BlockIQ3_XXS {
    std::uint16_t scale;
    std::uint8_t codes[64];
    std::uint8_t signsAndScales[32];
};
static_assert(sizeof(BlockIQ3_XXS) == 98);

struct BlockIQ3_S {
    std::uint16_t scale;
    std::uint8_t codes[64];
    std::uint8_t highBits[8];
    std::uint8_t signs[32];
    std::uint8_t scales[4];
};
static_assert(sizeof(BlockIQ3_S) == 110);

struct BlockIQ1_S {
    std::uint16_t scale;
    std::uint8_t codes[32];
    std::uint16_t words[8];
};
static_assert(sizeof(BlockIQ1_S) == 50);

struct BlockIQ1_M {
    std::uint8_t codes[32];
    std::uint8_t highBits[16];
    std::uint16_t scales[4];
};
static_assert(sizeof(BlockIQ1_M) == 56);

struct BlockTQ1_0 {
    std::uint8_t fives[48];  ///< 5 weights a byte
    std::uint8_t fours[4];   ///< 4 weights a byte
    std::uint16_t scale;
};
static_assert(sizeof(BlockTQ1_0) == 54);

struct BlockTQ2_0 {
    std::uint8_t pairs[64];
    std::uint16_t scale;
};
static_assert(sizeof(BlockTQ2_0) == 66);

}  // namespace conclave::engine
