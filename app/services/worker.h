// worker.h: a thread with a queue. Services do their work on these and answer through callbacks.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace conclave::services {

/// Runs tasks one after another on its own thread, in the order they were posted.
class Worker {
public:
    /// What happens to waiting tasks when the worker ends.
    enum class AtEnd {
        Finish,  ///< short ones that must not be lost, as saving a draft
        Drop,    ///< long ones that the user can start again
    };

    explicit Worker(AtEnd atEnd);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    /// Waits for the running task, and for the waiting ones if they are to be finished.
    ~Worker();

    void post(std::function<void()> task);

    /// Ends the worker now, as the destructor does; later posts are ignored.
    void finish();

    /// Asked for when the worker ends: long tasks watch it.
    [[nodiscard]] std::stop_token stopToken() const { return m_thread.get_stop_token(); }

private:
    void run(const std::stop_token& stop);

    AtEnd m_atEnd;
    std::mutex m_mutex;
    std::condition_variable_any m_wake;
    std::deque<std::function<void()>> m_tasks;
    std::jthread m_thread;  ///< last: it uses the members above
};

}  // namespace conclave::services
