// scalar.cpp: the reference that the other kernel sets are compared with, in plain C++.
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "engine/kernels/kernels.h"
#include "engine/kernels/packed.h"
#include "engine/kernels/types/block_type.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {
namespace {

float fromHalf(std::uint16_t half) { return fromHalfBits(half); }

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

/// 32 weights of a row, with what multiplies the sums of their two halves.
struct Part {
    float scale;
    float minScale;
    int scales[2];
    int minima[2];
};

/// A row of a type in blocks, unpacked.
class UnpackedRow {
public:
    explicit UnpackedRow(int nColumns)
        : m_parts(static_cast<std::size_t>(nColumns / kActivationBlock)),
          m_values(static_cast<std::size_t>(nColumns)) {}

    void read(const BlockType& type, const std::byte* row) {
        UnpackedBlock block;
        const int partsEach = type.nValues / kActivationBlock;
        for (std::size_t part = 0; part < m_parts.size(); ++part) {
            const int inBlock = static_cast<int>(part) % partsEach;
            if (inBlock == 0) {
                type.unpack(row, block);
                row += type.blockBytes;
            }
            const std::int16_t* scales = block.scales + 2 * inBlock;
            const std::int16_t* minima = block.minima + 2 * inBlock;
            m_parts[part] = {
                block.scale, block.minScale, {scales[0], scales[1]}, {minima[0], minima[1]}};
            std::memcpy(m_values.data() + part * kActivationBlock,
                        block.values + inBlock * kActivationBlock, kActivationBlock);
        }
    }

    /// Sums of products are integers within 32 columns, floats beyond.
    [[nodiscard]] float dot(const QuantizedToken& x, bool hasMinima) const {
        float sum = 0.0f;
        for (std::size_t i = 0; i < m_parts.size(); ++i) {
            const Part& part = m_parts[i];
            const std::int8_t* w = m_values.data() + i * kActivationBlock;
            const std::int8_t* v = x.values + i * kActivationBlock;
            int products = 0;
            int minima = 0;
            for (int half = 0; half < 2; ++half) {
                int dot = 0;
                int total = 0;
                for (int j = half * 16; j < half * 16 + 16; ++j) {
                    dot += w[j] * v[j];
                    total += v[j];
                }
                products += part.scales[half] * dot;
                minima += part.minima[half] * total;
            }
            sum += static_cast<float>(products) * (part.scale * x.scales[i]);
            if (hasMinima) sum -= static_cast<float>(minima) * (part.minScale * x.scales[i]);
        }
        return sum;
    }

private:
    std::vector<Part> m_parts;
    std::vector<std::int8_t> m_values;
};

/// As matmulFloat, for kBlockTypes[index].
template <int index>
void matmulBlocks(const MatmulArgs& args) {
    UnpackedRow weights(args.nColumns);
    for (int row = 0; row < args.nRows; ++row) {
        weights.read(kBlockTypes[index],
                     args.weights + static_cast<std::size_t>(row) * args.rowBytes);
        for (int token = 0; token < args.nTokens; ++token) {
            args.outputs[token][row] = weights.dot(
                QuantizedToken(args.inputs[token], args.nColumns), kBlockTypes[index].hasMinima);
        }
    }
}

template <typename Type>
void dequantizeFloat(const std::byte* row, int n, float* out) {
    for (int i = 0; i < n; ++i) out[i] = Type::value(row, i);
}

template <int index>
void dequantizeBlocks(const std::byte* row, int n, float* out) {
    const BlockType& type = kBlockTypes[index];
    UnpackedBlock block;
    for (int first = 0; first < n; first += type.nValues, row += type.blockBytes) {
        type.unpack(row, block);
        for (int i = 0; i < type.nValues; ++i) {
            const int group = i / 16;
            const float scale = block.scale * static_cast<float>(block.scales[group]);
            const float minimum = block.minScale * static_cast<float>(block.minima[group]);
            out[first + i] = scale * static_cast<float>(block.values[i]) - minimum;
        }
    }
}

template <typename Type>
constexpr WeightKernels floatType() {
    return {Type::kType, ActivationFormat::Float32, matmulFloat<Type>, dequantizeFloat<Type>};
}

template <int... indices>
std::array<WeightKernels, 3 + kBlockTypeCount> allTypes(std::integer_sequence<int, indices...>) {
    return {floatType<F32>(), floatType<F16>(), floatType<BF16>(),
            WeightKernels{kBlockTypes[indices].type, ActivationFormat::Int8Blocks,
                          matmulBlocks<indices>, dequantizeBlocks<indices>}...};
}

constexpr float kSmallestBlock = 1e-30f;

void quantizePart(const float* x, int first, int n, int dim, void* out) {
    const int nBlocks = n / kActivationBlock;
    const int before = first / kActivationBlock;
    auto* scales = static_cast<float*>(out) + before;
    auto* sums = reinterpret_cast<std::int32_t*>(scales + dim / kActivationBlock);
    auto* values =
        reinterpret_cast<std::int8_t*>(static_cast<float*>(out) + 2 * (dim / kActivationBlock)) +
        first;
    auto* pairs =
        reinterpret_cast<std::int16_t*>(values - first + dim) + std::ptrdiff_t{4} * before;
    auto* totals = static_cast<float*>(out) + 4 * (dim / kActivationBlock) + dim / 4 + before;
    for (int block = 0; block < nBlocks; ++block) {
        const float* in = x + block * kActivationBlock;
        float largest = 0.0f;
        for (int i = 0; i < kActivationBlock; ++i) {
            largest = std::fabs(in[i]) > largest ? std::fabs(in[i]) : largest;
        }
        // Below kSmallestBlock the inverse would overflow; such a block counts as zero.
        const float inverse = largest > kSmallestBlock ? 127.0f / largest : 0.0f;
        int sum = 0;
        int pairSums[2][2] = {};
        for (int i = 0; i < kActivationBlock; ++i) {
            const float rounded = std::nearbyint(in[i] * inverse);
            const int value =
                rounded >= -127.0f && rounded <= 127.0f ? static_cast<int>(rounded) : 0;
            values[block * kActivationBlock + i] = static_cast<std::int8_t>(value);
            sum += value;
            if (i < kActivationBlock / 2) pairSums[0][i / 2 % 2] += value;
            pairSums[1][i / 2 % 2] += value;
        }
        scales[block] = largest / 127.0f;
        sums[block] = sum;
        totals[block] = static_cast<float>(sum) * scales[block];
        for (int i = 0; i < 4; ++i) {
            pairs[4 * block + i] = static_cast<std::int16_t>(pairSums[i / 2][i % 2]);
        }
    }
}

void quantize(const float* x, int n, void* out) { quantizePart(x, 0, n, n, out); }

void toHalf(const float* x, int n, std::uint16_t* out) {
    for (int i = 0; i < n; ++i) out[i] = halfOf(x[i]);
}

void halvesOfQ8(const std::byte* row, int n, std::uint16_t* out) {
    constexpr int kValues = 32;
    constexpr int kScaleBytes = 2;
    for (int i = 0; i < n; ++i) {
        const std::byte* block = row + i / kValues * (kScaleBytes + kValues);
        const auto value = static_cast<float>(at<std::int8_t>(block + kScaleBytes, i % kValues));
        out[i] = halfOf(fromHalf(at<std::uint16_t>(block, 0)) * value);
    }
}

void rmsNorm(const float* x, const float* weight, int n, float epsilon, float* out) {
    double squares = 0.0;
    for (int i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
    const float mean = static_cast<float>(squares / n);
    const float scale = 1.0f / std::sqrt(mean + epsilon);
    for (int i = 0; i < n; ++i) out[i] = x[i] * scale * weight[i];
}

float exponentials(float* x, int n, float scale, float* max) {
    float largest = x[0];
    for (int i = 1; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
    float sum = 0.0f;
    for (int i = 0; i < n; ++i) {
        x[i] = std::exp((x[i] - largest) * scale);
        sum += x[i];
    }
    *max = largest;
    return sum;
}

void softmax(float* x, int n, float scale) {
    float max = 0.0f;
    const float inverse = 1.0f / exponentials(x, n, scale, &max);
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
    static const auto weightTypes = allTypes(std::make_integer_sequence<int, kBlockTypeCount>());
    static const KernelTable table = {
        .isa = "scalar",
        .weightTypes = weightTypes.data(),
        .nWeightTypes = static_cast<int>(weightTypes.size()),
        .quantize = quantize,
        .quantizePart = quantizePart,
        .toHalf = toHalf,
        .halvesOfQ8 = halvesOfQ8,
        .rmsNorm = rmsNorm,
        .exponentials = exponentials,
        .softmax = softmax,
        .swiglu = swiglu,
        .addScaled = addScaled,
        .weightedSum = weightedSum,
        .attention = nullptr,
        .latents = nullptr,
        .packed = scalarPackedKernels,
    };
    return table;
}

}  // namespace conclave::engine
