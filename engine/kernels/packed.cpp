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

/// 32 columns of a row as a block of 256 holds them: in halves of 32 bytes that two parts share.
/// @param shift  of the part's half: 0 or 4
void packLines(const std::uint8_t* bytes, int shift, PanelHalfBytes& lines, int row) {
    std::uint8_t nibbles[16];
    for (int k = 0; k < 16; ++k) {
        nibbles[k] = static_cast<std::uint8_t>((bytes[k] >> shift & 15) |
                                               (bytes[16 + k] >> shift & 15) << 4);
    }
    packLines(nibbles, lines, row);
}

/// @param bit  the fifth bit of a column
template <typename Bit>
void packFifthBits(PanelFifthBits& high, int row, const Bit& bit) {
    for (int column = 0; column < 32; ++column) {
        const int place = column % 16 / 4 * 2 + column / 16;
        high[row][column % 4] =
            static_cast<std::uint8_t>(high[row][column % 4] | bit(column) << place);
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

void packRow(const BlockQ5_0& from, PanelQ5_0& panel, int row) {
    packLines(from.nibbles, panel.lines, row);
    packFifthBits(panel.high, row,
                  [&](int column) { return from.highBits[column / 8] >> column % 8 & 1; });
    panel.scales[row] = from.scale;
}

void packRow(const BlockQ4_K& from, PanelQ4_K& panel, int row) { packWithMinima(from, panel, row); }

void packRow(const BlockQ5_K& from, PanelQ5_K& panel, int row) {
    packWithMinima(from, panel, row);
    for (int i = 0; i < 8; ++i) {
        packFifthBits(panel.parts[i].high, row,
                      [&](int column) { return from.highBits[column] >> i & 1; });
    }
}

void packRow(const BlockQ6_K& from, PanelQ6_K& panel, int row) {
    panel.scale[row] = from.scale;
    for (int i = 0; i < 8; ++i) {
        PanelQ6_K::Part& part = panel.parts[i];
        const std::ptrdiff_t half = i / 4;
        const int quarter = i % 4;
        packLines(from.nibbles + 64 * half + 32 * (quarter % 2), quarter / 2 * 4, part.lines, row);
        const std::uint8_t* pairs = from.highPairs + 32 * half;
        std::uint8_t high[16];  // of columns k and 16 + k: bits 0-1 and 2-3
        for (int k = 0; k < 16; ++k) {
            high[k] = static_cast<std::uint8_t>((pairs[k] >> 2 * quarter & 3) |
                                                (pairs[16 + k] >> 2 * quarter & 3) << 2);
        }
        for (int k = 0; k < 8; ++k) {
            const std::uint8_t* even = high + k / 4 * 8 + k % 4;
            part.high[k / 4][row][k % 4] = static_cast<std::uint8_t>(even[0] | even[4] << 4);
        }
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

void packBF16(const std::byte* rows, std::size_t rowBytes, int nRows, int nColumns,
              std::byte* out) {
    auto* panels = reinterpret_cast<PanelBF16*>(out);
    if (nRows < kPanelRows) {
        std::memset(panels, 0, static_cast<std::size_t>(nColumns) * sizeof(PanelBF16));
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
    std::memset(panels, 0, static_cast<std::size_t>(nBlocks) * sizeof(Panel));
    for (int block = 0; block < nBlocks; ++block) {
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
    format<BlockQ5_0, PanelQ5_0>(TensorType::Q5_0),
    format<BlockQ4_K, PanelQ4_K>(TensorType::Q4_K),
    format<BlockQ5_K, PanelQ5_K>(TensorType::Q5_K),
    format<BlockQ6_K, PanelQ6_K>(TensorType::Q6_K),
    format<BlockIQ4_NL, PanelIQ4_NL>(TensorType::IQ4_NL),
    format<BlockIQ4_XS, PanelIQ4_XS>(TensorType::IQ4_XS),
    format<BlockMXFP4, PanelMXFP4>(TensorType::MXFP4),
    {TensorType::BF16, 1, sizeof(PanelBF16), packBF16},
};

}  // namespace

const PackedFormat* packedFormat(TensorType type) {
    for (const PackedFormat& known : kFormats) {
        if (known.type == type) return &known;
    }
    return nullptr;
}

}  // namespace conclave::engine
