#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/services/scratch.h"
#include "tests/support/pdf_sample.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class CollectionServiceTest : public ServicesTest {};

std::string ten(const std::string& word) {
    std::string text;
    for (int i = 0; i < 10; ++i) text += word + " ";
    return text;
}

TEST_F(CollectionServiceTest, ReadsAFolderAndFindsPassagesInIt) {
    startWithoutGuide();
    m_files.write("keys.md", "# Keys\n\nThe spare keys are kept by Marta in the blue box.\n");
    m_files.write("住宿.txt", "住宿费用每晚最高五百元。\n");
    const CollectionId id = makeCollection("Notes");
    const IndexReport report = add(id, m_files.path());
    EXPECT_EQ(report.documents, 2);
    EXPECT_EQ(report.read, 2);
    EXPECT_GE(report.chunks, 2);
    EXPECT_TRUE(report.failed.empty());

    const auto hits = search("who keeps the spare keys", id);
    ASSERT_FALSE(hits.empty());
    EXPECT_EQ(hits[0].chunk.path, m_files.path() / "keys.md");
    EXPECT_THAT(hits[0].chunk.text, HasSubstr("Marta"));
    const auto chinese = search("住宿", id);
    ASSERT_FALSE(chinese.empty());
    EXPECT_THAT(chinese[0].chunk.text, HasSubstr("五百元"));

    const auto view = wait<DocumentView>(
        [&](auto reply) { collections().open(hits[0].chunk.document, std::move(reply)); });
    ASSERT_TRUE(view.has_value());
    const Chunk& chunk = hits[0].chunk;
    EXPECT_EQ(view->pages.at(0).text.substr(chunk.startByte, chunk.endByte - chunk.startByte),
              chunk.text);
}

TEST_F(CollectionServiceTest, ReadsOnlyWhatChanged) {
    startWithoutGuide();
    m_files.write("a.md", "anchor");
    m_files.write("b.md", "basalt");
    m_files.write("c.md", "cedar");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());

    EXPECT_EQ(update(id).unchanged, 3);
    m_files.write("b.md", "bronze and more");
    // Another time but the same content: looked at, not read.
    fs::last_write_time(m_files.path() / "c.md", fs::file_time_type::clock::now());
    const IndexReport report = update(id);
    EXPECT_EQ(report.read, 1);
    EXPECT_EQ(report.unchanged, 2);
    EXPECT_TRUE(search("basalt", id).empty() || search("basalt", id)[0].chunk.text != "basalt");
    EXPECT_THAT(search("bronze", id).at(0).chunk.text, HasSubstr("bronze"));
}

TEST_F(CollectionServiceTest, DrawsPagesOfTheFileAsLongAsItSaysWhatWasRead) {
    if (!fs::exists(fs::path(CONCLAVE_TEST_BINARY) / "bin/conclave-extract-pdf")) {
        GTEST_SKIP() << "this build has no PDF reader (CONCLAVE_DESKTOP is off)";
    }
    startWithoutGuide();
    m_files.write("keys.pdf", test::makePdf({"A title", "Marta keeps the spare keys"}));
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());
    const DocumentId document = documents(id).at(0).id;
    const retrieval::PageRequest request{
        .page = 2, .widthPixels = 300, .marks = {{0, 5}}, .withSizes = true};
    const auto draw = [&](DocumentId which) {
        return wait<PageView>(
            [&](auto reply) { collections().page(which, request, std::move(reply)); });
    };
    const auto view = draw(document);
    ASSERT_TRUE(view.has_value()) << view.error().detail;
    EXPECT_EQ(view->state, PageView::State::AsRead);
    EXPECT_EQ(view->picture.width, 300);
    EXPECT_EQ(view->picture.boxes.size(), 1U);
    EXPECT_EQ(view->picture.texts.at(0), "Marta");
    EXPECT_EQ(view->picture.sizes.size(), 2U);
    EXPECT_EQ(draw(document + 1).error().code, ErrorCode::NotFound);

    m_files.write("keys.pdf", test::makePdf({"A title", "Jonas keeps the spare keys now"}));
    const auto changed = draw(document);
    ASSERT_TRUE(changed.has_value()) << changed.error().detail;
    EXPECT_EQ(changed->state, PageView::State::Changed);
    EXPECT_TRUE(changed->picture.pixels.empty());
    fs::remove(m_files.path() / "keys.pdf");
    EXPECT_EQ(draw(document).error().code, ErrorCode::NotFound);
}

TEST_F(CollectionServiceTest, FollowsARenamedFileWithoutReadingIt) {
    startWithoutGuide();
    m_files.write("old.md", ten("anchor"));
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());
    const DocumentId before = documents(id).at(0).id;
    fs::create_directory(m_files.path() / "deeper");
    fs::rename(m_files.path() / "old.md", m_files.path() / "deeper/new.md");
    const IndexReport report = update(id);
    EXPECT_EQ(report.read, 0);
    EXPECT_EQ(report.removed, 0);
    ASSERT_EQ(documents(id).size(), 1U);
    EXPECT_EQ(documents(id)[0].id, before);
    EXPECT_EQ(documents(id)[0].path, m_files.path() / "deeper/new.md");
    EXPECT_EQ(search("anchor", id).at(0).chunk.path, m_files.path() / "deeper/new.md");
}

TEST_F(CollectionServiceTest, SeesWhatHappensInItsFolders) {
    startWithoutGuide();
    m_files.write("notes/first.md", ten("anchor"));
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path() / "notes");
    collections().updateAll();
    const auto waitFor = [&](const std::string& word, const fs::path& path) {
        for (int i = 0; i < 1000; ++i) {
            const auto hits = search(word, id);
            if (!hits.empty() && hits[0].chunk.path == m_files.path() / path) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        ADD_FAILURE() << word << " was not noticed";
    };
    // A new folder in a new folder, and then a file in that.
    fs::create_directories(m_files.path() / "notes/deep/deeper");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    m_files.write("notes/deep/deeper/basalt.md", ten("basalt"));
    waitFor("basalt", "notes/deep/deeper/basalt.md");

    // A folder with what is in it that comes from elsewhere, and a file put there afterwards.
    m_files.write("elsewhere/inner/cedar.md", ten("cedar"));
    fs::rename(m_files.path() / "elsewhere", m_files.path() / "notes/moved");
    waitFor("cedar", "notes/moved/inner/cedar.md");
    m_files.write("notes/moved/inner/delta.md", ten("delta"));
    waitFor("delta", "notes/moved/inner/delta.md");

    // Another name for a folder: its documents stay what they are, embeddings included.
    const DocumentId cedar = search("cedar", id).at(0).chunk.document;
    fs::rename(m_files.path() / "notes/moved", m_files.path() / "notes/deep/again");
    waitFor("cedar", "notes/deep/again/inner/cedar.md");
    EXPECT_EQ(search("cedar", id).at(0).chunk.document, cedar);
    m_files.write("notes/deep/again/inner/delta.md", ten("ember"));
    waitFor("ember", "notes/deep/again/inner/delta.md");

    fs::rename(m_files.path() / "notes/deep", m_files.path() / "gone");
    waitFor("basalt", "notes/first.md");  // the nearest that is left
    EXPECT_EQ(documents(id).size(), 1U);
}

TEST_F(CollectionServiceTest, ReadsOneDocumentAgainAndLeavesOneOut) {
    startWithoutGuide();
    m_files.write("notes/a [1]*.md", ten("anchor"));
    m_files.write("notes/b.md", ten("basalt"));
    m_files.write("alone.md", ten("cedar"));
    m_files.write("notes/.conclaveignore", "other.md");  // without a line end
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path() / "notes");
    add(id, m_files.path() / "alone.md");
    const auto idOf = [&](const std::string& word) {
        return search(word, id).at(0).chunk.document;
    };
    const DocumentId before = idOf("basalt");
    const auto report =
        wait<IndexReport>([&](auto reply) { collections().readAgain(before, std::move(reply)); });
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->read, 1);
    EXPECT_EQ(report->unchanged, 2);
    EXPECT_EQ(idOf("basalt"), before);

    for (const char* word : {"anchor", "cedar"}) {
        const auto left =
            wait<void>([&](auto reply) { collections().leaveOut(idOf(word), std::move(reply)); });
        EXPECT_TRUE(left.has_value()) << word;
    }
    for (int i = 0; i < 2; ++i) {
        ASSERT_EQ(documents(id).size(), 1U);
        EXPECT_EQ(documents(id)[0].id, before);
        update(id);
    }
    EXPECT_TRUE(fs::exists(m_files.path() / "notes/a [1]*.md"));
    EXPECT_FALSE(fs::exists(m_files.path() / ".conclaveignore"));
    std::ifstream rules(m_files.path() / "notes/.conclaveignore");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(rules), {}),
              "other.md\n/a \\[1\\]\\*.md\n");
    rules.close();

    for (const char* name : {"notes/a [1]*.md", "alone.md"}) {
        const auto back = wait<void>([&](auto reply) {
            collections().takeBack(id, m_files.path() / name, std::move(reply));
        });
        EXPECT_TRUE(back.has_value()) << name;
    }
    update(id);
    EXPECT_EQ(documents(id).size(), 3U);
    rules.open(m_files.path() / "notes/.conclaveignore");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(rules), {}), "other.md\n");
}

TEST_F(CollectionServiceTest, ANewNameIsInTheHeadingsToo) {
    startWithoutGuide();
    m_files.write("harbour.txt", ten("anchor"));
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());
    const DocumentId before = documents(id).at(0).id;
    ASSERT_EQ(search("harbour", id).size(), 1U);
    fs::rename(m_files.path() / "harbour.txt", m_files.path() / "island.txt");
    EXPECT_EQ(update(id).read, 0);
    const auto hits = search("island", id);
    ASSERT_EQ(hits.size(), 1U);
    EXPECT_EQ(hits[0].chunk.document, before);
    EXPECT_EQ(hits[0].chunk.heading, "island");
    EXPECT_EQ(update(id).unchanged, 1);
}

TEST_F(CollectionServiceTest, RemovesWhatIsGoneButKeepsAnUnpluggedRoot) {
    startWithoutGuide();
    m_files.write("disk/a.md", "anchor");
    m_files.write("disk/b.md", "basalt");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path() / "disk");

    fs::remove(m_files.path() / "disk/b.md");
    EXPECT_EQ(update(id).removed, 1);
    ASSERT_EQ(documents(id).size(), 1U);

    fs::rename(m_files.path() / "disk", m_files.path() / "unplugged");
    EXPECT_EQ(update(id).removed, 0);
    EXPECT_EQ(documents(id).at(0).state, DocumentState::Unavailable);
    EXPECT_EQ(documents(id).at(0).nChunks, 1);

    fs::rename(m_files.path() / "unplugged", m_files.path() / "disk");
    const IndexReport back = update(id);
    EXPECT_EQ(back.read, 0);
    EXPECT_EQ(documents(id).at(0).state, DocumentState::Ready);
    EXPECT_FALSE(search("anchor", id).empty());
}

TEST_F(CollectionServiceTest, ReportsABadFileOnceAndRetriesItWhenAsked) {
    startWithoutGuide();
    m_files.write("good.md", "anchor");
    m_files.write("bad.docx", "this is no zip archive");
    const CollectionId id = makeCollection("Notes");
    const IndexReport first = add(id, m_files.path());
    ASSERT_EQ(first.failed.size(), 1U);
    EXPECT_EQ(first.failed[0].first, m_files.path() / "bad.docx");
    EXPECT_FALSE(first.failed[0].second.empty());
    EXPECT_EQ(first.documents, 1);

    const IndexReport again = update(id);
    EXPECT_EQ(again.failed.size(), 1U);
    EXPECT_EQ(again.unchanged, 1);
    EXPECT_EQ(update(id, true).failed.size(), 1U);
    const auto all = documents(id);
    const auto bad = std::find_if(all.begin(), all.end(), [](const Document& document) {
        return document.path.filename() == "bad.docx";
    });
    ASSERT_NE(bad, all.end());
    EXPECT_EQ(bad->state, DocumentState::Failed);
}

TEST_F(CollectionServiceTest, TellsTheEndOfEachUpdate) {
    startWithoutGuide();
    m_files.write("good.md", "anchor");
    m_files.write("copy of good.md", "anchor");
    m_files.write("bad.docx", "this is no zip archive");
    std::mutex mutex;
    std::vector<IndexProgress> told;
    collections().onProgress([&](const IndexProgress& progress) {
        const std::lock_guard lock(mutex);
        told.push_back(progress);
    });
    const CollectionId id = makeCollection("Notes");
    const IndexReport report = add(id, m_files.path());
    EXPECT_EQ(report.documents, 2);
    EXPECT_EQ(report.found, 3);
    EXPECT_EQ(nCopiesIn(documents(id)), 1);
    update(id);
    collections().onProgress({});
    const std::lock_guard lock(mutex);
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().state, IndexProgress::State::Done);
    // Before the end it is said that all are read.
    EXPECT_TRUE(std::any_of(told.begin(), told.end(), [](const IndexProgress& each) {
        return each.filesTotal == 3 && each.filesDone == 3 && each.currentFile.empty() &&
               each.state == IndexProgress::State::Reading;
    }));
    EXPECT_TRUE(std::all_of(told.begin(), told.end(),
                            [](const IndexProgress& each) { return each.isListed; }));
}

TEST_F(CollectionServiceTest, StopsAndGoesOnWhereItWas) {
    startWithoutGuide();
    constexpr int kFiles = 500;  // progress is told ten times a second, and a file takes 2 ms
    for (int i = 0; i < kFiles; ++i) {
        m_files.write("n" + std::to_string(i) + ".md", ten("word" + std::to_string(i)));
    }
    const CollectionId id = makeCollection("Notes");
    collections().onProgress([&](const IndexProgress& progress) {
        if (progress.filesDone > 3) collections().stop(id);
    });
    const IndexReport stopped = add(id, m_files.path());
    collections().onProgress({});
    EXPECT_TRUE(stopped.stopped);
    EXPECT_LT(stopped.documents, kFiles);
    const IndexReport rest = update(id);
    EXPECT_FALSE(rest.stopped);
    EXPECT_EQ(rest.documents, kFiles);
    EXPECT_EQ(rest.unchanged, stopped.documents);
}

TEST_F(CollectionServiceTest, ReadsNothingWhilePausedAndTheRestAfterwards) {
    startWithoutGuide();
    constexpr int kFiles = 500;
    for (int i = 0; i < kFiles; ++i) {
        m_files.write("n" + std::to_string(i) + ".md", ten("word" + std::to_string(i)));
    }
    const CollectionId id = makeCollection("Notes");
    std::atomic<int> nWaiting = -2;
    std::atomic<bool> isToBePaused = true;
    collections().onProgress([&](const IndexProgress& progress) {
        if (progress.filesDone > 3 && isToBePaused.exchange(false)) collections().pause(true);
        if (progress.state == IndexProgress::State::Paused) nWaiting = progress.filesTotal;
    });
    const IndexReport paused = add(id, m_files.path());
    EXPECT_TRUE(paused.stopped);
    EXPECT_LT(paused.documents, kFiles);
    EXPECT_EQ(nWaiting, kFiles - paused.documents);

    // What comes now is noted and waits, too.
    m_files.write("late.md", "late");
    const IndexReport added = add(id, m_files.path());
    EXPECT_TRUE(added.stopped);
    EXPECT_EQ(added.read, 0);
    EXPECT_EQ(nWaiting, kFiles + 1 - paused.documents);

    collections().pause(false);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (documents(id).size() <= kFiles && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    EXPECT_EQ(update(id).documents, kFiles + 1);
    collections().onProgress({});
}

TEST_F(CollectionServiceTest, TakesAFolderOutWhilePaused) {
    startWithoutGuide();
    m_files.write("a/a.md", "anchor");
    m_files.write("b/b.md", "basalt");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path() / "a");
    add(id, m_files.path() / "b");
    collections().pause(true);
    m_files.write("a/new.md", "not read yet");
    ASSERT_TRUE(wait<void>(
        [&](auto reply) { collections().removePath(id, m_files.path() / "b", std::move(reply)); }));
    ASSERT_EQ(documents(id).size(), 1U);
    EXPECT_EQ(documents(id)[0].path.filename(), "a.md");
}

TEST_F(CollectionServiceTest, KeepsIndexAndVectorsOverARestart) {
    startWithoutGuide();
    m_files.write("keys.md", "The spare keys are kept by Marta.");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());
    startWithoutGuide();
    const auto hits = wait<std::vector<SearchHit>>([&](auto reply) {
        collections().search(
            {.query = "keys", .collections = {id}, .mode = retrieval::SearchMode::Vector},
            std::move(reply));
    });
    ASSERT_TRUE(hits.has_value());
    EXPECT_EQ(hits->size(), 1U);
}

TEST_F(CollectionServiceTest, RemovesACollectionFromSearch) {
    startWithoutGuide();
    m_files.write("a.md", "anchor");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path());
    EXPECT_TRUE(
        wait<void>([&](auto reply) { collections().remove(id, std::move(reply)); }).has_value());
    EXPECT_TRUE(search("anchor", id).empty());
    EXPECT_TRUE(fs::exists(m_files.path() / "a.md"));
}

TEST_F(CollectionServiceTest, TakesARootOutWithItsDocuments) {
    startWithoutGuide();
    m_files.write("one/a.md", "anchor");
    m_files.write("two/b.md", "basalt");
    const CollectionId id = makeCollection("Notes");
    add(id, m_files.path() / "one");
    add(id, m_files.path() / "two");
    EXPECT_TRUE(wait<void>([&](auto reply) {
                    collections().removePath(id, m_files.path() / "one", std::move(reply));
                }).has_value());
    ASSERT_EQ(documents(id).size(), 1U);
    EXPECT_EQ(documents(id)[0].path.filename(), "b.md");
}

TEST_F(CollectionServiceTest, NeverReadsConclavesOwnFolders) {
    startWithoutGuide();
    std::ofstream(m_home.path() / "data/own.md") << "anchor";
    std::ofstream(m_home.path() / "other.md") << "basalt";
    const CollectionId id = makeCollection("Notes");
    EXPECT_EQ(add(id, m_home.path()).documents, 1);
}

TEST_F(CollectionServiceTest, MakesTheGuideOnceAndNotAgainAfterItWasRemoved) {
    start();
    const auto list = [&] {
        return wait<std::vector<Collection>>(
                   [&](auto reply) { collections().list(std::move(reply)); })
            .value_or(std::vector<Collection>{});
    };
    ASSERT_EQ(list().size(), 1U);
    EXPECT_EQ(list()[0].name, "Conclave Guide");
    const CollectionId id = list()[0].id;
    EXPECT_GT(update(id).documents, 10);
    EXPECT_FALSE(search("how do I make a backup", id).empty());
    ASSERT_TRUE(
        wait<void>([&](auto reply) { collections().remove(id, std::move(reply)); }).has_value());
    start();
    EXPECT_TRUE(list().empty());
}

TEST_F(CollectionServiceTest, IndexesPathsForOneUseHiddenAndReused) {
    startWithoutGuide();
    m_files.write("a.md", "anchor");
    const auto index = [&] {
        return wait<IndexReport>(
            [&](auto reply) { collections().indexPaths({m_files.path()}, std::move(reply)); });
    };
    const auto first = index();
    const auto second = index();
    ASSERT_TRUE(first.has_value() && second.has_value());
    EXPECT_EQ(first->read, 1);
    EXPECT_EQ(second->read, 0);
    EXPECT_EQ(first->collection, second->collection);
    const auto all =
        wait<std::vector<Collection>>([&](auto reply) { collections().list(std::move(reply)); });
    EXPECT_TRUE(all->empty());
    EXPECT_EQ(search("anchor", first->collection).size(), 1U);
}

TEST_F(CollectionServiceTest, RefusesAPathThatDoesNotExist) {
    startWithoutGuide();
    const CollectionId id = makeCollection("Notes");
    const auto report = wait<IndexReport>([&](auto reply) {
        collections().addPaths(id, {m_files.path() / "gone"}, std::move(reply));
    });
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code, ErrorCode::NotFound);
}

}  // namespace
}  // namespace conclave::services
