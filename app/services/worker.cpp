#include "app/services/worker.h"

#include <exception>
#include <utility>

#include "base/log.h"

namespace conclave::services {

Worker::Worker(AtEnd atEnd)
    : m_atEnd(atEnd), m_thread([this](const std::stop_token& stop) { run(stop); }) {}

Worker::~Worker() { finish(); }

void Worker::post(std::function<void()> task) {
    {
        const std::lock_guard lock(m_mutex);
        if (m_thread.get_stop_token().stop_requested()) return;
        m_tasks.push_back(std::move(task));
    }
    m_wake.notify_one();
}

void Worker::finish() {
    m_thread.request_stop();
    if (m_thread.joinable()) m_thread.join();
}

void Worker::run(const std::stop_token& stop) {
    std::unique_lock lock(m_mutex);
    while (true) {
        const bool mayRun = m_wake.wait(lock, stop, [this] { return !m_tasks.empty(); });
        if (!mayRun || (stop.stop_requested() && m_atEnd == AtEnd::Drop)) return;
        std::function<void()> task = std::move(m_tasks.front());
        m_tasks.pop_front();
        lock.unlock();
        // Tasks report by Result; what still throws (memory, a listener) must not end the program.
        try {
            task();
        } catch (const std::exception& problem) {
            log().error("a background task failed: {}", problem.what());
        }
        task = nullptr;
        lock.lock();
    }
}

}  // namespace conclave::services
