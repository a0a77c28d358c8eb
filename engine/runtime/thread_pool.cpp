#include "engine/runtime/thread_pool.h"

#include <chrono>
#include <utility>

#include "base/result.h"
#include "base/threads.h"

namespace conclave::engine {
namespace {

/// Tells the CPU that this loop only waits.
void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/// Waits until `value` differs from `old`: first awake, since steps follow one another within
/// microseconds, then asleep, since on a busy machine others need the core.
template <typename T>
void waitForChange(const std::atomic<T>& value, T old) {
    constexpr auto kAwake = std::chrono::microseconds(30);
    constexpr int kPausesBetweenLooksAtTheClock = 32;
    const auto end = std::chrono::steady_clock::now() + kAwake;
    do {
        for (int i = 0; i < kPausesBetweenLooksAtTheClock; ++i) {
            if (value.load(std::memory_order_acquire) != old) return;
            pause();
        }
    } while (std::chrono::steady_clock::now() < end);
    value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int nThreads)
    : m_nActive(FreeCores::guess(nThreads)), m_freeCores(nThreads, nActive()) {
    CONCLAVE_CHECK(nThreads >= 1);
    startThreads(m_workers, nThreads - 1,
                 [this](int i) { return [this, i] { workerLoop(i + 1); }; });
}

ThreadPool::~ThreadPool() {
    // In this order: a thread that has seen either number as it is from now on sees m_quit, too.
    m_quit.store(true);
    m_jobNumber.fetch_add(1);
    m_jobNumber.notify_all();
    m_nActive.store(nThreads());  // wakes those that were left out
    m_nActive.notify_all();
    for (std::thread& worker : m_workers) worker.join();
}

void ThreadPool::runErased(int nTasks, Function function, const void* task) {
    if (nTasks <= 1 || nActive() <= 1) {
        for (int i = 0; i < nTasks && !m_stop.stop_requested(); ++i) function(task, i);
        return;
    }
    m_job = {function, task, nTasks};
    m_nDone.store(0, std::memory_order_relaxed);
    const std::uint32_t number = m_jobNumber.load(std::memory_order_relaxed) + 1;
    m_left.store(std::uint64_t{number} << 32 | static_cast<std::uint32_t>(nTasks),
                 std::memory_order_release);
    m_jobNumber.store(number, std::memory_order_release);
    m_jobNumber.notify_all();
    work(number);
    for (int done = m_nDone.load(std::memory_order_acquire); done != nTasks;
         done = m_nDone.load(std::memory_order_acquire)) {
        waitForChange(m_nDone, done);
    }
    if (m_hasFailed.load(std::memory_order_relaxed)) throwFailure();
}

void ThreadPool::throwFailure() {
    m_hasFailed.store(false, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(m_failure, nullptr));
}

void ThreadPool::work(std::uint32_t jobNumber) {
    std::uint64_t left = m_left.load(std::memory_order_acquire);
    while (true) {
        const auto nLeft = static_cast<std::uint32_t>(left);
        if (left >> 32 != jobNumber || nLeft == 0) return;
        if (!m_left.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel)) continue;
        // Until this task is counted as done the job cannot end, so its fields are ours to read.
        const Job& job = m_job;
        const int nTasks = job.nTasks;
        if (!m_stop.stop_requested() && !m_hasFailed.load(std::memory_order_relaxed)) {
            try {
                job.function(job.task, nTasks - static_cast<int>(nLeft));
            } catch (...) {  // it must not leave a thread, nor this one while others still compute
                if (!m_hasFailed.exchange(true)) m_failure = std::current_exception();
            }
        }
        if (m_nDone.fetch_add(1, std::memory_order_acq_rel) + 1 == nTasks) m_nDone.notify_all();
        left = m_left.load(std::memory_order_acquire);
    }
}

void ThreadPool::workerLoop(int index) {
    m_freeCores.enter(index);
    std::uint32_t seen = 0;
    while (true) {
        const int active = m_nActive.load(std::memory_order_acquire);
        if (m_quit.load()) return;
        if (index < active) {
            waitForChange(m_jobNumber, seen);
        } else {
            m_nActive.wait(active, std::memory_order_acquire);
        }
        seen = m_jobNumber.load(std::memory_order_acquire);
        if (m_quit.load()) return;
        if (index < nActive()) work(seen);
    }
}

ThreadPool::Step::Step(ThreadPool& pool, int nTokens) : m_pool(pool) {
    const int nActive = pool.m_freeCores.begin(nTokens);
    if (nActive == pool.nActive()) return;
    pool.m_nActive.store(nActive, std::memory_order_release);
    pool.m_nActive.notify_all();
}

ThreadPool::Step::~Step() { m_pool.m_freeCores.end(); }

}  // namespace conclave::engine
