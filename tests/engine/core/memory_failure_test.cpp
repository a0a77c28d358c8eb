// Memory that runs out in the middle of an answer: an error, and a session that goes on as before.
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/runtime/thread_pool.h"
#include "models.h"

// A sanitizer has allocators of its own, which must see every allocation.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONCLAVE_FAILING_NEW 0
#else
#define CONCLAVE_FAILING_NEW 1
#endif

namespace {

/// Allocations of the program until one fails; below 0: none does.
std::atomic<long> s_nUntilFailure = -1;

}  // namespace

#if CONCLAVE_FAILING_NEW
// Not inline, or the compiler sees memory of new go to free.
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (s_nUntilFailure.load() >= 0 && s_nUntilFailure.fetch_sub(1) == 0) throw std::bad_alloc();
    void* memory = std::malloc(size > 0 ? size : 1);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace conclave::engine {
namespace {

class MemoryFailure : public testing::TestWithParam<std::string> {};

TEST_P(MemoryFailure, IsAnErrorAndTheSessionGoesOn) {
    if (CONCLAVE_FAILING_NEW == 0) GTEST_SKIP() << "a sanitizer's allocator does not fail";
    const auto model = Model::load(test::parity(GetParam() + ".gguf"));
    ASSERT_TRUE(model) << model.error().detail;
    GenerateRequest request;
    for (int i = 0; i < 70; ++i) request.prompt.push_back(i % 9 + i / 30);
    request.sampling.temperature = 0.0f;
    request.maxTokens = 12;
    request.ignoreEndOfTurn = true;
    request.speculate = true;
    std::vector<TokenId> expected;
    int nFailed = 0;
    bool isWhole = false;
    for (long n = 0; !isWhole; n += 1 + n / 8) {
        const auto session = Session::create(
            *model, {.nThreads = 2, .batchTokens = 16, .sharesPrefixes = n % 2 == 0});
        ASSERT_TRUE(session) << session.error().detail;
        if (expected.empty()) {
            const auto whole = (*session)->generate(request);
            ASSERT_TRUE(whole) << whole.error().detail;
            expected = whole->tokens;
            (*session)->clear();
        }
        s_nUntilFailure = n;
        const auto result = (*session)->generate(request);
        isWhole = s_nUntilFailure.exchange(-1) >= 0;  // nothing was left to fail
        if (result) {
            EXPECT_EQ(result->tokens, expected);  // what failed was not needed
        } else {
            ++nFailed;
            EXPECT_EQ(result.error().code, ErrorCode::OutOfMemory) << result.error().detail;
            EXPECT_NE(result.error().detail.find("memory"), std::string::npos);
        }
        const auto again = (*session)->generate(request);
        ASSERT_TRUE(again) << again.error().detail;
        EXPECT_EQ(again->tokens, expected) << "after " << n << " allocations";
        ASSERT_LT(n, 1'000'000);
    }
    EXPECT_GE(nFailed, 20);
}

INSTANTIATE_TEST_SUITE_P(Models, MemoryFailure,
                         testing::Values("qwen35moe", "deepseek3", "gemma3", "lfm2moe",
                                         "granitehybrid"));

TEST(ThreadPool, ThrowsOnWhatATaskThrows) {
    ThreadPool pool(3);
    for (int round = 0; round < 50; ++round) {
        std::atomic<int> nDone = 0;
        const auto fails = [&](int task) {
            if (task % 40 == 7) throw std::bad_alloc();
            ++nDone;
        };
        EXPECT_THROW(pool.run(100, fails), std::bad_alloc);
        EXPECT_LE(nDone.exchange(0), 97);
        pool.run(100, [&](int) { ++nDone; });
        EXPECT_EQ(nDone, 100);
    }
}

}  // namespace
}  // namespace conclave::engine
