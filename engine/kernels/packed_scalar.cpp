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

int fifthBit(const PanelFifthBits& high, int row, int column) {
    return high[row][column % 4] >> (column % 16 / 4 * 2 + column / 16) & 1;
}
int fiveBits(const PanelFifthBits& high, int row, int nibble, int column) {
    return nibble | fifthBit(high, row, column) << 4;
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

/// Two bits of PanelPairs.
int pairOf(const PanelPairs& pairs, int row, int column) {
    const int line = column % 16 / 4;
    return pairs[line / 2][row][column % 4] >> (line % 2 * 4 + column / 16 * 2) & 3;
}

/// As dot, of one of two groups of 16 columns; weight(column) is a column's integer.
template <typename Weight>
int groupDot(int group, const std::int8_t* x, const Weight& weight) {
    constexpr int kGroup = 16;
    int sum = 0;
    for (int i = kGroup * group; i < kGroup * (group + 1); ++i) sum += weight(i) * x[i];
    return sum;
}

/// Of types with two signed scales.
template <typename Panel, typename Weight>
float addGroups(float sum, const Panel& panel, const typename Panel::Part& part, int row,
                const TokenBlock& x, const Weight& weight) {
    for (int group = 0; group < 2; ++group) {
        sum += static_cast<float>(groupDot(group, x.values, weight)) * x.scale *
               (fromHalfBits(panel.scale[row]) * static_cast<float>(part.scales[group][row]));
    }
    return sum;
}

float addBlock(float sum, const PanelQ6_K* panels, int row, int block, const TokenBlock& x) {
    const PanelQ6_K::Part& part = panels[block / 8].parts[block % 8];
    return addGroups(sum, panels[block / 8], part, row, x, [&](int i) {
        const int low = part.lines[i % 16 / 4][row][i % 4] >> (i / 16 * 4) & 15;
        return (low | pairOf(part.high, row, i) << 4) - 32;
    });
}

float addBlock(float sum, const PanelQ3_K* panels, int row, int block, const TokenBlock& x) {
    const PanelQ3_K::Part& part = panels[block / 8].parts[block % 8];
    return addGroups(sum, panels[block / 8], part, row, x, [&](int i) {
        return (pairOf(part.pairs, row, i) | fifthBit(part.high, row, i) << 2) - 4;
    });
}

float addBlock(float sum, const PanelQ2_K* panels, int row, int block, const TokenBlock& x) {
    const PanelQ2_K& panel = panels[block / 8];
    const PanelQ2_K::Part& part = panel.parts[block % 8];
    for (int group = 0; group < 2; ++group) {
        const int product =
            groupDot(group, x.values, [&](int i) { return pairOf(part.pairs, row, i); });
        const int total = groupDot(group, x.values, [](int) { return 1; });
        const int both = part.scales[group][row];
        sum += static_cast<float>(product) * x.scale *
               (fromHalfBits(panel.scale[row]) * static_cast<float>(both & 15));
        sum -= static_cast<float>(total) * x.scale *
               (fromHalfBits(panel.minScale[row]) * static_cast<float>(both >> 4));
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

/// Of blocks of 32 with a scale and a minimum.
template <typename Panel>
float addWithMinimum(float sum, const Panel& panel, int row, int product, const TokenBlock& x) {
    sum += static_cast<float>(product) * x.scale * fromHalfBits(panel.scales[row]);
    return sum + static_cast<float>(x.sum) * x.scale * fromHalfBits(panel.minima[row]);
}

float addBlock(float sum, const PanelQ4_1* panels, int row, int block, const TokenBlock& x) {
    const PanelQ4_1& panel = panels[block];
    const int product = lineDot(panel.lines, row, x.values, [](int nibble, int) { return nibble; });
    return addWithMinimum(sum, panel, row, product, x);
}

float addBlock(float sum, const PanelQ5_1* panels, int row, int block, const TokenBlock& x) {
    const PanelQ5_1& panel = panels[block];
    const int product = lineDot(panel.lines, row, x.values, [&](int nibble, int column) {
        return fiveBits(panel.high, row, nibble, column);
    });
    return addWithMinimum(sum, panel, row, product, x);
}

/// Of blocks of 256 with minima; `product` is the part's.
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

/// @param valueOf  what 16 bits mean
template <float (*valueOf)(std::uint16_t)>
void matmulHalfFloats(const MatmulArgs& args) {
    for (int row = 0; row < args.nRows; ++row) {
        const auto* panels = reinterpret_cast<const PanelHalfFloats*>(
            args.weights + static_cast<std::size_t>(row / kPanelRows * kPanelRows) * args.rowBytes);
        for (int token = 0; token < args.nTokens; ++token) {
            const auto* x = static_cast<const float*>(args.inputs[token]);
            float total = 0.0f;
            for (int first = 0; first < args.nColumns; first += kSumColumns) {
                float sum = 0.0f;
                for (int i = first; i < args.nColumns && i < first + kSumColumns; ++i) {
                    sum += valueOf(panels[i].values[row % kPanelRows]) * x[i];
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
    {TensorType::Q4_1, ActivationFormat::Int8Blocks, matmul<PanelQ4_1>, nullptr},
    {TensorType::Q5_1, ActivationFormat::Int8Blocks, matmul<PanelQ5_1>, nullptr},
    {TensorType::Q2_K, ActivationFormat::Int8Blocks, matmul<PanelQ2_K>, nullptr},
    {TensorType::Q3_K, ActivationFormat::Int8Blocks, matmul<PanelQ3_K>, nullptr},
    {TensorType::Q4_K, ActivationFormat::Int8Blocks, matmul<PanelQ4_K>, nullptr},
    {TensorType::Q6_K, ActivationFormat::Int8Blocks, matmul<PanelQ6_K>, nullptr},
    {TensorType::Q5_0, ActivationFormat::Int8Blocks, matmul<PanelQ5_0>, nullptr},
    {TensorType::Q5_K, ActivationFormat::Int8Blocks, matmul<PanelQ5_K>, nullptr},
    {TensorType::IQ4_NL, ActivationFormat::Int8Blocks, matmul<PanelIQ4_NL>, nullptr},
    {TensorType::IQ4_XS, ActivationFormat::Int8Blocks, matmul<PanelIQ4_XS>, nullptr},
    {TensorType::MXFP4, ActivationFormat::Int8Blocks, matmul<PanelMXFP4>, nullptr},
    {TensorType::F16, ActivationFormat::Float32, matmulHalfFloats<fromHalfBits>, nullptr},
    {TensorType::BF16, ActivationFormat::Float32, matmulHalfFloats<fromBFloatBits>, nullptr},
};

}  // namespace

const WeightKernels* scalarPackedKernels(TensorType type) {
    for (const WeightKernels& kernels : kTypes) {
        if (kernels.type == type) return &kernels;
    }
    return nullptr;
}

}  // namespace conclave::engine
