#include "app/services/cpu_budget.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <thread>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace conclave::services {
namespace {

double processors() { return std::max(1U, std::thread::hardware_concurrency()); }

double shareOfAll(int percent) {
    constexpr double kAll = 100.0;
    return std::clamp(static_cast<double>(percent), 1.0, kAll) / kAll * processors();
}

std::chrono::nanoseconds usedByThisThread() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

int threadsWithin(int percent) {
    constexpr double kMost = 8.0;  // one writes to the database at a time
    return static_cast<int>(std::min(std::ceil(shareOfAll(percent)), kMost));
}

CpuBudget::CpuBudget(int percent, int nThreads)
    : m_share(std::min(1.0, shareOfAll(percent) / std::max(nThreads, 1))),
      m_begin(Clock::now()),
      m_usedBefore(usedByThisThread()) {
    // Three times less weight than others, so that whoever waits for a lock of ours waits not long.
    constexpr int kNiceness = 5;
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNiceness);
}

void CpuBudget::keep(const std::stop_token& stop) {
    using Seconds = std::chrono::duration<double>;
    if (m_share >= 1.0) return;
    while (!stop.stop_requested()) {
        const Seconds used = usedByThisThread() - m_usedBefore + m_used;
        const Seconds passed = Clock::now() - m_begin;
        const Seconds rest = used / m_share - passed;
        if (rest <= Seconds::zero()) {
            // What was not used is not saved up, else a pause would be followed by a burst.
            constexpr Seconds kWindow{1.0};
            if (passed < kWindow) return;
            m_begin = Clock::now();
            m_usedBefore = usedByThisThread();
            m_used = {};
            return;
        }
        constexpr Seconds kLongest{0.02};  // until a stop is seen
        std::this_thread::sleep_for(std::min(rest, kLongest));
    }
}

}  // namespace conclave::services
