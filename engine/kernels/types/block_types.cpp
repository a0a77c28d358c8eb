#include "engine/kernels/types/unpack.h"

namespace conclave::engine {
namespace {

template <typename Block>
constexpr BlockType ofSmall(TensorType type, bool hasMinima,
                            void (*unpack)(const std::byte*, UnpackedBlock&)) {
    return {type, 32, hasMinima, sizeof(Block), unpack};
}

template <typename Block>
constexpr BlockType ofLarge(TensorType type, bool hasMinima,
                            void (*unpack)(const std::byte*, UnpackedBlock&)) {
    return {type, 256, hasMinima, sizeof(Block), unpack};
}

}  // namespace

const BlockType kBlockTypes[kBlockTypeCount] = {
    ofSmall<BlockQ8_0>(TensorType::Q8_0, false, unpackQ8_0),
    ofSmall<BlockQ4_0>(TensorType::Q4_0, false, unpackQ4_0),
    ofSmall<BlockQ4_1>(TensorType::Q4_1, true, unpackQ4_1),
    ofSmall<BlockQ5_0>(TensorType::Q5_0, false, unpackQ5_0),
    ofSmall<BlockQ5_1>(TensorType::Q5_1, true, unpackQ5_1),
    ofSmall<BlockIQ4_NL>(TensorType::IQ4_NL, false, unpackIQ4_NL),
    ofSmall<BlockMXFP4>(TensorType::MXFP4, false, unpackMXFP4),
    ofLarge<BlockQ2_K>(TensorType::Q2_K, true, unpackQ2_K),
    ofLarge<BlockQ3_K>(TensorType::Q3_K, false, unpackQ3_K),
    ofLarge<BlockQ4_K>(TensorType::Q4_K, true, unpackQ4_K),
    ofLarge<BlockQ5_K>(TensorType::Q5_K, true, unpackQ5_K),
    ofLarge<BlockQ6_K>(TensorType::Q6_K, false, unpackQ6_K),
    ofLarge<BlockIQ4_XS>(TensorType::IQ4_XS, false, unpackIQ4_XS),
    ofLarge<BlockIQ2_XXS>(TensorType::IQ2_XXS, false, unpackIQ2_XXS),
    ofLarge<BlockIQ2_XS>(TensorType::IQ2_XS, false, unpackIQ2_XS),
    ofLarge<BlockIQ2_S>(TensorType::IQ2_S, false, unpackIQ2_S),
    ofLarge<BlockIQ3_XXS>(TensorType::IQ3_XXS, false, unpackIQ3_XXS),
    ofLarge<BlockIQ3_S>(TensorType::IQ3_S, false, unpackIQ3_S),
    ofLarge<BlockIQ1_S>(TensorType::IQ1_S, false, unpackIQ1_S),
    ofLarge<BlockIQ1_M>(TensorType::IQ1_M, false, unpackIQ1_M),
    ofLarge<BlockTQ1_0>(TensorType::TQ1_0, false, unpackTQ1_0),
    ofLarge<BlockTQ2_0>(TensorType::TQ2_0, false, unpackTQ2_0),
};

float fromHalfBits(std::uint16_t half) {
    const std::uint32_t sign = (half & 0x8000u) << 16;
    const std::uint32_t exponent = (half >> 10) & 0x1Fu;
    const std::uint32_t mantissa = half & 0x3FFu;
    if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
        const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
        return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t wide = exponent == 31 ? 255 : exponent + (127 - 15);
    return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

// Bytes 0-3 hold scales 0-3 in their low 6 bits, bytes 4-7 minima 0-3; bytes 8-11 hold the low 4
// bits of scales and minima 4-7, whose upper 2 bits fill the first eight bytes.
void unpackSixBits(const std::uint8_t (&packed)[12], std::uint8_t (&scales)[8],
                   std::uint8_t (&minima)[8]) {
    for (int i = 0; i < 4; ++i) {
        scales[i] = packed[i] & 63;
        minima[i] = packed[4 + i] & 63;
        scales[4 + i] = static_cast<std::uint8_t>((packed[8 + i] & 15) | (packed[i] >> 6 << 4));
        minima[4 + i] = static_cast<std::uint8_t>((packed[8 + i] >> 4) | (packed[4 + i] >> 6 << 4));
    }
}

}  // namespace conclave::engine
