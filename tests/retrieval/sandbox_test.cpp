#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "retrieval/extractor/sandbox.h"

namespace conclave::retrieval::extractor {
namespace {

/// What a process that has given up its rights could still do; 0: nothing it should not.
int tryEverything(const std::string& newFile) {
    limitResources({});
    if (!forbidSystemCalls()) return 64;
    int escaped = 0;
    if (::socket(AF_INET, SOCK_STREAM, 0) >= 0) escaped |= 1;
    if (::open(newFile.c_str(), O_CREAT | O_WRONLY, 0600) >= 0) escaped |= 2;
    if (::unlink(newFile.c_str()) == 0 || errno != EPERM) escaped |= 4;
    if (::kill(::getppid(), 0) == 0) escaped |= 8;
    ::execl("/bin/true", "true", nullptr);
    if (errno != EPERM) escaped |= 16;
    if (::open("/dev/null", O_RDONLY) < 0) escaped |= 32;  // fonts must still be found
    return escaped;
}

TEST(Sandbox, LeavesNothingButReading) {
    const std::string file = (std::filesystem::path(testing::TempDir()) /
                              ("sandbox-escape-" + std::to_string(::getpid())))
                                 .string();
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(tryEverything(file));
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    if (WEXITSTATUS(status) == 64) GTEST_SKIP() << "this kernel offers no system call filter";
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_FALSE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace conclave::retrieval::extractor
