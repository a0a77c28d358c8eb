// Work that is to be done on a thread of its own, with and without one.
#include "base/async.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace conclave {
namespace {

TEST(AsyncOrLater, UsesAThreadOfItsOwn) {
    auto work = asyncOrLater([] { return std::this_thread::get_id(); });
    EXPECT_NE(work.get(), std::this_thread::get_id());
}

/// No more address space than the process has: no thread gets a stack.
void allowNoThreads() {
    std::size_t nPages = 0;
    std::ifstream("/proc/self/statm") >> nPages;
    const rlim_t now = nPages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    constexpr rlim_t kLittle = rlim_t{1} << 20;
    const rlimit limit{now + kLittle, now + kLittle};
    ::setrlimit(RLIMIT_AS, &limit);
}

TEST(AsyncOrLater, WorksOnTheThreadThatAsksWhereNoOtherIsLeft) {
    const auto child = [] {
        // Takes what is left of the stacks of earlier threads.
        std::promise<void> end;
        const std::jthread holder([&end] { end.get_future().wait(); });
        allowNoThreads();
        auto work = asyncOrLater([] { return std::this_thread::get_id(); });
        std::_Exit(work.get() == std::this_thread::get_id() ? 0 : 1);
    };
    EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace conclave
