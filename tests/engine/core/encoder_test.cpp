// Every encoder against llama.cpp: tiny random models of tests/parity/encoders.py.
#include "engine/encoder/encoder_model.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "bare_model.h"
#include "models.h"

namespace conclave::engine {
namespace {

using testing::HasSubstr;

constexpr std::array kLengths = {1, 7, 24, 40};  // of make_encoder_golden.py

std::vector<std::vector<TokenId>> encoderTexts(int vocabularySize,
                                               std::span<const int> lengths = kLengths) {
    std::vector<std::vector<TokenId>> texts;
    for (const int n : lengths) {
        std::uint32_t state = 1;
        std::vector<TokenId>& text = texts.emplace_back();
        for (int i = 0; i < n; ++i) {
            state = state * 1103515245u + 12345u;
            text.push_back(
                static_cast<TokenId>((state >> 16) % static_cast<std::uint32_t>(vocabularySize)));
        }
    }
    return texts;
}

std::vector<float> goldenVectors(const std::string& name, std::size_t n) {
    std::ifstream file(test::parity(name + ".vectors"), std::ios::binary);
    std::vector<float> values(n);
    file.read(reinterpret_cast<char*>(values.data()),
              static_cast<std::streamsize>(n * sizeof(float)));
    EXPECT_TRUE(file.good()) << name;
    return values;
}

std::unique_ptr<const EncoderModel> loadEncoderFile(const std::filesystem::path& path,
                                                    const KernelTable& kernels) {
    auto model = EncoderModel::load(GgufFile::open(path).value(), kernels, 2);
    EXPECT_TRUE(model) << model.error().detail;
    return std::move(*model);
}

std::unique_ptr<const EncoderModel> loadEncoder(const std::string& name, const KernelTable& kernels,
                                                int nThreads = 2) {
    auto model =
        EncoderModel::load(GgufFile::open(test::parity(name + ".gguf")).value(), kernels, nThreads);
    EXPECT_TRUE(model) << model.error().detail;
    return std::move(*model);
}

std::string shortFigure(double value) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%.2g", value);
    return text.data();
}

std::string encoderTestName(const testing::TestParamInfo<std::string>& instance) {
    std::string name = instance.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

class Encoder : public testing::TestWithParam<std::string> {};

TEST_P(Encoder, VectorsEqualLlamaCpp) {
    // llama.cpp rounds activations to 8 bits where weights are quantized, we do so otherwise.
    const bool exact = GetParam() != "bert-q8";
    for (const KernelTable* kernels : test::runnableKernelSets()) {
        const auto model = loadEncoder(GetParam(), *kernels);
        const auto texts = encoderTexts(model->config().vocabularySize);
        const auto dim = static_cast<std::size_t>(model->outputDim());
        const std::vector<float> golden = goldenVectors(GetParam(), texts.size() * dim);
        std::vector<float> vectors(golden.size());
        ASSERT_TRUE(model->run(texts, vectors));
        double leastCosine = 1.0;
        double largest = 0.0;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            double dot = 0.0;
            double ours = 0.0;
            double theirs = 0.0;
            for (std::size_t d = i * dim; d < (i + 1) * dim; ++d) {
                dot += double{vectors[d]} * golden[d];
                ours += double{vectors[d]} * vectors[d];
                theirs += double{golden[d]} * golden[d];
            }
            const bool isScore = dim == 1;
            if (!isScore) leastCosine = std::min(leastCosine, dot / std::sqrt(ours * theirs));
            for (std::size_t d = i * dim; d < (i + 1) * dim; ++d) {
                const double difference =
                    isScore ? double{vectors[d]} - golden[d]
                            : vectors[d] / std::sqrt(ours) - golden[d] / std::sqrt(theirs);
                largest = std::max(largest, std::abs(difference));
            }
        }
        EXPECT_GT(leastCosine, exact ? 0.99999 : 0.999) << kernels->isa;
        EXPECT_LT(largest, exact ? 1e-3 : 0.02) << kernels->isa;
        RecordProperty(std::string("cosine-") + kernels->isa, shortFigure(1.0 - leastCosine));
        RecordProperty(std::string("max-") + kernels->isa, shortFigure(largest));
    }
}

TEST_P(Encoder, NeitherBatchNorThreadsChangeABit) {
    const auto model = loadEncoder(GetParam(), kernels(), 1);
    const auto texts = encoderTexts(model->config().vocabularySize);
    const auto dim = static_cast<std::size_t>(model->outputDim());
    std::vector<float> together(texts.size() * dim);
    ASSERT_TRUE(model->run(texts, together));
    const auto other = loadEncoder(GetParam(), kernels(), 3);
    for (std::size_t i = texts.size(); i-- > 0;) {
        std::vector<float> alone(dim);
        ASSERT_TRUE(other->run({&texts[i], 1}, alone));
        EXPECT_TRUE(std::equal(alone.begin(), alone.end(),
                               together.begin() + static_cast<std::ptrdiff_t>(i * dim)))
            << "text " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Models, Encoder,
                         testing::Values("bert", "bert-cls", "bert-q8", "bert-rank", "nomic-bert",
                                         "nomic-bert-moe", "jina-bert-v2", "jina-bert-v2-geglu",
                                         "qwen3-embedding", "qwen3-reranker", "gemma-embedding",
                                         "gemma-embedding-plain"),
                         encoderTestName);

/// How far vectors are from others, as the mean of 1 - cosine; scores, as that of their squares.
double meanDistance(std::span<const float> a, std::span<const float> b, std::size_t dim) {
    double sum = 0.0;
    for (std::size_t first = 0; first < a.size(); first += dim) {
        double dot = 0.0;
        double aa = 0.0;
        double bb = 0.0;
        for (std::size_t d = first; d < first + dim; ++d) {
            dot += double{a[d]} * b[d];
            aa += double{a[d]} * a[d];
            bb += double{b[d]} * b[d];
        }
        sum += dim == 1 ? aa - 2.0 * dot + bb : 1.0 - dot / std::sqrt(aa * bb);
    }
    return sum * static_cast<double>(dim) / static_cast<double>(a.size());
}

/// Model and type, as "bert.Q8_0".
class QuantizedEncoder : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        m_folder = std::filesystem::path(testing::TempDir()) /
                   ("quantized-encoder-" + std::to_string(::getpid()) + "-" + GetParam());
        std::filesystem::create_directories(m_folder);
        const std::size_t point = GetParam().find('.');
        write(test::parity(GetParam().substr(0, point) + ".gguf"), quantized(),
              GetParam().substr(point + 1));
        write(quantized(), unpacked(), "F32");
    }
    void TearDown() override { std::filesystem::remove_all(m_folder); }

    [[nodiscard]] std::filesystem::path quantized() const { return m_folder / "quantized.gguf"; }
    /// The same weights as floats.
    [[nodiscard]] std::filesystem::path unpacked() const { return m_folder / "unpacked.gguf"; }

private:
    static void write(const std::filesystem::path& in, const std::filesystem::path& out,
                      const std::string& type) {
        QuantizeOptions options;
        options.type = type;
        options.allowRequantize = true;
        const auto done = quantizeModel(in, out, options);
        ASSERT_TRUE(done) << done.error().detail;
    }

    std::filesystem::path m_folder;
};

TEST_P(QuantizedEncoder, IsAsNearToExactArithmeticAsLlamaCpp) {
    const auto exact = loadEncoderFile(unpacked(), scalarKernels());
    // As compare_encoders.py: more texts where chance would decide.
    const bool isCoarse = exact->outputDim() == 1 || exact->config().nExperts > 0;
    std::vector<int> lengths;
    for (int n = 2; n <= 47; n += isCoarse ? 1 : 3) lengths.push_back(n);
    const auto texts = encoderTexts(exact->config().vocabularySize, lengths);
    const auto dim = static_cast<std::size_t>(exact->outputDim());
    std::vector<float> exactVectors(texts.size() * dim);
    ASSERT_TRUE(exact->run(texts, exactVectors));
    const std::vector<float> golden = goldenVectors(GetParam(), exactVectors.size());
    const double theirs = meanDistance(golden, exactVectors, dim);
    for (const KernelTable* kernels : test::nativeKernelSets()) {
        std::vector<float> vectors(exactVectors.size());
        ASSERT_TRUE(loadEncoderFile(quantized(), *kernels)->run(texts, vectors));
        const double ours = meanDistance(vectors, exactVectors, dim);
        // Below this F16's rounding in llama.cpp alone decides.
        constexpr double kAsGoodAsExact = 1e-6;
        EXPECT_LE(ours, std::max(1.5 * theirs, kAsGoodAsExact)) << kernels->isa;
        RecordProperty(std::string("ours-") + kernels->isa, shortFigure(ours));
        RecordProperty(std::string("theirs-") + kernels->isa, shortFigure(theirs));
    }
}

std::vector<std::string> quantizedEncoders() {
    std::vector<std::string> all;
    for (const std::string model : {"bert", "bert-cls", "bert-rank", "nomic-bert", "nomic-bert-moe",
                                    "jina-bert-v2", "jina-bert-v2-geglu", "qwen3-embedding",
                                    "qwen3-reranker", "gemma-embedding", "gemma-embedding-plain"}) {
        for (const char* type : {".Q8_0", ".Q4_K"}) all.push_back(model + type);
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Models, QuantizedEncoder, testing::ValuesIn(quantizedEncoders()),
                         [](const testing::TestParamInfo<std::string>& instance) {
                             std::string name = instance.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             std::replace(name.begin(), name.end(), '.', '_');
                             return name;
                         });

TEST(EncoderModel, StopsWhenAsked) {
    const auto model = loadEncoder("bert", kernels());
    const auto texts = encoderTexts(model->config().vocabularySize);
    std::vector<float> vectors(texts.size() * static_cast<std::size_t>(model->outputDim()));
    std::stop_source stop;
    stop.request_stop();
    EXPECT_FALSE(model->run(texts, vectors, stop.get_token()));
}

TEST(EncoderModel, GivesZerosForATextWithoutTokensAmongOthers) {
    const auto model = loadEncoder("bert", kernels());
    const std::vector<std::vector<TokenId>> texts = {{}, {2, 7, 3}, {}};
    const auto dim = static_cast<std::size_t>(model->outputDim());
    std::vector<float> vectors(3 * dim, 1.0f);
    ASSERT_TRUE(model->run(texts, vectors));
    EXPECT_THAT(std::vector(vectors.begin(), vectors.begin() + 32), testing::Each(0.0f));
    EXPECT_NE(vectors[dim], 0.0f);
    EXPECT_THAT(std::vector(vectors.end() - 32, vectors.end()), testing::Each(0.0f));
}

TEST(EncoderModel, PutsMarksAroundTextsAndCutsThemToTheContext) {
    const auto model = loadEncoder("bert", kernels());
    const std::vector<TokenId> tokens = model->tokenize("hello world");
    ASSERT_EQ(tokens.size(), 4u);
    EXPECT_EQ(tokens.front(), 2);
    EXPECT_EQ(tokens.back(), 3);
    std::string longText;
    for (int i = 0; i < 100; ++i) longText += "hello ";
    EXPECT_EQ(model->tokenize(longText).size(), 64u);
    EXPECT_EQ(model->tokenize(longText).back(), 3);
    const std::vector<TokenId> pair = model->tokenizePair("hello", longText);
    EXPECT_EQ(pair.size(), 64u);
    EXPECT_EQ(std::count(pair.begin(), pair.end(), 3), 2);
    EXPECT_EQ(pair.back(), 3);
}

TEST(TextEmbedder, EmbedsWithAnEncoder) {
    const auto embedder = TextEmbedder::load(test::parity("bert.gguf"));
    ASSERT_TRUE(embedder) << embedder.error().detail;
    EXPECT_TRUE((*embedder)->info().isEmbedder);
    EXPECT_EQ((*embedder)->dimension(), 32);
    const std::vector<std::string> texts = {"hello world", " \n", "the world"};
    std::vector<float> vectors(96);
    (*embedder)->embedAll(texts, TextKind::Passage, vectors);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        double squares = 0.0;
        for (std::size_t d = 0; d < 32; ++d) squares += std::pow(vectors[i * 32 + d], 2);
        EXPECT_NEAR(squares, i == 1 ? 0.0 : 1.0, 1e-5);
    }
    std::vector<float> alone(32);
    (*embedder)->embed("the world", alone);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), vectors.begin() + 64));
}

TEST(TextEmbedder, ReadsQuestionsAndPassagesAsItsFamilyWants) {
    const auto embedder = TextEmbedder::load(test::parity("nomic-bert.gguf"));
    ASSERT_TRUE(embedder) << embedder.error().detail;
    std::vector<float> query(32);
    std::vector<float> passage(32);
    (*embedder)->embed("hello", query, TextKind::Query);
    (*embedder)->embed("hello", passage, TextKind::Passage);
    EXPECT_NE(query, passage);
}

TEST(TextEmbedder, RefusesARerankerAndTheOtherWayRound) {
    const auto embedder = TextEmbedder::load(test::parity("bert-rank.gguf"));
    ASSERT_FALSE(embedder);
    EXPECT_THAT(embedder.error().detail, HasSubstr("choose it as the reranker"));
    const auto reranker = Reranker::load(test::parity("bert.gguf"));
    ASSERT_FALSE(reranker);
    EXPECT_THAT(reranker.error().detail, HasSubstr("choose it as the embedder"));
    EXPECT_FALSE(Model::load(test::parity("bert.gguf")));
    EXPECT_FALSE(Model::load(test::parity("bert-rank.gguf")));
}

TEST(Reranker, ScoresAPassageAloneAsAmongOthers) {
    for (const char* name : {"bert-rank.gguf", "qwen3-reranker.gguf"}) {
        const auto reranker = Reranker::load(test::parity(name));
        ASSERT_TRUE(reranker) << reranker.error().detail;
        EXPECT_TRUE((*reranker)->info().isReranker);
        const std::vector<std::string> passages = {"hello world", "unaffable", "the 2024"};
        const auto scores = (*reranker)->score("hello", passages);
        ASSERT_TRUE(scores);
        for (std::size_t i = 0; i < passages.size(); ++i) {
            EXPECT_GT((*scores)[i], 0.0f);
            EXPECT_LT((*scores)[i], 1.0f);
            EXPECT_EQ((*reranker)->score("hello", {&passages[i], 1}).value()[0], (*scores)[i]);
        }
        EXPECT_NE((*scores)[0], (*scores)[1]);
    }
}

// ---------------------------------------------------------------------------------- damaged files

class DamagedEncoder : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        std::ifstream file(test::parity(GetParam() + ".gguf"), std::ios::binary);
        m_good = {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        ASSERT_FALSE(m_good.empty());
    }
    void TearDown() override { std::filesystem::remove(m_path); }

    /// Loads the bytes and, if that succeeds, embeds a few tokens.
    Result<void> tryEncoder(const std::string& bytes) {
        std::filesystem::remove(m_path);  // an older one may still be mapped
        std::ofstream(m_path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
        auto file = GgufFile::open(m_path);
        if (!file) return tl::unexpected(file.error());
        const auto model = EncoderModel::load(std::move(*file), kernels(), 1);
        if (!model) return tl::unexpected(model.error());
        const auto n = static_cast<std::size_t>(std::min(4, (*model)->config().contextLength));
        const std::vector<TokenId> tokens(n, 0);
        std::vector<float> out(static_cast<std::size_t>((*model)->outputDim()));
        static_cast<void>((*model)->run({&tokens, 1}, out));
        static_cast<void>((*model)->tokenizePair("hello world", "the hello"));
        return {};
    }

    std::filesystem::path m_path = std::filesystem::path(testing::TempDir()) /
                                   ("damaged-encoder-" + std::to_string(::getpid()) + ".gguf");
    std::string m_good;
};

TEST_P(DamagedEncoder, TruncatedIsAnError) {
    for (std::size_t part = 0; part < 16; ++part) {
        const auto result = tryEncoder(m_good.substr(0, m_good.size() * part / 16));
        ASSERT_FALSE(result);
        EXPECT_FALSE(result.error().detail.empty());
    }
}

TEST_P(DamagedEncoder, LackingTensorIsNamed) {
    const auto file = GgufFile::open(test::parity(GetParam() + ".gguf"));
    ASSERT_TRUE(file);
    int nErrors = 0;
    for (const TensorInfo& tensor : file->tensors()) {
        std::string bytes = m_good;
        bytes[bytes.find(tensor.name) + tensor.name.size() - 1] = '?';
        const auto result = tryEncoder(bytes);
        ASSERT_FALSE(result) << tensor.name;
        // What published files do without is missed by nobody, but nobody knows its new name.
        if (result.error().code == ErrorCode::Unsupported) continue;
        ++nErrors;
        EXPECT_EQ(result.error().code, ErrorCode::Corrupt) << result.error().detail;
        EXPECT_THAT(result.error().detail, HasSubstr("lacks the tensor"));
    }
    EXPECT_GT(nErrors, std::ssize(file->tensors()) / 2);
}

TEST_P(DamagedEncoder, FlippedBitsDoNoHarm) {
    std::mt19937 random(1);
    const auto file = GgufFile::open(test::parity(GetParam() + ".gguf"));
    ASSERT_TRUE(file);
    const std::size_t header = m_good.find(file->tensors().back().name);
    int nErrors = 0;
    for (int i = 0; i < 200; ++i) {
        std::string bytes = m_good;
        for (int flip = 0; flip <= i % 3; ++flip) {
            const std::size_t at = random() % header;
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        }
        if (const auto result = tryEncoder(bytes); !result) {
            ++nErrors;
            EXPECT_FALSE(result.error().detail.empty());
            EXPECT_NE(result.error().code, ErrorCode::Internal) << result.error().detail;
        }
    }
    EXPECT_GT(nErrors, 10);
}

/// The file `model` with one more tensor, of eight floats.
std::string withTensor(const std::string& model, const std::string& name) {
    constexpr std::size_t kCountAt = 8;
    constexpr std::size_t kAlignment = 32;
    const auto plain = [](auto value) {
        return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
    };
    const auto aligned = [](std::string text) {
        text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, '\0');
        return text;
    };
    const auto path = test::parity(model + ".gguf");
    std::ifstream stream(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream),
                            std::istreambuf_iterator<char>()};
    const auto file = GgufFile::open(path);
    EXPECT_TRUE(file);
    const TensorInfo& last = file->tensors().back();
    const std::uint64_t nTensors = file->tensors().size();
    // Behind the name: how many extents, these, the type and the offset.
    const std::size_t end =
        bytes.find(last.name) + last.name.size() + 4 + 8 * last.shape.size() + 4 + 8;
    std::string head = bytes.substr(0, kCountAt) + plain(nTensors + 1) +
                       bytes.substr(kCountAt + sizeof(nTensors), end - kCountAt - sizeof(nTensors));
    const std::string data = aligned(bytes.substr(aligned(head).size()));
    head += plain(std::uint64_t{name.size()}) + name + plain(std::uint32_t{1}) +
            plain(std::uint64_t{8}) + plain(std::uint32_t{0}) + plain(std::uint64_t{data.size()});
    return aligned(head) + data + std::string(kAlignment, '\0');
}

TEST_P(DamagedEncoder, TensorThatNothingReadsIsNamed) {
    EXPECT_TRUE(tryEncoder(withTensor(GetParam(), "output.weight")));
    EXPECT_TRUE(tryEncoder(withTensor(GetParam(), "embeddings.position_ids")));
    for (const std::string name : {"blk.1.attn_sinks.weight", "dense_9.weight", "output_scale"}) {
        const auto result = tryEncoder(withTensor(GetParam(), name));
        ASSERT_FALSE(result) << name;
        EXPECT_EQ(result.error().code, ErrorCode::Unsupported);
        EXPECT_THAT(result.error().detail,
                    testing::AllOf(HasSubstr("does not use"), HasSubstr(name)));
    }
    // A head is used where the file's answer is a score, and left alone where it is a vector.
    const bool isReranker = GetParam() == "bert-rank" || GetParam() == "qwen3-reranker";
    for (const std::string name : {"cls.norm.weight", "pooler.dense.bias"}) {
        EXPECT_NE(tryEncoder(withTensor(GetParam(), name)).has_value(), isReranker) << name;
    }
}

INSTANTIATE_TEST_SUITE_P(Models, DamagedEncoder,
                         testing::Values("bert", "bert-rank", "nomic-bert", "nomic-bert-moe",
                                         "jina-bert-v2", "jina-bert-v2-geglu", "qwen3-embedding",
                                         "qwen3-reranker", "gemma-embedding"),
                         encoderTestName);

}  // namespace
}  // namespace conclave::engine
