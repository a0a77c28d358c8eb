// Packed weights: every kernel set against products of the rows as they lie in the file.
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "bare_model.h"
#include "engine/kernels/packed.h"
#include "engine/model/lazy_panels.h"
#include "models.h"

namespace conclave::engine {
namespace {

constexpr TensorType kTypes[] = {
    TensorType::Q8_0,   TensorType::Q4_0,   TensorType::Q4_1, TensorType::Q5_0, TensorType::Q5_1,
    TensorType::Q2_K,   TensorType::Q3_K,   TensorType::Q4_K, TensorType::Q5_K, TensorType::Q6_K,
    TensorType::IQ4_NL, TensorType::IQ4_XS, TensorType::MXFP4};
constexpr TensorType kHalfFloats[] = {TensorType::F16, TensorType::BF16};

/// Where the fp16 scales of a block are.
std::vector<std::size_t> scaleOffsets(TensorType type) {
    if (type == TensorType::Q4_K || type == TensorType::Q5_K) return {0, 2};
    if (type == TensorType::Q4_1 || type == TensorType::Q5_1) return {0, 2};
    if (type == TensorType::Q2_K) return {80, 82};
    if (type == TensorType::Q3_K) return {108};
    if (type == TensorType::MXFP4) return {};
    if (type == TensorType::Q6_K) return {208};
    return {0};
}

/// Blocks with any integers and scales of ordinary size.
std::vector<std::byte> randomRows(TensorType type, int nRows, int nColumns, unsigned seed) {
    const TypeTraits& traits = *typeTraits(type);
    const auto n = static_cast<std::size_t>(nRows) * static_cast<std::size_t>(nColumns);
    std::vector<std::byte> rows(n / traits.blockValues * traits.blockBytes);
    std::mt19937 random(seed);
    for (std::byte& byte : rows) byte = static_cast<std::byte>(random());
    for (std::size_t at = 0; at < rows.size(); at += traits.blockBytes) {
        for (const std::size_t offset : scaleOffsets(type)) {
            // As small as makes weights of order one.
            const float spread = traits.blockValues == 256 ? 2e-4f : 0.01f;
            const float scale = spread * (0.1f + static_cast<float>(random() % 16));
            std::uint16_t half = 0;
            scalarKernels().toHalf(&scale, 1, &half);
            std::memcpy(&rows[at + offset], &half, sizeof(half));
        }
        if (type == TensorType::MXFP4) rows[at] = static_cast<std::byte>(118 + random() % 8);
    }
    return rows;
}

/// A matrix in the file's order, and packed.
struct BothForms {
    BothForms(TensorType weightType, int rowCount, int columnCount, unsigned seed)
        : BothForms(weightType, rowCount, columnCount,
                    randomRows(weightType, rowCount, columnCount, seed)) {}
    BothForms(TensorType weightType, int rowCount, int columnCount, std::vector<std::byte> fileRows)
        : type(weightType),
          nRows(rowCount),
          nColumns(columnCount),
          rows(std::move(fileRows)),
          rowBytes(rows.size() / static_cast<std::size_t>(nRows)) {
        const PackedFormat& format = *packedFormat(type);
        const int nBlocks = nColumns / format.blockColumns;
        const std::size_t panelBytes = static_cast<std::size_t>(nBlocks) * format.blockBytes;
        packedRowBytes = panelBytes / kPanelRows;
        for (int row = 0; row < nRows; row += kPanelRows) {
            panels.resize(panels.size() + panelBytes);
            format.pack(rows.data() + static_cast<std::size_t>(row) * rowBytes, rowBytes,
                        std::min(kPanelRows, nRows - row), nBlocks,
                        panels.data() + panels.size() - panelBytes);
        }
    }
    TensorType type;
    int nRows;
    int nColumns;
    std::vector<std::byte> rows;
    std::size_t rowBytes;
    std::vector<std::byte> panels;
    std::size_t packedRowBytes = 0;
};

std::vector<float> product(const WeightKernels& kernels, const std::vector<std::byte>& weights,
                           std::size_t rowBytes, const BothForms& shape,
                           std::span<const void* const> inputs) {
    std::vector<float> out(inputs.size() * static_cast<std::size_t>(shape.nRows), -1.0f);
    std::vector<float*> outputs;
    for (std::size_t t = 0; t < inputs.size(); ++t) {
        outputs.push_back(out.data() + t * static_cast<std::size_t>(shape.nRows));
    }
    kernels.matmul({.weights = weights.data(),
                    .rowBytes = rowBytes,
                    .nRows = shape.nRows,
                    .nColumns = shape.nColumns,
                    .inputs = inputs.data(),
                    .outputs = outputs.data(),
                    .nTokens = static_cast<int>(inputs.size())});
    return out;
}

/// Quantized tokens. The largest value of each block is 127 times its scale, so sums get large.
struct Tokens {
    Tokens(int nTokens, int n, unsigned seed) {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal(0.0f, 1.0f);
        const std::size_t size = activationBytes(ActivationFormat::Int8Blocks, n);
        bytes.resize(static_cast<std::size_t>(nTokens) * size);
        for (int t = 0; t < nTokens; ++t) {
            std::vector<float> x(static_cast<std::size_t>(n));
            for (float& value : x) value = normal(random);
            inputs.push_back(bytes.data() + static_cast<std::size_t>(t) * size);
            scalarKernels().quantize(x.data(), n,
                                     bytes.data() + static_cast<std::size_t>(t) * size);
        }
    }
    std::vector<std::byte> bytes;
    std::vector<const void*> inputs;
};

class Packed : public testing::TestWithParam<const KernelTable*> {};

TEST_P(Packed, ProductsEqualTheFilesRowsAndDoNotDependOnTheTile) {
    unsigned seed = 1;
    for (const TensorType type : kTypes) {
        const int block = packedFormat(type)->blockColumns;
        // The last is more columns than a kernel unpacks at a time.
        for (const int nColumns : {block, 3 * block, block == 256 ? 5 * block : 41 * block}) {
            for (const int nRows : {16, 17, 31, 48}) {
                const BothForms weights(type, nRows, nColumns, ++seed);
                for (const int nTokens : {1, 2, 3, 4, 5, 6, 7, 10, 15}) {
                    const Tokens tokens(nTokens, nColumns, ++seed);
                    const WeightKernels& packed = *GetParam()->packed(type);
                    const auto out = product(packed, weights.panels, weights.packedRowBytes,
                                             weights, tokens.inputs);
                    const auto expected = product(*scalarKernels().find(type), weights.rows,
                                                  weights.rowBytes, weights, tokens.inputs);
                    for (std::size_t i = 0; i < out.size(); ++i) {
                        ASSERT_NEAR(out[i], expected[i], 1e-5f * static_cast<float>(nColumns))
                            << typeTraits(type)->name << " " << nRows << "x" << nColumns;
                    }
                    for (int t = 0; t < nTokens; ++t) {
                        const auto alone = product(
                            packed, weights.panels, weights.packedRowBytes, weights,
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

/// The widest integers on both sides, all of one sign: what 16-bit sums could not hold.
TEST_P(Packed, ExtremeIntegersDoNotSaturate) {
    constexpr int kColumns = 256;
    for (const TensorType type : kTypes) {
        for (const int filler : {0x00, 0x80, 0xFF, 0x7F}) {
            BothForms weights(type, kPanelRows, kColumns, 3);
            const TypeTraits& traits = *typeTraits(type);
            for (std::size_t at = 0; at < weights.rows.size(); at += traits.blockBytes) {
                std::vector<std::byte> block(traits.blockBytes, static_cast<std::byte>(filler));
                for (const std::size_t offset : scaleOffsets(type)) {
                    std::memcpy(&block[offset], &weights.rows[at + offset], 2);
                }
                if (type == TensorType::MXFP4) block[0] = weights.rows[at];
                std::memcpy(&weights.rows[at], block.data(), block.size());
            }
            packedFormat(type)->pack(weights.rows.data(), weights.rowBytes, kPanelRows,
                                     kColumns / packedFormat(type)->blockColumns,
                                     weights.panels.data());
            for (const float value : {127.0f, -127.0f}) {
                const std::vector<float> x(kColumns, value);
                std::vector<std::byte> token(
                    activationBytes(ActivationFormat::Int8Blocks, kColumns));
                scalarKernels().quantize(x.data(), kColumns, token.data());
                const std::vector<const void*> inputs(7, token.data());
                const auto out = product(*GetParam()->packed(type), weights.panels,
                                         weights.packedRowBytes, weights, inputs);
                const auto expected = product(*scalarKernels().find(type), weights.rows,
                                              weights.rowBytes, weights, inputs);
                for (std::size_t i = 0; i < out.size(); ++i) {
                    ASSERT_NEAR(out[i], expected[i], 1e-5f * std::fabs(expected[i]) + 1e-2f)
                        << typeTraits(type)->name << " " << filler;
                }
            }
        }
    }
}

/// Weights around one.
std::vector<std::byte> randomHalfFloats(TensorType type, int nRows, int nColumns, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0f, 1.0f);
    std::vector<std::byte> rows(2 * static_cast<std::size_t>(nRows) *
                                static_cast<std::size_t>(nColumns));
    for (std::size_t at = 0; at < rows.size(); at += 2) {
        const float value = normal(random);
        if (type == TensorType::F16) {
            std::uint16_t half = 0;
            scalarKernels().toHalf(&value, 1, &half);
            std::memcpy(&rows[at], &half, sizeof(half));
        } else {
            std::memcpy(&rows[at], reinterpret_cast<const std::byte*>(&value) + 2, 2);
        }
    }
    return rows;
}

TEST_P(Packed, HalfFloatsEqualTheFilesRowsAndDoNotDependOnTheTile) {
    unsigned seed = 1;
    for (const TensorType type : kHalfFloats) {
        const WeightKernels& packed = *GetParam()->packed(type);
        for (const int nColumns : {1, 31, 32, 100}) {
            for (const int nRows : {16, 17, 40, 70}) {
                const BothForms weights(type, nRows, nColumns,
                                        randomHalfFloats(type, nRows, nColumns, ++seed));
                std::mt19937 random(++seed);
                std::normal_distribution<float> normal(0.0f, 1.0f);
                for (const int nTokens : {1, 2, 3, 4, 5, 7, 11, 12, 25}) {
                    std::vector<float> x(static_cast<std::size_t>(nTokens * nColumns));
                    for (float& value : x) value = normal(random);
                    std::vector<const void*> inputs;
                    for (int t = 0; t < nTokens; ++t) {
                        inputs.push_back(x.data() + static_cast<std::ptrdiff_t>(t) * nColumns);
                    }
                    const auto out =
                        product(packed, weights.panels, weights.packedRowBytes, weights, inputs);
                    const auto expected = product(*scalarKernels().find(type), weights.rows,
                                                  weights.rowBytes, weights, inputs);
                    for (std::size_t i = 0; i < out.size(); ++i) {
                        ASSERT_NEAR(out[i], expected[i], 1e-4f) << nRows << "x" << nColumns;
                    }
                    for (int t = 0; t < nTokens; ++t) {
                        const auto alone =
                            product(packed, weights.panels, weights.packedRowBytes, weights,
                                    std::span(inputs).subspan(static_cast<std::size_t>(t), 1));
                        ASSERT_EQ(0,
                                  std::memcmp(alone.data(),
                                              out.data() + static_cast<std::ptrdiff_t>(t) * nRows,
                                              alone.size() * sizeof(float)))
                            << nRows << "x" << nColumns;
                    }
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Sets, Packed, testing::ValuesIn(test::runnableKernelSets()),
                         [](const auto& instance) { return test::nameOf(*instance.param); });

/// AVX2, AVX-VNNI and AVX-512 compute the same operations in the same order.
TEST(PackedSets, VectorSetsAgreeBitForBit) {
    if (kernelSet("avx2") == nullptr) GTEST_SKIP() << "needs AVX2";
    for (const TensorType type : kTypes) {
        const BothForms weights(type, 40, 512, 5);
        const Tokens tokens(9, 512, 6);
        const auto narrow = product(*avx2Kernels().packed(type), weights.panels,
                                    weights.packedRowBytes, weights, tokens.inputs);
        for (const KernelTable* set : {&simdeAvx512Kernels(), &simdeAvxVnniKernels()}) {
            const auto wide = product(*set->packed(type), weights.panels, weights.packedRowBytes,
                                      weights, tokens.inputs);
            EXPECT_EQ(0, std::memcmp(narrow.data(), wide.data(), narrow.size() * sizeof(float)))
                << set->isa;
        }
    }
    for (const TensorType type : kHalfFloats) {
        const BothForms weights(type, 72, 75, randomHalfFloats(type, 72, 75, 7));
        const std::vector<float> x(75, 0.7f);
        const std::vector<const void*> inputs(8, x.data());
        const auto narrow = product(*avx2Kernels().packed(type), weights.panels,
                                    weights.packedRowBytes, weights, inputs);
        const auto wide = product(*simdeAvx512Kernels().packed(type), weights.panels,
                                  weights.packedRowBytes, weights, inputs);
        EXPECT_EQ(0, std::memcmp(narrow.data(), wide.data(), narrow.size() * sizeof(float)));
    }
}

TEST(PackedSets, EveryPackedTypeHasKernelsInEverySet) {
    for (const KernelTable* set : test::runnableKernelSets()) {
        for (const TensorType type : kTypes) EXPECT_NE(set->packed(type), nullptr) << set->isa;
        for (const TensorType type : kHalfFloats) {
            EXPECT_NE(set->packed(type), nullptr) << set->isa;
        }
        EXPECT_EQ(set->packed(TensorType::F32), nullptr);
    }
    EXPECT_EQ(packedFormat(TensorType::F32), nullptr);
}

// ---------------------------------------------------------------- packed when they are first read

/// A matrix of 40 rows, the last panel of which is half empty.
struct LazyMatrix {
    explicit LazyMatrix(TensorType type)
        : rows(randomRows(type, kRows, kColumns, 11)),
          format(*packedFormat(type)),
          ledger(std::size_t{1} << 30U) {
        const std::size_t blocks = kColumns / static_cast<std::size_t>(format.blockColumns);
        panelBytes = blocks * format.blockBytes;
        panels.resize(3 * panelBytes, std::byte{0xee});
        expected.resize(panels.size());
        for (int panel = 0; panel < 3; ++panel) {
            format.pack(rows.data() + static_cast<std::size_t>(panel) * kPanelRows * rowBytes(),
                        rowBytes(), std::min(kPanelRows, kRows - panel * kPanelRows),
                        static_cast<int>(blocks),
                        expected.data() + static_cast<std::size_t>(panel) * panelBytes);
        }
    }

    [[nodiscard]] std::size_t rowBytes() const { return rows.size() / kRows; }
    [[nodiscard]] LazyPanels lazy() {
        return LazyPanels({rows.data(), rowBytes(), kRows, kColumns, &format, panels.data(),
                           states.data(), &ledger});
    }
    [[nodiscard]] bool holds(const std::byte* data, int panel, int nPanels) const {
        return std::memcmp(data, expected.data() + static_cast<std::size_t>(panel) * panelBytes,
                           static_cast<std::size_t>(nPanels) * panelBytes) == 0;
    }

    static constexpr int kRows = 40;
    static constexpr int kColumns = 512;
    std::vector<std::byte> rows;
    const PackedFormat& format;
    std::size_t panelBytes = 0;
    std::vector<std::byte> panels;
    std::vector<std::byte> expected;
    std::array<std::atomic<std::uint8_t>, 3> states{};
    PackingLedger ledger;
};

TEST(LazyPanels, AreCopiedWhenFirstReadAndStayWhenReadAgain) {
    for (const TensorType type : kTypes) {
        LazyMatrix matrix(type);
        const LazyPanels lazy = matrix.lazy();
        const std::byte* first = lazy.ready(0, 32);
        EXPECT_NE(first, matrix.panels.data());
        EXPECT_TRUE(matrix.holds(first, 0, 2));
        EXPECT_EQ(matrix.ledger.packedBytes(), 0U);
        // One of these two panels was never read.
        const std::byte* last = lazy.ready(16, 24);
        EXPECT_TRUE(matrix.holds(last, 1, 2));
        EXPECT_EQ(matrix.ledger.packedBytes(), 0U);
        EXPECT_EQ(lazy.ready(0, 32), matrix.panels.data());
        EXPECT_EQ(matrix.ledger.packedBytes(), 2 * matrix.panelBytes);
        EXPECT_EQ(lazy.ready(16, 24), matrix.panels.data() + matrix.panelBytes);
        EXPECT_TRUE(matrix.holds(matrix.panels.data(), 0, 3));
        EXPECT_EQ(matrix.ledger.packedBytes(), 3 * matrix.panelBytes);
    }
}

TEST(LazyPanels, OfAPanelThatAnotherThreadIsPackingAreACopy) {
    LazyMatrix matrix(TensorType::Q4_K);
    const LazyPanels lazy = matrix.lazy();
    constexpr std::uint8_t kBeingPacked = 2;
    matrix.states[1] = kBeingPacked;
    for (int repeat = 0; repeat < 3; ++repeat) {
        const std::byte* data = lazy.ready(0, 40);
        EXPECT_NE(data, matrix.panels.data());
        EXPECT_TRUE(matrix.holds(data, 0, 3));
    }
    EXPECT_EQ(lazy.ready(0, 16), matrix.panels.data());  // its neighbours are packed meanwhile
    EXPECT_FALSE(lazy.pack(0, 3, true));
}

// ------------------------------------------------------------------------ packed behind answers

TEST(PackedMemory, PacksBehindOnlyOnCoresThatAnswersLeave) {
    const GgufFile file = GgufFile::open(test::chatModel("Q8_0")).value();
    const ModelConfig config = ModelConfig::read(file).value();
    Weights weights = Weights::load(file, config, kernels()).value();
    ASSERT_TRUE(packWeights(weights, kernels()).has_value());
    {
        const PackedMemory::CoreClaim claim(weights.packed, 2);
        weights.packed.packBehind(2);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        EXPECT_EQ(weights.packed.packedBytes(), 0U);
    }
    weights.packed.wait();
    EXPECT_GT(weights.packed.packedBytes(), weights.packed.sizeBytes() * 9 / 10);
}

}  // namespace
}  // namespace conclave::engine
