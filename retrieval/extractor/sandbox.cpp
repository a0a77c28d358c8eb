#include "retrieval/extractor/sandbox.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace conclave::retrieval::extractor {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

void setLimit(__rlimit_resource_t resource, rlim_t most) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) return;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < most) most = limit.rlim_max;
    limit.rlim_cur = most;
    limit.rlim_max = most;
    ::setrlimit(resource, &limit);
}

struct FilterDeleter {
    void operator()(void* filter) const { seccomp_release(filter); }
};

constexpr auto kAllowed = std::to_array<int>({
    // memory
    SCMP_SYS(brk),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    // open files
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(fcntl),
    SCMP_SYS(dup),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(fadvise64),
    // looking at files
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents64),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    // threads of this process, time, chance
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(prlimit64),
    // ending
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(tgkill),
});

}  // namespace

void limitResources(const SandboxLimits& limits) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_DUMPABLE, 0);
    // A library that tries to write a cache gets an error instead of ending the process.
    static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
    ::close_range(3, ~0U, 0);
    constexpr rlim_t kOpenFiles = 64;
    if (!kIsSanitized) setLimit(RLIMIT_AS, limits.memoryBytes);
    setLimit(RLIMIT_CPU, static_cast<rlim_t>(limits.processorTime.count()));
    setLimit(RLIMIT_NOFILE, kOpenFiles);
    setLimit(RLIMIT_FSIZE, 0);
    setLimit(RLIMIT_CORE, 0);
}

bool forbidSystemCalls() {
    const std::unique_ptr<void, FilterDeleter> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!filter) return false;
    // Threads that a library has started already must not stay outside.
    static_cast<void>(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1));
    for (const int call : kAllowed) {
        // A call that this architecture does not have needs no rule.
        static_cast<void>(seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0));
    }
    constexpr auto kWriting = static_cast<scmp_datum_t>(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);
    for (const auto& [call, argument] : {std::pair{SCMP_SYS(open), 1U}, {SCMP_SYS(openat), 2U}}) {
        const scmp_arg_cmp readsOnly{argument, SCMP_CMP_MASKED_EQ, kWriting, 0};
        static_cast<void>(
            seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, 1, &readsOnly));
    }
    return seccomp_load(filter.get()) == 0;
}

bool forbidNetwork() {
    const std::unique_ptr<void, FilterDeleter> filter(seccomp_init(SCMP_ACT_ALLOW));
    if (!filter) return false;
    constexpr auto kForbidden =
        std::to_array<int>({SCMP_SYS(socket),           SCMP_SYS(socketpair),
                            SCMP_SYS(connect),          SCMP_SYS(ptrace),
                            SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
                            SCMP_SYS(io_uring_setup),   SCMP_SYS(unlink),
                            SCMP_SYS(unlinkat),         SCMP_SYS(rename),
                            SCMP_SYS(renameat),         SCMP_SYS(renameat2),
                            SCMP_SYS(truncate),         SCMP_SYS(mkdir),
                            SCMP_SYS(mkdirat),          SCMP_SYS(link),
                            SCMP_SYS(linkat),           SCMP_SYS(symlink),
                            SCMP_SYS(symlinkat),        SCMP_SYS(chmod),
                            SCMP_SYS(fchmodat),         SCMP_SYS(creat),
                            SCMP_SYS(openat2)});
    for (const int call : kForbidden) {
        static_cast<void>(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0));
    }
    for (const auto& [call, argument] : {std::pair{SCMP_SYS(open), 1U}, {SCMP_SYS(openat), 2U}}) {
        for (const int flag : {O_WRONLY, O_RDWR, O_CREAT}) {
            const auto bit = static_cast<scmp_datum_t>(flag);
            const scmp_arg_cmp writes{argument, SCMP_CMP_MASKED_EQ, bit, bit};
            static_cast<void>(
                seccomp_rule_add_array(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 1, &writes));
        }
    }
    return seccomp_load(filter.get()) == 0;
}

}  // namespace conclave::retrieval::extractor
