// packed_scalar.cpp: products of packed weights, the readable reference.
#include <bit>
#include <cstdint>

#include "engine/kernels/packed.h"
#include "engine/kernels/quant_blocks.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {
namespace {

/// A token in ActivationFormat::Int8Blocks, at one of its blocks.
struct TokenBlock {
    TokenBlock(const void* token, int nBlocks, int block) {
        const auto* scales = static_cast<const float*>(token);
        scale = scales[block];
        sum = reinterpret_cast<const std::int32_t*>(scales + nBlocks)[block];
        values = reinterpret_cast<const std::int8_t*>(scales + 2 * nBlocks) +
                 std::ptrdiff_t{kActivationBlock} * block;
    }
    float scale;
    std::int32_t sum;
    const std::int8_t* values;
};

// dot: sum of products of a panel's row with 32 activations, without the scales.

int dot(const PanelQ8_0& panel, int row, const std::int8_t* x) {
    int sum = 0;
    for (int i = 0; i < kActivationBlock; ++i) sum += panel.lines[i / 4][row][i % 4] * x[i];
    return sum;
}

/// As dot, of lines of nibbles, which `weight` turns into integers.
template <typename Weight>
int lineDot(const PanelHalfBytes& lines, int row, const std::int8_t* x, const Weight& weight) {
    int sum = 0;
    for (int i = 0; i < kActivationBlock; ++i) {
        const int nibble = lines[i % 16 / 4][row][i % 4] >> (i / 16 * 4) & 15;
        sum += weight(nibble, i) * x[i];
    }
    return sum;
}

/// A nibble and its fifth bit.
int fiveBits(const PanelFifthBits& high, int row, int nibble, int column) {
    const int place = column % 16 / 4 * 2 + column / 16;
    return nibble | (high[row][column % 4] >> place & 1) << 4;
}

// addBlock: sum += the products of one activation block with a row.

float addBlock(float sum, const PanelQ8_0* panels, int row, int block, const TokenBlock& x) {
    const PanelQ8_0& panel = panels[block];
    return sum + static_cast<float>(dot(panel, row, x.values)) * x.scale *
                     fromHalfBits(panel.scales[row]);
}

float addBlock(float sum, const PanelQ4_0* panels, int row, int block, const TokenBlock& x) {
    const PanelQ4_0& panel = panels[block];
    const int product =
        lineDot(panel.lines, row, x.values, [](int nibble, int) { return nibble - 8; });
    return sum + static_cast<float>(product) * x.scale * fromHalfBits(panel.scales[row]);
}

float addBlock(float sum, const PanelQ6_K* panels, int row, int block, const TokenBlock& x) {
    constexpr int kGroup = 16;
    const PanelQ6_K& panel = panels[block / 8];
    const PanelQ6_K::Part& part = panel.parts[block % 8];
    for (int group = 0; group < 2; ++group) {
        int product = 0;
        for (int i = 0; i < kGroup; ++i) {
            const int low = part.lines[i / 4][row][i % 4] >> (4 * group) & 15;
            const int high = part.high[i / 8][row][i % 4] >> (i / 4 % 2 * 4 + 2 * group) & 3;
            product += ((low | high << 4) - 32) * x.values[kGroup * group + i];
        }
        sum += static_cast<float>(product) * x.scale *
               (fromHalfBits(panel.scale[row]) * static_cast<float>(part.scales[group][row]));
    }
    return sum;
}

float addBlock(float sum, const PanelQ5_0* panels, int row, int block, const TokenBlock& x) {
    const PanelQ5_0& panel = panels[block];
    const int product = lineDot(panel.lines, row, x.values, [&](int nibble, int column) {
        return fiveBits(panel.high, row, nibble, column) - 16;
    });
    return sum + static_cast<float>(product) * x.scale * fromHalfBits(panel.scales[row]);
}

/// Of types with minima; `product` is the part's.
template <typename Panel>
float addWithMinima(float sum, const Panel& panel, const typename Panel::Part& part, int row,
                    int product, const TokenBlock& x) {
    const float scale = fromHalfBits(panel.scale[row]) * static_cast<float>(part.scales[row]);
    const float minimum = fromHalfBits(panel.minScale[row]) * static_cast<float>(part.minima[row]);
    sum += static_cast<float>(product) * x.scale * scale;
    return sum - static_cast<float>(x.sum) * x.scale * minimum;
}

float addBlock(float sum, const PanelQ4_K* panels, int row, int block, const TokenBlock& x) {
    const PanelQ4_K::Part& part = panels[block / 8].parts[block % 8];
    const int product = lineDot(part.lines, row, x.values, [](int nibble, int) { return nibble; });
    return addWithMinima(sum, panels[block / 8], part, row, product, x);
}

float addBlock(float sum, const PanelQ5_K* panels, int row, int block, const TokenBlock& x) {
    const PanelQ5_K::Part& part = panels[block / 8].parts[block % 8];
    const int product = lineDot(part.lines, row, x.values, [&](int nibble, int column) {
        return fiveBits(part.high, row, nibble, column);
    });
    return addWithMinima(sum, panels[block / 8], part, row, product, x);
}

float addBlock(float sum, const PanelIQ4_NL* panels, int row, int block, const TokenBlock& x) {
    const PanelIQ4_NL& panel = panels[block];
    const int product = lineDot(panel.lines, row, x.values,
                                [](int nibble, int) { return int{kIq4Levels[nibble]}; });
    return sum + static_cast<float>(product) * x.scale * fromHalfBits(panel.scales[row]);
}

float addBlock(float sum, const PanelIQ4_XS* panels, int row, int block, const TokenBlock& x) {
    const PanelIQ4_XS& panel = panels[block / 8];
    const PanelIQ4_XS::Part& part = panel.parts[block % 8];
    const int product =
        lineDot(part.lines, row, x.values, [](int nibble, int) { return int{kIq4Levels[nibble]}; });
    return sum + static_cast<float>(product) * x.scale *
                     (fromHalfBits(panel.scale[row]) * static_cast<float>(part.scales[row]));
}

float addBlock(float sum, const PanelMXFP4* panels, int row, int block, const TokenBlock& x) {
    const PanelMXFP4& panel = panels[block];
    const int product = lineDot(panel.lines, row, x.values,
                                [](int nibble, int) { return int{kMxfp4Levels[nibble]}; });
    // 2^(exponent - 128), see types/mxfp4.cpp.
    const std::uint32_t exponent = panel.exponents[row];
    const std::uint32_t bits = exponent < 2 ? 0x00200000U << exponent : (exponent - 1) << 23U;
    return sum + static_cast<float>(product) * x.scale * std::bit_cast<float>(bits);
}

template <typename Panel>
void matmul(const MatmulArgs& args) {
    const int nBlocks = args.nColumns / kActivationBlock;
    for (int row = 0; row < args.nRows; ++row) {
        const auto* panels = reinterpret_cast<const Panel*>(
            args.weights + static_cast<std::size_t>(row / kPanelRows * kPanelRows) * args.rowBytes);
        for (int token = 0; token < args.nTokens; ++token) {
            float sum = 0.0f;
            for (int block = 0; block < nBlocks; ++block) {
                sum = addBlock(sum, panels, row % kPanelRows, block,
                               TokenBlock(args.inputs[token], nBlocks, block));
            }
            args.outputs[token][row] = sum;
        }
    }
}

float fromBFloatBits(std::uint16_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

void matmulBF16(const MatmulArgs& args) {
    for (int row = 0; row < args.nRows; ++row) {
        const auto* panels = reinterpret_cast<const PanelBF16*>(
            args.weights + static_cast<std::size_t>(row / kPanelRows * kPanelRows) * args.rowBytes);
        for (int token = 0; token < args.nTokens; ++token) {
            const auto* x = static_cast<const float*>(args.inputs[token]);
            float total = 0.0f;
            for (int first = 0; first < args.nColumns; first += kSumColumns) {
                float sum = 0.0f;
                for (int i = first; i < args.nColumns && i < first + kSumColumns; ++i) {
                    sum += fromBFloatBits(panels[i].values[row % kPanelRows]) * x[i];
                }
                total += sum;
            }
            args.outputs[token][row] = total;
        }
    }
}

constexpr WeightKernels kTypes[] = {
    {TensorType::Q8_0, ActivationFormat::Int8Blocks, matmul<PanelQ8_0>, nullptr},
    {TensorType::Q4_0, ActivationFormat::Int8Blocks, matmul<PanelQ4_0>, nullptr},
    {TensorType::Q4_K, ActivationFormat::Int8Blocks, matmul<PanelQ4_K>, nullptr},
    {TensorType::Q6_K, ActivationFormat::Int8Blocks, matmul<PanelQ6_K>, nullptr},
    {TensorType::Q5_0, ActivationFormat::Int8Blocks, matmul<PanelQ5_0>, nullptr},
    {TensorType::Q5_K, ActivationFormat::Int8Blocks, matmul<PanelQ5_K>, nullptr},
    {TensorType::IQ4_NL, ActivationFormat::Int8Blocks, matmul<PanelIQ4_NL>, nullptr},
    {TensorType::IQ4_XS, ActivationFormat::Int8Blocks, matmul<PanelIQ4_XS>, nullptr},
    {TensorType::MXFP4, ActivationFormat::Int8Blocks, matmul<PanelMXFP4>, nullptr},
    {TensorType::BF16, ActivationFormat::Float32, matmulBF16, nullptr},
};

}  // namespace

const WeightKernels* scalarPackedKernels(TensorType type) {
    for (const WeightKernels& kernels : kTypes) {
        if (kernels.type == type) return &kernels;
    }
    return nullptr;
}

}  // namespace conclave::engine
