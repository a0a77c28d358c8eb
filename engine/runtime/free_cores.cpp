#include "engine/runtime/free_cores.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace conclave::engine {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(100);
constexpr auto kShortestPause = std::chrono::seconds(2);
constexpr auto kLongestPause = std::chrono::seconds(16);
// A thread with a core of its own waits for less than a hundredth; one that shares it, for half.
constexpr double kTooMuchWaiting = 0.2;

/// Logical processors that this process may run on.
int processorCount() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    return ::sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
}

/// Threads of this program that run or wait for a core right now. Those that pack weights behind
/// an answer are among them, and nobody has to leave them a core.
int ownRunning() {
    int n = 0;
    std::error_code ignored;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
        std::ifstream file(task.path() / "stat");
        std::string line;
        std::getline(file, line);
        // "id (name) state", and the name may hold anything.
        const std::size_t name = line.rfind(')');
        if (name != std::string::npos && line.compare(name, 3, ") R") == 0) ++n;
    }
    return n;
}

/// The same of other programs; 0 if unknown.
int othersRunning() {
    // Three load averages, then "runnable/all".
    std::ifstream file("/proc/loadavg");
    std::string average;
    int nRunnable = 0;
    if (!(file >> average >> average >> average >> nRunnable)) return 0;
    return std::max(0, nRunnable - ownRunning());
}

int ownThreadId() { return static_cast<int>(::syscall(SYS_gettid)); }

}  // namespace

FreeCores::FreeCores(int nThreads)
    : m_threadIds(static_cast<std::size_t>(nThreads)),
      m_waited(static_cast<std::size_t>(nThreads)),
      m_lastLook(Clock::now()),
      m_nextTry(m_lastLook),
      m_pause(kShortestPause) {}

void FreeCores::enter(int index) {
    m_threadIds[static_cast<std::size_t>(index)].store(ownThreadId(), std::memory_order_release);
}

std::int64_t FreeCores::waitedSoFar(int index) const {
    const int id = m_threadIds[static_cast<std::size_t>(index)].load(std::memory_order_acquire);
    if (id == 0) return -1;
    // Time on a core, time waiting for one, turns; the first two in nanoseconds.
    std::ifstream file("/proc/self/task/" + std::to_string(id) + "/schedstat");
    std::int64_t ran = 0;
    std::int64_t waited = 0;
    return file >> ran >> waited ? waited : -1;
}

int FreeCores::atStart() const {
    const int nThreads = static_cast<int>(m_threadIds.size());
    const int nOthers = othersRunning();
    return nOthers == 0 ? nThreads : std::clamp(processorCount() - nOthers, 1, nThreads);
}

int FreeCores::advise(int nActive) {
    const Clock::time_point now = Clock::now();
    const auto passed = now - m_lastLook;
    if (passed < kLookEvery) return nActive;
    m_lastLook = now;
    enter(0);  // answers may come from different threads
    std::int64_t most = 0;
    for (int i = 0; i < nActive; ++i) {
        const std::int64_t waited = waitedSoFar(i);
        std::int64_t& before = m_waited[static_cast<std::size_t>(i)];
        if (waited >= before && before > 0 && i < m_nWatched) {
            most = std::max(most, waited - before);
        }
        before = waited;
    }
    const bool known = m_nWatched >= nActive;
    m_nWatched = nActive;
    // After a rest the figures cover the rest too.
    if (!known || passed > 4 * kLookEvery) return nActive;
    const double share =
        static_cast<double>(most) / static_cast<double>(std::chrono::nanoseconds(passed).count());
    const bool mayTry = nActive < static_cast<int>(m_threadIds.size()) && now >= m_nextTry;
    return decide(nActive, share, now, mayTry && othersRunning() + nActive < processorCount());
}

int FreeCores::decide(int nActive, double waited, Clock::time_point now, bool isCoreFree) {
    const int nThreads = static_cast<int>(m_threadIds.size());
    if (nActive > 1 && waited > kTooMuchWaiting) {
        m_nextTry = now + m_pause;
        m_pause = std::min(2 * m_pause, std::chrono::seconds(kLongestPause));
        return nActive - 1;
    }
    if (nActive == nThreads) {
        if (now > m_nextTry) m_pause = kShortestPause;
        return nActive;
    }
    if (now < m_nextTry || !isCoreFree) return nActive;
    // A failure within the next looks means that the cores are still busy.
    m_nextTry = now + 4 * kLookEvery;
    return nActive + 1;
}

}  // namespace conclave::engine
