// packed.cpp: brings weights into panels. Built without any set's flags.
#include "engine/kernels/packed.h"

#include <cstring>

#include "engine/kernels/quant_blocks.h"

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

constexpr PackedFormat kFormats[] = {
    {TensorType::Q8_0, PanelQ8_0::kColumns, sizeof(PanelQ8_0), packQ8_0},
    {TensorType::Q4_0, PanelQ4_0::kColumns, sizeof(PanelQ4_0), packQ4_0},
};

}  // namespace

const PackedFormat* packedFormat(TensorType type) {
    for (const PackedFormat& format : kFormats) {
        if (format.type == type) return &format;
    }
    return nullptr;
}

}  // namespace conclave::engine
