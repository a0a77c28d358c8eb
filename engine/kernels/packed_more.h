// packed_more.h: panels (see packed.h) of types with five bits, and of those whose four bits are an
// index of levels.
#pragma once

#include "engine/kernels/packed.h"

namespace conclave::engine {

/// The fifth bits of a row's 32 columns: bit 2j of byte c belongs to column 4j + c, bit 2j + 1 to
/// column 16 + 4j + c, as lines hold them in the low and high halves of their bytes.
using PanelFifthBits = std::uint8_t[kPanelRows][4];

/// 16 rows times 32 columns of Q5_0: lines as in PanelQ4_0. A weight is scale * (five bits - 16).
struct PanelQ5_0 {
    static constexpr int kColumns = 32;
    std::uint8_t lines[4][kPanelRows][4];
    PanelFifthBits high;
    std::uint16_t scales[kPanelRows];  ///< fp16
};
static_assert(sizeof(PanelQ5_0) == kPanelRows * 22);

/// 16 rows times 256 columns of Q5_K: as PanelQ4_K, with fifth bits.
struct PanelQ5_K {
    static constexpr int kColumns = 256;
    struct Part {
        std::uint8_t lines[4][kPanelRows][4];
        PanelFifthBits high;
        std::uint8_t scales[kPanelRows];
        std::uint8_t minima[kPanelRows];
    };
    std::uint16_t scale[kPanelRows];  ///< fp16
    std::uint16_t minScale[kPanelRows];
    Part parts[8];
};
static_assert(sizeof(PanelQ5_K) == kPanelRows * 180);

/// 16 rows times 32 columns of IQ4_NL: as PanelQ4_0. A weight is scale * kIq4Levels[half].
struct PanelIQ4_NL {
    static constexpr int kColumns = 32;
    std::uint8_t lines[4][kPanelRows][4];
    std::uint16_t scales[kPanelRows];  ///< fp16
};
static_assert(sizeof(PanelIQ4_NL) == kPanelRows * 18);

/// 16 rows times 256 columns of IQ4_XS. A weight is scale * scales[row] * kIq4Levels[half].
struct PanelIQ4_XS {
    static constexpr int kColumns = 256;
    struct Part {
        std::uint8_t lines[4][kPanelRows][4];
        std::int8_t scales[kPanelRows];  ///< -32 to 31
    };
    std::uint16_t scale[kPanelRows];  ///< fp16
    Part parts[8];
};
static_assert(sizeof(PanelIQ4_XS) == kPanelRows * 138);

/// 16 rows times 32 columns of MXFP4. A weight is 2^(exponent - 128) * kMxfp4Levels[half].
struct PanelMXFP4 {
    static constexpr int kColumns = 32;
    std::uint8_t lines[4][kPanelRows][4];
    std::uint8_t exponents[kPanelRows];
};
static_assert(sizeof(PanelMXFP4) == kPanelRows * 17);

/// As packedFormat, for these types.
[[nodiscard]] const PackedFormat* packedFormatMore(TensorType type);
/// As avx2PackedKernels, for these types.
[[nodiscard]] const WeightKernels* avx2PackedKernelsMore(TensorType type);

}  // namespace conclave::engine
