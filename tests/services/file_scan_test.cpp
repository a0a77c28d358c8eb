#include "app/services/file_scan.h"

#include <chrono>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/ignore_rules.h"
#include "tests/services/scratch.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::UnorderedElementsAre;

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

TEST(FileScan, DoesNotLeaveItsRootUpwards) {
    const ScratchFolder folder;
    folder.write("chosen/one.md", "1");
    folder.write("private.md", "2");
    fs::create_directory_symlink("..", folder.path() / "chosen/loop");
    EXPECT_EQ(namesIn(folder, scanned({folder.path() / "chosen"})),
              (std::vector<std::string>{"chosen/one.md"}));
}

TEST(FileScan, KnowsNothingOfAnEmptyRoot) {
    const ScratchFolder folder;
    fs::create_directory(folder.path() / "mount");
    EXPECT_EQ(scanned({folder.path() / "mount"}).unreachable,
              (std::vector<fs::path>{folder.path() / "mount"}));
}

TEST(FileScan, TellsAnEmptiedFolderFromADiskThatIsNotThere) {
    const ScratchFolder folder;
    const fs::path root = folder.path() / "two";
    folder.write("two/one.md", "1");
    const auto before = scanned({root}).identities;
    ASSERT_EQ(before.size(), 1U);
    fs::remove(root / "one.md");
    Scan emptied = scanned({root});
    recognizeEmptied(emptied, before);
    EXPECT_TRUE(emptied.unreachable.empty());
    Scan unknown = scanned({root});
    recognizeEmptied(unknown, {{root.string(), "1:1"}});
    EXPECT_EQ(unknown.unreachable, (std::vector<fs::path>{root})) << "another folder is there";
    recognizeEmptied(unknown, {{root.string(), ""}});
    EXPECT_EQ(unknown.unreachable.size(), 1U) << "there was a mounted disk below it";
    fs::remove(root);
    Scan missing = scanned({root});
    recognizeEmptied(missing, before);
    EXPECT_EQ(missing.unreachable.size(), 1U);
}

TEST(FileScan, FollowsNoLinkOutOfItsRoots) {
    const ScratchFolder folder;
    folder.write("chosen/one.md", "1");
    folder.write("other/two.md", "2");
    folder.write("secret/three.md", "3");
    fs::create_symlink(folder.path() / "secret/three.md", folder.path() / "chosen/file.md");
    fs::create_directory_symlink(folder.path() / "secret", folder.path() / "chosen/folder");
    fs::create_symlink(folder.path() / "other/two.md", folder.path() / "chosen/fine.md");
    const Scan scan = scanned({folder.path() / "chosen", folder.path() / "other"});
    // By which of its two names a file is read depends on the order of the folder's entries.
    EXPECT_THAT(namesIn(folder, scan),
                UnorderedElementsAre("chosen/one.md", AnyOf("chosen/fine.md", "other/two.md")));
    EXPECT_THAT(scan.leadingOut, UnorderedElementsAre(folder.path() / "chosen/file.md",
                                                      folder.path() / "chosen/folder"));
}

TEST(FileScan, SeesAnEditWhoseTimeWasSetBack) {
    const ScratchFolder folder;
    const fs::path file = folder.write("one.md", "old");
    const auto time = fs::last_write_time(file);
    const Scan before = scanned({folder.path()});
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // file systems count in ticks
    folder.write("one.md", "new");
    fs::last_write_time(file, time);
    EXPECT_NE(scanned({folder.path()}).files.at(0).modifiedNs, before.files.at(0).modifiedNs);
}

TEST(FileScan, KnowsTheSecondInWhichAFileWasChanged) {
    const ScratchFolder folder;
    const fs::path file = folder.write("one.md", "old");
    using namespace std::chrono;
    const sys_seconds changed = sys_days(2020y / May / 5) + 23h + 59min + 59s;
    fs::last_write_time(file, file_clock::from_sys(changed + 999ms));
    const nanoseconds stamp(scanned({folder.path()}).files.at(0).modifiedNs);
    EXPECT_EQ(floor<seconds>(stamp), changed.time_since_epoch());
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

TEST(FileScan, LeavesOutWhatConclaveignoreNames) {
    const ScratchFolder folder;
    for (const char* name : {"a.md", "drafts/b.md", "deep/drafts/c.md", "deep/d.txt",
                             "deep/keep.txt", "top/e.md", "deep/top/f.md", "log/g.md"}) {
        folder.write(name, "x");
    }
    folder.write(".conclaveignore", "# private\ndrafts/\n/top\n*.txt\n!keep.txt\n");
    folder.write("deep/.conclaveignore", "!d.txt\nkeep.txt\n");
    folder.write("log/.conclaveignore", "*\n");
    EXPECT_EQ(namesIn(folder, scanned({folder.path()})),
              (std::vector<std::string>{"a.md", "deep/d.txt", "deep/top/f.md"}))
        << "the rules of the inner folder come after those of the outer one";
    EXPECT_EQ(namesIn(folder, scanned({folder.path() / "drafts", folder.path() / "top/e.md"})),
              (std::vector<std::string>{"drafts/b.md", "top/e.md"}))
        << "what the user names is taken";
}

IgnoreRules::Verdict judged(const std::string& rules, const std::string& path,
                            bool isFolder = false) {
    return IgnoreRules::parse(rules).judge(path, isFolder);
}

TEST(IgnoreRules, FollowsGitignore) {
    const auto ignores = [](const std::string& rules, const std::string& path,
                            bool isFolder = false) {
        return judged(rules, path, isFolder) == IgnoreRules::Verdict::Ignored;
    };
    EXPECT_TRUE(ignores("*.log", "a/b/c.log"));
    EXPECT_FALSE(ignores("*.log", "a.log.txt"));
    EXPECT_TRUE(ignores("a/b", "a/b"));
    EXPECT_FALSE(ignores("a/b", "x/a/b")) << "a slash inside ties it to the folder";
    EXPECT_TRUE(ignores("**/a/b", "x/y/a/b"));
    EXPECT_TRUE(ignores("a/**/b", "a/b"));
    EXPECT_TRUE(ignores("a/**/b", "a/x/y/b"));
    EXPECT_TRUE(ignores("a/**", "a/x"));
    EXPECT_FALSE(ignores("a/**", "a", true));
    EXPECT_FALSE(ignores("a/*", "a/x/y"));
    EXPECT_FALSE(ignores("a/", "a"));
    EXPECT_TRUE(ignores("a/", "x/a", true));
    EXPECT_TRUE(ignores("f[a-c]o?.md", "fbox.md"));
    EXPECT_FALSE(ignores("f[!a-c]o.md", "fbo.md"));
    EXPECT_TRUE(ignores("a[", "a["));
    EXPECT_TRUE(ignores("\\!x\n", "!x"));
    EXPECT_TRUE(ignores("\\#x   \r\n", "#x"));
    EXPECT_TRUE(ignores("住宿*", "deep/住宿费.txt"));
    EXPECT_EQ(judged("*\n!a", "a"), IgnoreRules::Verdict::Kept);
    EXPECT_EQ(judged("", "a"), IgnoreRules::Verdict::None);
    EXPECT_EQ(judged("/\n!\n", "a"), IgnoreRules::Verdict::None);
}

TEST(IgnoreRules, NoPatternTakesLong) {
    std::string stars;
    std::string folders;
    for (int i = 0; i < 2000; ++i) {
        stars += "*a";
        folders += "**/a/";
    }
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(judged(stars + "b", std::string(4000, 'a')), IgnoreRules::Verdict::None);
    std::string path;
    for (int i = 0; i < 2000; ++i) path += "a/";
    EXPECT_EQ(judged(folders + "b", path + "c"), IgnoreRules::Verdict::None);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

}  // namespace
}  // namespace conclave::services
