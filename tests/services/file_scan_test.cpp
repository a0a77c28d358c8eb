#include "app/services/file_scan.h"

#include <gtest/gtest.h>

#include "tests/services/scratch.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> namesIn(const ScratchFolder& folder, const Scan& scan) {
    std::vector<std::string> names;
    for (const ScannedFile& file : scan.files) {
        names.push_back(fs::relative(file.path, folder.path()).string());
    }
    return names;
}

Scan scanned(const std::vector<fs::path>& roots, const std::vector<fs::path>& excluded = {}) {
    auto scan = scanFiles(roots, excluded, [] { return true; });
    EXPECT_TRUE(scan.has_value());
    return scan.value_or(Scan{});
}

TEST(FileScan, FindsReadableFilesByPathAndLeavesOutHiddenOnes) {
    const ScratchFolder folder;
    folder.write("b.md", "b");
    folder.write("a/deep/er.txt", "deeper");
    folder.write("program.o", "no document");
    folder.write(".hidden.md", "x");
    folder.write(".git/notes.md", "x");
    const Scan scan = scanned({folder.path()});
    EXPECT_EQ(namesIn(folder, scan), (std::vector<std::string>{"a/deep/er.txt", "b.md"}));
    EXPECT_EQ(scan.files[0].sizeBytes, 6U);
    EXPECT_GT(scan.files[0].modifiedNs, 0);
}

TEST(FileScan, EndsWhereLinksMakeALoopAndTakesEachFileOnce) {
    const ScratchFolder folder;
    folder.write("a/one.md", "1");
    fs::create_directory_symlink(folder.path(), folder.path() / "a/up");
    fs::create_directory_symlink(folder.path() / "a", folder.path() / "b");
    fs::create_symlink(folder.path() / "nowhere", folder.path() / "broken.md");
    EXPECT_EQ(scanned({folder.path(), folder.path() / "a"}).files.size(), 1U);
}

TEST(FileScan, LooksNotIntoExcludedFoldersEvenThroughLinks) {
    const ScratchFolder folder;
    folder.write("own/secret.md", "x");
    folder.write("docs/open.md", "x");
    fs::create_directory_symlink(folder.path() / "own", folder.path() / "docs/link");
    EXPECT_EQ(namesIn(folder, scanned({folder.path()}, {folder.path() / "own"})),
              (std::vector<std::string>{"docs/open.md"}));
}

TEST(FileScan, TakesANamedFileWhateverItsTypeAndReportsMissingRoots) {
    const ScratchFolder folder;
    const fs::path file = folder.write("program.o", "x");
    const Scan scan = scanned({file, folder.path() / "gone"});
    EXPECT_EQ(scan.files.size(), 1U);
    EXPECT_EQ(scan.unreachable, (std::vector<fs::path>{folder.path() / "gone"}));
}

TEST(FileScan, StopsWhenAsked) {
    const ScratchFolder folder;
    folder.write("a/one.md", "1");
    const auto scan = scanFiles({folder.path()}, {}, [] { return false; });
    ASSERT_FALSE(scan.has_value());
    EXPECT_EQ(scan.error().code, ErrorCode::Cancelled);
}

TEST(FileScan, TidiesPaths) {
    EXPECT_EQ(tidyPath("/a/./b/../c/"), fs::path("/a/c"));
    EXPECT_EQ(tidyPath("/"), fs::path("/"));
    EXPECT_TRUE(isWithin("/a/c/d", "/a/c"));
    EXPECT_TRUE(isWithin("/a/c", "/a/c"));
    EXPECT_FALSE(isWithin("/a/cd", "/a/c"));
}

}  // namespace
}  // namespace conclave::services
