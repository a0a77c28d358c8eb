// threads.h: threads that help, where fewer do as well.
#pragma once

#include <new>
#include <system_error>

namespace conclave {

/// Appends up to `n` threads, the i-th made from make(i) and what it captures, and returns how many
/// came: a limit of the system (ulimit -v, -u) means fewer. None is no error; whoever calls this
/// must be able to do the work alone.
template <typename Threads, typename Make>
int startThreads(Threads& threads, int n, const Make& make) {
    int nStarted = 0;
    try {
        for (; nStarted < n; ++nStarted) threads.emplace_back(make(nStarted));
    } catch (const std::system_error&) {  // no thread was left
    } catch (const std::bad_alloc&) {
    }
    return nStarted;
}

}  // namespace conclave
