// Threads follow the free cores.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/runtime/free_cores.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A machine on which a step takes so long with one, two, ... threads, and a clock of its own.
struct Machine {
    Machine(std::vector<milliseconds> times, int nAtStart)
        : stepTimes(std::move(times)), cores(static_cast<int>(stepTimes.size()), nAtStart) {}

    /// Computes steps for so long. Returns with how many threads most of them were, and adds up the
    /// time with each number of threads.
    int compute(milliseconds duration, int nTokens = 1) {
        timeWith.assign(stepTimes.size(), milliseconds(0));
        for (const auto end = now + duration; now < end;) step(nTokens);
        const auto longest = std::max_element(timeWith.begin(), timeWith.end());
        return static_cast<int>(longest - timeWith.begin()) + 1;
    }
    /// With how many threads.
    int step(int nTokens = 1) {
        const int n = cores.begin(nTokens, now, waited);
        const auto index = static_cast<std::size_t>(n - 1);
        now += stepTimes[index];
        timeWith[index] += stepTimes[index];
        cores.end(now);
        return n;
    }

    std::vector<milliseconds> stepTimes;
    FreeCores cores;
    FreeCores::Clock::time_point now = FreeCores::Clock::now();
    double waited = 0.0;
    std::vector<milliseconds> timeWith = std::vector<milliseconds>(stepTimes.size());
};

TEST(FreeCores, LeavesAllThreadsAtWorkWhereNoneWaits) {
    Machine machine({milliseconds(2), milliseconds(3)}, 2);
    machine.compute(seconds(30));
    EXPECT_EQ(machine.timeWith[0], milliseconds(0));
}

TEST(FreeCores, KeepsAThreadThatWaitsButHelps) {
    Machine machine({milliseconds(3), milliseconds(2)}, 2);
    machine.waited = 0.5;
    EXPECT_EQ(machine.compute(seconds(30)), 2);
    EXPECT_GT(machine.timeWith[0], milliseconds(0)) << "one thread was never tried";
    EXPECT_LT(machine.timeWith[0], milliseconds(900));
}

TEST(FreeCores, LeavesOutAThreadThatHarms) {
    Machine machine({milliseconds(2), milliseconds(5)}, 2);
    machine.waited = 0.5;
    machine.compute(seconds(1));
    machine.waited = 0.0;  // the one that is left
    EXPECT_EQ(machine.compute(seconds(60)), 1);
    EXPECT_GT(machine.timeWith[1], milliseconds(0)) << "two threads were never tried again";
    EXPECT_LT(machine.timeWith[1], milliseconds(1800)) << "trying costs more than it may";
}

TEST(FreeCores, LeavesOutAThreadThatBringsNothing) {
    Machine machine({milliseconds(4), milliseconds(4)}, 2);
    machine.waited = 0.5;
    EXPECT_EQ(machine.compute(seconds(30)), 1);
}

TEST(FreeCores, BeginsToPrefillWithAllThreads) {
    Machine machine({milliseconds(3), milliseconds(2)}, 1);
    EXPECT_EQ(machine.step(512), 2);
}

TEST(FreeCores, TakesAThreadInSoonThatHelpsAtTheStart) {
    Machine machine({milliseconds(3), milliseconds(2)}, 1);
    machine.compute(milliseconds(300));
    EXPECT_EQ(machine.compute(seconds(10)), 2);
    EXPECT_EQ(machine.timeWith[0], milliseconds(0));
}

TEST(FreeCores, FollowsTheMachineBothWays) {
    Machine machine({milliseconds(3), milliseconds(2)}, 2);
    machine.compute(seconds(10));
    machine.waited = 0.5;
    machine.stepTimes = {milliseconds(4), milliseconds(9)};
    machine.compute(seconds(1));
    EXPECT_EQ(machine.compute(seconds(2)), 1);
    machine.waited = 0.0;
    machine.stepTimes = {milliseconds(3), milliseconds(2)};
    machine.compute(seconds(6));
    EXPECT_EQ(machine.compute(seconds(2)), 2);
}

TEST(FreeCores, FindsTheBestOfManyNumbers) {
    Machine machine({milliseconds(24), milliseconds(12), milliseconds(8), milliseconds(6),
                     milliseconds(10), milliseconds(14)},
                    6);
    machine.waited = 0.5;
    machine.compute(seconds(2));
    EXPECT_EQ(machine.compute(seconds(30)), 4);
}

TEST(FreeCores, JudgesFewTokensAndManyByThemselves) {
    Machine machine({milliseconds(3), milliseconds(2)}, 2);
    machine.waited = 0.5;
    machine.compute(seconds(1), 512);
    EXPECT_EQ(machine.compute(seconds(1), 512), 2);
    machine.stepTimes = {milliseconds(2), milliseconds(3)};
    machine.compute(seconds(1), 1);
    EXPECT_EQ(machine.compute(seconds(1), 1), 1);
    machine.waited = 0.0;
    EXPECT_EQ(machine.step(512), 2);
    EXPECT_EQ(machine.step(1), 1);
}

/// Layers of two kinds in turn, as with a sliding window in every second, of which one takes longer
/// than a window of the trial.
TEST(FreeCores, IsNotDeceivedByLayersThatDiffer) {
    for (const int period : {2, 4}) {
        for (const int best : {1, 2}) {
            Machine machine({milliseconds(30), milliseconds(30)}, 2);
            machine.waited = 0.5;
            for (int layer = 0; layer < 8; ++layer) {
                const int slower = layer % period == period - 1 ? 4 : 1;
                machine.stepTimes = {milliseconds(30) * slower, milliseconds(30) * slower};
                machine.stepTimes[static_cast<std::size_t>(best - 1)] = milliseconds(26) * slower;
                machine.step(512);
            }
            machine.waited = 0.0;
            EXPECT_EQ(machine.step(512), best) << period;
        }
    }
}

TEST(FreeCores, CountsNoTimeBetweenSteps) {
    Machine machine({milliseconds(3), milliseconds(2)}, 1);
    for (int i = 0; i < 200; ++i) {
        machine.step();
        machine.now += milliseconds(i % 5 == 0 ? 900 : 1);  // as while nobody asks anything
    }
    EXPECT_EQ(machine.step(), 2);
}

TEST(FreeCores, BeginsWithOneThreadAtLeastAndNoMoreThanItHas) {
    for (const int nThreads : {1, 2, 64}) {
        EXPECT_GE(FreeCores::guess(nThreads), 1);
        EXPECT_LE(FreeCores::guess(nThreads), nThreads);
    }
}

TEST(FreeCores, NeverLeavesOutTheLastThread) {
    Machine machine({milliseconds(3)}, 1);
    machine.waited = 0.99;
    EXPECT_EQ(machine.compute(seconds(10)), 1);
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
        const ThreadPool::Step step(pool, 1);
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
