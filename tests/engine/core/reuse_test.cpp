// What was computed before and is not computed again: shared pages, saved sessions.
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/runtime/hash64.h"
#include "engine/runtime/kv_cache.h"
#include "engine/runtime/loaded_model.h"
#include "engine/runtime/page_pool.h"
#include "engine/runtime/prefix_store.h"
#include "gguf_writer.h"
#include "models.h"

namespace conclave::engine {
namespace {

namespace fs = std::filesystem;

constexpr int kPage = PrefixStore::kPageTokens;

std::shared_ptr<const Model> parityModel(const std::string& name) {
    auto model = Model::load(test::parity(name + ".gguf"));
    EXPECT_TRUE(model) << model.error().detail;
    return *model;
}

std::unique_ptr<Session> open(const std::shared_ptr<const Model>& model, bool sharesPrefixes,
                              int nThreads = 1, int batchTokens = 512) {
    auto session = Session::create(model, {.contextLength = 0,
                                           .nThreads = nThreads,
                                           .batchTokens = batchTokens,
                                           .sharesPrefixes = sharesPrefixes});
    EXPECT_TRUE(session) << session.error().detail;
    return std::move(*session);
}

std::vector<TokenId> randomTokens(int n, const Model& model, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<TokenId> tokens;
    for (int i = 0; i < n; ++i) {
        tokens.push_back(
            static_cast<TokenId>(random() % static_cast<unsigned>(model.info().vocabularySize)));
    }
    return tokens;
}

GenerateResult run(Session& session, std::vector<TokenId> prompt, int maxTokens = 8) {
    GenerateRequest request;
    request.prompt = std::move(prompt);
    request.sampling.temperature = 0.0f;
    request.maxTokens = maxTokens;
    request.ignoreEndOfTurn = true;
    request.nLogprobs = 5;
    auto result = session.generate(request);
    EXPECT_TRUE(result) << result.error().detail;
    return std::move(*result);
}

/// Tokens and log-probabilities to the last bit.
void expectSame(const GenerateResult& a, const GenerateResult& b) {
    EXPECT_EQ(a.tokens, b.tokens);
    ASSERT_EQ(a.logprobs.size(), b.logprobs.size());
    for (std::size_t i = 0; i < a.logprobs.size(); ++i) {
        EXPECT_EQ(a.logprobs[i].likeliest, b.logprobs[i].likeliest) << i;
    }
}

fs::path scratchFile(const std::string& name) {
    return fs::temp_directory_path() /
           ("conclave-reuse-" + std::to_string(::getpid()) + "-" + name);
}

std::string readBytes(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void writeBytes(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

class SharedPrefix : public testing::TestWithParam<std::string> {};

/// A second session starts from what the first left behind: fewer tokens computed, the same bits,
/// whatever the kind of attention, window or router.
TEST_P(SharedPrefix, GivesTheBitsOfAColdPrefill) {
    const auto model = parityModel(GetParam());
    const int longest = std::min(model->info().contextLength - 16, 200);
    const auto context = randomTokens(longest * 3 / 4, *model, 1);
    const auto first = [&] {
        auto prompt = context;
        const auto more = randomTokens(longest / 8, *model, 2);
        prompt.insert(prompt.end(), more.begin(), more.end());
        return prompt;
    }();
    auto second = context;
    const auto other = randomTokens(longest / 5, *model, 3);
    second.insert(second.end(), other.begin(), other.end());

    const auto expected = run(*open(model, false), second);
    ASSERT_EQ(expected.usage.cachedTokens, 0);
    (void)run(*open(model, true, 1, 7), first);
    const auto reused = open(model, true, 2);
    const auto answer = run(*reused, second);
    EXPECT_GE(answer.usage.cachedTokens, static_cast<int>(context.size()));
    expectSame(answer, expected);
    // Its own cache holds a part, the store more.
    (void)run(*reused, randomTokens(40, *model, 4));
    auto partly = context;
    partly.resize(20);
    (void)run(*reused, partly, 1);
    expectSame(run(*reused, second), expected);
    EXPECT_EQ(run(*open(model, false), second).usage.cachedTokens, 0) << "only who shares is given";
}

INSTANTIATE_TEST_SUITE_P(Architectures, SharedPrefix,
                         testing::Values("deepseek2", "deepseek3", "deepseek", "llama-dense",
                                         "mixtral", "olmoe", "granitemoe", "gpt-oss", "gemma2",
                                         "gemma3", "qwen3moe", "phi3", "phi3-long", "llama4",
                                         "glm4moe", "ernie4_5-moe", "phimoe", "smollm3", "mistral3",
                                         "olmo2-window", "cohere2"),
                         [](const auto& each) {
                             std::string name = each.param;
                             std::replace_if(
                                 name.begin(), name.end(),
                                 [](char c) { return c == '-' || c == '.'; }, '_');
                             return name;
                         });

// ----------------------------------------------------------------------------------- shared pages

/// The first `nCommon` tokens of all variants are the same.
std::vector<TokenId> variantOf(const Model& model, int nCommon, int n, unsigned variant) {
    auto tokens = randomTokens(nCommon, model, 1);
    const auto own = randomTokens(n - nCommon, model, 100 + variant);
    tokens.insert(tokens.end(), own.begin(), own.end());
    return tokens;
}

TEST(SharedPages, ACommonBeginningIsHeldOnce) {
    const auto model = LoadedModel::load(test::parity("olmoe.gguf"), kernels()).value();
    const std::uint64_t page = KvCache::bytes(model->config(), kPage, 512);
    const auto nPages = [&] {
        EXPECT_EQ(model->pages()->usedBytes() % page, 0U);
        return model->pages()->usedBytes() / page;
    };
    constexpr int kCommon = 3 * kPage + 100;
    const auto prompt = [&](unsigned variant) {
        return variantOf(*model, kCommon, kCommon + 40, variant);
    };
    const auto one = open(model, true);
    EXPECT_EQ(nPages(), 0U);
    (void)run(*one, prompt(1));
    EXPECT_EQ(nPages(), 4U) << "those of the session, which the store has, too";
    auto two = open(model, true, 2);
    const auto answer = run(*two, prompt(2));
    EXPECT_EQ(answer.usage.cachedTokens, kCommon);
    EXPECT_EQ(nPages(), 4U + 1U) << "three common pages, and a copy of the fourth";
    auto three = open(model, true);
    (void)run(*three, prompt(3));
    EXPECT_EQ(nPages(), 4U + 2U);

    // What follows is written to a copy, which then takes the place of the page in the store.
    auto more = prompt(2);
    more.insert(more.end(), answer.tokens.begin(), answer.tokens.end());
    const auto next = run(*two, more);
    EXPECT_EQ(next.usage.cachedTokens, static_cast<int>(more.size()) - 1);
    EXPECT_EQ(nPages(), 4U + 2U);

    two.reset();
    three.reset();
    EXPECT_EQ(nPages(), 4U + 2U) << "the store has them";
    model->prefixes().clear();
    EXPECT_EQ(nPages(), 4U);
    one->clear();
    EXPECT_EQ(nPages(), 0U);
    const auto alone = open(model, false);
    expectSame(run(*alone, prompt(2)), answer);
    expectSame(run(*open(model, false), more), next);
}

TEST(SharedPages, AreWrittenInPlaceWhereThereIsNoMemoryForACopy) {
    const auto path = test::parity("olmoe.gguf");
    const MemoryForecast need = LoadedModel::load(path, kernels()).value()->forecast(1024, {});
    const std::uint64_t limit = need.weightBytes + 2 * (need.kvCacheBytes + need.scratchBytes);
    const auto model =
        LoadedModel::load(path, kernels(), LoadOptions{.memoryBytes = limit}).value();
    const auto session = open(model, true);
    auto text = variantOf(*model, kPage, kPage + 40, 1);
    const auto answer = run(*session, text);
    text.insert(text.end(), answer.tokens.begin(), answer.tokens.end());
    text.insert(text.end(), {5, 6, 7});
    const std::uint64_t page = KvCache::bytes(model->config(), kPage, 512);
    EXPECT_EQ(model->prefixes().sizeBytes(), 2 * page);
    std::vector<PagePool::Page> others;
    while (model->memoryLeft(false) >= model->plan().residentBytes + page) {
        others.push_back(model->pages()->take(page));
    }
    const std::uint64_t used = model->pages()->usedBytes();
    const auto next = run(*session, text);
    EXPECT_EQ(next.usage.cachedTokens, static_cast<int>(text.size()) - 4);
    EXPECT_EQ(model->pages()->usedBytes(), used);
    expectSame(next, run(*open(parityModel("olmoe"), false), text));
}

class CopiedPage : public testing::TestWithParam<std::string> {};

/// Sessions that go on behind the same page, each its own way, turn by turn.
TEST_P(CopiedPage, IsNeverChangedForOthers) {
    const auto model = parityModel(GetParam());
    const auto cold = [&](const std::vector<TokenId>& prompt) {
        return run(*open(model, false), prompt, 3);
    };
    constexpr int kCommon = kPage + 100;
    std::vector<std::unique_ptr<Session>> sessions;
    std::vector<std::vector<TokenId>> texts;
    for (unsigned i = 0; i < 3; ++i) {
        sessions.push_back(open(model, true, 1, i == 1 ? 16 : 512));
        texts.push_back(variantOf(*model, kCommon, kCommon + 7 + static_cast<int>(i), i));
    }
    for (unsigned turn = 0; turn < 3; ++turn) {
        for (std::size_t i = 0; i < sessions.size(); ++i) {
            const auto answer = run(*sessions[i], texts[i], 3);
            EXPECT_TRUE(turn + i == 0 || answer.usage.cachedTokens >= kCommon);
            expectSame(answer, cold(texts[i]));
            texts[i].insert(texts[i].end(), answer.tokens.begin(), answer.tokens.end());
            const auto more = randomTokens(20, *model, 10 * turn + static_cast<unsigned>(i));
            texts[i].insert(texts[i].end(), more.begin(), more.end());
        }
    }
    // A chat is cut back into the page that all share, and goes on otherwise; what the others and
    // the store know stays.
    auto edited = texts[0];
    edited.resize(kCommon - 30);
    edited.insert(edited.end(), {5, 6, 7, 8, 9});
    const auto again = run(*sessions[0], edited, 3);
    EXPECT_EQ(again.usage.cachedTokens, kCommon - 30);
    expectSame(again, cold(edited));
    for (const std::size_t i : {1U, 2U}) expectSame(run(*sessions[i], texts[i], 3), cold(texts[i]));
    for (const auto& text : texts) expectSame(run(*open(model, true), text, 3), cold(text));
}

/// Reading a file into a session leaves alone what it shared before.
TEST_P(CopiedPage, IsNotWrittenToByARestore) {
    const auto model = parityModel(GetParam());
    const auto file = scratchFile("shared-" + GetParam());
    const auto text = variantOf(*model, 2 * kPage + 50, 2 * kPage + 60, 1);
    const auto other = randomTokens(2 * kPage + 90, *model, 9);
    const auto saved = open(model, false);
    const auto first = run(*saved, other, 3);
    ASSERT_TRUE(saved->save(file));
    const auto one = open(model, true);
    const auto two = open(model, true);
    const auto expected = run(*one, text, 3);
    expectSame(run(*two, text, 3), expected);
    ASSERT_TRUE(one->restore(file));
    auto longer = other;
    longer.insert(longer.end(), first.tokens.begin(), first.tokens.end());
    const auto next = run(*one, longer, 3);
    EXPECT_EQ(next.usage.cachedTokens, static_cast<int>(longer.size()) - 1);
    expectSame(next, run(*open(model, false), longer, 3));
    expectSame(run(*two, text, 3), expected);
    const auto shared = run(*open(model, true), text, 3);
    EXPECT_EQ(shared.usage.cachedTokens, static_cast<int>(text.size()) - 1);
    expectSame(shared, expected);
    // What was restored is shared in turn.
    EXPECT_GE(run(*open(model, true), longer, 3).usage.cachedTokens,
              static_cast<int>(longer.size()) - 1);
    fs::remove(file);
}

INSTANTIATE_TEST_SUITE_P(Models, CopiedPage,
                         testing::Values("deepseek2", "olmoe", "gemma3", "gpt-oss", "llama4"),
                         [](const auto& each) {
                             std::string name = each.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

/// Little memory, so that pages are dropped while others use them.
TEST(SharedPages, ServeManyThreadsWithinTheirBudget) {
    for (const std::string name : {"olmoe", "gemma3"}) {
        const auto path = test::parity(name + ".gguf");
        const auto whole = LoadedModel::load(path, kernels()).value();
        constexpr int kBatch = 128;
        constexpr int kThreads = 3;
        const MemoryForecast need = whole->forecast(1024, {}, kBatch, 2);
        const std::uint64_t limit =
            need.weightBytes + kThreads * need.scratchBytes + 7 * need.kvCacheBytes;
        const auto model =
            LoadedModel::load(path, kernels(), LoadOptions{.memoryBytes = limit}).value();
        std::vector<std::vector<TokenId>> prompts;
        std::vector<GenerateResult> expected;
        for (unsigned i = 0; i < 6; ++i) {
            const int nCommon = std::array{kPage + 30, 2 * kPage, 70}[i % 3];
            prompts.push_back(variantOf(*whole, nCommon, nCommon + 60 * static_cast<int>(i), i));
            expected.push_back(run(*open(whole, false), prompts.back(), 3));
            (void)run(*open(whole, true), prompts.back(), 3);
        }
        {
            std::vector<std::jthread> threads;
            for (unsigned seed = 0; seed < kThreads; ++seed) {
                threads.emplace_back([&, seed] {
                    std::mt19937 random(seed);
                    auto session = open(model, true, 1 + static_cast<int>(seed % 2), kBatch);
                    for (int round = 0; round < 12; ++round) {
                        const std::size_t i = random() % prompts.size();
                        expectSame(run(*session, prompts[i], 3), expected[i]);
                        EXPECT_LE(model->prefixes().sizeBytes(), limit / 4);
                        if (round % 4 != 3) continue;
                        session.reset();
                        session = open(model, true, 1, kBatch);
                    }
                });
            }
        }
        EXPECT_EQ(model->pages()->usedBytes(), model->prefixes().sizeBytes());
        EXPECT_LT(model->prefixes().sizeBytes(), whole->prefixes().sizeBytes());
        model->prefixes().clear();
        EXPECT_EQ(model->pages()->usedBytes(), 0U);
    }
}

TEST(Session, UsesFewerExpertsWhenAsked) {
    const auto model = parityModel("olmoe");
    const int nExpertsUsed = model->info().nExpertsUsed;
    ASSERT_GT(nExpertsUsed, 1);
    const auto prompt = randomTokens(48, *model, 1);
    const auto with = [&](int n) {
        return run(
            **Session::create(model, {.nThreads = 1, .sharesPrefixes = true, .nExpertsUsed = n}),
            prompt);
    };
    const auto all = with(0);
    const auto fewer = with(nExpertsUsed - 1);
    EXPECT_EQ(fewer.usage.cachedTokens, 0) << "entries of other experts are no use";
    EXPECT_NE(fewer.logprobs[0].likeliest, all.logprobs[0].likeliest);
    expectSame(with(nExpertsUsed), all);
    const auto tooMany = Session::create(model, {.nThreads = 1, .nExpertsUsed = nExpertsUsed + 1});
    ASSERT_FALSE(tooMany);
    EXPECT_EQ(tooMany.error().code, ErrorCode::InvalidArgument);
    EXPECT_FALSE(Session::create(parityModel("llama-dense"), {.nThreads = 1, .nExpertsUsed = 1}));
}

// --------------------------------------------------------------------------------- saved sessions

TEST(Hash64, GivesThePublishedValues) {
    EXPECT_EQ(hash64(""), 0xEF46DB3751D8E999U);
    EXPECT_EQ(hash64("a"), 0xD24EC4F1A98C6E5BU);
    EXPECT_EQ(hash64("abc"), 0x44BC2CF5AD770999U);
    // Every bit counts, at every length and place.
    std::string text(77, 'x');
    const std::uint64_t whole = hash64(text);
    for (char& c : text) {
        c ^= 4;
        EXPECT_NE(hash64(text), whole);
        c ^= 4;
    }
}

TEST(SavedSession, GoesOnWithTheSameBits) {
    for (const std::string name : {"deepseek2", "gemma3", "gpt-oss"}) {
        const auto model = parityModel(name);
        const auto file = scratchFile(name);
        auto prompt = randomTokens(100, *model, 1);
        const auto session = open(model, false);
        const auto first = run(*session, prompt);
        ASSERT_TRUE(session->save(file));
        struct stat status {};
        ASSERT_EQ(::stat(file.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777U, 0600U);
        prompt.insert(prompt.end(), first.tokens.begin(), first.tokens.end());
        prompt.push_back(3);

        const auto again = parityModel(name);  // loaded anew, as after a restart
        const auto restored = open(again, false, 2);
        ASSERT_TRUE(restored->restore(file));
        EXPECT_TRUE(std::equal(restored->cachedTokens().begin(), restored->cachedTokens().end(),
                               session->cachedTokens().begin(), session->cachedTokens().end()));
        const auto answer = run(*restored, prompt);
        EXPECT_EQ(answer.usage.cachedTokens, 107) << "all but what was never computed";
        expectSame(answer, run(*open(model, false), prompt));
        fs::remove(file);
    }
}

TEST(SavedSession, NothingWrongIsEverRestored) {
    const auto model = parityModel("deepseek2");
    const auto file = scratchFile("whole");
    const auto changed = scratchFile("changed");
    const auto session = open(model, false);
    EXPECT_EQ(session->save(file).error().code, ErrorCode::InvalidArgument) << "nothing to save";
    (void)run(*session, randomTokens(40, *model, 1));
    ASSERT_TRUE(session->save(file));
    const std::string bytes = readBytes(file);
    const auto target = open(model, false);
    const auto codeOf = [&](const std::string& content) {
        writeBytes(changed, content);
        const auto restored = target->restore(changed);
        EXPECT_FALSE(restored);
        EXPECT_TRUE(target->cachedTokens().empty());
        return restored ? ErrorCode::Internal : restored.error().code;
    };
    EXPECT_EQ(target->restore(scratchFile("none")).error().code, ErrorCode::NotFound);

    // Every byte of the header and tokens, and one in 61 of the entries.
    std::mt19937 random(5);
    for (std::size_t at = 0; at < bytes.size(); at += at < 300 ? 1 : 1 + random() % 121) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << (random() % 8)));
        const ErrorCode code = codeOf(damaged);
        EXPECT_TRUE(code == ErrorCode::Corrupt || code == ErrorCode::Unsupported) << at;
    }
    for (const std::size_t size :
         {0UL, 1UL, 63UL, 64UL, 65UL, bytes.size() / 2, bytes.size() - 1}) {
        EXPECT_EQ(codeOf(bytes.substr(0, size)), ErrorCode::Corrupt) << size;
    }
    EXPECT_EQ(codeOf(bytes + "x"), ErrorCode::Corrupt);

    // Of another model, number of experts, type of cache, kernel set, or longer than the context.
    EXPECT_EQ(open(parityModel("deepseek3"), false)->restore(file).error().code,
              ErrorCode::Unsupported);
    const auto fewer = Session::create(model, {.nThreads = 1, .nExpertsUsed = 1});
    EXPECT_EQ((*fewer)->restore(file).error().code, ErrorCode::Unsupported);
    const auto shorter = Session::create(model, {.contextLength = 32, .nThreads = 1});
    EXPECT_EQ((*shorter)->restore(file).error().code, ErrorCode::Unsupported);
    for (const KvType type : {KvType::Q8_0, KvType::Q4_0}) {
        const auto smaller = Session::create(model, {.nThreads = 1, .kvType = type});
        EXPECT_EQ((*smaller)->restore(file).error().code, ErrorCode::Unsupported);
    }
    if (kernelSetName() != "scalar") {
        const auto scalar = LoadedModel::load(test::parity("deepseek2.gguf"), *kernelSet("scalar"));
        ASSERT_TRUE(scalar);
        EXPECT_EQ(open(*scalar, false)->restore(file).error().code, ErrorCode::Unsupported);
    }

    EXPECT_TRUE(target->restore(file)) << "after all that it still works";
    fs::remove(file);
    fs::remove(changed);
}

/// A child that may not write long files stands in for a full disk.
TEST(SavedSession, AFullDiskLeavesTheSessionSavedBefore) {
    const auto model = parityModel("deepseek2");
    const auto file = scratchFile("full");
    const auto session = open(model, false);
    (void)run(*session, randomTokens(40, *model, 1));
    ASSERT_TRUE(session->save(file));
    const std::string before = readBytes(file);
    (void)run(*session, randomTokens(100, *model, 2));
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{1000, 1000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const auto saved = session->save(file);
        ::_exit(!saved && saved.error().code == ErrorCode::DiskFull ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(readBytes(file), before);
    EXPECT_FALSE(fs::exists(file.string() + ".partial"));
    EXPECT_TRUE(session->restore(file));
    fs::remove(file);
    EXPECT_EQ(session->save(fs::path("/nonexistent") / "x.kv").error().code, ErrorCode::Io);
}

TEST(SavedSession, KindsAreThoseThatCanRestoreEachOther) {
    const auto model = parityModel("deepseek2");
    const std::uint64_t kind = open(model, false)->savedKind();
    EXPECT_EQ(kind, open(parityModel("deepseek2"), false, 2)->savedKind());
    EXPECT_NE(kind, open(parityModel("deepseek3"), false)->savedKind());
    EXPECT_NE(kind, (*Session::create(model, {.nExpertsUsed = 1}))->savedKind());
    EXPECT_NE(kind, (*Session::create(model, {.kvType = KvType::Q8_0}))->savedKind());
}

TEST(SavedSession, AFileWrittenAnewIsInAnotherStateWhateverItsTime) {
    const std::string bytes = readBytes(test::parity("llama-dense.gguf"));
    const auto path =
        test::GgufWriter::writeFile(std::to_string(::getpid()) + "-set-back.gguf", bytes);
    const auto time = fs::last_write_time(path);
    const auto stateNow = [&] {
        return LoadedModel::load(path, *kernelSet("scalar")).value()->files().state;
    };
    const std::uint64_t before = stateNow();
    EXPECT_EQ(stateNow(), before);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // ticks of the file system's clock
    writeBytes(path, bytes);
    fs::last_write_time(path, time);
    EXPECT_EQ(fs::last_write_time(path), time);
    EXPECT_NE(stateNow(), before);
    fs::remove(path);
}

TEST(SavedSession, OfAnotherStateOfTheFilesIsTakenForTheSameContentsAlone) {
    const auto path = test::GgufWriter::writeFile(std::to_string(::getpid()) + "-touched.gguf",
                                                  readBytes(test::parity("llama-dense.gguf")));
    const auto file = scratchFile("touched");
    const auto prompt = [](const Model& model) { return randomTokens(40, model, 1); };
    const auto model = Model::load(path).value();
    const auto session = open(model, false);
    const auto first = run(*session, prompt(*model));
    ASSERT_TRUE(session->save(file));

    fs::last_write_time(path, fs::last_write_time(path) + std::chrono::hours(1));
    const auto touched = Model::load(path).value();
    EXPECT_NE(touched->files().state, model->files().state);
    const auto again = open(touched, false);
    EXPECT_EQ(again->restore(file).error().code, ErrorCode::Unsupported);
    std::vector<std::uint64_t> asked;
    const auto says = [&](bool same) {
        return [&asked, same](std::uint64_t state) {
            asked.push_back(state);
            return same;
        };
    };
    EXPECT_EQ(again->restore(file, says(false)).error().code, ErrorCode::Unsupported);
    EXPECT_TRUE(again->cachedTokens().empty());
    ASSERT_TRUE(again->restore(file, says(true)));
    EXPECT_EQ(asked, std::vector<std::uint64_t>(2, model->files().state));
    const auto second = run(*again, prompt(*touched));
    EXPECT_EQ(second.usage.cachedTokens, 39);
    expectSame(second, first);

    // Nobody is asked about another model, or about the same state.
    EXPECT_FALSE(open(parityModel("deepseek2"), false)->restore(file, says(true)));
    ASSERT_TRUE(open(model, false)->restore(file, says(false)));
    EXPECT_EQ(asked.size(), 2U);
    fs::remove(path);
    fs::remove(file);
}

TEST(ModelFiles, AreHashedToTheLastByteAsTheyWereOpened) {
    const std::string bytes = readBytes(test::parity("llama-dense.gguf"));
    const auto path =
        test::GgufWriter::writeFile(std::to_string(::getpid()) + "-contents.gguf", bytes);
    const auto filesNow = [&] { return Model::load(path).value()->files(); };
    const ModelFiles before = filesNow();
    EXPECT_EQ(before.bytes, bytes.size());
    const std::uint64_t contents = hashContents(before).value();
    std::stop_source stopped;
    stopped.request_stop();
    EXPECT_EQ(hashContents(before, stopped.get_token()).error().code, ErrorCode::Cancelled);
    // The last bytes are weights, and so is what lies before them.
    for (const std::size_t back : {1UL, 1000UL, 20000UL}) {
        std::string changed = bytes;
        char& one = changed[changed.size() - back];
        one = static_cast<char>(one ^ 1);
        writeBytes(path, changed);
        EXPECT_EQ(hashContents(before).error().code, ErrorCode::Io) << "not as it was opened";
        EXPECT_NE(hashContents(filesNow()).value(), contents) << back;
    }
    writeBytes(path, bytes);
    EXPECT_EQ(hashContents(filesNow()).value(), contents);
    fs::remove(path);
    EXPECT_EQ(hashContents(before).error().code, ErrorCode::Io);
}

TEST(SavedSession, AnotherFileOfTheSameShapeIsAnotherModel) {
    std::string bytes = readBytes(test::parity("llama-dense.gguf"));
    const auto original =
        test::GgufWriter::writeFile(std::to_string(::getpid()) + "-original.gguf", bytes);
    bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 1);  // a weight
    const auto tuned =
        test::GgufWriter::writeFile(std::to_string(::getpid()) + "-tuned.gguf", bytes);
    const auto a = LoadedModel::load(original, *kernelSet("scalar"));
    const auto b = LoadedModel::load(tuned, *kernelSet("scalar"));
    ASSERT_TRUE(a && b);
    EXPECT_NE((*a)->fingerprint(), (*b)->fingerprint());
    EXPECT_EQ((*a)->fingerprint(),
              (*LoadedModel::load(original, *kernelSet("scalar")))->fingerprint());
    fs::remove(original);
    fs::remove(tuned);
}

}  // namespace
}  // namespace conclave::engine
