// packed.cpp: brings weights into panels. Built without any set's flags.
#include "engine/kernels/packed.h"

#include <cstring>

#include "engine/kernels/packed_more.h"
#include "engine/kernels/quant_blocks.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {
namespace {

template <typename Block>
const Block& blockOf(const std::byte* rows, std::size_t rowBytes, int row, int block) {
    return reinterpret_cast<const Block*>(rows + static_cast<std::size_t>(row) * rowBytes)[block];
}

void packQ8_0(const std::byte* rows, std::size_t rowBytes, int nRows, int nBlocks, std::byte* out) {
    auto* panels = reinterpret_cast<PanelQ8_0*>(out);
    std::memset(panels, 0, static_cast<std::size_t>(nBlocks) * sizeof(PanelQ8_0));
    for (int block = 0; block < nBlocks; ++block) {
        PanelQ8_0& panel = panels[block];
        for (int row = 0; row < nRows; ++row) {
            const auto& from = blockOf<BlockQ8_0>(rows, rowBytes, row, block);
            for (int line = 0; line < 8; ++line) {
                std::memcpy(panel.lines[line][row], from.values + std::ptrdiff_t{4} * line, 4);
            }
            panel.scales[row] = from.scale;
        }
    }
}

void packQ4_0(const std::byte* rows, std::size_t rowBytes, int nRows, int nBlocks, std::byte* out) {
    auto* panels = reinterpret_cast<PanelQ4_0*>(out);
    std::memset(panels, 0, static_cast<std::size_t>(nBlocks) * sizeof(PanelQ4_0));
    for (int block = 0; block < nBlocks; ++block) {
        PanelQ4_0& panel = panels[block];
        for (int row = 0; row < nRows; ++row) {
            const auto& from = blockOf<BlockQ4_0>(rows, rowBytes, row, block);
            for (int line = 0; line < 4; ++line) {
                std::memcpy(panel.lines[line][row], from.nibbles + std::ptrdiff_t{4} * line, 4);
            }
            panel.scales[row] = from.scale;
        }
    }
}

/// The file has weights of two neighbouring parts in the halves of a byte, 32 bytes for 64 columns;
/// a panel has the first and the second 16 columns of one part there.
void packPair(const std::uint8_t* nibbles, PanelQ4_K::Part* parts, int row) {
    std::uint8_t first[16];
    std::uint8_t second[16];
    for (int k = 0; k < 16; ++k) {
        const int low = nibbles[k];
        const int high = nibbles[16 + k];
        first[k] = static_cast<std::uint8_t>((low & 15) | (high & 15) << 4);
        second[k] = static_cast<std::uint8_t>(low >> 4 | (high & 0xF0));
    }
    for (int line = 0; line < 4; ++line) {
        std::memcpy(parts[0].lines[line][row], first + std::ptrdiff_t{4} * line, 4);
        std::memcpy(parts[1].lines[line][row], second + std::ptrdiff_t{4} * line, 4);
    }
}

void packQ4_K(const std::byte* rows, std::size_t rowBytes, int nRows, int nBlocks, std::byte* out) {
    auto* panels = reinterpret_cast<PanelQ4_K*>(out);
    std::memset(panels, 0, static_cast<std::size_t>(nBlocks) * sizeof(PanelQ4_K));
    for (int block = 0; block < nBlocks; ++block) {
        PanelQ4_K& panel = panels[block];
        for (int row = 0; row < nRows; ++row) {
            const auto& from = blockOf<BlockQ4_K>(rows, rowBytes, row, block);
            panel.scale[row] = from.scale;
            panel.minScale[row] = from.minScale;
            std::uint8_t scales[8];
            std::uint8_t minima[8];
            unpackSixBits(from.scales, scales, minima);
            for (int i = 0; i < 8; ++i) {
                if (i % 2 == 0) packPair(from.nibbles + 16 * i, panel.parts + i, row);
                panel.parts[i].scales[row] = scales[i];
                panel.parts[i].minima[row] = minima[i];
            }
        }
    }
}

/// One part of a row: 32 weights, whose lower bits are in halves of 32 bytes of `nibbles` and whose
/// upper ones are pairs in 32 bytes of `pairs`.
void packPart(const std::uint8_t* nibbles, int nibbleShift, const std::uint8_t* pairs,
              int pairShift, PanelQ6_K::Part& part, int row) {
    std::uint8_t low[16];
    std::uint8_t high[16];  // of columns k and 16 + k: bits 0-1 and 2-3
    for (int k = 0; k < 16; ++k) {
        low[k] = static_cast<std::uint8_t>((nibbles[k] >> nibbleShift & 15) |
                                           (nibbles[16 + k] >> nibbleShift & 15) << 4);
        high[k] = static_cast<std::uint8_t>((pairs[k] >> pairShift & 3) |
                                            (pairs[16 + k] >> pairShift & 3) << 2);
    }
    for (int line = 0; line < 4; ++line) {
        std::memcpy(part.lines[line][row], low + std::ptrdiff_t{4} * line, 4);
    }
    for (int i = 0; i < 8; ++i) {
        const std::uint8_t* even = high + i / 4 * 8 + i % 4;
        part.high[i / 4][row][i % 4] = static_cast<std::uint8_t>(even[0] | even[4] << 4);
    }
}

void packQ6_K(const std::byte* rows, std::size_t rowBytes, int nRows, int nBlocks, std::byte* out) {
    auto* panels = reinterpret_cast<PanelQ6_K*>(out);
    std::memset(panels, 0, static_cast<std::size_t>(nBlocks) * sizeof(PanelQ6_K));
    for (int block = 0; block < nBlocks; ++block) {
        PanelQ6_K& panel = panels[block];
        for (int row = 0; row < nRows; ++row) {
            const auto& from = blockOf<BlockQ6_K>(rows, rowBytes, row, block);
            panel.scale[row] = from.scale;
            for (int i = 0; i < 8; ++i) {
                const std::ptrdiff_t half = i / 4;
                const int quarter = i % 4;
                packPart(from.nibbles + 64 * half + 32 * (quarter % 2), quarter / 2 * 4,
                         from.highPairs + 32 * half, 2 * quarter, panel.parts[i], row);
                panel.parts[i].scales[0][row] = from.scales[2 * i];
                panel.parts[i].scales[1][row] = from.scales[2 * i + 1];
            }
        }
    }
}

constexpr PackedFormat kFormats[] = {
    {TensorType::Q8_0, PanelQ8_0::kColumns, sizeof(PanelQ8_0), packQ8_0},
    {TensorType::Q4_0, PanelQ4_0::kColumns, sizeof(PanelQ4_0), packQ4_0},
    {TensorType::Q4_K, PanelQ4_K::kColumns, sizeof(PanelQ4_K), packQ4_K},
    {TensorType::Q6_K, PanelQ6_K::kColumns, sizeof(PanelQ6_K), packQ6_K},
};

}  // namespace

const PackedFormat* packedFormat(TensorType type) {
    for (const PackedFormat& format : kFormats) {
        if (format.type == type) return &format;
    }
    return packedFormatMore(type);
}

}  // namespace conclave::engine
