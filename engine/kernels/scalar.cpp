// scalar.cpp: the reference that the other kernel sets are compared with, in plain C++.
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/kernels/packed.h"
#include "engine/kernels/quant_blocks.h"

namespace conclave::engine {
namespace {

float fromHalf(std::uint16_t half) {
    const std::uint32_t sign = (half & 0x8000u) << 16;
    const std::uint32_t exponent = (half >> 10) & 0x1Fu;
    const std::uint32_t mantissa = half & 0x3FFu;
    if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
        const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
        return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t wide = exponent == 31 ? 255 : exponent + (127 - 15);
    return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

std::uint16_t halfOf(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (bits >> 16) & 0x8000u;
    const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) {  // NaN: keep it quiet, with the payload's upper bits
        return static_cast<std::uint16_t>(sign | 0x7E00u | ((magnitude >> 13) & 0x3FFu));
    }
    if (magnitude >= 0x477FF000u) return static_cast<std::uint16_t>(sign | 0x7C00u);
    if (magnitude < 0x38800000u) {  // subnormal: the addition rounds to a multiple of 2^-24
        const float rounded = std::bit_cast<float>(magnitude) + 0.5f;
        return static_cast<std::uint16_t>(
            sign | (std::bit_cast<std::uint32_t>(rounded) - std::bit_cast<std::uint32_t>(0.5f)));
    }
    const std::uint32_t even = (magnitude >> 13) & 1u;
    return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000u + 0xFFFu + even) >> 13));
}

template <typename T>
T at(const std::byte* bytes, int index) {
    T value;
    std::memcpy(&value, bytes + static_cast<std::size_t>(index) * sizeof(T), sizeof(T));
    return value;
}

// Weight types whose kernels multiply floats: each says how to read value i of a row.

struct F32 {
    static constexpr TensorType kType = TensorType::F32;
    static float value(const std::byte* row, int i) { return at<float>(row, i); }
};

struct F16 {
    static constexpr TensorType kType = TensorType::F16;
    static float value(const std::byte* row, int i) { return fromHalf(at<std::uint16_t>(row, i)); }
};

struct BF16 {
    static constexpr TensorType kType = TensorType::BF16;
    static float value(const std::byte* row, int i) {
        return std::bit_cast<float>(std::uint32_t{at<std::uint16_t>(row, i)} << 16);
    }
};

// Weight types in blocks of 32: each says how to read a block's scale and its integers.

struct Q8_0 {
    static constexpr TensorType kType = TensorType::Q8_0;
    static float block(const std::byte* row, int index, int* values) {
        const auto block = at<BlockQ8_0>(row, index);
        for (int i = 0; i < 32; ++i) values[i] = block.values[i];
        return fromHalf(block.scale);
    }
};

struct Q4_0 {
    static constexpr TensorType kType = TensorType::Q4_0;
    static float block(const std::byte* row, int index, int* values) {
        const auto block = at<BlockQ4_0>(row, index);
        for (int i = 0; i < 16; ++i) {
            values[i] = (block.nibbles[i] & 15) - 8;
            values[16 + i] = (block.nibbles[i] >> 4) - 8;
        }
        return fromHalf(block.scale);
    }
};

/// A token in ActivationFormat::Int8Blocks.
struct QuantizedToken {
    QuantizedToken(const void* data, int n)
        : scales(static_cast<const float*>(data)),
          values(reinterpret_cast<const std::int8_t*>(scales + 2 * (n / kActivationBlock))) {}
    const float* scales;
    const std::int8_t* values;
};

/// A row is unpacked once for all tokens; the sums run in order of columns.
template <typename Type>
void matmulFloat(const MatmulArgs& args) {
    std::vector<float> weights(static_cast<std::size_t>(args.nColumns));
    for (int row = 0; row < args.nRows; ++row) {
        const std::byte* packed = args.weights + static_cast<std::size_t>(row) * args.rowBytes;
        for (int i = 0; i < args.nColumns; ++i) {
            weights[static_cast<std::size_t>(i)] = Type::value(packed, i);
        }
        for (int token = 0; token < args.nTokens; ++token) {
            const auto* x = static_cast<const float*>(args.inputs[token]);
            float sum = 0.0f;
            for (int i = 0; i < args.nColumns; ++i) {
                sum += weights[static_cast<std::size_t>(i)] * x[i];
            }
            args.outputs[token][row] = sum;
        }
    }
}

/// As matmulFloat; a block's products are summed as integers, and the blocks as floats.
template <typename Type>
void matmulBlocks(const MatmulArgs& args) {
    const int nBlocks = args.nColumns / kActivationBlock;
    std::vector<int> weights(static_cast<std::size_t>(args.nColumns));
    std::vector<float> scales(static_cast<std::size_t>(nBlocks));
    for (int row = 0; row < args.nRows; ++row) {
        const std::byte* packed = args.weights + static_cast<std::size_t>(row) * args.rowBytes;
        for (int block = 0; block < nBlocks; ++block) {
            scales[static_cast<std::size_t>(block)] =
                Type::block(packed, block, weights.data() + block * kActivationBlock);
        }
        for (int token = 0; token < args.nTokens; ++token) {
            const QuantizedToken x(args.inputs[token], args.nColumns);
            float sum = 0.0f;
            for (int block = 0; block < nBlocks; ++block) {
                const int* w = weights.data() + block * kActivationBlock;
                const std::int8_t* v = x.values + block * kActivationBlock;
                int dot = 0;
                for (int i = 0; i < kActivationBlock; ++i) dot += w[i] * v[i];
                sum += static_cast<float>(dot) *
                       (scales[static_cast<std::size_t>(block)] * x.scales[block]);
            }
            args.outputs[token][row] = sum;
        }
    }
}

template <typename Type>
void dequantizeFloat(const std::byte* row, int n, float* out) {
    for (int i = 0; i < n; ++i) out[i] = Type::value(row, i);
}

template <typename Type>
void dequantizeBlocks(const std::byte* row, int n, float* out) {
    for (int block = 0; block < n / kActivationBlock; ++block) {
        int weights[kActivationBlock];
        const float scale = Type::block(row, block, weights);
        for (int i = 0; i < kActivationBlock; ++i) {
            out[block * kActivationBlock + i] = scale * static_cast<float>(weights[i]);
        }
    }
}

template <typename Type>
constexpr WeightKernels floatType() {
    return {Type::kType, ActivationFormat::Float32, matmulFloat<Type>, dequantizeFloat<Type>};
}

template <typename Type>
constexpr WeightKernels blockType() {
    return {Type::kType, ActivationFormat::Int8Blocks, matmulBlocks<Type>, dequantizeBlocks<Type>};
}

constexpr float kSmallestBlock = 1e-30f;

void quantize(const float* x, int n, void* out) {
    const int nBlocks = n / kActivationBlock;
    auto* scales = static_cast<float*>(out);
    auto* sums = reinterpret_cast<std::int32_t*>(scales + nBlocks);
    auto* values = reinterpret_cast<std::int8_t*>(sums + nBlocks);
    for (int block = 0; block < nBlocks; ++block) {
        const float* in = x + block * kActivationBlock;
        float largest = 0.0f;
        for (int i = 0; i < kActivationBlock; ++i) {
            largest = std::fabs(in[i]) > largest ? std::fabs(in[i]) : largest;
        }
        // Below kSmallestBlock the inverse would overflow; such a block counts as zero.
        const float inverse = largest > kSmallestBlock ? 127.0f / largest : 0.0f;
        int sum = 0;
        for (int i = 0; i < kActivationBlock; ++i) {
            const float rounded = std::nearbyint(in[i] * inverse);
            const int value =
                rounded >= -127.0f && rounded <= 127.0f ? static_cast<int>(rounded) : 0;
            values[block * kActivationBlock + i] = static_cast<std::int8_t>(value);
            sum += value;
        }
        scales[block] = largest / 127.0f;
        sums[block] = sum;
    }
}

void toHalf(const float* x, int n, std::uint16_t* out) {
    for (int i = 0; i < n; ++i) out[i] = halfOf(x[i]);
}

void rmsNorm(const float* x, const float* weight, int n, float epsilon, float* out) {
    double squares = 0.0;
    for (int i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
    const float mean = static_cast<float>(squares / n);
    const float scale = 1.0f / std::sqrt(mean + epsilon);
    for (int i = 0; i < n; ++i) out[i] = x[i] * scale * weight[i];
}

void softmax(float* x, int n, float scale) {
    float largest = x[0];
    for (int i = 1; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
    float sum = 0.0f;
    for (int i = 0; i < n; ++i) {
        x[i] = std::exp((x[i] - largest) * scale);
        sum += x[i];
    }
    const float inverse = 1.0f / sum;
    for (int i = 0; i < n; ++i) x[i] *= inverse;
}

void swiglu(const float* gate, const float* up, int n, float* out) {
    for (int i = 0; i < n; ++i) out[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

void addScaled(float* y, const float* x, float scale, int n) {
    for (int i = 0; i < n; ++i) y[i] += scale * x[i];
}

void weightedSum(const WeightedSumArgs& args) {
    std::vector<float> values(static_cast<std::size_t>(args.dim));
    for (int query = 0; query < args.nQueries; ++query) {
        for (int d = 0; d < args.dim; ++d) args.outputs[query][d] = 0.0f;
    }
    for (int position = 0; position < args.nPositions; ++position) {
        const std::uint16_t* packed =
            args.values + static_cast<std::size_t>(position) * args.stride;
        for (int d = 0; d < args.dim; ++d)
            values[static_cast<std::size_t>(d)] = fromHalf(packed[d]);
        for (int query = 0; query < args.nQueries; ++query) {
            const float weight = args.weights[query][position];
            float* out = args.outputs[query];
            for (int d = 0; d < args.dim; ++d)
                out[d] += weight * values[static_cast<std::size_t>(d)];
        }
    }
}

}  // namespace

const KernelTable& scalarKernels() {
    static constexpr WeightKernels kWeightTypes[] = {
        floatType<F32>(), floatType<F16>(), floatType<BF16>(), blockType<Q8_0>(), blockType<Q4_0>(),
    };
    static constexpr KernelTable kTable = {
        .isa = "scalar",
        .weightTypes = kWeightTypes,
        .nWeightTypes = sizeof(kWeightTypes) / sizeof(kWeightTypes[0]),
        .quantize = quantize,
        .toHalf = toHalf,
        .rmsNorm = rmsNorm,
        .softmax = softmax,
        .swiglu = swiglu,
        .addScaled = addScaled,
        .weightedSum = weightedSum,
        .packed = scalarPackedKernels,
    };
    return kTable;
}

}  // namespace conclave::engine
