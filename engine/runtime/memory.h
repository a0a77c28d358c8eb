// memory.h: how much memory there is.
#pragma once

#include <cstdint>
#include <string>

namespace conclave::engine {

/// Bytes that programs can still take without the system swapping: MemAvailable of /proc/meminfo,
/// or what the control group leaves if that is less. Pages of mapped files count as available.
/// The largest number if the system does not tell.
[[nodiscard]] std::uint64_t availableMemory();

/// "1.5 GiB", "23 MiB".
[[nodiscard]] std::string sizeText(std::uint64_t bytes);

}  // namespace conclave::engine
