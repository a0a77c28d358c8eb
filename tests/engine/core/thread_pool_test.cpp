// Threads follow the free cores.
#include <atomic>
#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include "engine/runtime/free_cores.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(FreeCores, LeavesOutAThreadThatWaitsAndTriesItAgainLater) {
    FreeCores cores(4);
    auto now = FreeCores::Clock::now() + seconds(1);
    EXPECT_EQ(cores.decide(4, 0.01, now), 4);
    EXPECT_EQ(cores.decide(4, 0.5, now), 3);
    EXPECT_EQ(cores.decide(3, 0.01, now + milliseconds(500)), 3) << "too early to try again";
    now += seconds(3);
    EXPECT_EQ(cores.decide(3, 0.01, now), 4);
    EXPECT_EQ(cores.decide(4, 0.01, now + seconds(2)), 4);
}

TEST(FreeCores, TriesNoThreadForWhichNoCoreIsFree) {
    FreeCores cores(4);
    const auto now = FreeCores::Clock::now() + seconds(1);
    EXPECT_EQ(cores.decide(4, 0.5, now), 3);
    EXPECT_EQ(cores.decide(3, 0.01, now + seconds(5), false), 3);
    EXPECT_EQ(cores.decide(3, 0.01, now + seconds(6), true), 4);
}

TEST(FreeCores, BeginsWithOneThreadAtLeastAndNoMoreThanItHas) {
    for (const int nThreads : {1, 2, 64}) {
        EXPECT_GE(FreeCores(nThreads).atStart(), 1);
        EXPECT_LE(FreeCores(nThreads).atStart(), nThreads);
    }
}

TEST(FreeCores, TriesLessAndLessOftenWhileTheCoresStayBusy) {
    FreeCores cores(2);
    auto now = FreeCores::Clock::now();
    int nTries = 0;
    int nActive = 2;
    for (int look = 0; look < 4 * 120; ++look) {  // two minutes
        now += milliseconds(250);
        const int next = cores.decide(nActive, nActive == 2 ? 0.5 : 0.0, now);
        nTries += next > nActive ? 1 : 0;
        nActive = next;
    }
    EXPECT_GE(nTries, 6);
    EXPECT_LE(nTries, 14);
}

TEST(ThreadPool, EndsWhileItsThreadsAreStillBeginning) {
    for (int round = 0; round < 300; ++round) {
        ThreadPool pool(4);
        if (round % 2 == 0) continue;
        std::atomic<int> sum = 0;
        pool.run(3, [&](int i) { sum += i; });
        EXPECT_EQ(sum, 3);
    }
}

TEST(FreeCores, NeverLeavesOutTheLastThread) {
    FreeCores cores(1);
    EXPECT_EQ(cores.decide(1, 0.99, FreeCores::Clock::now()), 1);
}

/// With twice as many threads as the machine has cores some must wait, so the pool leaves some out;
/// whatever it does, every task runs once.
TEST(ThreadPool, LeavesThreadsOutOnABusyMachineAndLosesNoTask) {
    const int nThreads = 2 * static_cast<int>(std::thread::hardware_concurrency()) + 1;
    ThreadPool pool(nThreads);
    constexpr int kTasks = 64;
    int fewest = pool.nActive();
    const auto end = std::chrono::steady_clock::now() + milliseconds(1500);
    while (std::chrono::steady_clock::now() < end) {
        std::vector<std::atomic<int>> runs(kTasks);
        pool.run(kTasks, [&](int task) {
            volatile double work = 1.0;
            for (int i = 0; i < 20000; ++i) work = work * 1.000001;
            ++runs[static_cast<std::size_t>(task)];
        });
        for (const auto& count : runs) ASSERT_EQ(count.load(), 1);
        fewest = std::min(fewest, pool.nActive());
        ASSERT_GE(pool.nActive(), 1);
    }
    if (fewest == nThreads) GTEST_SKIP() << "the system does not count waiting";
    EXPECT_LT(fewest, nThreads);
}

}  // namespace
}  // namespace conclave::engine
