// file_lock.h: who uses a database, across processes.
#pragma once

#include <chrono>
#include <filesystem>

#include "base/result.h"

namespace conclave::storage {

/// A lock on a file of its own beside the database. Everybody who has the database open shares it;
/// who can have it alone knows that nobody else is alive, so that what is left half-done was left
/// by a program that ended. The system drops it when a process ends, however it ends.
class FileLock {
public:
    /// Opens or creates the lock file, not locked yet. Errors: Io.
    [[nodiscard]] static Result<FileLock> open(const std::filesystem::path& path);

    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&& other) noexcept;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    ~FileLock();

    /// At once: true if nobody else holds it in any way.
    [[nodiscard]] bool tryAlone();
    /// Waits while somebody has it alone; from alone to shared another may come in between.
    /// False: still not after `wait`.
    [[nodiscard]] bool share(std::chrono::milliseconds wait);

private:
    explicit FileLock(int descriptor) : m_descriptor(descriptor) {}
    int m_descriptor = -1;
};

}  // namespace conclave::storage
