// Sessions on the bundled model: what callers of engine.h rely on.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"
#include "engine/runtime/memory.h"
#include "engine/runtime/session.h"
#include "gguf_writer.h"
#include "models.h"
#include "tests/support/golden.h"

namespace conclave::engine {
namespace {

using testing::HasSubstr;

std::shared_ptr<const Model> bundledModel() {
    static const auto model = Model::load(test::chatModel("Q8_0"));
    EXPECT_TRUE(model) << model.error().detail;
    return *model;
}

std::unique_ptr<Session> newSession(const SessionOptions& options = {.nThreads = 2}) {
    auto session = Session::create(bundledModel(), options);
    EXPECT_TRUE(session) << session.error().detail;
    return std::move(*session);
}

std::vector<TokenId> chat(const std::string& question) {
    const ChatMessage message{"user", question};
    return bundledModel()->tokenizeChat({&message, 1}).value();
}

GenerateRequest greedy(std::vector<TokenId> prompt, int maxTokens = 40) {
    GenerateRequest request;
    request.prompt = std::move(prompt);
    request.sampling.temperature = 0.0f;
    request.maxTokens = maxTokens;
    return request;
}

std::vector<std::vector<float>> allLogits(Session& session, const std::vector<TokenId>& tokens) {
    std::vector<std::vector<float>> all;
    const auto done = session.evaluate(tokens, [&](int position, std::span<const float> logits) {
        EXPECT_EQ(position, static_cast<int>(all.size()));
        all.emplace_back(logits.begin(), logits.end());
    });
    EXPECT_TRUE(done);
    return all;
}

TEST(Session, AnswersAGreeting) {
    const auto session = newSession();
    std::string streamed;
    GenerateRequest request = greedy(chat("Hello!"));
    request.onText = [&](std::string_view piece) { streamed += piece; };
    const auto answer = session->generate(request);
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->text, "Hello! How can I help you today?");
    EXPECT_EQ(streamed, answer->text);
    EXPECT_EQ(answer->reason, FinishReason::EndOfTurn);
    EXPECT_TRUE(bundledModel()->isEndOfTurn(answer->tokens.back()));
    EXPECT_EQ(answer->usage.promptTokens, std::ssize(request.prompt));
    EXPECT_EQ(answer->usage.cachedTokens, 0);
    EXPECT_GT(answer->usage.decodeSpeed(), 0.0);
}

TEST(Session, BatchesAndThreadsLeaveEveryBitAlone) {
    const auto tokens = chat("Name three colours of the rainbow, and say why the sky is blue.");
    const auto expected = allLogits(*newSession({.nThreads = 1}), tokens);
    for (const int batch : {1, 2, 7, 16}) {
        const auto session = newSession({.nThreads = 2, .batchTokens = batch});
        EXPECT_EQ(allLogits(*session, tokens), expected) << batch;
    }
}

TEST(Session, KeepsTheCommonPrefixAndGivesTheSameAnswer) {
    const auto first = chat(
        "Answer from the sources. Cite them like [1].\n\n[1] Tray\nThe tray "
        "holds 250 sheets.\n\nQuestion: How many sheets does the tray hold?");
    auto second = first;
    second[second.size() - 6] += 1;  // an edit near the end
    const auto reused = newSession();
    ASSERT_TRUE(reused->generate(greedy(first)));
    const auto edited = reused->generate(greedy(second));
    ASSERT_TRUE(edited);
    EXPECT_EQ(edited->usage.cachedTokens, std::ssize(second) - 6);
    const auto fresh = newSession()->generate(greedy(second));
    EXPECT_EQ(edited->tokens, fresh->tokens);
    EXPECT_EQ(fresh->usage.cachedTokens, 0);

    const auto again = reused->generate(greedy(second));
    EXPECT_EQ(again->tokens, fresh->tokens);
    EXPECT_EQ(again->usage.cachedTokens, std::ssize(second) - 1);
    reused->clear();
    EXPECT_TRUE(reused->cachedTokens().empty());
}

TEST(Session, EndsForEachReason) {
    const auto session = newSession({.contextLength = 64, .nThreads = 2});
    const auto prompt = chat("Hello!");
    EXPECT_EQ(session->generate(greedy(prompt, 3))->reason, FinishReason::MaxTokens);
    EXPECT_EQ(session->generate(greedy(prompt, 3))->tokens.size(), 3U);
    EXPECT_EQ(session->generate(greedy(prompt, 0))->tokens.size(), 0U);

    GenerateRequest stop = greedy(prompt);
    stop.stop = {"can I"};
    const auto stopped = session->generate(stop);
    EXPECT_EQ(stopped->reason, FinishReason::StopString);
    EXPECT_EQ(stopped->text, "Hello! How ");

    GenerateRequest full = greedy(prompt, -1);
    full.ignoreEndOfTurn = true;
    const auto filled = session->generate(full);
    EXPECT_EQ(filled->reason, FinishReason::ContextFull);
    EXPECT_EQ(std::ssize(filled->tokens) + std::ssize(prompt), 64 + 1);
}

TEST(Session, RefusesWhatItCannotDo) {
    const auto session = newSession({.contextLength = 16, .nThreads = 1});
    EXPECT_EQ(session->generate(greedy({})).error().code, ErrorCode::InvalidArgument);
    const auto tooLong = session->generate(greedy(std::vector<TokenId>(17, 5)));
    ASSERT_FALSE(tooLong);
    EXPECT_THAT(tooLong.error().detail, HasSubstr("17 tokens, but the context holds 16"));
    for (const TokenId token : {-1, 6144}) {
        EXPECT_EQ(session->generate(greedy({token})).error().code, ErrorCode::InvalidArgument);
    }
    EXPECT_TRUE(session->generate(greedy({1}, 1)));
    for (const SessionOptions& options :
         {SessionOptions{.contextLength = 1025}, SessionOptions{.contextLength = -1},
          SessionOptions{.nThreads = -1}, SessionOptions{.batchTokens = -1}}) {
        const auto refused = Session::create(bundledModel(), options);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    }
}

TEST(Session, SamplesTheSameForASeedOnAnyNumberOfThreads) {
    GenerateRequest request = greedy(chat("Tell me about the sea."));
    request.sampling.temperature = 1.2f;
    request.sampling.seed = 42;
    const auto one = newSession({.nThreads = 1})->generate(request);
    const auto two = newSession({.nThreads = 2})->generate(request);
    EXPECT_EQ(one->tokens, two->tokens);
    EXPECT_EQ(one->seed, 42U);
}

TEST(Session, StopsWithin100Milliseconds) {
    using Clock = std::chrono::steady_clock;
    const auto session = newSession();
    std::stop_source source;
    GenerateRequest request = greedy(chat("Hello!"), -1);
    request.ignoreEndOfTurn = true;
    request.cancel = source.get_token();
    std::atomic<Clock::rep> asked = 0;
    int nPieces = 0;
    request.onText = [&](std::string_view) {
        if (++nPieces == 5) {
            asked = Clock::now().time_since_epoch().count();
            source.request_stop();
        }
    };
    const auto answer = session->generate(request);
    const auto waited = Clock::now().time_since_epoch() - Clock::duration(asked.load());
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->reason, FinishReason::Cancelled);
    EXPECT_FALSE(answer->text.empty());
    EXPECT_LT(waited, std::chrono::milliseconds(100));

    // Prefill, too: a stop before it leaves the session as it was, and usable.
    const auto cached = session->cachedTokens().size();
    request.prompt = chat(std::string(1200, 'x'));
    ASSERT_TRUE(session->generate(request));
    EXPECT_LE(session->cachedTokens().size(), cached);
    EXPECT_EQ(session
                  ->evaluate(
                      request.prompt, [](int, std::span<const float>) {}, source.get_token())
                  .error()
                  .code,
              ErrorCode::Cancelled);
    EXPECT_EQ(session->generate(greedy(chat("Hello!")))->text, "Hello! How can I help you today?");
}

TEST(Session, SeveralShareAModel) {
    const auto prompt = chat("Hello!");
    const auto expected = newSession()->generate(greedy(prompt))->tokens;
    std::vector<std::jthread> threads;
    std::atomic<int> nSame = 0;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            const auto session = newSession();
            for (int round = 0; round < 3; ++round) {
                session->clear();
                if (session->generate(greedy(prompt))->tokens == expected) ++nSame;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(nSame, 9);
}

TEST(Session, SeesALoop) {
    std::vector<TokenId> tokens = {1, 2, 3, 4};
    EXPECT_FALSE(endsInLoop(tokens));
    for (int i = 0; i < 12; ++i) tokens.insert(tokens.end(), {7, 8, 9});
    EXPECT_TRUE(endsInLoop(tokens));
    tokens.push_back(5);
    EXPECT_FALSE(endsInLoop(tokens));
    EXPECT_FALSE(endsInLoop(std::vector<TokenId>(31, 4)));
    EXPECT_TRUE(endsInLoop(std::vector<TokenId>(32, 4)));
}

TEST(Model, LoadCanBeCancelledAndReportsProgress) {
    float last = 0.0f;
    ASSERT_TRUE(Model::load(test::chatModel("Q8_0"), [&](float fraction) {
        EXPECT_GE(fraction, last);
        last = fraction;
        return true;
    }));
    EXPECT_EQ(last, 1.0f);
    const auto cancelled = Model::load(test::chatModel("Q8_0"), [](float) { return false; });
    ASSERT_FALSE(cancelled);
    EXPECT_EQ(cancelled.error().code, ErrorCode::Cancelled);
}

/// MiB of the file that are mapped into this process and resident.
double residentOf(const std::filesystem::path& file) {
    std::ifstream maps("/proc/self/smaps");
    std::string line;
    bool isOfFile = false;
    double kibibytes = 0.0;
    while (std::getline(maps, line)) {
        if (line.find(" r--s ") != std::string::npos || line.find(" rw-") != std::string::npos ||
            line.find(" r--p ") != std::string::npos || line.find(" r-xp ") != std::string::npos) {
            isOfFile = line.ends_with(file.filename().string());
        }
        if (isOfFile && line.starts_with("Rss:")) kibibytes += std::stod(line.substr(4));
    }
    return kibibytes / 1024.0;
}

TEST(Model, TakesItsFilesSizeOnceWhenItHasSettled) {
    const auto path = test::chatModel("Q8_0");
    const auto model = Model::load(path).value();
    model->settle();
    const double fileSize = static_cast<double>(std::filesystem::file_size(path)) / (1 << 20);
    EXPECT_LT(residentOf(path), 0.25 * fileSize);
}

TEST(Model, AnswersAlikeBeforeItHasSettledAndAfter) {
    const auto answer = [](const std::shared_ptr<const Model>& model) {
        auto session = Session::create(model, {.contextLength = 256, .nThreads = 3}).value();
        std::vector<float> logits;
        const std::vector<TokenId> tokens = {1, 5, 9, 13, 700, 22, 31};
        EXPECT_TRUE(session->evaluate(tokens, [&](int, std::span<const float> row) {
            logits.insert(logits.end(), row.begin(), row.end());
        }));
        return logits;
    };
    const auto settled = Model::load(test::chatModel("Q8_0")).value();
    settled->settle();
    const auto expected = answer(settled);
    for (int repeat = 0; repeat < 5; ++repeat) {
        const auto loading = Model::load(test::chatModel("Q8_0")).value();
        EXPECT_EQ(answer(loading), expected);
    }
}

/// Mean KL divergence of next tokens from a cache in fp16 to one of the given type.
double divergence(const std::shared_ptr<const Model>& model, KvType type) {
    const auto tokens = model->tokenize(
        "The lighthouse stood at the end of the long pier, and every evening the keeper climbed "
        "the "
        "stairs with a lamp in his hand. He counted the steps, because he had counted them when he "
        "was a boy, and there were always one hundred and twelve of them. One night the wind was "
        "so "
        "strong that the door would not close, and the keeper heard a voice from the sea.");
    const auto logitsOf = [&](KvType kvType) {
        auto session =
            Session::create(model, {.contextLength = 256, .nThreads = 2, .kvType = kvType}).value();
        std::vector<std::vector<double>> all;
        EXPECT_TRUE(session->evaluate(tokens, [&](int, std::span<const float> logits) {
            double sum = 0.0;
            const double largest = *std::max_element(logits.begin(), logits.end());
            for (const float logit : logits) sum += std::exp(logit - largest);
            std::vector<double> shares;
            for (const float logit : logits) shares.push_back(logit - largest - std::log(sum));
            all.push_back(std::move(shares));
        }));
        return all;
    };
    const auto exact = logitsOf(KvType::F16);
    const auto other = logitsOf(type);
    double total = 0.0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        for (std::size_t t = 0; t < exact[i].size(); ++t) {
            total += std::exp(exact[i][t]) * (exact[i][t] - other[i][t]);
        }
    }
    return total / static_cast<double>(exact.size());
}

TEST(Session, KeepsAQuantizedCacheCloseToAnExactOne) {
    const auto model = Model::load(test::chatModel("Q8_0")).value();
    const double q8 = divergence(model, KvType::Q8_0);
    const double q4 = divergence(model, KvType::Q4_0);
    RecordProperty("kl_q8_0", std::to_string(q8));
    RecordProperty("kl_q4_0", std::to_string(q4));
    EXPECT_GT(q8, 0.0);
    EXPECT_LT(q8, 3e-3);
    EXPECT_GT(q4, q8);
    EXPECT_LT(q4, 5e-2);
}

TEST(Session, ForecastsTheMemoryOfAQuantizedCache) {
    const auto model = Model::load(test::chatModel("Q8_0")).value();
    const auto kv = [&](KvType type) {
        return static_cast<double>(model->forecast(256, type).kvCacheBytes);
    };
    // The latent of 144 values fills four and a half blocks of 32.
    EXPECT_DOUBLE_EQ(kv(KvType::Q8_0), kv(KvType::F16) * (5 * 34) / (144 * 2));
    EXPECT_DOUBLE_EQ(kv(KvType::Q4_0), kv(KvType::F16) * (5 * 18) / (144 * 2));
}

TEST(Session, RefusesACacheTypeThatDoesNotDivideTheHeads) {
    const auto model = Model::load(test::parity("llama-dense.gguf")).value();
    const auto session = Session::create(model, {.kvType = KvType::Q8_0});
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(session.error().detail, HasSubstr("F16"));
}

TEST(Model, NamesATensorThatIsWrong) {
    const auto path = test::parity("llama-dense.gguf");
    std::ifstream file(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const std::size_t at = bytes.find("blk.1.ffn_up.weight");
    ASSERT_NE(at, std::string::npos);
    bytes[at + 4] = '7';
    const auto model = Model::load(test::GgufWriter::writeFile("renamed.gguf", bytes));
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::Corrupt);
    EXPECT_THAT(model.error().detail, HasSubstr("blk.1.ffn_up.weight"));
}

/// A tiny model whose file claims a context of so many tokens.
std::shared_ptr<const Model> modelWithContext(std::uint32_t context,
                                              const LoadOptions& options = {}) {
    std::ifstream file(test::parity("llama-dense.gguf"), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const std::string key = "llama.context_length";
    std::memcpy(&bytes[bytes.find(key) + key.size() + 4], &context, sizeof(context));
    const std::string name = std::to_string(context) + ".gguf";
    return Model::load(test::GgufWriter::writeFile(name, bytes), options).value();
}

constexpr std::uint32_t kLongContext = 131072;

std::vector<TokenId> manyTokens(int n) {
    std::vector<TokenId> tokens;
    for (int i = 0; i < n; ++i) tokens.push_back(3 + i * 7 % 50);
    return tokens;
}

/// Of this process, in memory.
std::uint64_t residentBytes() {
    std::ifstream file("/proc/self/statm");
    std::uint64_t nAll = 0;
    std::uint64_t nResident = 0;
    file >> nAll >> nResident;
    return nResident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST(Session, HoldsWhatTheModelWasMadeForAndTakesMemoryAsItGrows) {
    const auto model = modelWithContext(kLongContext);
    if (model->forecast(static_cast<int>(kLongContext)).automaticContext <
        static_cast<int>(kLongContext)) {
        GTEST_SKIP() << "the memory is short";
    }
    const std::uint64_t before = residentBytes();
    const auto session = Session::create(model, {.nThreads = 2}).value();
    EXPECT_EQ(session->contextLength(), static_cast<int>(kLongContext));
    const std::uint64_t all = model->forecast(static_cast<int>(kLongContext)).kvCacheBytes;
    EXPECT_LT(residentBytes() - before, all / 4);

    constexpr int kPrompt = 9000;
    const auto answer = session->generate(greedy(manyTokens(kPrompt), 4));
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->usage.promptTokens, kPrompt);

    const auto brief = Session::create(model, {.contextLength = 8192, .nThreads = 2}).value();
    const auto tooLong = brief->generate(greedy(manyTokens(kPrompt), 4));
    ASSERT_FALSE(tooLong);
    EXPECT_THAT(tooLong.error().detail, HasSubstr("9000 tokens, but the context holds 8192"));
    EXPECT_THAT(tooLong.error().detail, HasSubstr("--ctx"));
    EXPECT_THAT(tooLong.error().detail, HasSubstr("131072"));
}

TEST(Session, AnAutomaticContextIsWhatMemoryHasRoomForAndKeepsWhatItHasWhenThatIsGone) {
    constexpr int kPrompt = 9000;
    constexpr int kRoom = 14336;
    const MemoryForecast need = modelWithContext(kLongContext)->forecast(kRoom);
    const auto model = modelWithContext(
        kLongContext,
        {.memoryBytes = need.weightBytes + need.kvCacheBytes + 2 * need.scratchBytes});
    const auto one = Session::create(model, {.nThreads = 1}).value();
    const auto two = Session::create(model, {.nThreads = 1}).value();
    EXPECT_GT(one->contextLength(), kPrompt);
    EXPECT_LT(one->contextLength(), 2 * kRoom);
    ASSERT_TRUE(one->generate(greedy(manyTokens(kPrompt), 2)));
    ASSERT_TRUE(two->generate(greedy(manyTokens(100), 2)));

    const auto refused = two->generate(greedy(manyTokens(kPrompt), 2));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::OutOfMemory);
    EXPECT_THAT(refused.error().detail, HasSubstr("9000 tokens"));
    EXPECT_GE(two->cachedTokens().size(), 100U);
    EXPECT_GE(one->cachedTokens().size(), static_cast<std::size_t>(kPrompt));

    // An answer that grows into it ends, with its text.
    GenerateRequest endless = greedy(manyTokens(100), -1);
    endless.ignoreEndOfTurn = true;
    const auto cut = two->generate(endless);
    ASSERT_TRUE(cut) << cut.error().detail;
    EXPECT_EQ(cut->reason, FinishReason::ContextFull);
    EXPECT_LT(std::ssize(cut->tokens), kPrompt);
}

TEST(Session, RefusesAContextThatDoesNotFitAndSaysWhatWould) {
    const auto model = modelWithContext(1u << 26);
    const SessionOptions options{.contextLength = 1 << 26, .nThreads = 64};
    if (availableMemory() > std::uint64_t{400} << 30) GTEST_SKIP() << "needs less than 400 GiB";
    const auto refused = Session::create(model, options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::OutOfMemory);
    EXPECT_THAT(refused.error().detail, HasSubstr("tokens would fit"));

    const MemoryForecast forecast = model->forecast(1 << 26);
    EXPECT_GT(forecast.longestContext, 0);
    const MemoryForecast shorter = model->forecast(forecast.longestContext / 2);
    EXPECT_TRUE(shorter.fits());
    // Left to itself a session takes what fits, and not all of it.
    const auto fitting = Session::create(model, {});
    ASSERT_TRUE(fitting) << fitting.error().detail;
    EXPECT_GT((*fitting)->contextLength(), 8192);
    EXPECT_LT((*fitting)->contextLength(), forecast.longestContext);
}

TEST(ThreadPool, RunsEveryTaskOnceAndSkipsTheRestAfterAStop) {
    for (const int nThreads : {1, 2, 5}) {
        ThreadPool pool(nThreads);
        for (int round = 0; round < 500; ++round) {
            const int nTasks = round % 37;
            std::vector<std::atomic<int>> counts(static_cast<std::size_t>(nTasks));
            pool.run(nTasks, [&](int task) { ++counts[static_cast<std::size_t>(task)]; });
            for (const auto& count : counts) ASSERT_EQ(count, 1);
        }
        std::stop_source source;
        pool.setStop(source.get_token());
        std::atomic<int> nRun = 0;
        pool.run(1000, [&](int) {
            ++nRun;
            source.request_stop();
        });
        EXPECT_LE(nRun, nThreads);
        EXPECT_TRUE(pool.stopRequested());
    }
}

/// A file of this test that goes away with it.
struct TemporaryFile {
    std::filesystem::path path = std::filesystem::path(testing::TempDir()) /
                                 ("infinite-" + std::to_string(::getpid()) + ".gguf");
    ~TemporaryFile() { std::filesystem::remove(path); }
};

TEST(DamagedWeights, ThatGiveNoNumbersEndInAnError) {
    const TemporaryFile damaged;
    const std::filesystem::path& path = damaged.path;
    std::filesystem::copy_file(test::parity("llama-f32.gguf"), path,
                               std::filesystem::copy_options::overwrite_existing);
    {
        const auto file = GgufFile::open(path);
        ASSERT_TRUE(file);
        std::ifstream in(path, std::ios::binary);
        std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        const auto embedding =
            std::find_if(file->tensors().begin(), file->tensors().end(),
                         [](const TensorInfo& each) { return each.name == "token_embd.weight"; });
        ASSERT_NE(embedding, file->tensors().end());
        const std::string values(reinterpret_cast<const char*>(embedding->data.data()),
                                 embedding->data.size());
        const std::size_t at = bytes.find(values);
        ASSERT_NE(at, std::string::npos);
        const std::vector<float> infinite(values.size() / sizeof(float), INFINITY);
        std::memcpy(bytes.data() + at, infinite.data(), values.size());
        std::ofstream(path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
    }
    const auto model = Model::load(path);
    ASSERT_TRUE(model) << model.error().detail;
    const auto session = Session::create(*model, {.contextLength = 16, .nThreads = 1});
    ASSERT_TRUE(session) << session.error().detail;
    int nRows = 0;
    const auto evaluated = (*session)->evaluate(std::vector<TokenId>{1, 2, 3},
                                                [&](int, std::span<const float>) { ++nRows; });
    ASSERT_FALSE(evaluated);
    EXPECT_EQ(evaluated.error().code, ErrorCode::Corrupt);
    EXPECT_EQ(nRows, 0);
    for (const float temperature : {0.0f, 1.0f}) {
        GenerateRequest request = greedy({1, 2, 3}, 4);
        request.sampling.temperature = temperature;
        const auto generated = (*session)->generate(request);
        ASSERT_FALSE(generated);
        EXPECT_EQ(generated.error().code, ErrorCode::Corrupt);
        EXPECT_THAT(generated.error().detail, HasSubstr("models verify"));
        EXPECT_TRUE((*session)->cachedTokens().empty());
    }
}

/// Writes `bytes` over the beginning of a tensor in a copy of a model's file.
void writeOver(const std::filesystem::path& path, const std::string& tensor, std::size_t at,
               const std::string& bytes) {
    const auto file = GgufFile::open(path).value();
    const TensorInfo* found = file.tensor(tensor);
    ASSERT_NE(found, nullptr) << tensor;
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(file.placeOf(found->data.data()).offset + at));
    stream.write(bytes.data(), std::ssize(bytes));
    ASSERT_TRUE(stream.good());
}

TEST(DamagedWeights, AreNoticedWhereRoundingWouldHideThem) {
    const TemporaryFile damaged;
    const auto withNan = [&](const std::string& tensor, const std::string& nan) {
        std::filesystem::copy_file(conclave::test::bundledChatModel(), damaged.path,
                                   std::filesystem::copy_options::overwrite_existing);
        writeOver(damaged.path, tensor, 0, nan);
        return Model::load(damaged.path);
    };
    const std::string nanFloat{"\x00\x00\xc0\x7f", 4};
    for (const char* tensor : {"blk.1.ffn_norm.weight", "blk.1.ffn_gate_inp.weight"}) {
        const auto model = withNan(tensor, nanFloat);
        ASSERT_FALSE(model) << tensor;
        EXPECT_EQ(model.error().code, ErrorCode::Corrupt);
        EXPECT_THAT(model.error().detail, HasSubstr(tensor));
    }
    const std::string nanHalf{"\x00\x7e", 2};  // the scale of its first block
    for (const char* tensor : {"blk.0.attn_output.weight", "blk.1.ffn_down_shexp.weight"}) {
        const auto model = withNan(tensor, nanHalf);
        ASSERT_TRUE(model) << model.error().detail;
        const auto session = Session::create(*model, {.contextLength = 16, .nThreads = 1}).value();
        const auto generated = session->generate(greedy({5, 6, 7}, 4));
        ASSERT_FALSE(generated) << tensor;
        EXPECT_EQ(generated.error().code, ErrorCode::Corrupt);
    }
}

std::string contentsOf(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// Long enough that its layers are read side by side.
TEST(Session, IsTheSameAfterALongOneWasSavedAndRestored) {
    const SessionOptions options{.contextLength = 1024, .nThreads = 2};
    std::vector<TokenId> prompt(800);
    for (std::size_t i = 0; i < prompt.size(); ++i) {
        prompt[i] = static_cast<TokenId>(5 + i * 7 % 500);
    }
    const TemporaryFile saved;
    const TemporaryFile again{saved.path.string() + ".again"};
    const auto session = newSession(options);
    ASSERT_TRUE(session->generate(greedy(prompt, 1)));
    ASSERT_TRUE(session->save(saved.path));
    const std::string contents = contentsOf(saved.path);
    ASSERT_GT(contents.size(), std::size_t{1} << 20u);

    const auto restored = newSession(options);
    ASSERT_TRUE(restored->restore(saved.path));
    EXPECT_TRUE(std::ranges::equal(restored->cachedTokens(), session->cachedTokens()));
    ASSERT_TRUE(restored->save(again.path));
    EXPECT_TRUE(contentsOf(again.path) == contents);

    constexpr std::size_t kPlaces = 16;
    for (std::size_t place = 0; place < kPlaces; ++place) {
        std::string damaged = contents;
        damaged[contents.size() * (2 * place + 1) / (2 * kPlaces)] ^= 1;
        std::ofstream(again.path, std::ios::binary | std::ios::trunc) << damaged;
        const auto taken = newSession(options)->restore(again.path);
        ASSERT_FALSE(taken) << place;
        EXPECT_EQ(taken.error().code, ErrorCode::Corrupt);
    }
}

TEST(SavedSession, IsNotOfAFileThatWasWrittenSince) {
    const TemporaryFile model;
    const TemporaryFile saved{model.path.string() + ".session"};
    std::filesystem::copy_file(test::parity("llama-dense.gguf"), model.path,
                               std::filesystem::copy_options::overwrite_existing);
    const auto open = [&] {
        return Session::create(Model::load(model.path).value(),
                               {.contextLength = 64, .nThreads = 1})
            .value();
    };
    const auto session = open();
    ASSERT_TRUE(session->generate(greedy({1, 2, 3}, 4)));
    ASSERT_TRUE(session->save(saved.path));
    EXPECT_TRUE(open()->restore(saved.path));

    const auto time = std::filesystem::last_write_time(model.path);
    writeOver(model.path, "blk.0.ffn_down.weight", 600, std::string(2, '\0'));
    std::filesystem::last_write_time(model.path, time + std::chrono::seconds(1));
    const auto restored = open()->restore(saved.path);
    ASSERT_FALSE(restored);
    EXPECT_EQ(restored.error().code, ErrorCode::Unsupported);
}

}  // namespace
}  // namespace conclave::engine
