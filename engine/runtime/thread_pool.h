// thread_pool.h: spreads the tasks of one step over a few threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <vector>

#include "engine/runtime/free_cores.h"

namespace conclave::engine {

/// Threads that take tasks from one counter, so that a thread which the system suspends delays one
/// task and not a fixed share of the step. Idle threads spin for some 30 microseconds and then
/// sleep; nobody waits for a thread that has not taken a task.
///
/// On a busy machine a thread more can do harm, so those take part that make the computation's
/// steps faster (see FreeCores). How many threads compute never changes a result.
/// One thread at a time may call run().
class ThreadPool {
public:
    /// @param nThreads  the caller of run() included; >= 1. Fewer if the system gives no more.
    explicit ThreadPool(int nThreads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    [[nodiscard]] int nThreads() const { return static_cast<int>(m_workers.size()) + 1; }
    /// Those that take part now: nThreads() where every thread has a core of its own.
    [[nodiscard]] int nActive() const { return m_nActive.load(std::memory_order_relaxed); }

    /// A step of the computation, while it lives: as a layer, for so many tokens. Steps of as many
    /// tokens are much alike, so that they show how many threads are best. On the thread of run().
    class Step {
    public:
        Step(ThreadPool& pool, int nTokens);
        ~Step();
        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;

    private:
        ThreadPool& m_pool;
    };

    /// Tasks that begin after `stop` was requested are skipped, so that a step of many tasks ends
    /// soon; its results are then worthless.
    void setStop(std::stop_token stop) { m_stop = std::move(stop); }
    [[nodiscard]] bool stopRequested() const { return m_stop.stop_requested(); }
    [[nodiscard]] const std::stop_token& stop() const { return m_stop; }

    /// Calls task(0) to task(nTasks - 1), each once, and returns when all are done. What a task
    /// writes must not depend on the thread that runs it. If tasks throw, as for want of memory,
    /// one exception is thrown on once no task runs; those that had not begun may have been left
    /// out.
    template <typename Task>
    void run(int nTasks, const Task& task) {
        static_assert(std::is_invocable_v<const Task&, int>);
        runErased(
            nTasks,
            [](const void* erased, int index) { (*static_cast<const Task*>(erased))(index); },
            &task);
    }

private:
    using Function = void (*)(const void* task, int index);

    /// One call of run(). Written only while no task of an earlier call is left.
    struct Job {
        Function function = nullptr;
        const void* task = nullptr;
        int nTasks = 0;
    };

    void runErased(int nTasks, Function function, const void* task);
    /// Takes and runs tasks of the job with this number until none is left.
    void work(std::uint32_t jobNumber);
    void workerLoop(int index);
    /// To throw what a task of the last job threw.
    void throwFailure();

    Job m_job;
    std::stop_token m_stop;
    /// Number of the job in the upper half, tasks not yet taken in the lower: one exchange takes a
    /// task and makes sure that it belongs to the job the thread has seen.
    std::atomic<std::uint64_t> m_left = 0;
    std::atomic<std::uint32_t> m_jobNumber = 0;  ///< what sleeping threads wait on
    std::atomic<int> m_nDone = 0;
    std::atomic<bool> m_hasFailed = false;
    std::exception_ptr m_failure;  ///< written by who set m_hasFailed, read when all tasks are done
    std::atomic<bool> m_quit = false;
    std::atomic<int> m_nActive;
    FreeCores m_freeCores;
    std::vector<std::thread> m_workers;
};

}  // namespace conclave::engine
