// The layers that predict further tokens: what they compute, and that guessing by them changes
// nothing but the number of passes.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/runtime/session.h"
#include "engine/runtime/token_predictor.h"
#include "golden_distance.h"
#include "models.h"
#include "tests/engine/core/requests.h"
#include "tests/support/gguf_writer.h"

namespace conclave::engine {
namespace {

using testing::HasSubstr;

constexpr int kVocabulary = 96;  // of the tiny models
constexpr int kEmbedding = 32;
const std::string kLayer = "blk.2.";  // where they predict

std::shared_ptr<const LoadedModel> loadPredicting(const std::filesystem::path& path) {
    auto model = LoadedModel::load(path, kernels(), LoadOptions{.predicts = true});
    EXPECT_TRUE(model) << model.error().detail;
    return *model;
}

/// Runs a model and a layer of prediction behind it, as a session does.
class Predicting {
public:
    explicit Predicting(const std::filesystem::path& path, int nThreads = 1)
        : m_model(loadPredicting(path)),
          m_cache(KvCache::create(m_model->config(), kContext, kBatch).value()),
          m_pool(nThreads),
          m_transformer(m_model->config(), m_model->weights(), m_model->kernels(), m_cache, m_pool,
                        kBatch),
          m_predictor(TokenPredictor::create(*m_model, m_pool, kContext, {}).value()) {}

    static constexpr int kContext = 512;
    static constexpr int kBatch = 256;

    /// The states of `tokens`, which begin at position 0, [token][embeddingDim].
    std::vector<float> states(std::span<const TokenId> tokens) {
        EXPECT_TRUE(m_transformer.forward(tokens, 0, static_cast<int>(tokens.size())));
        std::vector<float> all(tokens.size() * kEmbedding);
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            m_transformer.hidden(static_cast<int>(i),
                                 std::span(all).subspan(i * kEmbedding, kEmbedding));
        }
        return all;
    }

    /// Computes what follows the first `first` tokens, and lets the predictor follow.
    void compute(std::span<const TokenId> text, std::size_t first) {
        const int nNew = static_cast<int>(text.size() - first);
        EXPECT_TRUE(m_transformer.forward(text.subspan(first), static_cast<int>(first), nNew));
        m_predictor->follow(text, nNew, m_transformer);
    }

    [[nodiscard]] const LoadedModel& model() const { return *m_model; }
    ThreadPool& pool() { return m_pool; }
    TokenPredictor& predictor() { return *m_predictor; }

private:
    std::shared_ptr<const LoadedModel> m_model;
    KvCache m_cache;
    ThreadPool m_pool;
    Transformer m_transformer;
    std::unique_ptr<TokenPredictor> m_predictor;
};

class PredictionGolden : public testing::TestWithParam<std::string> {};

TEST_P(PredictionGolden, LogProbabilitiesEqualThePapersFormulasHoweverPairsAreBatched) {
    const auto golden = test::readGolden(GetParam() + "-prediction");
    ASSERT_FALSE(golden.empty());
    Predicting run(test::parity(GetParam() + ".gguf"));
    const auto tokens = test::goldenTokens(kVocabulary, golden.size() + 1);
    const auto states = run.states(std::span(tokens).first(golden.size()));
    const ModelConfig config = run.model().config().predictionLayer();
    std::vector<float> whole;
    for (const std::size_t batch : {golden.size(), std::size_t{1}, std::size_t{7}}) {
        auto cache = KvCache::create(config, Predicting::kContext, Predicting::kBatch).value();
        PredictionLayer layer(config, run.model().weights(), run.model().kernels(), cache,
                              run.pool(), Predicting::kBatch);
        std::vector<float> logits(golden.size() * kVocabulary);
        for (std::size_t done = 0; done < golden.size();) {
            const std::size_t n = std::min(batch, golden.size() - done);
            ASSERT_TRUE(layer.forward(std::span(tokens).subspan(done + 1, n),
                                      std::span(states).subspan(done * kEmbedding, n * kEmbedding),
                                      static_cast<int>(done), static_cast<int>(n)));
            for (std::size_t i = 0; i < n; ++i) {
                ASSERT_TRUE(
                    layer.logits(static_cast<int>(i),
                                 std::span(logits).subspan((done + i) * kVocabulary, kVocabulary)));
            }
            done += n;
        }
        if (whole.empty()) whole = logits;
        EXPECT_EQ(logits, whole) << "in batches of " << batch;
    }
    const test::Distance distance = test::distanceTo(golden, whole);
    EXPECT_LT(distance.meanDivergence, 1e-5);
    EXPECT_LT(distance.largest, 0.01);
}

INSTANTIATE_TEST_SUITE_P(Models, PredictionGolden, testing::Values("deepseek2-mtp", "glm4moe"),
                         [](const auto& instance) {
                             std::string name = instance.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST(TokenPredictor, GuessesAsANewOneWhateverWasTakenBack) {
    for (const char* name : {"deepseek2-mtp.gguf", "glm4moe.gguf"}) {
        Predicting used(test::parity(name));
        std::mt19937 random(7);
        std::vector<TokenId> text;
        for (int turn = 0; turn < 25; ++turn) {
            // Some of the text is taken back; more follows than was kept, at times.
            const std::size_t kept = text.empty() ? 0 : random() % text.size();
            text.resize(kept);
            const std::size_t nNew = 2 + random() % 30;
            for (std::size_t i = 0; i < nNew; ++i) {
                text.push_back(static_cast<TokenId>(random() % kVocabulary));
            }
            used.compute(text, kept);
            std::vector<TokenId> next = text;
            next.push_back(static_cast<TokenId>(random() % kVocabulary));
            Predicting fresh(test::parity(name));
            fresh.compute(text, 0);
            EXPECT_EQ(used.predictor().guess(next, 4, 1000), fresh.predictor().guess(next, 4, 1000))
                << name << " " << turn;
            if (turn % 3 == 0) {  // asked again, it says the same
                EXPECT_EQ(used.predictor().guess(next, 2, 1000),
                          fresh.predictor().guess(next, 2, 1000));
            }
            if (text.size() > 90) text.clear();
        }
    }
}

TEST(TokenPredictor, BeginsAnewWhereStatesAreMissingAndGuessesNothingWithoutThem) {
    Predicting run(test::parity("deepseek2-mtp.gguf"));
    const auto text = test::goldenTokens(kVocabulary, 300);
    EXPECT_THAT(run.predictor().guess(std::span(text).first(5), 3, 100), testing::IsEmpty());
    run.compute(std::span(text).first(200), 0);
    EXPECT_EQ(run.predictor().guess(std::span(text).first(201), 3, 100).size(), 3u);
    EXPECT_THAT(run.predictor().guess(std::span(text).first(203), 3, 100), testing::IsEmpty())
        << "two tokens have no states";
    // As if positions 200 to 259 had come from a file: then as one that begins there.
    run.compute(text, 260);
    std::vector<TokenId> next = text;
    next.push_back(5);
    EXPECT_EQ(run.predictor().guess(next, 3, 1).size(), 3u);
    EXPECT_EQ(run.predictor().guess(next, 3, 100).size(), 3u);
}

// ------------------------------------------------------------------------ in a session

std::unique_ptr<Session> openSession(const std::shared_ptr<const Model>& model,
                                     SessionOptions options = {}) {
    options.nThreads = 1;
    auto session = Session::create(model, options);
    EXPECT_TRUE(session) << session.error().detail;
    // What the clock says must not decide what is tested.
    dynamic_cast<RunningSession&>(**session).guessAlways();
    return std::move(*session);
}

/// A copy of a model in the temporary folder, with other tensors; it goes when this does.
class ChangedModel {
public:
    struct Tensor {
        std::uint32_t type = 0;
        std::vector<std::uint64_t> shape;
        std::string data;
    };
    using Tensors = std::map<std::string, Tensor>;

    ChangedModel(const std::string& name, const std::function<void(Tensors&)>& change)
        : m_path(std::filesystem::temp_directory_path() /
                 ("conclave-prediction-" + std::to_string(::getpid()) + "-" + name)) {
        const auto file = GgufFile::open(test::parity(name)).value();
        Tensors tensors;
        for (const TensorInfo& each : file.tensors()) {
            tensors[std::string(each.name)] = {
                static_cast<std::uint32_t>(each.type), each.shape,
                std::string(reinterpret_cast<const char*>(each.data.data()), each.data.size())};
        }
        change(tensors);
        conclave::test::GgufWriter writer;
        for (const RawMetadata& entry : file.rawMetadata()) {
            std::uint32_t kind = 0;
            std::memcpy(&kind, entry.bytes.data(), sizeof(kind));
            const std::string bytes(reinterpret_cast<const char*>(entry.bytes.data()),
                                    entry.bytes.size());
            writer.rawMetadata(entry.key, conclave::test::GgufWriter::Kind{kind},
                               bytes.substr(sizeof(kind)));
        }
        for (auto& [tensorName, tensor] : tensors) {
            writer.addTensor(tensorName, tensor.type, tensor.shape, tensor.data);
        }
        EXPECT_TRUE(writer.write(m_path));
    }
    ~ChangedModel() { std::filesystem::remove(m_path); }
    ChangedModel(const ChangedModel&) = delete;
    ChangedModel& operator=(const ChangedModel&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

ChangedModel::Tensor floats(std::vector<std::uint64_t> shape, const std::vector<float>& values) {
    return {0, std::move(shape), conclave::test::bytesOf(values)};
}

/// A model that counts: blocks add nothing, and token t is followed by t + 1. Its prediction layer
/// passes on the embedding that it reads, so it counts on.
void makeCount(ChangedModel::Tensors& tensors) {
    for (auto& [name, tensor] : tensors) {
        const bool isOutOfBlock = name.find("attn_output.weight") != std::string::npos ||
                                  name.find("ffn_down") != std::string::npos;
        if (isOutOfBlock) std::fill(tensor.data.begin(), tensor.data.end(), '\0');
    }
    const std::vector<std::uint64_t> matrix = {kEmbedding, kVocabulary};
    std::mt19937 random(3);
    std::normal_distribution<float> gauss;
    std::vector<float> embedding(std::size_t{kEmbedding} * kVocabulary);
    for (std::size_t at = 0; at < embedding.size(); at += kEmbedding) {
        const auto row = std::span(embedding).subspan(at, kEmbedding);
        float sum = 0.0f;
        for (float& value : row) sum += std::pow(value = gauss(random), 2.0f);
        for (float& value : row) value /= std::sqrt(sum);
    }
    std::vector<float> output = embedding;
    std::rotate(output.begin(), output.end() - kEmbedding, output.end());
    std::vector<float> join(std::size_t{2} * kEmbedding * kEmbedding);
    for (std::size_t i = 0; i < kEmbedding; ++i) join[i * 2 * kEmbedding + i] = 1.0f;
    const auto ones = floats({kEmbedding}, std::vector<float>(kEmbedding, 1.0f));
    tensors["token_embd.weight"] = floats(matrix, embedding);
    tensors["output.weight"] = floats(matrix, output);
    tensors["output_norm.weight"] = ones;
    tensors[kLayer + "nextn.enorm.weight"] = ones;
    tensors[kLayer + "nextn.eh_proj.weight"] = floats({2 * kEmbedding, kEmbedding}, join);
    if (tensors.contains(kLayer + "nextn.shared_head_norm.weight")) {
        tensors[kLayer + "nextn.shared_head_norm.weight"] = ones;
    }
}

TEST(Prediction, ALayerThatIsAlwaysRightSavesFourPassesOfFive) {
    for (const char* name : {"deepseek2-mtp.gguf", "glm4moe.gguf"}) {
        const ChangedModel counting(name, makeCount);
        const auto session = openSession(loadPredicting(counting.path()));
        // No token comes twice, so there is nothing to be found in the text.
        GenerateRequest request = test::requestFor({0, 1}, 0.0f, 1, 90);
        request.speculate = true;
        const auto answer = session->generate(request).value();
        for (TokenId i = 0; i < 90; ++i) {
            ASSERT_EQ(answer.tokens[static_cast<std::size_t>(i)], i + 2) << name;
        }
        EXPECT_EQ(answer.usage.guessedRight, answer.usage.guessedTokens) << name;
        EXPECT_EQ(answer.usage.guessedRight, 71)
            << name << ": four in each of 17 passes, then three";
        // The chat goes on, from its own past and from what it has in memory.
        request.prompt.insert(request.prompt.end(), answer.tokens.begin(),
                              answer.tokens.begin() + 40);
        request.maxTokens = 20;
        const auto again = session->generate(request).value();
        EXPECT_EQ(again.usage.guessedRight, 15);
        EXPECT_EQ(again.usage.guessedTokens, 15);
        // Without the layer each token takes its pass.
        const auto plain = openSession(Model::load(counting.path()).value());
        const auto slow = plain->generate(request).value();
        EXPECT_EQ(slow.tokens, again.tokens);
        EXPECT_EQ(slow.usage.guessedTokens, 0);
    }
}

TEST(Prediction, EmbeddingAndOutputOfItsOwnAreUsedWhereTheFileHasThem) {
    const ChangedModel model("glm4moe.gguf", [](ChangedModel::Tensors& tensors) {
        makeCount(tensors);
        // Embeddings in reverse, so that only an output in reverse reads them.
        for (const auto& [from, to] : {std::pair{"token_embd.weight", "nextn.embed_tokens.weight"},
                                       {"output.weight", "nextn.shared_head_head.weight"}}) {
            auto own = tensors[from];
            const std::size_t row = sizeof(float) * kEmbedding;
            for (std::size_t at = 0; at < own.data.size(); at += row) {
                auto* values = reinterpret_cast<float*>(own.data.data() + at);
                std::reverse(values, values + kEmbedding);
            }
            tensors[kLayer + to] = own;
        }
    });
    const auto session = openSession(loadPredicting(model.path()));
    GenerateRequest request = test::requestFor({0, 1}, 0.0f, 1, 50);
    request.speculate = true;
    const auto answer = session->generate(request).value();
    EXPECT_EQ(answer.usage.guessedRight, 39);
    EXPECT_EQ(answer.usage.guessedTokens, 39);
}

TEST(Prediction, RandomWeightsGiveTheSameAnswersAsWithoutIt) {
    const auto saved = std::filesystem::temp_directory_path() /
                       ("conclave-prediction-" + std::to_string(::getpid()) + ".session");
    for (const char* name : {"deepseek2-mtp.gguf", "glm4moe.gguf"}) {
        const std::shared_ptr<const Model> model = loadPredicting(test::parity(name));
        const auto plain = openSession(Model::load(test::parity(name)).value());
        auto guessing = openSession(model, {.sharesPrefixes = true});
        int nGuessed = 0;
        for (unsigned seed = 1; seed <= 12; ++seed) {
            // Some begin as the one before did, and some at once with something else.
            std::vector<TokenId> prompt = test::goldenTokens(kVocabulary, 20 + 7 * (seed % 5));
            if (seed % 4 == 0) std::reverse(prompt.begin(), prompt.end());
            GenerateRequest request =
                test::requestFor(prompt, seed % 2 == 0 ? 0.0f : 0.9f, 100 + seed, 30);
            const auto expected = plain->generate(request).value();
            request.speculate = seed % 3 != 0;
            const auto answer = guessing->generate(request).value();
            EXPECT_EQ(answer.tokens, expected.tokens) << name << " " << seed;
            EXPECT_EQ(answer.text, expected.text);
            nGuessed += answer.usage.guessedTokens;
            if (seed % 5 == 0) {  // as after a new start
                ASSERT_TRUE(guessing->save(saved));
                guessing = openSession(model, {.sharesPrefixes = true});
                ASSERT_TRUE(guessing->restore(saved));
            }
        }
        EXPECT_GT(nGuessed, 200) << name;
    }
    std::filesystem::remove(saved);
}

TEST(Prediction, AFileWithoutTheLayersTensorsIsUsedWithoutItAndOneWithWrongOnesIsRefused) {
    const ChangedModel without("glm4moe.gguf", [](ChangedModel::Tensors& tensors) {
        std::erase_if(tensors, [](const auto& each) { return each.first.starts_with(kLayer); });
    });
    EXPECT_FALSE(loadPredicting(without.path())->weights().prediction);
    EXPECT_TRUE(loadPredicting(test::parity("llama-dense.gguf")) != nullptr);

    const auto errorOf = [](const std::string& change, const auto& how) {
        const ChangedModel model("deepseek2-mtp.gguf", [&](ChangedModel::Tensors& tensors) {
            ASSERT_TRUE(tensors.contains(kLayer + change));
            how(tensors[kLayer + change], tensors);
        });
        EXPECT_TRUE(Model::load(model.path())) << "nobody asked for the layer";
        const auto loaded = Model::load(model.path(), LoadOptions{.predicts = true});
        EXPECT_FALSE(loaded) << change;
        EXPECT_EQ(loaded.error().code, ErrorCode::Corrupt);
        return loaded.error().detail;
    };
    using Tensor = ChangedModel::Tensor;
    using Tensors = ChangedModel::Tensors;
    const auto half = [](Tensor& tensor, Tensors&) {
        tensor.shape.back() /= 2;
        tensor.data.resize(tensor.data.size() / 2);
    };
    for (const char* name : {"nextn.enorm.weight", "nextn.hnorm.weight", "nextn.eh_proj.weight",
                             "nextn.shared_head_norm.weight", "attn_output.weight",
                             "ffn_gate_inp.weight", "exp_probs_b.bias"}) {
        EXPECT_THAT(errorOf(name, half), HasSubstr(kLayer + name));
    }
    EXPECT_THAT(errorOf("nextn.hnorm.weight",
                        [](Tensor&, Tensors& all) { all.erase(kLayer + "nextn.hnorm.weight"); }),
                HasSubstr("lacks the tensor blk.2.nextn.hnorm.weight"));
    EXPECT_THAT(errorOf("nextn.enorm.weight",
                        [](Tensor& enorm, Tensors& all) {
                            all[kLayer + "nextn.shared_head_head.weight"] = enorm;
                        }),
                HasSubstr("shared_head_head"));
}

TEST(Prediction, ItsMemoryIsCounted) {
    const auto path = test::parity("deepseek2-mtp.gguf");
    const auto without = Model::load(path).value()->forecast(512, KvType::F16);
    const auto with = loadPredicting(path)->forecast(512, KvType::F16);
    EXPECT_GT(with.weightBytes, without.weightBytes);
    EXPECT_GT(with.kvCacheBytes, without.kvCacheBytes);
}

}  // namespace
}  // namespace conclave::engine
