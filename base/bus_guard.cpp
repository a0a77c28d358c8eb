#include "base/bus_guard.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>

#include <sys/mman.h>
#include <unistd.h>

namespace conclave {
namespace {

/// Read by a signal handler, which may take no lock: a mapping is guarded while begin <= end. `end`
/// is written last and taken back first.
struct GuardedMapping {
    std::atomic<std::uintptr_t> begin = 0;  ///< 0: free
    std::atomic<std::uintptr_t> end = 0;
    std::atomic<bool> wasHit = false;
};

// Split models have a mapping for each part. A mapping beyond these is as unguarded as any other.
constexpr int kMostGuards = 1024;
std::array<GuardedMapping, kMostGuards> guards;
std::uintptr_t pageBytes = 0;
struct sigaction handlerBefore {};

/// Calls only what a signal handler may: atomics and system calls.
void onBusError(int signal, siginfo_t* info, void* context) {
    const int errnoBefore = errno;
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    for (GuardedMapping& guard : guards) {
        const std::uintptr_t begin = guard.begin.load(std::memory_order_acquire);
        const std::uintptr_t end = guard.end.load(std::memory_order_acquire);
        if (begin == 0 || address < begin || address >= end) continue;
        const std::uintptr_t first = address / pageBytes * pageBytes;
        const std::uintptr_t last = (end + pageBytes - 1) / pageBytes * pageBytes;
        // The rest of the mapping at once: page by page a large one would run into the system's
        // limit of mappings.
        guard.wasHit.store(true, std::memory_order_release);
        void* zeros = ::mmap(reinterpret_cast<void*>(first), last - first, PROT_READ,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
        errno = errnoBefore;
        if (zeros != MAP_FAILED) return;
    }
    // Not ours: as if this handler were not there.
    if ((handlerBefore.sa_flags & SA_SIGINFO) != 0 && handlerBefore.sa_sigaction != nullptr) {
        handlerBefore.sa_sigaction(signal, info, context);
    } else {
        ::sigaction(SIGBUS, &handlerBefore, nullptr);  // and the touch is tried again
    }
    errno = errnoBefore;
}

void installHandler() {
    pageBytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction ours {};
    ours.sa_sigaction = onBusError;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&ours.sa_mask);
    ::sigaction(SIGBUS, &ours, &handlerBefore);
}

}  // namespace

int guardMapping(const void* data, std::size_t n) {
    static std::once_flag once;
    std::call_once(once, installHandler);
    const auto begin = reinterpret_cast<std::uintptr_t>(data);
    for (std::size_t i = 0; i < guards.size(); ++i) {
        std::uintptr_t expected = 0;
        if (!guards[i].begin.compare_exchange_strong(expected, begin)) continue;
        guards[i].wasHit.store(false);
        guards[i].end.store(begin + n, std::memory_order_release);
        return static_cast<int>(i);
    }
    return -1;
}

void releaseGuard(int guard) {
    if (guard < 0) return;
    GuardedMapping& mapping = guards[static_cast<std::size_t>(guard)];
    mapping.end.store(0, std::memory_order_release);
    mapping.begin.store(0, std::memory_order_release);
}

bool guardWasHit(int guard) {
    return guard >= 0 && guards[static_cast<std::size_t>(guard)].wasHit.load();
}

}  // namespace conclave
