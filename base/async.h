// async.h: work on a thread of its own, where there is one.
#pragma once

#include <future>
#include <system_error>
#include <utility>

namespace conclave {

/// As std::async does it at once; where no thread is left (ulimit -v, -u) on the thread that asks
/// for the result, and then.
template <typename Work>
[[nodiscard]] auto asyncOrLater(Work work) {
    try {
        return std::async(std::launch::async, work);
    } catch (const std::system_error&) {
        return std::async(std::launch::deferred, std::move(work));
    }
}

}  // namespace conclave
