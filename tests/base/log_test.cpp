// A log that cannot be written.
#include "base/log.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave {
namespace {

TEST(Log, SaysOnceThatItCannotBeWritten) {
    testing::internal::CaptureStderr();
    startLog({.file = "/dev/full", .toStderr = false});
    for (int i = 0; i < 3; ++i) log().warn("nobody reads this");
    startLog({});
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_THAT(said, testing::StartsWith("conclave: the log cannot be written"));
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

}  // namespace
}  // namespace conclave
