#include "engine/runtime/free_cores.h"

#include <algorithm>
#include <bit>
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
// A thread with a core of its own waits for less than a hundredth; one that shares it, for half.
constexpr double kTooMuchWaiting = 0.2;
// Some turns of the system's scheduler, which are 3 to 4 milliseconds; and as many windows with
// fewer threads as with more.
constexpr auto kWindow = std::chrono::milliseconds(25);
constexpr unsigned kWindows = 8;
// After so long without a step that counts, other programs may do something else.
constexpr auto kLongestGap = std::chrono::seconds(1);
// What a thread brings must be more than chance.
constexpr double kWorthAThread = 1.08;
// A trial takes 0.2 seconds, or eight steps, and half of it may be slower. What chance has decided
// should not last, and what was confirmed need not be asked as often.
constexpr auto kShortestPause = std::chrono::seconds(1);
constexpr auto kLongestPause = std::chrono::seconds(8);
constexpr int kPauseForTrial = 5;  ///< times what the trial took, at least
constexpr int kFewTokens = 8;

/// 0: this window is one with fewer threads, 1: with more. The sequence of Thue and Morse, since
/// layers may differ in turn, every second or every fourth.
int sideOf(unsigned window) { return static_cast<int>(std::popcount(window) % 2U); }

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

FreeCores::FreeCores(int nThreads, int nAtStart)
    : m_threadIds(static_cast<std::size_t>(nThreads)),
      m_waited(static_cast<std::size_t>(nThreads), -1) {
    m_kinds[0].nThreads = nAtStart;
    m_kinds[1].nThreads = nThreads;
}

int FreeCores::guess(int nThreads) {
    if (nThreads == 1) return 1;
    const int nOthers = othersRunning();
    return nOthers == 0 ? nThreads : std::clamp(processorCount() - nOthers, 1, nThreads);
}

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

double FreeCores::look(Clock::time_point now) {
    enter(0);  // answers may come from different threads
    std::int64_t most = 0;
    for (std::size_t i = 0; i < m_waited.size(); ++i) {
        const std::int64_t waited = waitedSoFar(static_cast<int>(i));
        std::int64_t& before = m_waited[i];
        if (before >= 0 && waited >= before) most = std::max(most, waited - before);
        before = waited;
    }
    const std::chrono::nanoseconds passed = now - m_lastLook;
    // After a rest the figures cover the rest too.
    if (passed > 4 * kLookEvery) return 0.0;
    return static_cast<double>(most) / static_cast<double>(passed.count());
}

int FreeCores::begin(int nTokens) {
    if (m_threadIds.size() == 1) return 1;
    const Clock::time_point now = Clock::now();
    if (now - m_lastLook >= kLookEvery) {
        m_waitedShare = look(now);
        m_lastLook = now;
    }
    return begin(nTokens, now, m_waitedShare);
}

void FreeCores::end() {
    if (m_isCounted) end(Clock::now());
}

int FreeCores::begin(int nTokens, Clock::time_point now, double waited) {
    Kind& kind = m_kinds[nTokens <= kFewTokens ? 0 : 1];
    if (m_trial.kind == nullptr || now - m_trial.last > kLongestGap) {
        beginTrial(kind, nTokens, now, waited);
    }
    m_isCounted = m_trial.kind != nullptr && m_trial.nTokens == nTokens;
    m_stepBegun = now;
    return m_isCounted ? m_trial.nFewer + sideOf(m_trial.window) : kind.nThreads;
}

void FreeCores::beginTrial(Kind& kind, int nTokens, Clock::time_point now, double waited) {
    m_trial = {};
    const int nMost = static_cast<int>(m_threadIds.size());
    if (kind.nThreads > 1 && waited > kTooMuchWaiting && now >= kind.nextWithLess) {
        m_trial.nFewer = kind.nThreads - 1;
    } else if (kind.nThreads < nMost && now >= kind.nextWithMore) {
        m_trial.nFewer = kind.nThreads;
    } else {
        return;
    }
    m_trial.kind = &kind;
    m_trial.nTokens = nTokens;
    m_trial.last = now;
}

void FreeCores::end(Clock::time_point now) {
    if (!m_isCounted) return;
    m_isCounted = false;
    Trial& trial = m_trial;
    const Clock::duration time = now - m_stepBegun;
    const auto side = static_cast<std::size_t>(sideOf(trial.window));
    trial.time[side] += time;
    ++trial.nSteps[side];
    trial.total += time;
    trial.windowTime += time;
    trial.last = now;
    if (trial.windowTime < kWindow) return;
    trial.windowTime = {};
    if (++trial.window == kWindows) endTrial(now);
}

void FreeCores::endTrial(Clock::time_point now) {
    const auto speed = [&](std::size_t side) {
        return m_trial.nSteps[side] / std::chrono::duration<double>(m_trial.time[side]).count();
    };
    Kind& kind = *m_trial.kind;
    const bool isWorthIt = speed(1) > kWorthAThread * speed(0);
    const int best = m_trial.nFewer + (isWorthIt ? 1 : 0);
    const Clock::duration longer = std::min<Clock::duration>(2 * kind.pause, kLongestPause);
    kind.pause = std::max<Clock::duration>({best == kind.nThreads ? longer : Clock::duration(),
                                            kShortestPause, kPauseForTrial * m_trial.total});
    kind.nThreads = best;
    (isWorthIt ? kind.nextWithLess : kind.nextWithMore) = now + kind.pause;
    m_trial = {};
}

}  // namespace conclave::engine
