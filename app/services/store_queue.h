// store_queue.h: documents that are read and wait to be stored.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "app/services/library.h"

namespace conclave::services {

/// Threads that read documents put them here; one at a time stores what is in it, many documents
/// in one change of the database, while the others go on reading. Thread-safe.
class StoreQueue {
public:
    enum class When {
        IfMany,  ///< or if some have waited for a while
        Now,
        All,
    };
    /// Stores some documents; called by one thread at a time.
    using Write = std::function<Result<void>(const std::vector<PreparedFile>& files)>;

    void add(PreparedFile file);

    /// Writes about a mebibyte of what is ready; false: there is nothing to do. All but All leave
    /// it to another thread that is at it, so that nobody waits unless too much is ready.
    [[nodiscard]] Result<bool> store(When when, const Write& write);

private:
    [[nodiscard]] std::uint64_t nBytes();
    [[nodiscard]] std::vector<PreparedFile> take();

    std::mutex m_storing;  ///< held while documents are stored; taken before m_mutex
    std::chrono::steady_clock::time_point m_lastStored;

    std::mutex m_mutex;  ///< guards the two below
    std::deque<PreparedFile> m_files;
    std::uint64_t m_nBytes = 0;  ///< of the files themselves
};

}  // namespace conclave::services
