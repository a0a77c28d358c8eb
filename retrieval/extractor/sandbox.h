// sandbox.h: what the worker gives up before it looks at a hostile file.
#pragma once

#include <chrono>
#include <cstddef>

namespace conclave::retrieval::extractor {

struct SandboxLimits {
    std::size_t memoryBytes = std::size_t{1} << 30;
    std::chrono::seconds processorTime{60};
};

/// Address space, processor time, open files; no file may be written; no core dump; no new
/// privileges; ends with its parent; files inherited from the parent are closed but the standard
/// three. The memory limit is left out under sanitizers, which reserve terabytes.
void limitResources(const SandboxLimits& limits);

/// From now on only the system calls that reading needs: memory, the open output, threads, and
/// opening files for reading (fonts). No sockets, no programs, no signals to others, no writing to
/// files. Others fail with EPERM. For all threads of the process.
/// False where the kernel offers no filter; the limits above hold all the same.
[[nodiscard]] bool forbidSystemCalls();

/// For a program that is not ours and that this process becomes: no sockets, no tracing, no opening
/// of files for writing; holds for what it starts, too. False where the kernel offers no filter.
[[nodiscard]] bool forbidNetwork();

}  // namespace conclave::retrieval::extractor
