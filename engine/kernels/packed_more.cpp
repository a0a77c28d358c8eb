// packed_more.cpp: brings more types into panels. Built without any set's flags.
#include "engine/kernels/packed_more.h"

#include <cstring>

#include "engine/kernels/quant_blocks.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {
namespace {

using Lines = std::uint8_t[4][kPanelRows][4];

/// 32 columns of a row as a block of 32 holds them: the low halves first.
void packLines(const std::uint8_t* nibbles, Lines& lines, int row) {
    for (int line = 0; line < 4; ++line) {
        std::memcpy(lines[line][row], nibbles + std::ptrdiff_t{4} * line, 4);
    }
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

void packRow(const BlockQ5_0& from, PanelQ5_0& panel, int row) {
    packLines(from.nibbles, panel.lines, row);
    packFifthBits(panel.high, row,
                  [&](int column) { return from.highBits[column / 8] >> column % 8 & 1; });
    panel.scales[row] = from.scale;
}

void packRow(const BlockQ5_K& from, PanelQ5_K& panel, int row) {
    panel.scale[row] = from.scale;
    panel.minScale[row] = from.minScale;
    std::uint8_t scales[8];
    std::uint8_t minima[8];
    unpackSixBits(from.scales, scales, minima);
    for (int i = 0; i < 8; ++i) {
        // Two neighbouring parts share 32 bytes: one has their low halves, one the high ones.
        std::uint8_t nibbles[16];
        for (int k = 0; k < 16; ++k) {
            const std::uint8_t* both = from.nibbles + std::ptrdiff_t{32} * (i / 2) + k;
            const int shift = i % 2 * 4;
            nibbles[k] =
                static_cast<std::uint8_t>((both[0] >> shift & 15) | (both[16] >> shift & 15) << 4);
        }
        packLines(nibbles, panel.parts[i].lines, row);
        packFifthBits(panel.parts[i].high, row,
                      [&](int column) { return from.highBits[column] >> i & 1; });
        panel.parts[i].scales[row] = scales[i];
        panel.parts[i].minima[row] = minima[i];
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

template <typename Block, typename Panel>
void packMore(const std::byte* rows, std::size_t rowBytes, int nRows, int nBlocks, std::byte* out) {
    auto* panels = reinterpret_cast<Panel*>(out);
    std::memset(panels, 0, static_cast<std::size_t>(nBlocks) * sizeof(Panel));
    for (int row = 0; row < nRows; ++row) {
        const auto* blocks =
            reinterpret_cast<const Block*>(rows + static_cast<std::size_t>(row) * rowBytes);
        for (int block = 0; block < nBlocks; ++block) packRow(blocks[block], panels[block], row);
    }
}

template <typename Block, typename Panel>
constexpr PackedFormat format(TensorType type) {
    return {type, Panel::kColumns, sizeof(Panel), packMore<Block, Panel>};
}

constexpr PackedFormat kMoreFormats[] = {
    format<BlockQ5_0, PanelQ5_0>(TensorType::Q5_0),
    format<BlockQ5_K, PanelQ5_K>(TensorType::Q5_K),
    format<BlockIQ4_NL, PanelIQ4_NL>(TensorType::IQ4_NL),
    format<BlockIQ4_XS, PanelIQ4_XS>(TensorType::IQ4_XS),
    format<BlockMXFP4, PanelMXFP4>(TensorType::MXFP4),
};

}  // namespace

const PackedFormat* packedFormatMore(TensorType type) {
    for (const PackedFormat& known : kMoreFormats) {
        if (known.type == type) return &known;
    }
    return nullptr;
}

}  // namespace conclave::engine
