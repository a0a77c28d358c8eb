// Layers that see a window keep only that, and delta nets a state: the same bits as with all of the
// past, whatever is cut back, shared, saved or restored.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "bare_model.h"
#include "engine/runtime/kv_cache.h"
#include "engine/runtime/loaded_model.h"
#include "golden_logits.h"
#include "models.h"

namespace conclave::engine {
namespace {

constexpr int kSmallBatch = 16;  ///< with which the tiny models' windows keep one or two pages

/// Of a tiny model: with the small batch windows forget, with one of all tokens they do not.
std::vector<float> bareLogits(const std::string& name, const KernelTable& kernels, int maxBatch,
                              const std::vector<int>& batches, int nThreads = 1) {
    test::BareModel model(test::parity(name + ".gguf"), kernels, nThreads, maxBatch,
                          [](ModelConfig& config) {
                              // Llama 4's chunks are longer than any test.
                              if (config.windowIsChunk) config.window = 48;
                          });
    return model.logits(test::goldenTokens(model.config().vocabularySize, 700), batches);
}

class WindowCache : public testing::TestWithParam<std::string> {};

TEST_P(WindowCache, GivesTheBitsOfAWholeCache) {
    for (const KernelTable* kernels : test::nativeKernelSets()) {
        const auto whole = bareLogits(GetParam(), *kernels, 1024, {});
        EXPECT_EQ(bareLogits(GetParam(), *kernels, kSmallBatch, {kSmallBatch}), whole);
        EXPECT_EQ(bareLogits(GetParam(), *kernels, kSmallBatch, {7, 16, 1, 3}, 3), whole);
    }
}

INSTANTIATE_TEST_SUITE_P(Models, WindowCache,
                         testing::Values("gemma2", "gemma3", "gpt-oss", "llama4"),
                         [](const auto& instance) {
                             std::string name = instance.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST(WindowCache, CopiesOutWhatAttentionReads) {
    ModelConfig config;
    config.nLayers = 2;
    config.layers.resize(2);
    config.grouped = {.nKvHeads = 2, .headDim = 32};
    for (const KvTypes types : {KvTypes(KvType::F16), KvTypes{KvType::Q8_0, KvType::Q4_0}}) {
        auto cache = KvCache::create(config, 600, 64, types);
        ASSERT_TRUE(cache);
        cache->makeRoom(0, 600);
        std::vector<float> numbers(64);
        for (int position = 290; position < 293; ++position) {
            for (float& number : numbers) number = static_cast<float>(position) + number * 0.5f;
            cache->writeKeys(kernels(), 1, position, numbers);
            for (float& number : numbers) number = -number - 1.0f;
            cache->writeValues(kernels(), 1, position, numbers);
        }
        std::vector<std::byte> copied;
        cache->forEachRun(1, 290, 3, [&](std::span<const std::byte> run) {
            copied.insert(copied.end(), run.begin(), run.end());
            return true;
        });
        EXPECT_EQ(copied.size(), 3 * cache->positionBytes());
        std::vector<std::byte> seen;
        for (const CachedHeads& heads : {cache->keys(1), cache->values(1)}) {
            for (std::size_t head = 0; head < 2; ++head) {
                const std::byte* from = heads.chunks[1] + heads.begin + head * heads.headBytes +
                                        std::size_t{290 - 256} * heads.rowBytes;
                seen.insert(seen.end(), from, from + 3 * heads.rowBytes);
            }
        }
        EXPECT_EQ(copied, seen);
        EXPECT_FALSE(cache->forEachRun(1, 290, 3, [](auto) { return false; }));
    }
}

TEST(WindowCache, KeepsAsMuchAsABatchSees) {
    ModelConfig config;
    config.nLayers = 3;
    config.layers.resize(3);
    config.layers[0].isLocal = config.layers[1].isLocal = true;
    config.window = 100;
    config.grouped = {.nKvHeads = 2, .headDim = 32};
    const std::uint64_t positionBytes = 2 * 2 * 32 * 2;
    // 100 + 64 positions meet two chunks at most, 100 + 158 three.
    EXPECT_EQ(KvCache::bytes(config, 4096, 64), (2 * 512 + 4096) * positionBytes);
    EXPECT_EQ(KvCache::bytes(config, 4096, 157), (2 * 512 + 4096) * positionBytes);
    EXPECT_EQ(KvCache::bytes(config, 4096, 158), (2 * 768 + 4096) * positionBytes);
    EXPECT_EQ(KvCache::bytes(config, 200, 64), 3 * 256 * positionBytes);
    EXPECT_EQ(KvCache::bytes(config, 4096, 64, KvType::Q8_0), (2 * 512 + 4096) * 4 * 34);

    const auto pool = std::make_shared<PagePool>();
    auto cache = KvCache::create(config, 4096, 64, {}, pool);
    ASSERT_TRUE(cache);
    EXPECT_EQ(pool->usedBytes(), 0U);
    for (int first = 0; first < 4096; first += 64) {
        cache->makeRoom(first, 64);
        const auto nWhole = static_cast<std::uint64_t>(first / 256 + 1) * 256;
        EXPECT_GE(pool->usedBytes(), (2 * 256 + nWhole) * positionBytes);
        EXPECT_LE(pool->usedBytes(), (2 * 512 + nWhole) * positionBytes);
    }
    EXPECT_EQ(cache->heldFrom(), 4096 - 256);
    EXPECT_EQ(cache->resumableUpTo(4096), 4096);
    EXPECT_EQ(cache->resumableUpTo(3939), 3939);  // sees 3840 to 3938
    EXPECT_EQ(cache->resumableUpTo(3938), 0);
    cache->truncate(0);
    EXPECT_EQ(pool->usedBytes(), 0U);
    cache->makeRoom(0, 64);
    EXPECT_EQ(cache->heldFrom(), 0);
    EXPECT_EQ(pool->usedBytes(), 3 * 256 * positionBytes);

    config.windowIsChunk = true;
    auto chunks = KvCache::create(config, 4096, 64);
    ASSERT_TRUE(chunks);
    for (int first = 0; first < 640; first += 64) chunks->makeRoom(first, 64);
    EXPECT_EQ(chunks->resumableUpTo(450), 450);  // sees from 400 on
    EXPECT_EQ(chunks->heldFrom(), 256);
    EXPECT_EQ(chunks->resumableUpTo(290), 200);
    EXPECT_EQ(chunks->resumableUpTo(200), 200);
    chunks->makeRoom(200, 64);
    EXPECT_EQ(chunks->resumableUpTo(264), 264);
    EXPECT_EQ(chunks->resumableUpTo(199), 100);
}

// -------------------------------------------------------------------------------------- sessions

struct Opened {
    std::shared_ptr<const Model> model;
    std::unique_ptr<Session> session;
};

Opened openWindowed(const std::string& name, int batchTokens, bool sharesPrefixes = false,
                    std::shared_ptr<const Model> model = nullptr) {
    if (model == nullptr) model = Model::load(test::parity(name + ".gguf")).value();
    auto session = Session::create(
        model, {.nThreads = 1, .batchTokens = batchTokens, .sharesPrefixes = sharesPrefixes});
    EXPECT_TRUE(session) << session.error().detail;
    return {model, std::move(*session)};
}

GenerateResult continueText(Session& session, std::vector<TokenId> prompt) {
    GenerateRequest request;
    request.prompt = std::move(prompt);
    request.sampling.temperature = 0.0f;
    request.maxTokens = 5;
    request.ignoreEndOfTurn = true;
    request.nLogprobs = 4;
    auto result = session.generate(request);
    EXPECT_TRUE(result) << result.error().detail;
    return std::move(*result);
}

void expectSameBits(const GenerateResult& a, const GenerateResult& b) {
    EXPECT_EQ(a.tokens, b.tokens);
    ASSERT_EQ(a.logprobs.size(), b.logprobs.size());
    for (std::size_t i = 0; i < a.logprobs.size(); ++i) {
        EXPECT_EQ(a.logprobs[i].likeliest, b.logprobs[i].likeliest) << i;
    }
}

/// The first `nCommon` tokens are the same for all `variant`s.
std::vector<TokenId> textOf(const Model& model, std::size_t nCommon, std::size_t n, int variant) {
    auto tokens = test::goldenTokens(model.info().vocabularySize, n);
    for (std::size_t i = nCommon; i < n; ++i) tokens[i] = (tokens[i] + variant) % 90;
    return tokens;
}

class WindowedSession : public testing::TestWithParam<std::string> {
protected:
    /// The answer of a session that keeps everything.
    GenerateResult expected(const std::vector<TokenId>& prompt) {
        return continueText(*openWindowed(GetParam(), 1024, false, m_model).session, prompt);
    }
    std::shared_ptr<const Model> m_model = Model::load(test::parity(GetParam() + ".gguf")).value();
};

TEST_P(WindowedSession, GoesBackAsFarAsItCanAndElseBeginsAnew) {
    const auto session = openWindowed(GetParam(), kSmallBatch, false, m_model).session;
    const auto prompt = textOf(*m_model, 500, 500, 0);
    expectSameBits(continueText(*session, prompt), expected(prompt));
    const auto again = continueText(*session, prompt);
    EXPECT_EQ(again.usage.cachedTokens, 499);
    expectSameBits(again, expected(prompt));
    const auto nearby = textOf(*m_model, 400, 450, 1);
    const auto near = continueText(*session, nearby);
    EXPECT_EQ(near.usage.cachedTokens, 400);
    expectSameBits(near, expected(nearby));
    const auto distant = textOf(*m_model, 100, 480, 2);
    const auto far = continueText(*session, distant);
    EXPECT_EQ(far.usage.cachedTokens, 0) << "what it sees is not there any more";
    expectSameBits(far, expected(distant));
}

TEST_P(WindowedSession, TakesNoMoreMemoryThanItsWindowsNeed) {
    const auto loaded = std::dynamic_pointer_cast<const LoadedModel>(m_model);
    const auto session = openWindowed(GetParam(), kSmallBatch, false, m_model).session;
    for (const std::size_t n : {300u, 700u, 990u, 640u}) {
        (void)continueText(*session, textOf(*m_model, n, n, 0));
        const auto forecast =
            KvCache::bytes(loaded->config(), static_cast<int>(n) + 4, kSmallBatch);
        EXPECT_LE(loaded->pages()->usedBytes(), forecast) << n;
        if (n < 640) continue;  // which meets no more pages than the windows may
        EXPECT_LT(forecast, KvCache::bytes(loaded->config(), static_cast<int>(n) + 4, 1024));
    }
    session->clear();
    EXPECT_EQ(loaded->pages()->usedBytes(), 0U);
}

TEST_P(WindowedSession, SharesWhatItHasLostItself) {
    const auto first = openWindowed(GetParam(), kSmallBatch, true, m_model).session;
    (void)continueText(*first, textOf(*m_model, 700, 700, 0));
    for (const std::size_t nCommon : {320u, 96u, 640u}) {
        const auto prompt = textOf(*m_model, nCommon, 720, static_cast<int>(nCommon));
        const auto reused = openWindowed(GetParam(), kSmallBatch, true, m_model).session;
        const auto answer = continueText(*reused, prompt);
        EXPECT_GE(answer.usage.cachedTokens, static_cast<int>(nCommon));
        expectSameBits(answer, expected(prompt));
        // The session itself, back to where its windows do not reach.
        const auto own = textOf(*m_model, nCommon, 720, static_cast<int>(nCommon) + 5);
        const auto back = continueText(*first, own);
        EXPECT_GE(back.usage.cachedTokens, static_cast<int>(nCommon));
        expectSameBits(back, expected(own));
    }
}

TEST_P(WindowedSession, SavesAndRestoresWhatIsThere) {
    const auto path = std::filesystem::temp_directory_path() /
                      ("conclave-window-" + std::to_string(::getpid()) + ".session");
    const auto whole = openWindowed(GetParam(), 1024, false, m_model).session;
    const auto ring = openWindowed(GetParam(), kSmallBatch, false, m_model).session;
    const auto prompt = textOf(*m_model, 600, 600, 0);
    (void)continueText(*whole, prompt);
    (void)continueText(*ring, prompt);
    const auto longer = textOf(*m_model, 600, 640, 3);
    const auto distant = textOf(*m_model, 100, 480, 2);
    std::uintmax_t wholeSize = 0;
    for (Session* saved : {whole.get(), ring.get()}) {
        ASSERT_TRUE(saved->save(path));
        const auto size = std::filesystem::file_size(path);
        if (saved == whole.get()) wholeSize = size;
        EXPECT_EQ(size < wholeSize, saved == ring.get());
        for (const int batchTokens : {1024, kSmallBatch}) {
            const auto session = openWindowed(GetParam(), batchTokens, false, m_model).session;
            ASSERT_TRUE(session->restore(path));
            const auto next = continueText(*session, longer);
            EXPECT_EQ(next.usage.cachedTokens, 600);
            expectSameBits(next, expected(longer));
            ASSERT_TRUE(session->restore(path));
            const auto far = continueText(*session, distant);
            const bool hasAll = saved == whole.get() && batchTokens == 1024;
            EXPECT_EQ(far.usage.cachedTokens, hasAll ? 100 : 0);
            expectSameBits(far, expected(distant));
        }
    }
    std::filesystem::remove(path);
}

class RecurrentSession : public testing::TestWithParam<std::string> {};

TEST_P(RecurrentSession, GoesBackToTheStateBeforeABatch) {
    const auto model = Model::load(test::parity(GetParam() + ".gguf")).value();
    const auto cold = [&](const std::vector<TokenId>& prompt) {
        return continueText(*openWindowed(GetParam(), 512, false, model).session, prompt);
    };
    const auto session = openWindowed(GetParam(), kSmallBatch, true, model).session;
    const auto prompt = textOf(*model, 100, 100, 0);
    expectSameBits(continueText(*session, prompt), cold(prompt));
    const auto longer = [&] {
        const auto cached = session->cachedTokens();
        std::vector<TokenId> tokens(cached.begin(), cached.end());
        tokens.insert(tokens.end(), {3, 5, 7});
        return tokens;
    }();
    const auto next = continueText(*session, longer);
    EXPECT_EQ(next.usage.cachedTokens, 104) << "the state is there";
    expectSameBits(next, cold(longer));
    const auto again = continueText(*session, prompt);
    EXPECT_EQ(again.usage.cachedTokens, 96) << "the beginning of the last batch";
    expectSameBits(again, cold(prompt));
    const auto distant = textOf(*model, 20, 90, 2);
    const auto far = continueText(*session, distant);
    EXPECT_EQ(far.usage.cachedTokens, 0);
    expectSameBits(far, cold(distant));
    EXPECT_EQ(cold(prompt).usage.cachedTokens, 0);

    // Cancelled in the middle: nothing of it counts.
    GenerateRequest request;
    request.prompt = textOf(*model, 90, 400, 1);
    std::stop_source stop;
    request.cancel = stop.get_token();
    request.onPrefill = [&](int done, int) {
        if (done > 200) stop.request_stop();
    };
    ASSERT_EQ(session->generate(request)->reason, FinishReason::Cancelled);
    expectSameBits(continueText(*session, request.prompt), cold(request.prompt));
}

TEST_P(RecurrentSession, IsSavedWithItsState) {
    const auto model = Model::load(test::parity(GetParam() + ".gguf")).value();
    const auto path = std::filesystem::temp_directory_path() /
                      ("conclave-recurrent-" + std::to_string(::getpid()) + ".session");
    const auto session = openWindowed(GetParam(), kSmallBatch, false, model).session;
    const auto prompt = textOf(*model, 100, 100, 0);
    const auto first = continueText(*session, prompt);
    ASSERT_TRUE(session->save(path));
    std::vector<TokenId> longer = prompt;
    longer.insert(longer.end(), first.tokens.begin(), first.tokens.end());
    longer.push_back(9);
    const auto restored = openWindowed(GetParam(), 512, false, model).session;
    ASSERT_TRUE(restored->restore(path));
    const auto next = continueText(*restored, longer);
    EXPECT_EQ(next.usage.cachedTokens, 104);
    expectSameBits(next, continueText(*session, longer));
    // A file that is damaged leaves a session that begins anew.
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
    EXPECT_FALSE(restored->restore(path));
    expectSameBits(continueText(*restored, longer), next);
    std::filesystem::remove(path);
}

INSTANTIATE_TEST_SUITE_P(Models, RecurrentSession,
                         testing::Values("qwen3next", "qwen35moe", "lfm2", "lfm2moe",
                                         "granitehybrid", "granitehybrid-moe"));
INSTANTIATE_TEST_SUITE_P(Models, WindowedSession, testing::Values("gemma3", "gpt-oss"),
                         [](const auto& instance) {
                             std::string name = instance.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace conclave::engine
