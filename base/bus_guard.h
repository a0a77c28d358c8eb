// bus_guard.h: mapped files whose pages may vanish without ending the process.
#pragma once

#include <cstddef>

namespace conclave {

/// Guards a mapping from now on: the first touch of a page that the system cannot read any more
/// (SIGBUS) puts zeros in place of the mapping from that page to its end. Thread-safe.
/// Returns a number for the other calls, or -1 if too many are guarded already.
[[nodiscard]] int guardMapping(const void* data, std::size_t n);
/// To be called before the mapping goes.
void releaseGuard(int guard);
/// True once that has happened.
[[nodiscard]] bool guardWasHit(int guard);

}  // namespace conclave
