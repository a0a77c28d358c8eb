// packed.cpp: brings weights into panels. Built without any set's flags.
#include "engine/kernels/packed.h"

#include <cstring>

#include "engine/kernels/quant_blocks.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {
namespace {

// ------------------------------------------------------------------------------- parts of a row

/// 32 columns of a row as a block of 32 holds them: the first 16 in the low halves.
void packLines(const std::uint8_t* nibbles, PanelHalfBytes& lines, int row) {
    for (int line = 0; line < 4; ++line) {
        std::memcpy(lines[line][row], nibbles + std::ptrdiff_t{4} * line, 4);
    }
}

// Several bytes in one register: models wait for this, and byte by byte it takes ten times as long.

template <typename Word>
Word wordAt(const void* bytes) {
    Word word;
    std::memcpy(&word, bytes, sizeof(word));
    return word;
}

constexpr std::size_t kCacheLineBytes = 64;
constexpr std::uint32_t kLowBits = 0x01010101U;  ///< of each byte

/// 32 columns of a row as a block of 256 holds them: in halves of 32 bytes that two parts share.
/// @param shift  of the part's half: 0 or 4
void packLines(const std::uint8_t* bytes, int shift, PanelHalfBytes& lines, int row) {
    constexpr std::uint32_t kHalves = 15 * kLowBits;
    for (int line = 0; line < 4; ++line) {
        const std::uint8_t* first = bytes + std::ptrdiff_t{4} * line;
        const std::uint32_t low = wordAt<std::uint32_t>(first) >> shift & kHalves;
        const std::uint32_t high = wordAt<std::uint32_t>(first + 16) >> shift & kHalves;
        const std::uint32_t both = low | high << 4;
        std::memcpy(lines[line][row], &both, sizeof(both));
    }
}

/// @param bits  the fifth bit of each of 32 columns
void packFifthBits(std::uint32_t bits, PanelFifthBits& high, int row) {
    // Every fourth column of 16, in each of four 16-bit lanes, moved to every second bit of a byte.
    const auto spread = [](std::uint64_t half) {
        std::uint64_t lanes =
            (half | half >> 1 << 16 | half >> 2 << 32 | half >> 3 << 48) & 0x1111111111111111U;
        lanes = (lanes | lanes >> 2) & 0x0505050505050505U;
        return (lanes | lanes >> 4) & 0x0055005500550055U;
    };
    std::uint64_t lanes = spread(bits & 0xffffU) | spread(bits >> 16) << 1;
    lanes = (lanes | lanes >> 8) & 0x0000ffff0000ffffU;
    const auto bytes = static_cast<std::uint32_t>(lanes | lanes >> 16);
    std::memcpy(high[row], &bytes, sizeof(bytes));
}

/// @param bytes  of each of 32 columns, the fifth bit is bit `shift`
void packFifthBits(const std::uint8_t* bytes, int shift, PanelFifthBits& high, int row) {
    std::uint32_t all = 0;
    for (int line = 0; line < 4; ++line) {
        const std::uint8_t* first = bytes + std::ptrdiff_t{4} * line;
        all |= (wordAt<std::uint32_t>(first) >> shift & kLowBits) << (2 * line) |
               (wordAt<std::uint32_t>(first + 16) >> shift & kLowBits) << (2 * line + 1);
    }
    std::memcpy(high[row], &all, sizeof(all));
}

/// @param bytes    with two bits of each of 32 columns, from bit 2 * quarter on
void packPairs(const std::uint8_t* bytes, int quarter, PanelPairs& pairs, int row) {
    // Bits 0-1 of columns 4k to 4k + 3, bits 2-3 of those 16 further on.
    const auto both = [&](int k) {
        const std::uint8_t* first = bytes + std::ptrdiff_t{4} * k;
        constexpr std::uint32_t kPairs = 3 * kLowBits;
        return (wordAt<std::uint32_t>(first) >> (2 * quarter) & kPairs) |
               (wordAt<std::uint32_t>(first + 16) >> (2 * quarter) & kPairs) << 2;
    };
    for (int line = 0; line < 2; ++line) {
        const std::uint32_t four = both(2 * line) | both(2 * line + 1) << 4;
        std::memcpy(pairs[line][row], &four, sizeof(four));
    }
}

/// Scales, minima and lines of Q4_K and Q5_K.
template <typename Block, typename Panel>
void packWithMinima(const Block& from, Panel& panel, int row) {
    panel.scale[row] = from.scale;
    panel.minScale[row] = from.minScale;
    std::uint8_t scales[8];
    std::uint8_t minima[8];
    unpackSixBits(from.scales, scales, minima);
    for (int i = 0; i < 8; ++i) {
        packLines(from.nibbles + std::ptrdiff_t{32} * (i / 2), i % 2 * 4, panel.parts[i].lines,
                  row);
        panel.parts[i].scales[row] = scales[i];
        panel.parts[i].minima[row] = minima[i];
    }
}

// ------------------------------------------------------------------------- one block of each type

void packRow(const BlockQ8_0& from, PanelQ8_0& panel, int row) {
    for (int line = 0; line < 8; ++line) {
        std::memcpy(panel.lines[line][row], from.values + std::ptrdiff_t{4} * line, 4);
    }
    panel.scales[row] = from.scale;
}

void packRow(const BlockQ4_0& from, PanelQ4_0& panel, int row) {
    packLines(from.nibbles, panel.lines, row);
    panel.scales[row] = from.scale;
}

void packRow(const BlockQ4_1& from, PanelQ4_1& panel, int row) {
    packLines(from.nibbles, panel.lines, row);
    panel.scales[row] = from.scale;
    panel.minima[row] = from.minimum;
}

void packRow(const BlockQ5_0& from, PanelQ5_0& panel, int row) {
    packLines(from.nibbles, panel.lines, row);
    packFifthBits(wordAt<std::uint32_t>(from.highBits), panel.high, row);
    panel.scales[row] = from.scale;
}

void packRow(const BlockQ5_1& from, PanelQ5_1& panel, int row) {
    packLines(from.nibbles, panel.lines, row);
    packFifthBits(wordAt<std::uint32_t>(from.highBits), panel.high, row);
    panel.scales[row] = from.scale;
    panel.minima[row] = from.minimum;
}

void packRow(const BlockQ2_K& from, PanelQ2_K& panel, int row) {
    panel.scale[row] = from.scale;
    panel.minScale[row] = from.minScale;
    for (int i = 0; i < 8; ++i) {
        PanelQ2_K::Part& part = panel.parts[i];
        packPairs(from.pairs + std::ptrdiff_t{32} * (i / 4), i % 4, part.pairs, row);
        part.scales[0][row] = from.scales[2 * i];
        part.scales[1][row] = from.scales[2 * i + 1];
    }
}

void packRow(const BlockQ3_K& from, PanelQ3_K& panel, int row) {
    panel.scale[row] = from.scale;
    std::int8_t scales[16];
    unpackScales(from, scales);
    for (int i = 0; i < 8; ++i) {
        PanelQ3_K::Part& part = panel.parts[i];
        packPairs(from.pairs + std::ptrdiff_t{32} * (i / 4), i % 4, part.pairs, row);
        packFifthBits(from.highBits, i, part.high, row);
        part.scales[0][row] = scales[2 * i];
        part.scales[1][row] = scales[2 * i + 1];
    }
}

void packRow(const BlockQ4_K& from, PanelQ4_K& panel, int row) { packWithMinima(from, panel, row); }

void packRow(const BlockQ5_K& from, PanelQ5_K& panel, int row) {
    packWithMinima(from, panel, row);
    for (int i = 0; i < 8; ++i) {
        packFifthBits(from.highBits, i, panel.parts[i].high, row);
    }
}

void packRow(const BlockQ6_K& from, PanelQ6_K& panel, int row) {
    panel.scale[row] = from.scale;
    for (int i = 0; i < 8; ++i) {
        PanelQ6_K::Part& part = panel.parts[i];
        const std::ptrdiff_t half = i / 4;
        const int quarter = i % 4;
        packLines(from.nibbles + 64 * half + 32 * (quarter % 2), quarter / 2 * 4, part.lines, row);
        packPairs(from.highPairs + 32 * half, quarter, part.high, row);
        part.scales[0][row] = from.scales[2 * i];
        part.scales[1][row] = from.scales[2 * i + 1];
    }
}

void packRow(const BlockIQ4_NL& from, PanelIQ4_NL& panel, int row) {
    packLines(from.nibbles, panel.lines, row);
    panel.scales[row] = from.scale;
}

void packRow(const BlockIQ4_XS& from, PanelIQ4_XS& panel, int row) {
    panel.scale[row] = from.scale;
    for (int i = 0; i < 8; ++i) {
        packLines(from.nibbles + std::ptrdiff_t{16} * i, panel.parts[i].lines, row);
        const int low = from.scalesLow[i / 2] >> (i % 2 * 4) & 15;
        const int high = from.scalesHigh >> (2 * i) & 3;
        panel.parts[i].scales[row] = static_cast<std::int8_t>((low | high << 4) - 32);
    }
}

void packRow(const BlockMXFP4& from, PanelMXFP4& panel, int row) {
    packLines(from.nibbles, panel.lines, row);
    panel.exponents[row] = from.exponent;
}

// ------------------------------------------------------------------------------------- all types

void packHalfFloats(const std::byte* rows, std::size_t rowBytes, int nRows, int nColumns,
                    std::byte* out) {
    auto* panels = reinterpret_cast<PanelHalfFloats*>(out);
    if (nRows < kPanelRows) {
        std::memset(panels, 0, static_cast<std::size_t>(nColumns) * sizeof(PanelHalfFloats));
    }
    // A cache line of each row at a time.
    constexpr int kStep = 32;
    for (int first = 0; first < nColumns; first += kStep) {
        const int end = first + kStep < nColumns ? first + kStep : nColumns;
        for (int row = 0; row < nRows; ++row) {
            const std::byte* values = rows + static_cast<std::size_t>(row) * rowBytes;
            for (int column = first; column < end; ++column) {
                std::memcpy(&panels[column].values[row],
                            values + sizeof(std::uint16_t) * static_cast<std::size_t>(column),
                            sizeof(std::uint16_t));
            }
        }
    }
}

template <typename Block, typename Panel>
void pack(const std::byte* rows, std::size_t rowBytes, int nRows, int nBlocks, std::byte* out) {
    auto* panels = reinterpret_cast<Panel*>(out);
    if (nRows < kPanelRows) {
        std::memset(panels, 0, static_cast<std::size_t>(nBlocks) * sizeof(Panel));
    }
    const std::byte* next = rows + kPanelRows * rowBytes;
    for (int block = 0; block < nBlocks; ++block) {
        // The next panel's rows in the order of the file, since so many at once as here are more
        // than the CPU foresees by itself. Beyond the last one nothing happens.
        for (std::size_t i = 0; i < kPanelRows * sizeof(Block); i += kCacheLineBytes) {
            __builtin_prefetch(next + i);
        }
        next += kPanelRows * sizeof(Block);
        for (int row = 0; row < nRows; ++row) {
            const auto* blocks =
                reinterpret_cast<const Block*>(rows + static_cast<std::size_t>(row) * rowBytes);
            packRow(blocks[block], panels[block], row);
        }
    }
}

template <typename Block, typename Panel>
constexpr PackedFormat format(TensorType type) {
    return {type, Panel::kColumns, sizeof(Panel), pack<Block, Panel>};
}

constexpr PackedFormat kFormats[] = {
    format<BlockQ8_0, PanelQ8_0>(TensorType::Q8_0),
    format<BlockQ4_0, PanelQ4_0>(TensorType::Q4_0),
    format<BlockQ4_1, PanelQ4_1>(TensorType::Q4_1),
    format<BlockQ5_0, PanelQ5_0>(TensorType::Q5_0),
    format<BlockQ5_1, PanelQ5_1>(TensorType::Q5_1),
    format<BlockQ2_K, PanelQ2_K>(TensorType::Q2_K),
    format<BlockQ3_K, PanelQ3_K>(TensorType::Q3_K),
    format<BlockQ4_K, PanelQ4_K>(TensorType::Q4_K),
    format<BlockQ5_K, PanelQ5_K>(TensorType::Q5_K),
    format<BlockQ6_K, PanelQ6_K>(TensorType::Q6_K),
    format<BlockIQ4_NL, PanelIQ4_NL>(TensorType::IQ4_NL),
    format<BlockIQ4_XS, PanelIQ4_XS>(TensorType::IQ4_XS),
    format<BlockMXFP4, PanelMXFP4>(TensorType::MXFP4),
    {TensorType::F16, 1, sizeof(PanelHalfFloats), packHalfFloats},
    {TensorType::BF16, 1, sizeof(PanelHalfFloats), packHalfFloats},
};

}  // namespace

const PackedFormat* packedFormat(TensorType type) {
    for (const PackedFormat& known : kFormats) {
        if (known.type == type) return &known;
    }
    return nullptr;
}

}  // namespace conclave::engine
