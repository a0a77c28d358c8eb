// Models whose experts are read from the disk as they are needed: the same bits as in memory, and
// clear errors when the file goes wrong meanwhile.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare_model.h"
#include "engine/engine.h"
#include "engine/runtime/loaded_model.h"
#include "engine/runtime/memory.h"
#include "engine/streaming/expert_popularity.h"
#include "engine/streaming/expert_store.h"
#include "engine/streaming/memory_plan.h"
#include "models.h"

namespace conclave::engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path streamingScratch(const std::string& name) {
    return fs::temp_directory_path() /
           ("conclave-streaming-" + std::to_string(::getpid()) + "-" + name);
}

std::vector<TokenId> tokensBelow(int vocabularySize, int n, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<TokenId> tokens;
    for (int i = 0; i < n; ++i) {
        tokens.push_back(static_cast<TokenId>(random() % static_cast<unsigned>(vocabularySize)));
    }
    return tokens;
}

/// A model with a store of so many experts, without tokenizer and session.
class StreamedModel {
public:
    StreamedModel(const fs::path& path, std::size_t nExperts, int nThreads = 2,
                  const KernelTable& set = kernels())
        : m_file(GgufFile::open(path).value()),
          m_config(ModelConfig::read(m_file).value()),
          m_weights(Weights::load(m_file, m_config, set).value()),
          m_cache(KvCache::create(m_config, std::min(m_config.contextLength, 256), 128).value()),
          m_pool(nThreads),
          m_transformer(m_config, m_weights, set, m_cache, m_pool, 128) {
        const auto layout = ExpertLayout::of(m_weights, m_file, set).value();
        constexpr std::size_t kPage = 4096;
        const std::size_t each = (layout.memoryBytesOfLargest + kPage - 1) / kPage * kPage;
        m_weights.store =
            ExpertStore::create(m_weights, m_file, set, m_config.moe.nExpertsUsed, nExperts * each)
                .value();
        CONCLAVE_CHECK(packWeights(m_weights, set).has_value());
    }

    [[nodiscard]] const ModelConfig& config() const { return m_config; }
    [[nodiscard]] ExpertStore& store() const { return *m_weights.store; }
    [[nodiscard]] const GgufFile& file() const { return m_file; }
    [[nodiscard]] const Weights& weights() const { return m_weights; }
    void setAdapters(const AdapterSet* adapters) { m_transformer.setAdapters(adapters); }

    /// Logits of all tokens, computed in batches of the given sizes (the last one repeats).
    Result<std::vector<float>> logits(std::span<const TokenId> tokens, std::vector<int> batches,
                                      const std::stop_token& stop = {}) {
        m_pool.setStop(stop);
        const auto nLogits = static_cast<std::size_t>(m_config.vocabularySize);
        std::vector<float> all(tokens.size() * nLogits);
        std::size_t done = 0;
        for (std::size_t i = 0; done < tokens.size(); ++i) {
            const auto n =
                std::min(tokens.size() - done,
                         static_cast<std::size_t>(batches[std::min(i, batches.size() - 1)]));
            const auto out = std::span(all).subspan(done * nLogits, n * nLogits);
            if (!m_transformer.forward(tokens.subspan(done, n), static_cast<int>(done),
                                       static_cast<int>(n)) ||
                !m_transformer.logits(0, static_cast<int>(n), out)) {
                return tl::unexpected(
                    m_transformer.error().value_or(Error{ErrorCode::Cancelled, "asked to stop"}));
            }
            done += n;
        }
        return all;
    }

private:
    GgufFile m_file;
    ModelConfig m_config;
    Weights m_weights;
    KvCache m_cache;
    ThreadPool m_pool;
    Transformer m_transformer;
};

class Streaming : public testing::TestWithParam<std::string> {};

TEST_P(Streaming, GivesTheBitsOfAModelInMemory) {
    const fs::path path = test::parity(GetParam() + ".gguf");
    test::BareModel inMemory(path, kernels());
    const auto tokens = tokensBelow(inMemory.config().vocabularySize, 40, 1);
    const auto expected = inMemory.logits(tokens, {17, 1, 1, 6, 1});
    for (const std::size_t nExperts : {1UL, 2UL, 5UL, 1000UL}) {
        StreamedModel streamed(path, nExperts);
        for (const auto& batches : {std::vector{17, 1, 1, 6, 1}, std::vector{40}}) {
            const auto logits = streamed.logits(tokens, batches);
            ASSERT_TRUE(logits) << logits.error().detail;
            EXPECT_TRUE(*logits == expected) << nExperts << " experts in memory";
        }
        const auto counts = streamed.store().counts();
        EXPECT_GE(counts.nRead + counts.nFound, counts.nWanted);
        EXPECT_EQ(streamed.store().usedBytes() <= streamed.store().roomBytes(), true);
        if (nExperts == 1000UL) {
            EXPECT_EQ(streamed.logits(tokens, {40}).has_value(), true);
            EXPECT_EQ(streamed.store().counts().nRead, counts.nRead) << "all are there by now";
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Architectures, Streaming,
                         testing::Values("deepseek2", "deepseek3", "deepseek3-bf16", "deepseek",
                                         "mixtral", "olmoe", "qwen3moe", "qwen2moe", "granitemoe",
                                         "gpt-oss", "gpt-oss-q8", "llama4", "glm4moe", "phimoe",
                                         "ernie4_5-moe", "qwen35moe"),
                         [](const auto& each) {
                             std::string name = each.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST(StreamedModel, GivesTheBitsOfEveryKernelSet) {
    for (const KernelTable* set : test::runnableKernelSets()) {
        const fs::path path = test::chatModel("Q8_0");
        test::BareModel inMemory(path, *set);
        const auto tokens = tokensBelow(inMemory.config().vocabularySize, 12, 2);
        StreamedModel streamed(path, 7, 2, *set);
        EXPECT_TRUE(streamed.logits(tokens, {9, 1}).value() == inMemory.logits(tokens, {9, 1}))
            << set->isa;
    }
}

/// What is chosen again and again is not read again and again.
TEST(StreamedModel, IsChangedByAdaptersAsOneInMemory) {
    const fs::path path = test::parity("olmoe.gguf");
    const auto file = GgufFile::open(test::parity("olmoe.lora.gguf")).value();
    test::BareModel inMemory(path, kernels());
    const auto tokens = tokensBelow(inMemory.config().vocabularySize, 40, 1);
    const auto plain = inMemory.logits(tokens);
    const auto adapter =
        AdapterWeights::read(file, inMemory.file(), inMemory.weights(), kernels()).value();
    AdapterSet adapters(kernels());
    adapters.add(adapter, 1.0f);
    inMemory.setAdapters(&adapters);
    const auto expected = inMemory.logits(tokens);
    EXPECT_NE(expected, plain);

    StreamedModel streamed(path, 2);
    const auto ownAdapter =
        AdapterWeights::read(file, streamed.file(), streamed.weights(), kernels()).value();
    AdapterSet ownAdapters(kernels());
    ownAdapters.add(ownAdapter, 1.0f);
    streamed.setAdapters(&ownAdapters);
    EXPECT_TRUE(streamed.logits(tokens, {17, 1, 22}).value() == expected);
}

TEST(StreamedModel, KeepsTheExpertsThatAreChosenMost) {
    const fs::path path = test::chatModel("Q8_0");
    StreamedModel streamed(path, 1000);
    const std::size_t nAll = streamed.store().roomBytes();
    StreamedModel half(path, 40);
    ASSERT_LT(half.store().roomBytes(), nAll);
    const std::vector<TokenId> same(100, 17);
    ASSERT_TRUE(half.logits(same, {1}));
    const auto warm = half.store().counts();
    ASSERT_TRUE(half.logits(same, {1}));
    const auto after = half.store().counts();
    const auto share = static_cast<double>(after.nFound - warm.nFound) /
                       static_cast<double>(after.nWanted - warm.nWanted);
    EXPECT_GT(share, 0.5);
    EXPECT_EQ(after.nWanted - warm.nWanted, warm.nWanted);
}

TEST(StreamedModel, ServesSeveralAtOnce) {
    const fs::path path = test::parity("olmoe.gguf");
    const auto file = GgufFile::open(path).value();
    const auto config = ModelConfig::read(file).value();
    const auto tokens = tokensBelow(config.vocabularySize, 30, 3);
    const auto expected = test::BareModel(path, kernels()).logits(tokens, {11, 1});
    const auto model = [&](std::size_t nExperts) {
        auto weights = Weights::load(file, config, kernels()).value();
        const auto layout = ExpertLayout::of(weights, file, kernels()).value();
        weights.store = ExpertStore::create(weights, file, kernels(), config.moe.nExpertsUsed,
                                            nExperts * (layout.memoryBytesOfLargest + 4096))
                            .value();
        CONCLAVE_CHECK(packWeights(weights, kernels()).has_value());
        return weights;
    };
    for (const std::size_t nExperts : {1UL, 6UL}) {
        const Weights weights = model(nExperts);
        std::vector<std::jthread> threads;
        for (int i = 0; i < 3; ++i) {
            threads.emplace_back([&] {
                auto cache = KvCache::create(config, 64, 32).value();
                ThreadPool pool(2);
                Transformer transformer(config, weights, kernels(), cache, pool, 32);
                const auto nLogits = static_cast<std::size_t>(config.vocabularySize);
                std::vector<float> logits(nLogits);
                EXPECT_TRUE(transformer.forward(std::span(tokens).first(11), 0, 0));
                for (std::size_t at = 11; at < tokens.size(); ++at) {
                    ASSERT_TRUE(transformer.forward(std::span(tokens).subspan(at, 1),
                                                    static_cast<int>(at), 1));
                    ASSERT_TRUE(transformer.logits(0, 1, logits));
                    EXPECT_TRUE(
                        std::equal(logits.begin(), logits.end(),
                                   expected.begin() + static_cast<std::ptrdiff_t>(at * nLogits)));
                }
            });
        }
    }
}

/// Contexts and experts share the memory.
TEST(StreamedModel, GivesMemoryBackWhenItsRoomShrinks) {
    StreamedModel streamed(test::parity("olmoe.gguf"), 1000);
    const auto tokens = tokensBelow(streamed.config().vocabularySize, 20, 1);
    const auto expected = streamed.logits(tokens, {20}).value();
    const std::uint64_t all = streamed.store().usedBytes();
    streamed.store().setRoom(streamed.store().roomBytes() / 4);
    EXPECT_LE(streamed.store().usedBytes(), streamed.store().roomBytes());
    EXPECT_LT(streamed.store().usedBytes(), all / 2);
    EXPECT_TRUE(streamed.logits(tokens, {20}).value() == expected);
    streamed.store().setRoom(std::uint64_t{1} << 40U);
    EXPECT_TRUE(streamed.logits(tokens, {20}).value() == expected);
    EXPECT_EQ(streamed.store().usedBytes(), all);
}

TEST(StreamedModel, StopsWhenAsked) {
    StreamedModel streamed(test::parity("olmoe.gguf"), 1);
    std::stop_source stop;
    stop.request_stop();
    const auto tokens = tokensBelow(streamed.config().vocabularySize, 20, 1);
    const auto stopped = streamed.logits(tokens, {20}, stop.get_token());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
    EXPECT_TRUE(streamed.logits(tokens, {20}));
}

// ---------------------------------------------------------------------------- through the facade

/// The least memory that a model streams in, and all that it could use.
struct MemoryRange {
    std::uint64_t least = 0;
    std::uint64_t all = 0;
};

MemoryRange memoryRange(const fs::path& path) {
    MemoryRange range;
    const auto plan = planMemory(path).value();
    EXPECT_FALSE(plan.streams);
    range.all = plan.weightBytes * 8 + (std::uint64_t{1} << 30U);
    std::uint64_t low = 0;
    std::uint64_t high = range.all;
    while (high - low > (1U << 16U)) {
        const std::uint64_t middle = (low + high) / 2;
        const auto tried = planMemory(path, middle);
        if (tried && !tried->streams) {
            high = middle;
        } else {
            low = middle;
        }
    }
    range.all = high;  // the least that holds everything
    low = 0;
    while (high - low > (1U << 16U)) {
        const std::uint64_t middle = (low + high) / 2;
        (planMemory(path, middle) ? high : low) = middle;
    }
    range.least = high;
    return range;
}

GenerateResult answerOf(const std::shared_ptr<const Model>& model, int maxTokens = 12) {
    const auto session = Session::create(model, {.contextLength = 200, .nThreads = 2});
    EXPECT_TRUE(session) << session.error().detail;
    GenerateRequest request;
    request.prompt = tokensBelow(model->info().vocabularySize, 90, 4);
    request.sampling.temperature = 0.0f;
    request.maxTokens = maxTokens;
    request.ignoreEndOfTurn = true;
    request.nLogprobs = 5;
    auto result = (*session)->generate(request);
    EXPECT_TRUE(result) << result.error().detail;
    return std::move(*result);
}

TEST(MemoryLimit, StreamsWhatDoesNotFitAndRefusesOnlyWhatCannotWork) {
    const fs::path path = test::chatModel("Q8_0");
    const MemoryRange range = memoryRange(path);
    ASSERT_LT(range.least + (1U << 20U), range.all);
    const auto expected = answerOf(*Model::load(path));
    for (const std::uint64_t limit : {range.least + (1U << 17U), (range.least + range.all) / 2}) {
        MemoryPlan plan;
        const auto model =
            Model::load(path, LoadOptions{.memoryBytes = limit,
                                          .onPlan = [&](const MemoryPlan& made) { plan = made; }});
        ASSERT_TRUE(model) << model.error().detail;
        EXPECT_TRUE(plan.streams);
        EXPECT_LE(plan.residentBytes + plan.expertRoomBytes, limit);
        EXPECT_LT(plan.residentShare, 1.0);
        EXPECT_GT(plan.tokensPerSecond, 0.0);
        EXPECT_GT(plan.diskBytesPerSecond, 0.0);
        EXPECT_THAT(plan.text(), HasSubstr("read from the disk"));
        const auto answer = answerOf(*model);
        EXPECT_EQ(answer.tokens, expected.tokens);
        for (std::size_t i = 0; i < expected.logprobs.size(); ++i) {
            EXPECT_EQ(answer.logprobs[i].likeliest, expected.logprobs[i].likeliest) << i;
        }
        EXPECT_LE((*model)->forecast(200).weightBytes, limit);
    }
    const auto refused = Model::load(path, LoadOptions{.memoryBytes = range.least / 2});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::OutOfMemory);
    EXPECT_THAT(refused.error().detail, HasSubstr("smaller model"));
    // Without experts there is nothing to stream.
    const auto dense = Model::load(test::parity("llama-dense.gguf"), LoadOptions{.memoryBytes = 1});
    ASSERT_FALSE(dense);
    EXPECT_EQ(dense.error().code, ErrorCode::OutOfMemory);
}

TEST(MemoryLimit, CountsTheCacheInTheTypeThatItWillHave) {
    const fs::path path = test::parity("llama-dense.gguf");
    const auto model = Model::load(path).value();
    constexpr int kContext = 256;  // of which a model that is loaded has to hold so many tokens
    const auto least = [&](KvTypes types) {
        std::uint64_t low = 0;
        std::uint64_t high = std::uint64_t{1} << 30U;
        while (high - low > 1) {
            const std::uint64_t middle = (low + high) / 2;
            (planMemory(path, middle, types) ? high : low) = middle;
        }
        return high;
    };
    const auto cache = [&](KvTypes types) { return model->forecast(kContext, types).kvCacheBytes; };
    const KvTypes mixed{KvType::Q8_0, KvType::Q4_0};
    for (const KvTypes& types : {KvTypes(KvType::Q8_0), KvTypes(KvType::Q4_0), mixed}) {
        EXPECT_NE(cache(types), cache({}));  // in Q8_0 more, as heads so small fill no block
        EXPECT_EQ(least(types) - least({}), cache(types) - cache({}));
    }
    const LoadOptions tight{.memoryBytes = least(KvType::Q4_0), .kvTypes = KvType::Q4_0};
    EXPECT_TRUE(Model::load(path, tight));
    EXPECT_FALSE(Model::load(path, LoadOptions{.memoryBytes = tight.memoryBytes}));
}

TEST(MemoryLimit, PagingInsteadOfReadingAheadComputesTheSameModel) {
    const fs::path path = test::chatModel("Q8_0");
    const MemoryRange range = memoryRange(path);
    const auto model = Model::load(
        path, LoadOptions{.memoryBytes = range.least + (1U << 20U), .readsAhead = false});
    ASSERT_TRUE(model) << model.error().detail;
    (*model)->settle();
    EXPECT_EQ(answerOf(*model).tokens, answerOf(*Model::load(path)).tokens);
}

TEST(MemoryLimit, OneMoreSessionHasToFitBesideTheOthers) {
    const fs::path path = test::chatModel("Q8_0");
    const std::uint64_t limit = memoryRange(path).all + (8U << 20U);
    const auto model = Model::load(path, LoadOptions{.memoryBytes = limit}).value();
    std::vector<std::unique_ptr<Session>> sessions;
    Result<std::unique_ptr<Session>> one = Session::create(model, {.contextLength = 256});
    while (one && sessions.size() < 100) {
        sessions.push_back(std::move(*one));
        one = Session::create(model, {.contextLength = 256});
    }
    ASSERT_FALSE(one);
    EXPECT_EQ(one.error().code, ErrorCode::OutOfMemory);
    sessions.clear();
    EXPECT_TRUE(Session::create(model, {.contextLength = 256}));
}

/// What came of a model and an answer in a child under `ulimit -v` or `ulimit -d`.
enum LimitedOutcome { kRefused, kAnswered, kStreamed, kBrokePromise, kThrew };

/// @param column  of /proc/self/statm that the limit counts
int underLimit(int resource, int column, const fs::path& path, std::uint64_t megabytes) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::uint64_t pages = 0;
        std::ifstream file("/proc/self/statm");
        for (int i = 0; i <= column; ++i) file >> pages;
        const rlim_t limit = pages * 4096 + (megabytes << 20U);
        const rlimit both{limit, limit};
        ::setrlimit(static_cast<__rlimit_resource>(resource), &both);
        pthread_attr_t attributes;  // small stacks, since the model is small
        ::pthread_attr_init(&attributes);
        ::pthread_attr_setstacksize(&attributes, 1U << 18U);
        ::pthread_setattr_default_np(&attributes);
        bool streams = false;
        try {
            const auto model = Model::load(path, LoadOptions{.onPlan = [&](const MemoryPlan& plan) {
                                               streams = plan.streams;
                                           }});
            if (!model) ::_exit(streams ? kBrokePromise : kRefused);
            const auto session = Session::create(*model, {.nThreads = 2});
            if (!session) ::_exit(streams ? kBrokePromise : kRefused);
            GenerateRequest request;
            request.prompt = tokensBelow((*model)->info().vocabularySize, 40, 4);
            request.maxTokens = 4;
            request.ignoreEndOfTurn = true;
            const auto answer = (*session)->generate(request);
            if (!answer) ::_exit(streams ? kBrokePromise : kRefused);
            ::_exit(streams ? kStreamed : kAnswered);
        } catch (...) {
            ::_exit(kThrew);
        }
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status)) << megabytes << " MiB: signal " << WTERMSIG(status);
    return WEXITSTATUS(status);
}

/// With ever more memory: first an error, then a model that is streamed, then one in memory; and
/// whenever a speed was promised, an answer.
TEST(MemoryLimit, UnderTheLimitsOfAProcessItAnswersWhatItPlanned) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "sanitizers need address space without limit";
#endif
    const fs::path path = test::chatModel("Q8_0");
    const auto fileMegabytes = static_cast<std::uint64_t>(fs::file_size(path) >> 20U);
    for (const bool limitsSpace : {true, false}) {
        const int resource = limitsSpace ? RLIMIT_AS : RLIMIT_DATA;
        std::array<int, 5> nOutcomes{};
        for (const std::uint64_t megabytes : {1, 20, 25, 28, 31, 36, 400}) {
            const std::uint64_t mapped = limitsSpace && megabytes > 1 ? fileMegabytes : 0;
            const int outcome = underLimit(resource, limitsSpace ? 0 : 5, path, megabytes + mapped);
            ASSERT_LE(outcome, kStreamed) << megabytes << " MiB" << (limitsSpace ? " -v" : " -d");
            ++nOutcomes[static_cast<std::size_t>(outcome)];
        }
        EXPECT_GT(nOutcomes[kRefused], 0);
        EXPECT_GT(nOutcomes[kStreamed], 0);
        EXPECT_GT(nOutcomes[kAnswered], 0);
    }
}

// ------------------------------------------------------------------- files that change meanwhile

class ChangedFile : public testing::Test {
protected:
    void SetUp() override { fs::copy_file(test::parity("olmoe.gguf"), m_path); }
    void TearDown() override { fs::remove(m_path); }

    fs::path m_path = streamingScratch(
        std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + ".gguf");
};

TEST_F(ChangedFile, TruncatedWhileItStreamsIsAnErrorAndNoCrash) {
    StreamedModel streamed(m_path, 2);
    const auto tokens = tokensBelow(streamed.config().vocabularySize, 20, 1);
    ASSERT_TRUE(streamed.logits(tokens, {20}));
    const auto size = fs::file_size(m_path);
    fs::resize_file(m_path, size / 3);
    const auto failed = streamed.logits(tokens, {20});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::Io);
    EXPECT_THAT(failed.error().detail, HasSubstr("changed while in use"));
    EXPECT_THAT(failed.error().detail, HasSubstr(m_path.filename().string()));
    EXPECT_FALSE(streamed.logits(tokens, {1})) << "and again, without harm";
}

/// The loaded model's mapped parts, too: embedding, metadata, what is not packed yet.
TEST_F(ChangedFile, TruncatedUnderALoadedModelIsAnErrorAndNoCrash) {
    const auto model = Model::load(m_path).value();
    const auto session = Session::create(model, {.nThreads = 2}).value();
    const auto before = fs::file_size(m_path);
    fs::resize_file(m_path, 4096);
    GenerateRequest request;
    request.prompt = tokensBelow(model->info().vocabularySize, 30, 5);
    request.maxTokens = 3;
    const auto failed = session->generate(request);
    ASSERT_FALSE(failed) << before;
    EXPECT_EQ(failed.error().code, ErrorCode::Io);
    EXPECT_THAT(failed.error().detail, HasSubstr("load it again"));
    EXPECT_TRUE(session->cachedTokens().empty()) << "nothing computed from it stays";
    EXPECT_FALSE(session->evaluate(request.prompt, [](int, std::span<const float>) {}).has_value());
}

TEST_F(ChangedFile, ReplacedByAnotherFileGoesOnWithTheOldOne) {
    StreamedModel streamed(m_path, 2);
    const auto tokens = tokensBelow(streamed.config().vocabularySize, 20, 1);
    const auto expected = streamed.logits(tokens, {20}).value();
    fs::remove(m_path);
    fs::copy_file(test::parity("mixtral.gguf"), m_path);
    EXPECT_TRUE(streamed.logits(tokens, {20}).value() == expected);
}

// ------------------------------------------------------------------------------------- its parts

TEST(ExpertPopularity, WhatIsNeededLastGivesWayFirst) {
    ExpertPopularity popularity(4, 8, 2);
    EXPECT_FLOAT_EQ(popularity.share(0, 0), 0.25);
    // Prefill: every expert is needed when its layer's turn comes, so those of the layer just
    // computed are needed last.
    constexpr int kPrefill = 512;
    EXPECT_NEAR(popularity.layersUntilUse(3, 0, 2, kPrefill), 1.0, 1e-3);
    EXPECT_NEAR(popularity.layersUntilUse(1, 0, 2, kPrefill), 3.0, 1e-3);
    EXPECT_NEAR(popularity.layersUntilUse(2, 0, 2, kPrefill), 4.0, 1e-3);
    // Decode: one that is always chosen stays, one that never is goes.
    const std::array<int, 8> chosen = {1, 1, 0, 0, 0, 0, 0, 0};
    for (int i = 0; i < 2000; ++i) popularity.count(1, chosen, 1);
    EXPECT_GT(popularity.share(1, 0), 0.99);
    EXPECT_LT(popularity.share(1, 7), 0.01);
    EXPECT_LT(popularity.layersUntilUse(1, 0, 1, 1), popularity.layersUntilUse(2, 0, 1, 1));
    EXPECT_GT(popularity.layersUntilUse(1, 7, 0, 1), popularity.layersUntilUse(2, 0, 0, 1));
    // A subject that is over is forgotten.
    const std::array<int, 8> others = {0, 0, 0, 0, 0, 0, 1, 1};
    for (int i = 0; i < 2000; ++i) popularity.count(1, others, 1);
    EXPECT_LT(popularity.share(1, 0), 0.01);
}

/// A system that says what the test wants.
class FakeSystem {
public:
    FakeSystem() { write("proc/meminfo", "MemTotal: 900 kB\nMemAvailable:    800000 kB\n"); }
    ~FakeSystem() { fs::remove_all(m_root); }

    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((m_root / name).parent_path());
        std::ofstream(m_root / name) << text;
    }
    [[nodiscard]] std::uint64_t available() const { return availableMemory({}, m_root); }

private:
    fs::path m_root = streamingScratch("root");
};

TEST(AvailableMemory, IsWhatTheTightestLimitLeaves) {
    {
        const FakeSystem system;
        EXPECT_EQ(system.available(), 800'000U * 1024U);
    }
    {  // version 2: a group above ours is tighter; its file cache counts as free
        const FakeSystem system;
        system.write("proc/self/cgroup", "0::/user.slice/app.scope\n");
        system.write("sys/fs/cgroup/user.slice/app.scope/memory.max", "max\n");
        system.write("sys/fs/cgroup/user.slice/app.scope/memory.current", "1000\n");
        system.write("sys/fs/cgroup/user.slice/memory.max", "500000\n");
        system.write("sys/fs/cgroup/user.slice/memory.current", "450000\n");
        system.write("sys/fs/cgroup/user.slice/memory.stat",
                     "anon 7\nactive_file 20000\ninactive_file 30000\nfile 50000\n");
        EXPECT_EQ(system.available(), 100'000U);
    }
    {  // version 1, with a path that is the host's: the mounted group is ours
        const FakeSystem system;
        system.write("proc/self/cgroup", "5:cpu:/docker/x\n4:memory:/docker/x\n0::/\n");
        system.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "300000\n");
        system.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "100000\n");
        system.write("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 4000\n");
        EXPECT_EQ(system.available(), 204'000U);
    }
    {  // more used than allowed is nothing left, not a lot
        const FakeSystem system;
        system.write("proc/self/cgroup", "0::/\n");
        system.write("sys/fs/cgroup/memory.max", "1000\n");
        system.write("sys/fs/cgroup/memory.current", "5000\n");
        EXPECT_EQ(system.available(), 0U);
    }
}

}  // namespace
}  // namespace conclave::engine
