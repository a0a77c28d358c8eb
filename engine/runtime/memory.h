// memory.h: how much memory there is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace conclave::engine {

/// What the caller has of the memory already, and may count as still available to it.
struct OwnMemory {
    std::uint64_t writtenBytes = 0;   ///< in memory by now
    std::uint64_t reservedBytes = 0;  ///< mapped, written to or not: limits of a process count all
};

/// Bytes that this process can still take without the system swapping or refusing: MemAvailable of
/// /proc/meminfo, or what a control group it is in leaves (version 1 or 2, the tightest of those
/// above it), or what `ulimit -v` and `ulimit -d` leave, whichever is least. Pages of mapped files
/// count as available. The largest number if the system does not tell.
/// @param root  where proc and sys are; for tests
[[nodiscard]] std::uint64_t availableMemory(const OwnMemory& own = {},
                                            const std::filesystem::path& root = "/");

/// True under `ulimit -v` or `ulimit -d`.
[[nodiscard]] bool isProcessLimited();

/// What so many threads, still to be started, take of these limits; 0 where there are none.
[[nodiscard]] std::uint64_t limitedBytesOfThreads(int nThreads);

/// "1.5 GiB", "23 MiB".
[[nodiscard]] std::string sizeText(std::uint64_t bytes);

}  // namespace conclave::engine
