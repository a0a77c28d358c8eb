// packed_scalar.cpp: products of packed weights, the readable reference.
#include "engine/kernels/packed.h"

namespace conclave::engine {
namespace {

float fromHalf(std::uint16_t half) {
    float value = 0.0f;
    scalarKernels()
        .find(TensorType::F16)
        ->dequantize(reinterpret_cast<const std::byte*>(&half), 1, &value);
    return value;
}

/// A token in ActivationFormat::Int8Blocks, at one of its blocks.
struct TokenBlock {
    TokenBlock(const void* token, int nBlocks, int block) {
        const auto* scales = static_cast<const float*>(token);
        scale = scales[block];
        values = reinterpret_cast<const std::int8_t*>(scales + 2 * nBlocks) +
                 std::ptrdiff_t{kActivationBlock} * block;
    }
    float scale;
    const std::int8_t* values;
};

// dot: sum of products of a panel's row with 32 activations, without the scales.

int dot(const PanelQ8_0& panel, int row, const std::int8_t* x) {
    int sum = 0;
    for (int i = 0; i < kActivationBlock; ++i) sum += panel.lines[i / 4][row][i % 4] * x[i];
    return sum;
}

int dot(const PanelQ4_0& panel, int row, const std::int8_t* x) {
    int sum = 0;
    for (int i = 0; i < kActivationBlock / 2; ++i) {
        const int both = panel.lines[i / 4][row][i % 4];
        sum += ((both & 15) - 8) * x[i] + ((both >> 4) - 8) * x[i + kActivationBlock / 2];
    }
    return sum;
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
                const TokenBlock x(args.inputs[token], nBlocks, block);
                const int product = dot(panels[block], row % kPanelRows, x.values);
                sum += static_cast<float>(product) * x.scale *
                       fromHalf(panels[block].scales[row % kPanelRows]);
            }
            args.outputs[token][row] = sum;
        }
    }
}

constexpr WeightKernels kTypes[] = {
    {TensorType::Q8_0, ActivationFormat::Int8Blocks, matmul<PanelQ8_0>, nullptr},
    {TensorType::Q4_0, ActivationFormat::Int8Blocks, matmul<PanelQ4_0>, nullptr},
};

}  // namespace

const WeightKernels* scalarPackedKernels(TensorType type) {
    for (const WeightKernels& kernels : kTypes) {
        if (kernels.type == type) return &kernels;
    }
    return nullptr;
}

}  // namespace conclave::engine
