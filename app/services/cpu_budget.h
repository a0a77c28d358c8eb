// cpu_budget.h: keeps work behind the scenes within a share of the machine's processors.
#pragma once

#include <chrono>
#include <stop_token>

namespace conclave::services {

/// How many threads may share a budget of `percent` of all processors: as few as can use it up.
[[nodiscard]] int threadsWithin(int percent);

/// One thread's part of a budget. Belongs to the thread that makes it, which from then on gives way
/// to threads of usual priority.
class CpuBudget {
public:
    /// `percent` of all processors (1 to 100), shared by `nThreads` threads.
    CpuBudget(int percent, int nThreads);

    /// Counts processor time that another process used for this thread.
    void charge(std::chrono::nanoseconds used) { m_used += used; }

    /// Called between steps of at most some milliseconds: sleeps while more than the share was used
    /// since the last second or so began.
    void keep(const std::stop_token& stop);

private:
    using Clock = std::chrono::steady_clock;

    double m_share;  ///< of one processor
    Clock::time_point m_begin;
    std::chrono::nanoseconds m_usedBefore;  ///< this thread's processor time at m_begin
    std::chrono::nanoseconds m_used{};      ///< charged since then
};

}  // namespace conclave::services
