// free_cores.h: how many threads of a pool are worth their cores right now.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace conclave::engine {

/// Beside other programs a second thread may help or harm: it brings CPU time, but while the system
/// has taken its core in the middle of a task, the first waits for that task. Which of the two
/// prevails depends on the other programs, their priorities and the system's scheduler, so it is
/// measured: steps of the computation, as layers, are timed in turn with one thread more and one
/// less, and what computes faster stays.
///
/// One thread less is tried where threads are ready but wait for cores, as the system counts it
/// (/proc/PID/task/TID/schedstat), and one more where some are left out; what loses is not tried
/// again for one to eight seconds, longer each time. So nothing is tried where every thread has a
/// core, and elsewhere the slower of the two runs for a tenth of a second at a time.
///
/// Steps of few tokens (decode) and of many (prefill) have their own numbers. Prefill begins with
/// all threads, since they wait for one another ten times less often.
class FreeCores {
public:
    using Clock = std::chrono::steady_clock;

    /// @param nAtStart  so many threads of nThreads decode until something is measured
    FreeCores(int nThreads, int nAtStart);

    /// Those that other programs leave cores for, at least one. A guess, which costs some 50
    /// microseconds: programs of lower priority count as all others.
    [[nodiscard]] static int guess(int nThreads);

    /// Each thread but the first calls it once, before it works.
    void enter(int index);

    /// Before a step of `nTokens` tokens, on the first thread: how many threads should work on it.
    [[nodiscard]] int begin(int nTokens);
    /// After it.
    void end();

    /// The same with figures of the caller's, for tests.
    /// @param waited  share of the time that some thread waited for a core lately, 0 to 1
    [[nodiscard]] int begin(int nTokens, Clock::time_point now, double waited);
    void end(Clock::time_point now);

private:
    /// What is known of steps of one kind.
    struct Kind {
        int nThreads = 1;
        Clock::duration pause{};         ///< after the last trial
        Clock::time_point nextWithLess;  ///< before it, one thread less is not tried again
        Clock::time_point nextWithMore;
    };
    /// Steps of one size with `nFewer` threads and with one more, in windows that alternate.
    struct Trial {
        Kind* kind = nullptr;  ///< null: there is none
        int nTokens = 0;
        int nFewer = 0;
        unsigned window = 0;
        Clock::duration windowTime{};
        std::array<Clock::duration, 2> time{};  ///< of steps with fewer, and with more threads
        std::array<int, 2> nSteps{};
        Clock::duration total{};  ///< of all steps since it began
        Clock::time_point last;   ///< when a step of it was counted
    };

    void beginTrial(Kind& kind, int nTokens, Clock::time_point now, double waited);
    void endTrial(Clock::time_point now);
    /// Nanoseconds that a thread has waited for a core so far; negative if unknown.
    [[nodiscard]] std::int64_t waitedSoFar(int index) const;
    /// Share of the time since the last look that the thread which waited longest did so.
    [[nodiscard]] double look(Clock::time_point now);

    std::vector<std::atomic<int>> m_threadIds;
    std::vector<std::int64_t> m_waited;
    Clock::time_point m_lastLook;
    double m_waitedShare = 0.0;

    std::array<Kind, 2> m_kinds;  ///< few tokens, many
    Trial m_trial;
    bool m_isCounted = false;  ///< the step that runs, for the trial
    Clock::time_point m_stepBegun;
};

}  // namespace conclave::engine
