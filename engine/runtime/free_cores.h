// free_cores.h: how many threads of a pool the machine has cores for right now.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace conclave::engine {

/// Watches how long threads were ready but had to wait for a core, as the system counts it
/// (/proc/PID/task/TID/schedstat), and how many threads of all programs want one (/proc/loadavg).
/// Where the system does not count, all threads stay.
class FreeCores {
public:
    using Clock = std::chrono::steady_clock;

    /// @param nThreads  thread 0 is the one that calls advise()
    explicit FreeCores(int nThreads);

    /// Each other thread calls it once, before it works.
    void enter(int index);

    /// With how many threads to begin: all, or those that other programs leave cores for.
    [[nodiscard]] int atStart() const;

    /// How many threads should work, given that `nActive` do: one less if they spent more than a
    /// fifth of the last tenth of a second waiting for cores, one more when the time has come to
    /// try again and a core seems free. Costs a look at the clock, and ten times a second a small
    /// read for each thread.
    [[nodiscard]] int advise(int nActive);

    /// The same decision from given figures, for tests.
    /// @param waited  share of the time that the active threads waited, 0 to 1
    /// @param isCoreFree  for one thread more
    [[nodiscard]] int decide(int nActive, double waited, Clock::time_point now,
                             bool isCoreFree = true);

private:
    /// Nanoseconds that a thread has waited for a core so far; negative if unknown.
    [[nodiscard]] std::int64_t waitedSoFar(int index) const;

    std::vector<std::atomic<int>> m_threadIds;
    std::vector<std::int64_t> m_waited;
    Clock::time_point m_lastLook;
    Clock::time_point m_nextTry;
    std::chrono::seconds m_pause;  ///< before a thread is tried again; doubles while it fails
    int m_nWatched = 0;            ///< threads whose waiting m_waited holds
};

}  // namespace conclave::engine
