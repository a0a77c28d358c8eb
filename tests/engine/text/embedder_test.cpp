// The bundled embedder against the reference implementation's token ids and vectors.

#include <array>
#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/embedding/row_sum.h"
#include "engine/engine.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/golden.h"

namespace conclave::engine {
namespace {

using testing::HasSubstr;

/// Compares tokens, and the first values with what the reference gives for `key`.
void expectGolden(const TextEmbedder& embedder, const std::string& key) {
    const auto goldens = test::readGoldenLines("embeddings.jsonl");
    ASSERT_EQ(goldens.size(), 30u);
    for (const auto& golden : goldens) {
        const std::string text = golden.at("text");
        EXPECT_EQ(embedder.tokenize(text), golden.at("ids").get<std::vector<TokenId>>()) << text;
        std::vector<float> vector(static_cast<std::size_t>(embedder.dimension()));
        embedder.embed(text, vector);
        const auto expected = golden.at(key).get<std::vector<float>>();
        for (std::size_t i = 0; i < expected.size(); ++i) {
            EXPECT_NEAR(vector[i], expected[i], 2e-6f) << text << " value " << i;
        }
        double squares = 0.0;
        for (const float value : vector) squares += double{value} * double{value};
        const bool isEmpty = golden.at("norm").get<double>() == 0.0;
        EXPECT_NEAR(squares, isEmpty ? 0.0 : 1.0, 1e-5) << text;
    }
}

TEST(TextEmbedder, GivesTheReferencesTokensAndVectors) {
    const auto embedder = TextEmbedder::load(test::bundledEmbedder());
    ASSERT_TRUE(embedder) << embedder.error().detail;
    EXPECT_EQ((*embedder)->dimension(), 256);
    EXPECT_TRUE((*embedder)->info().isEmbedder);
    expectGolden(**embedder, "values_q8_0");
}

TEST(TextEmbedder, GivesTheReferencesVectorsInF16Too) {
    const auto path = test::sharedFolder() / "models" / "conclave-embed-static-256-f16.gguf";
    if (!std::filesystem::exists(path)) {
        GTEST_SKIP() << "the F16 embedder is not part of the repository";
    }
    const auto embedder = TextEmbedder::load(path);
    ASSERT_TRUE(embedder) << embedder.error().detail;
    expectGolden(**embedder, "values");
    const auto bundled = TextEmbedder::load(test::bundledEmbedder());
    ASSERT_TRUE(bundled);
    EXPECT_NE((*embedder)->id(), (*bundled)->id());
}

TEST(TextEmbedder, HasOneIdForOneFile) {
    const auto first = TextEmbedder::load(test::bundledEmbedder());
    const auto second = TextEmbedder::load(test::bundledEmbedder());
    ASSERT_TRUE(first);
    ASSERT_TRUE(second);
    EXPECT_EQ((*first)->id(), (*second)->id());
    EXPECT_THAT((*first)->id(), HasSubstr("Conclave Embed Static#"));
}

TEST(TextEmbedder, GivesZerosForTextWithoutWords) {
    const auto embedder = TextEmbedder::load(test::bundledEmbedder());
    ASSERT_TRUE(embedder);
    std::vector<float> vector(256, 1.0f);
    for (const std::string_view text : {"", "  ", "?!..."}) {
        (*embedder)->embed(text, vector);
        EXPECT_THAT(vector, testing::Each(0.0f)) << "\"" << text << "\"";
    }
}

TEST(TextEmbedder, RefusesAChatModel) {
    const auto embedder = TextEmbedder::load(test::bundledChatModel());
    ASSERT_FALSE(embedder);
    EXPECT_EQ(embedder.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(embedder.error().detail, HasSubstr("deepseek2"));
}

// ------------------------------------------------------------ small files

/// Three words of two dimensions, to be spoilt.
test::GgufWriter smallEmbedder(bool withTable = true) {
    test::GgufWriter writer;
    writer.set("general.architecture", "static-embed");
    writer.set("general.name", "Small");
    writer.set("static-embed.embedding_length", std::uint32_t{2});
    writer.set("static-embed.context_length", std::uint32_t{64});
    writer.set("static-embed.vocab_size", std::uint32_t{3});
    writer.set("tokenizer.ggml.model", "t5");
    writer.setStrings("tokenizer.ggml.tokens", {"<unk>", "\u2581cat", "\u2581dog"});
    writer.setFloats("tokenizer.ggml.scores", {0.0f, -1.0f, -2.0f});
    writer.setInts("tokenizer.ggml.token_type", {2, 1, 1});
    writer.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
    writer.set("tokenizer.ggml.remove_extra_whitespaces", true);
    if (withTable) {
        writer.addTensor("token_embd.weight", 0, {2, 3},
                         test::bytesOf(std::vector<float>{0, 0, 3, 4, 4, -3}));
    }
    return writer;
}

Result<std::shared_ptr<const TextEmbedder>> loadWritten(const test::GgufWriter& writer) {
    const auto path = std::filesystem::path(testing::TempDir()) /
                      ("small-embedder-" + std::to_string(::getpid()) + ".gguf");
    EXPECT_TRUE(writer.write(path));
    auto embedder = TextEmbedder::load(path);
    std::filesystem::remove(path);  // the mapping stays
    return embedder;
}

TEST(TextEmbedder, PoolsByTheMean) {
    const auto embedder = loadWritten(smallEmbedder());
    ASSERT_TRUE(embedder) << embedder.error().detail;
    std::vector<float> vector(2);
    (*embedder)->embed("cat", vector);
    EXPECT_FLOAT_EQ(vector[0], 0.6f);
    EXPECT_FLOAT_EQ(vector[1], 0.8f);
    (*embedder)->embed(" dog  cat ", vector);  // (7, 1)
    EXPECT_FLOAT_EQ(vector[0], 7 / std::sqrt(50.0f));
    EXPECT_FLOAT_EQ(vector[1], 1 / std::sqrt(50.0f));
}

TEST(TextEmbedder, MultipliesByTokenWeights) {
    test::GgufWriter writer = smallEmbedder();
    writer.addTensor("token_weight.weight", 0, {3}, test::bytesOf(std::vector<float>{1, 2, 0.5f}));
    const auto embedder = loadWritten(writer);
    ASSERT_TRUE(embedder) << embedder.error().detail;
    std::vector<float> vector(2);
    (*embedder)->embed("dog cat", vector);  // (6 + 2, 8 - 1.5)
    EXPECT_FLOAT_EQ(vector[0], 8 / std::hypot(8.0f, 6.5f));
    EXPECT_FLOAT_EQ(vector[1], 6.5f / std::hypot(8.0f, 6.5f));
}

TEST(TextEmbedder, NamesWhatIsWrongInAFile) {
    const auto detail = [](const test::GgufWriter& writer) {
        const auto embedder = loadWritten(writer);
        return embedder ? std::string("loaded") : embedder.error().detail;
    };
    EXPECT_THAT(detail(smallEmbedder(false)), HasSubstr("token_embd.weight"));
    test::GgufWriter wrongShape = smallEmbedder(false);
    wrongShape.addTensor("token_embd.weight", 0, {3, 2},
                         test::bytesOf(std::vector<float>(6, 1.0f)));
    EXPECT_THAT(detail(wrongShape), HasSubstr("token_embd.weight"));
    test::GgufWriter wrongWeights = smallEmbedder();
    wrongWeights.addTensor("token_weight.weight", 0, {2}, test::bytesOf(std::vector<float>{1, 2}));
    EXPECT_THAT(detail(wrongWeights), HasSubstr("token_weight.weight"));
    test::GgufWriter wrongPooling = smallEmbedder();
    wrongPooling.set("static-embed.pooling", "last");
    EXPECT_THAT(detail(wrongPooling), HasSubstr("static-embed.pooling \"last\""));
}

TEST(RowSum, ConvertsEveryHalf) {
    EXPECT_EQ(halfToFloat(0x3C00), 1.0f);
    EXPECT_EQ(halfToFloat(0xC000), -2.0f);
    EXPECT_EQ(halfToFloat(0x0001), 0x1.0p-24f);
    EXPECT_EQ(halfToFloat(0x8000), 0.0f);
    EXPECT_EQ(halfToFloat(0x7BFF), 65504.0f);
    EXPECT_TRUE(std::isinf(halfToFloat(0x7C00)));
    EXPECT_TRUE(std::isnan(halfToFloat(0x7E00)));
}

TEST(RowSum, AddsF16RowsOfAnyLength) {
    for (const std::size_t nValues : {1u, 7u, 8u, 19u, 256u}) {
        std::vector<unsigned short> row(nValues);
        std::vector<float> sum(nValues, 1.0f);
        for (std::size_t i = 0; i < nValues; ++i) {
            row[i] = static_cast<unsigned short>(i * 7919 % 0x7C00);  // finite, both subnormal too
        }
        const std::string bytes = test::bytesOf(row);
        addRowsF16()(std::as_bytes(std::span(bytes)).data(), 0, std::array{0}, sum);
        for (std::size_t i = 0; i < nValues; ++i) EXPECT_EQ(sum[i], 1.0f + halfToFloat(row[i]));
    }
}

TEST(RowSum, AddsQ8Rows) {
    // Two blocks of scale 0.5 and 2, values -128 + i.
    std::string bytes;
    for (const unsigned short scale : {0x3800, 0x4000}) {
        bytes += test::bytesOf(std::vector<unsigned short>{scale});
        for (int i = 0; i < 32; ++i) bytes += static_cast<char>(i * 8 - 128);
    }
    bytes += bytes;  // a second row like the first
    std::vector<float> sum(64, 1.0f);
    addRowsQ8()(std::as_bytes(std::span(bytes)).data(), bytes.size() / 2, std::array{1, 0, 1}, sum);
    for (std::size_t i = 0; i < 64; ++i) {
        const float quantized = static_cast<float>(i % 32) * 8 - 128;
        EXPECT_EQ(sum[i], 1.0f + 3 * (i < 32 ? 0.5f : 2.0f) * quantized);
    }
}

TEST(RowSum, RoundsEachProductAndEachSumOfQ8Rows) {
    constexpr unsigned short kTenth = 0x2E66;  // its products have as many bits as any
    constexpr std::size_t kRows = 3;
    for (const std::size_t nBlocks : {1u, 2u, 7u, 8u, 9u, 17u}) {
        std::string bytes;
        for (std::size_t block = 0; block < kRows * nBlocks; ++block) {
            const auto scale = static_cast<unsigned short>(kTenth + block);
            bytes += test::bytesOf(std::vector<unsigned short>{scale});
            for (std::size_t i = 0; i < 32; ++i) bytes += static_cast<char>(block * 37 + i * 11);
        }
        const std::vector<std::int32_t> rows = {2, 0, 1, 2};
        std::vector<float> sum(32 * nBlocks, 0.3f);
        std::vector<float> expected = sum;
        for (const std::int32_t row : rows) {
            for (std::size_t i = 0; i < expected.size(); ++i) {
                const auto block = static_cast<std::size_t>(row) * nBlocks + i / 32;
                const float scale = halfToFloat(static_cast<unsigned short>(kTenth + block));
                const auto value = static_cast<std::int8_t>(block * 37 + i % 32 * 11);
                const volatile float product = scale * static_cast<float>(value);
                expected[i] += product;
            }
        }
        addRowsQ8()(std::as_bytes(std::span(bytes)).data(), bytes.size() / kRows, rows, sum);
        EXPECT_EQ(sum, expected) << nBlocks;
    }
}

}  // namespace
}  // namespace conclave::engine
