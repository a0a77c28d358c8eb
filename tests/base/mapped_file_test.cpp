#include "base/mapped_file.h"

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace conclave {
namespace {

class MappedFileTest : public testing::Test {
protected:
    std::filesystem::path m_path = std::filesystem::path(testing::TempDir()) /
                                   ("mapped-file-" + std::to_string(::getpid()) + ".bin");
    void TearDown() override { std::filesystem::remove(m_path); }
};

TEST_F(MappedFileTest, ShowsTheBytes) {
    std::ofstream(m_path) << "conclave";
    const auto file = MappedFile::open(m_path);
    ASSERT_TRUE(file) << file.error().detail;
    ASSERT_EQ(file->bytes().size(), 8u);
    EXPECT_EQ(std::memcmp(file->bytes().data(), "conclave", 8), 0);
}

TEST_F(MappedFileTest, RefusesEmptyMissingAndFolder) {
    std::ofstream(m_path).flush();
    EXPECT_EQ(MappedFile::open(m_path).error().code, ErrorCode::Corrupt);
    EXPECT_EQ(MappedFile::open(m_path / "no").error().code, ErrorCode::Io);
    EXPECT_EQ(MappedFile::open("/nonexistent/file").error().code, ErrorCode::NotFound);
    EXPECT_EQ(MappedFile::open(testing::TempDir()).error().code, ErrorCode::Io);
}

}  // namespace
}  // namespace conclave
