// packed.h: weights in panels of 16 rows, the form in which most products read them.
//
// A row-major product of one token loads a row's block, multiplies, and adds up across the register
// at the end; so each weight costs shuffles beside its multiplication. A panel interleaves 16 rows,
// so that a register holds the same four columns of 8 or 16 rows: each lane is a row's sum, nothing
// is added across, and one broadcast of four activations serves all rows. The bytes are a file
// block's, in another order: a packed matrix is as large as the file's.
//
// One layout serves every instruction set, and every set computes the 32-bit integer products of a
// block exactly and then adds its blocks in order, one chain for each row and token. So a product
// has the same bits for one token or many, however rows and tokens are shared out.
#pragma once

#include <cstddef>

#include "engine/kernels/kernels.h"

namespace conclave::engine {

/// Rows of a panel; the last panel of a matrix is filled up with zeros.
inline constexpr int kPanelRows = 16;

/// Four bits of each of 32 columns. Line j holds columns 4j to 4j+3 in the low halves of its bytes
/// and columns 16+4j to 16+4j+3 in the high ones.
using PanelHalfBytes = std::uint8_t[4][kPanelRows][4];

/// 16 rows times 32 columns of Q8_0. Line j holds columns 4j to 4j+3 of each row, one after
/// another.
struct PanelQ8_0 {
    static constexpr int kColumns = 32;
    std::int8_t lines[8][kPanelRows][4];
    std::uint16_t scales[kPanelRows];  ///< fp16
};
static_assert(sizeof(PanelQ8_0) == kPanelRows * 34);

/// 16 rows times 32 columns of Q4_0. A weight is scale * (half - 8).
struct PanelQ4_0 {
    static constexpr int kColumns = 32;
    PanelHalfBytes lines;
    std::uint16_t scales[kPanelRows];  ///< fp16
};
static_assert(sizeof(PanelQ4_0) == kPanelRows * 18);

/// 16 rows times 32 columns of Q4_1. A weight is scale * half + minimum.
struct PanelQ4_1 {
    static constexpr int kColumns = 32;
    PanelHalfBytes lines;
    std::uint16_t scales[kPanelRows];  ///< fp16
    std::uint16_t minima[kPanelRows];
};
static_assert(sizeof(PanelQ4_1) == kPanelRows * 20);

/// 16 rows times 256 columns of Q4_K. A weight is
/// scale * scales[row] * half - minScale * minima[row]. The file's 6-bit scales and minima become
/// bytes: 4.625 bits a weight instead of 4.5.
struct PanelQ4_K {
    static constexpr int kColumns = 256;
    struct Part {
        PanelHalfBytes lines;
        std::uint8_t scales[kPanelRows];
        std::uint8_t minima[kPanelRows];
    };
    std::uint16_t scale[kPanelRows];  ///< fp16
    std::uint16_t minScale[kPanelRows];
    Part parts[8];
};
static_assert(sizeof(PanelQ4_K) == kPanelRows * 148);

/// Two bits of each of 32 columns, those of lines 2k and 2k + 1 in line k: bits 0-1 and 4-5 belong
/// to what PanelHalfBytes has in its low halves (columns 0 to 15), bits 2-3 and 6-7 to the high
/// ones.
using PanelPairs = std::uint8_t[2][kPanelRows][4];

/// 16 rows times 256 columns of Q6_K, whose lines hold the lower four bits, `high` the upper two.
/// A weight is scale * scales[column / 16][row] * (six bits - 32).
struct PanelQ6_K {
    static constexpr int kColumns = 256;
    struct Part {
        PanelHalfBytes lines;
        PanelPairs high;
        std::int8_t scales[2][kPanelRows];
    };
    std::uint16_t scale[kPanelRows];  ///< fp16
    Part parts[8];
};
static_assert(sizeof(PanelQ6_K) == kPanelRows * 210);

/// The fifth bits of a row's 32 columns: bit 2j of byte c belongs to column 4j + c, bit 2j + 1 to
/// column 16 + 4j + c, as lines hold them in the low and high halves of their bytes.
using PanelFifthBits = std::uint8_t[kPanelRows][4];

/// 16 rows times 32 columns of Q5_0. A weight is scale * (five bits - 16).
struct PanelQ5_0 {
    static constexpr int kColumns = 32;
    PanelHalfBytes lines;
    PanelFifthBits high;
    std::uint16_t scales[kPanelRows];  ///< fp16
};
static_assert(sizeof(PanelQ5_0) == kPanelRows * 22);

/// 16 rows times 32 columns of Q5_1. A weight is scale * five bits + minimum.
struct PanelQ5_1 {
    static constexpr int kColumns = 32;
    PanelHalfBytes lines;
    PanelFifthBits high;
    std::uint16_t scales[kPanelRows];  ///< fp16
    std::uint16_t minima[kPanelRows];
};
static_assert(sizeof(PanelQ5_1) == kPanelRows * 24);

/// 16 rows times 256 columns of Q5_K: as PanelQ4_K, with fifth bits.
struct PanelQ5_K {
    static constexpr int kColumns = 256;
    struct Part {
        PanelHalfBytes lines;
        PanelFifthBits high;
        std::uint8_t scales[kPanelRows];
        std::uint8_t minima[kPanelRows];
    };
    std::uint16_t scale[kPanelRows];  ///< fp16
    std::uint16_t minScale[kPanelRows];
    Part parts[8];
};
static_assert(sizeof(PanelQ5_K) == kPanelRows * 180);

/// 16 rows times 256 columns of Q2_K. A weight is scale * (low half of scales[column / 16][row]) *
/// two bits - minScale * (high half).
struct PanelQ2_K {
    static constexpr int kColumns = 256;
    struct Part {
        PanelPairs pairs;
        std::uint8_t scales[2][kPanelRows];
    };
    std::uint16_t scale[kPanelRows];  ///< fp16
    std::uint16_t minScale[kPanelRows];
    Part parts[8];
};
static_assert(sizeof(PanelQ2_K) == kPanelRows * 84);

/// 16 rows times 256 columns of Q3_K, whose third bits lie as fifth ones do. A weight is
/// scale * scales[column / 16][row] * (three bits - 4). The file's 6-bit scales become bytes:
/// 3.5625 bits a weight instead of 3.4375.
struct PanelQ3_K {
    static constexpr int kColumns = 256;
    struct Part {
        PanelPairs pairs;
        PanelFifthBits high;
        std::int8_t scales[2][kPanelRows];  ///< -32 to 31
    };
    std::uint16_t scale[kPanelRows];  ///< fp16
    Part parts[8];
};
static_assert(sizeof(PanelQ3_K) == kPanelRows * 114);

/// 16 rows times 32 columns of IQ4_NL. A weight is scale * kIq4Levels[half].
struct PanelIQ4_NL {
    static constexpr int kColumns = 32;
    PanelHalfBytes lines;
    std::uint16_t scales[kPanelRows];  ///< fp16
};
static_assert(sizeof(PanelIQ4_NL) == kPanelRows * 18);

/// 16 rows times 256 columns of IQ4_XS. A weight is scale * scales[row] * kIq4Levels[half].
struct PanelIQ4_XS {
    static constexpr int kColumns = 256;
    struct Part {
        PanelHalfBytes lines;
        std::int8_t scales[kPanelRows];  ///< -32 to 31
    };
    std::uint16_t scale[kPanelRows];  ///< fp16
    Part parts[8];
};
static_assert(sizeof(PanelIQ4_XS) == kPanelRows * 138);

/// 16 rows times 32 columns of MXFP4. A weight is 2^(exponent - 128) * kMxfp4Levels[half].
struct PanelMXFP4 {
    static constexpr int kColumns = 32;
    PanelHalfBytes lines;
    std::uint8_t exponents[kPanelRows];
};
static_assert(sizeof(PanelMXFP4) == kPanelRows * 17);

/// 16 rows times one column of F16 or BF16.
struct PanelHalfFloats {
    static constexpr int kColumns = 1;
    std::uint16_t values[kPanelRows];
};
static_assert(sizeof(PanelHalfFloats) == kPanelRows * 2);

/// Columns of PanelHalfFloats whose products are added up by themselves: shorter chains round less.
inline constexpr int kSumColumns = 32;

/// How a type is packed.
struct PackedFormat {
    TensorType type;
    int blockColumns;
    std::size_t blockBytes;  ///< of 16 rows times blockColumns
    /// Packs up to 16 rows into one panel.
    /// @param rows     `nRows` rows of the file, rowBytes apart
    /// @param nBlocks  columns / blockColumns
    /// @param out      nBlocks * blockBytes bytes
    void (*pack)(const std::byte* rows, std::size_t rowBytes, int nRows, int nBlocks,
                 std::byte* out);
};

/// Null for a type that is computed with as it lies in the file.
[[nodiscard]] const PackedFormat* packedFormat(TensorType type);

// What the kernel sets have for packed weights. Those of F16 and BF16 read floats. Their matmul
// reads MatmulArgs::weights as panels: rowBytes is a sixteenth of a panel's bytes, and the first
// row is a multiple of 16. Packed rows cannot be dequantized one by one: `dequantize` is null.
[[nodiscard]] const WeightKernels* scalarPackedKernels(TensorType type);
[[nodiscard]] const WeightKernels* avx2PackedKernels(TensorType type);
[[nodiscard]] const WeightKernels* avx512PackedKernels(TensorType type);

/// What avx2PackedKernels gives for F16 and BF16; null for others.
[[nodiscard]] const WeightKernels* avx2PackedHalfFloats(TensorType type);

}  // namespace conclave::engine
