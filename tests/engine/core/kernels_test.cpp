// Every kernel set against scalar, over odd sizes and every weight type.
#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "bare_model.h"
#include "engine/kernels/quant_blocks.h"

namespace conclave::engine {
namespace {

std::vector<float> randomFloats(std::size_t n, unsigned seed, float spread = 1.0f) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0f, spread);
    std::vector<float> values(n);
    for (float& value : values) value = normal(random);
    return values;
}

std::uint16_t half(float value) {
    std::uint16_t bits = 0;
    scalarKernels().toHalf(&value, 1, &bits);
    return bits;
}

/// Where the fp16 scales of a type's block are.
std::vector<std::size_t> scaleOffsets(TensorType type) {
    switch (type) {
        case TensorType::Q4_1:
        case TensorType::Q5_1:
        case TensorType::Q4_K:
        case TensorType::Q5_K: return {0, 2};
        case TensorType::Q2_K: return {80, 82};
        case TensorType::Q3_K: return {108};
        case TensorType::Q6_K: return {208};
        case TensorType::TQ1_0: return {52};
        case TensorType::TQ2_0: return {64};
        default: return {0};
    }
}

void putScale(std::byte* block, TensorType type, std::size_t offset, std::uint16_t scale) {
    if (type != TensorType::IQ1_M) {
        std::memcpy(block + offset, &scale, sizeof(scale));
        return;
    }
    for (int word = 0; word < 4; ++word) {  // a quarter above each word of scales
        std::byte& high = block[49 + 2 * word];
        high = (high & std::byte{15}) | static_cast<std::byte>((scale >> (4 * word) & 15) << 4);
    }
}

std::vector<TensorType> allTypes() {
    std::vector<TensorType> types;
    for (int i = 0; i < scalarKernels().nWeightTypes; ++i) {
        types.push_back(scalarKernels().weightTypes[i].type);
    }
    return types;
}

/// Rows of a type with random content of ordinary size.
std::vector<std::byte> randomRows(TensorType type, int nRows, int nColumns, unsigned seed) {
    const TypeTraits& traits = *typeTraits(type);
    const auto n = static_cast<std::size_t>(nRows) * static_cast<std::size_t>(nColumns);
    std::vector<std::byte> rows(n / traits.blockValues * traits.blockBytes);
    if (traits.blockValues == 1) {
        const std::vector<float> values = randomFloats(n, seed);
        for (std::size_t i = 0; i < n; ++i) {
            std::uint32_t bits = 0;
            std::memcpy(&bits, &values[i], sizeof(bits));
            const std::uint16_t upper = static_cast<std::uint16_t>(bits >> 16);
            const std::uint16_t narrow = type == TensorType::BF16 ? upper : half(values[i]);
            if (traits.blockBytes == 4) {
                std::memcpy(&rows[i * 4], &bits, 4);
            } else {
                std::memcpy(&rows[i * 2], &narrow, 2);
            }
        }
        return rows;
    }
    std::mt19937 random(seed);
    for (std::byte& byte : rows) byte = static_cast<std::byte>(random());
    for (std::size_t at = 0; at < rows.size(); at += traits.blockBytes) {
        if (type == TensorType::MXFP4) {
            rows[at] = static_cast<std::byte>(116 + random() % 8);
            continue;
        }
        for (const std::size_t offset : scaleOffsets(type)) {
            const std::uint16_t scale = half(0.001f + 0.01f * static_cast<float>(random() % 16));
            putScale(&rows[at], type, offset, scale);
        }
    }
    return rows;
}

/// Tokens in the form that a type's kernel reads, quantized by the set under test.
struct Tokens {
    Tokens(const KernelTable& kernels, ActivationFormat format, const std::vector<float>& values,
           int nTokens, int n)
        : bytes(static_cast<std::size_t>(nTokens) * activationBytes(format, n)) {
        for (int t = 0; t < nTokens; ++t) {
            std::byte* target =
                bytes.data() + static_cast<std::size_t>(t) * activationBytes(format, n);
            const float* x = values.data() + static_cast<std::ptrdiff_t>(t) * n;
            if (format == ActivationFormat::Int8Blocks) {
                kernels.quantize(x, n, target);
            } else {
                std::memcpy(target, x, static_cast<std::size_t>(n) * sizeof(float));
            }
            inputs.push_back(target);
        }
    }
    std::vector<std::byte> bytes;
    std::vector<const void*> inputs;
};

/// [token][row]
std::vector<float> product(const WeightKernels& type, const std::vector<std::byte>& rows, int nRows,
                           int nColumns, std::span<const void* const> inputs) {
    std::vector<float> out(inputs.size() * static_cast<std::size_t>(nRows), -1.0f);
    std::vector<float*> outputs;
    for (std::size_t t = 0; t < inputs.size(); ++t) {
        outputs.push_back(out.data() + t * static_cast<std::size_t>(nRows));
    }
    type.matmul({.weights = rows.data(),
                 .rowBytes = rows.size() / static_cast<std::size_t>(nRows),
                 .nRows = nRows,
                 .nColumns = nColumns,
                 .inputs = inputs.data(),
                 .outputs = outputs.data(),
                 .nTokens = static_cast<int>(inputs.size())});
    return out;
}

/// What two ways to add up a row's products with tokens of order one may differ by.
float roundingOf(TensorType type, const std::vector<std::byte>& rows, int nColumns) {
    const TypeTraits& traits = *typeTraits(type);
    std::vector<float> weights(rows.size() / traits.blockBytes * traits.blockValues);
    const int n = static_cast<int>(weights.size());
    scalarKernels().find(type)->dequantize(rows.data(), n, weights.data());
    float largest = 0.0f;
    for (const float weight : weights) largest = std::max(largest, std::fabs(weight));
    return 1e-6f * largest * std::sqrt(static_cast<float>(nColumns));
}

class Kernels : public testing::TestWithParam<const KernelTable*> {};

TEST_P(Kernels, ProductsEqualScalarAndDoNotDependOnTheTile) {
    const KernelTable& set = *GetParam();
    unsigned seed = 1;
    EXPECT_EQ(GetParam()->nWeightTypes, scalarKernels().nWeightTypes);
    for (const TensorType type : allTypes()) {
        const int block = static_cast<int>(typeTraits(type)->blockValues);
        for (const int nColumns : {1, 7, 8, 31, 32, 33, 96, 160, 257, 256, 768}) {
            if (nColumns % block != 0) continue;
            for (const int nRows : {1, 2, 3, 5, 8, 13, 17}) {
                if (nColumns > 160 && nRows > 5) continue;  // the same tiles again, only slower
                const auto rows = randomRows(type, nRows, nColumns, ++seed);
                for (const int nTokens : {1, 2, 3, 4, 5, 7, 9, 37}) {
                    if (nTokens > 9 && nRows > 3) continue;
                    const auto x = randomFloats(
                        static_cast<std::size_t>(nTokens) * static_cast<std::size_t>(nColumns),
                        ++seed);
                    const WeightKernels& ours = *set.find(type);
                    const Tokens tokens(set, ours.input, x, nTokens, nColumns);
                    const auto out = product(ours, rows, nRows, nColumns, tokens.inputs);
                    const auto expected =
                        product(*scalarKernels().find(type), rows, nRows, nColumns, tokens.inputs);
                    const float tolerance = roundingOf(type, rows, nColumns);
                    for (std::size_t i = 0; i < out.size(); ++i) {
                        ASSERT_NEAR(out[i], expected[i], tolerance)
                            << typeTraits(type)->name << " " << nRows << "x" << nColumns;
                    }
                    for (int t = 0; t < nTokens; ++t) {
                        const auto alone = product(
                            ours, rows, nRows, nColumns,
                            std::span(tokens.inputs).subspan(static_cast<std::size_t>(t), 1));
                        ASSERT_EQ(0,
                                  std::memcmp(alone.data(),
                                              out.data() + static_cast<std::ptrdiff_t>(t) * nRows,
                                              alone.size() * sizeof(float)))
                            << typeTraits(type)->name << " " << nRows << "x" << nColumns;
                    }
                }
            }
        }
    }
}

TEST_P(Kernels, ExtremeIntegersDoNotSaturate) {
    constexpr int kColumns = 64;
    BlockQ8_0 blocks[2];
    for (BlockQ8_0& block : blocks) {
        block.scale = half(1.0f);
        std::memset(block.values, 0x80, sizeof(block.values));  // -128
    }
    std::vector<std::byte> rows(sizeof(blocks));
    std::memcpy(rows.data(), blocks, sizeof(blocks));
    const WeightKernels& type = *GetParam()->find(TensorType::Q8_0);
    const Tokens tokens(*GetParam(), type.input, std::vector<float>(kColumns, 127.0f), 1, kColumns);
    EXPECT_FLOAT_EQ(product(type, rows, 1, kColumns, tokens.inputs)[0],
                    -128.0f * 127.0f * kColumns);
}

TEST_P(Kernels, ExtremeBitsOfAnyTypeDoNotSaturate) {
    constexpr int kColumns = 512;
    for (const TensorType type : allTypes()) {
        const TypeTraits& traits = *typeTraits(type);
        if (traits.blockValues == 1) continue;
        for (const int bits : {0x00, 0x7F, 0x80, 0xFF, 0x55, 0xAA}) {
            std::vector<std::byte> row(kColumns / traits.blockValues * traits.blockBytes,
                                       static_cast<std::byte>(bits));
            for (std::size_t at = 0; at < row.size(); at += traits.blockBytes) {
                const std::uint16_t one = half(1.0f);
                for (const std::size_t offset : scaleOffsets(type)) {
                    if (type == TensorType::MXFP4) break;
                    putScale(&row[at], type, offset, one);
                }
                if (type == TensorType::MXFP4) row[at] = std::byte{128};
            }
            std::vector<float> x(kColumns, 127.0f);
            for (std::size_t i = 64; i < x.size(); i += 3) x[i] = -127.0f;
            const WeightKernels& ours = *GetParam()->find(type);
            const Tokens tokens(*GetParam(), ours.input, x, 1, kColumns);
            const float out = product(ours, row, 1, kColumns, tokens.inputs)[0];
            const float expected =
                product(*scalarKernels().find(type), row, 1, kColumns, tokens.inputs)[0];
            ASSERT_NEAR(out, expected,
                        127.0f * roundingOf(type, row, kColumns) + 1e-6f * std::fabs(expected))
                << traits.name << " " << bits;
        }
    }
}

TEST_P(Kernels, DequantizeEqualsScalar) {
    for (const TensorType type : allTypes()) {
        const bool isLarge = typeTraits(type)->blockValues == 256;
        for (const int n : {isLarge ? 256 : 32, isLarge ? 512 : 96, isLarge ? 1024 : 416}) {
            const auto row = randomRows(type, 1, n, 5);
            std::vector<float> ours(static_cast<std::size_t>(n));
            std::vector<float> expected(ours.size());
            GetParam()->find(type)->dequantize(row.data(), n, ours.data());
            scalarKernels().find(type)->dequantize(row.data(), n, expected.data());
            EXPECT_EQ(0, std::memcmp(ours.data(), expected.data(), ours.size() * sizeof(float)))
                << typeTraits(type)->name;
        }
    }
}

TEST_P(Kernels, QuantizeAndHalvesEqualScalarBitForBit) {
    for (const float spread : {1.0f, 1e-20f, 1e-33f, 1e5f, 1e-6f}) {
        constexpr int kN = 32 * 5;
        std::vector<float> x = randomFloats(kN, 9, spread);
        std::fill_n(x.begin() + 32, 32, 0.0f);
        x[70] = -x[71];
        const std::size_t size = activationBytes(ActivationFormat::Int8Blocks, kN);
        std::vector<std::byte> ours(size);
        std::vector<std::byte> expected(size);
        GetParam()->quantize(x.data(), kN, ours.data());
        scalarKernels().quantize(x.data(), kN, expected.data());
        EXPECT_EQ(ours, expected) << spread;
        std::vector<std::byte> inParts(size);
        for (const auto& [first, n] : {std::pair(96, 64), std::pair(0, 32), std::pair(32, 64)}) {
            GetParam()->quantizePart(x.data() + first, first, n, kN, inParts.data());
        }
        EXPECT_EQ(inParts, expected) << spread;

        x.resize(kN - 3);
        std::vector<std::uint16_t> ourHalves(x.size());
        std::vector<std::uint16_t> expectedHalves(x.size());
        GetParam()->toHalf(x.data(), kN - 3, ourHalves.data());
        scalarKernels().toHalf(x.data(), kN - 3, expectedHalves.data());
        EXPECT_EQ(ourHalves, expectedHalves) << spread;
    }
}

TEST_P(Kernels, VectorFunctionsEqualScalar) {
    for (const int n : {1, 3, 8, 15, 16, 17, 100, 513}) {
        const auto size = static_cast<std::size_t>(n);
        const auto x = randomFloats(size, 11, 3.0f);
        const auto w = randomFloats(size, 12);
        const auto check = [&](const char* name, const auto& run) {
            std::vector<float> ours = x;
            std::vector<float> expected = x;
            run(*GetParam(), ours.data());
            run(scalarKernels(), expected.data());
            for (std::size_t i = 0; i < size; ++i) {
                ASSERT_NEAR(ours[i], expected[i], 1e-5f * (1.0f + std::fabs(expected[i])))
                    << name << " " << n;
            }
        };
        check("rmsNorm",
              [&](const KernelTable& k, float* v) { k.rmsNorm(v, w.data(), n, 1e-6f, v); });
        check("softmax", [&](const KernelTable& k, float* v) { k.softmax(v, n, 0.7f); });
        check("swiglu", [&](const KernelTable& k, float* v) { k.swiglu(v, w.data(), n, v); });
        check("addScaled",
              [&](const KernelTable& k, float* v) { k.addScaled(v, w.data(), 0.3f, n); });
    }
}

TEST_P(Kernels, SoftmaxAndSwigluSurviveLargeInputs) {
    std::vector<float> x = {-3e4f, 3e4f, 0.0f, -200.0f, 200.0f, 1e30f, -1e30f, 88.0f, 1.0f};
    std::vector<float> softmax = x;
    GetParam()->softmax(softmax.data(), static_cast<int>(softmax.size()), 1.0f);
    EXPECT_FLOAT_EQ(softmax[5], 1.0f);
    const std::vector<float> ones(x.size(), 1.0f);
    GetParam()->swiglu(x.data(), ones.data(), static_cast<int>(x.size()), x.data());
    EXPECT_FLOAT_EQ(x[1], 3e4f);
    EXPECT_NEAR(x[3], 0.0f, 1e-6f);
    for (const float value : x) EXPECT_TRUE(std::isfinite(value));
}

TEST_P(Kernels, WeightedSumEqualsScalarAndDoesNotDependOnTheTile) {
    for (const int dim : {1, 8, 16, 33, 64, 100}) {
        for (const int nQueries : {1, 3, 4, 9}) {
            constexpr int kPositions = 37;
            const std::size_t stride = static_cast<std::size_t>(dim) + 5;
            const auto values = randomFloats(kPositions * stride, 21);
            std::vector<std::uint16_t> halves(values.size());
            scalarKernels().toHalf(values.data(), static_cast<int>(values.size()), halves.data());
            const auto weights = randomFloats(static_cast<std::size_t>(nQueries) * kPositions, 22);
            const auto run = [&](const KernelTable& kernels, int first, int n) {
                std::vector<float> out(static_cast<std::size_t>(n * dim));
                std::vector<const float*> in;
                std::vector<float*> outputs;
                for (int q = 0; q < n; ++q) {
                    in.push_back(weights.data() +
                                 static_cast<std::ptrdiff_t>(first + q) * kPositions);
                    outputs.push_back(out.data() + static_cast<std::ptrdiff_t>(q) * dim);
                }
                kernels.weightedSum({.weights = in.data(),
                                     .values = halves.data(),
                                     .stride = stride,
                                     .nPositions = kPositions,
                                     .dim = dim,
                                     .nQueries = n,
                                     .outputs = outputs.data()});
                return out;
            };
            const auto out = run(*GetParam(), 0, nQueries);
            const auto expected = run(scalarKernels(), 0, nQueries);
            for (std::size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], 1e-4f);
            for (int q = 0; q < nQueries; ++q) {
                const auto alone = run(*GetParam(), q, 1);
                ASSERT_EQ(
                    0, std::memcmp(alone.data(), out.data() + static_cast<std::ptrdiff_t>(q) * dim,
                                   alone.size() * sizeof(float)));
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Sets, Kernels, testing::ValuesIn(test::runnableKernelSets()),
                         [](const auto& instance) {
                             const bool simde = instance.param == &simdeAvx512Kernels();
                             return std::string(instance.param->isa) + (simde ? "_by_simde" : "");
                         });

TEST(KernelSet, UnknownSetsAreRefused) {
    EXPECT_EQ(kernelSet("mmx"), nullptr);
    EXPECT_STREQ(kernelSet("scalar")->isa, "scalar");
    EXPECT_EQ(scalarKernels().find(TensorType::I8), nullptr);
}

}  // namespace
}  // namespace conclave::engine
