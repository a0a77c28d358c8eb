#include "app/services/worker.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace conclave::services {
namespace {

TEST(Worker, RunsTasksInOrderAndFinishesThemAtTheEnd) {
    std::vector<int> done;
    {
        Worker worker(Worker::AtEnd::Finish);
        for (int i = 0; i < 100; ++i) worker.post([&done, i] { done.push_back(i); });
    }
    ASSERT_EQ(done.size(), 100U);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(done[static_cast<std::size_t>(i)], i);
}

TEST(Worker, DropsWaitingTasksIfToldSo) {
    std::atomic<int> nDone = 0;
    std::atomic<bool> isRunning = false;
    {
        Worker worker(Worker::AtEnd::Drop);
        worker.post([&] {
            isRunning = true;
            while (!worker.stopToken().stop_requested()) std::this_thread::yield();
            ++nDone;
        });
        for (int i = 0; i < 10; ++i) worker.post([&] { ++nDone; });
        while (!isRunning) std::this_thread::yield();
    }
    EXPECT_EQ(nDone, 1);
}

TEST(Worker, SurvivesATaskThatThrows) {
    std::atomic<bool> ranNext = false;
    {
        Worker worker(Worker::AtEnd::Finish);
        worker.post([] { throw std::runtime_error("no memory"); });
        worker.post([&] { ranNext = true; });
    }
    EXPECT_TRUE(ranNext);
}

}  // namespace
}  // namespace conclave::services
