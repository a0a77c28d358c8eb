#include "app/services/indexer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "app/services/cpu_budget.h"
#include "app/services/sha256.h"
#include "tests/services/scratch.h"
#include "tests/support/pdf_sample.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;

/// One database and its library, without an embedder.
struct Index {
    explicit Index(const fs::path& file) {
        storage::OpenOptions options;
        options.analyzer = retrieval::analyze;
        options.analyzerVersion = retrieval::kAnalyzerVersion;
        database = storage::Database::open(file, options).value();
        library = std::make_unique<Library>(
            database->documents(), []() -> Result<std::shared_ptr<const engine::TextEmbedder>> {
                return fail(ErrorCode::NotFound, "none is wanted here");
            });
        collection = database->documents().createCollection("Notes").value();
    }
    IndexReport update(const fs::path& root, const retrieval::Extractor& extractor) {
        EXPECT_TRUE(database->documents().setRoots(collection, std::vector{root}));
        IndexJob job;
        job.collection = collection;
        return updateCollection(*database, *library, extractor, job).value();
    }
    std::vector<SearchHit> search(const std::string& query, int limit) {
        return library->search({.query = query, .collections = {collection}, .limit = limit})
            .value();
    }
    std::unique_ptr<storage::Database> database;
    std::unique_ptr<Library> library;
    CollectionId collection = 0;
};

class IndexerTest : public testing::Test {
protected:
    /// The real worker behind a script that notes each call.
    retrieval::Extractor countingExtractor() {
        const fs::path script = m_scratch.write(
            "worker", "#!/bin/sh\necho >> '" + (m_scratch.path() / "calls").string() + "'\nexec '" +
                          worker().string() + "' \"$@\"\n");
        ::chmod(script.c_str(), 0755);
        return retrieval::Extractor(script);
    }
    static fs::path worker() { return fs::path(CONCLAVE_TEST_BINARY) / "bin" / "conclave-extract"; }
    int nCalls() const {
        std::ifstream calls(m_scratch.path() / "calls");
        return static_cast<int>(std::count(std::istreambuf_iterator<char>(calls),
                                           std::istreambuf_iterator<char>(), '\n'));
    }
    ScratchFolder m_scratch;
    ScratchFolder m_files;
};

/// Of a kind that the worker program reads; plain text needs none.
TEST_F(IndexerTest, EqualFilesAreReadOnce) {
    for (int i = 0; i < 12; ++i) {
        m_files.write("copy" + std::to_string(i) + ".rst", "the anchor lies in the harbour");
    }
    m_files.write("other.rst", "a sail");
    const retrieval::Extractor extractor = countingExtractor();
    Index index(m_scratch.path() / "a.db");
    EXPECT_EQ(index.update(m_files.path(), extractor).documents, 13);
    EXPECT_EQ(nCalls(), 2);
    // Later ones too, and each is found by its own name.
    m_files.write("deeper/later.rst", "the anchor lies in the harbour");
    EXPECT_EQ(index.update(m_files.path(), extractor).documents, 14);
    EXPECT_EQ(nCalls(), 2);
    EXPECT_EQ(index.search("later", 5).size(), 1U);
    EXPECT_EQ(index.search("copy7", 5).at(0).chunk.path, m_files.path() / "copy7.rst");
    // Another kind of file is another document, whatever its bytes are.
    m_files.write("page.md", "the anchor lies in the harbour");
    index.update(m_files.path(), extractor);
    EXPECT_EQ(nCalls(), 3);
}

TEST_F(IndexerTest, AFileThatIsTooLargeIsNotHashed) {
    const fs::path huge = m_files.write("huge.rst", "a sail");
    fs::resize_file(huge, std::uintmax_t{8} << 30U);  // all of it a hole, which takes no room
    const retrieval::Extractor extractor = countingExtractor();
    Index index(m_scratch.path() / "a.db");
    for (int run = 0; run < 2; ++run) {
        const IndexReport report = index.update(m_files.path(), extractor);
        ASSERT_EQ(report.failed.size(), 1U);
        EXPECT_NE(report.failed[0].second.find("larger than 256 MiB"), std::string::npos);
        EXPECT_NE(report.failed[0].second.find(".conclaveignore"), std::string::npos);
        EXPECT_LT(report.time.count(), 10.0);  // its hash alone takes about 40 s
    }
    EXPECT_EQ(nCalls(), 1);  // nothing is tried again until the file changes
    // Cut to what can be read, it is.
    fs::resize_file(huge, 6);
    EXPECT_EQ(index.update(m_files.path(), extractor).documents, 1);
    EXPECT_EQ(index.search("sail", 5).size(), 1U);
}

TEST_F(IndexerTest, AReasonDoesNotRepeatTheName) {
    m_files.write("broken.docx", "");
    Index index(m_scratch.path() / "a.db");
    const IndexReport report = index.update(m_files.path(), retrieval::Extractor(worker()));
    ASSERT_EQ(report.failed.size(), 1U);
    const std::string reason = "it is not what its name says; it is damaged or incomplete";
    EXPECT_EQ(report.failed[0].second, reason);
    const auto documents = index.database->documents().documents(index.collection).value();
    ASSERT_EQ(documents.size(), 1U);
    EXPECT_EQ(documents[0].error, reason);
}

TEST_F(IndexerTest, SaysThatAFileIsEmpty) {
    m_files.write("empty.txt", "");
    m_files.write("blank.md", " \n\n");
    m_files.write("full.txt", "a sail");
    Index index(m_scratch.path() / "a.db");
    index.update(m_files.path(), retrieval::Extractor(worker()));
    const auto documents = index.database->documents().documents(index.collection).value();
    ASSERT_EQ(documents.size(), 3U);
    for (const Document& each : documents) {
        EXPECT_EQ(each.state, DocumentState::Ready);
        const bool isSaid =
            each.warnings == std::vector<std::string>{"empty: there is no text in it"};
        EXPECT_EQ(isSaid, each.path.filename() != "full.txt") << each.path;
    }
}

TEST_F(IndexerTest, APdfThatIsReadHalfIsGoneOnWith) {
    if (!fs::exists(worker().parent_path() / "conclave-extract-pdf")) {
        GTEST_SKIP() << "this build has no PDF reader (CONCLAVE_DESKTOP is off)";
    }
    std::vector<std::string> texts;
    for (int i = 1; i <= 600; ++i) texts.push_back("Chapter " + std::to_string(i));
    const fs::path file = m_files.write("book.pdf", test::makePdf(texts));
    const retrieval::Extractor extractor(worker());
    Index index(m_scratch.path() / "a.db");
    storage::DocumentStore& store = index.database->documents();
    ASSERT_TRUE(store.setRoots(index.collection, std::vector{m_files.path()}));
    const auto document = [&] {
        const auto all = store.documents(index.collection).value();
        return all.empty() ? Document{} : all.at(0);
    };
    const auto update = [&](const std::stop_token& cancel) {
        IndexJob job;
        job.collection = index.collection;
        job.draftEvery = std::chrono::milliseconds(0);
        job.cancel = cancel;
        return updateCollection(*index.database, *index.library, extractor, job).value();
    };
    const auto stopInside = [&] {
        std::stop_source stop;
        const std::jthread stopper([&](const std::stop_token& isOver) {
            while (!isOver.stop_requested() && document().nPages < 5) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            stop.request_stop();
        });
        EXPECT_TRUE(update(stop.get_token()).stopped);
        EXPECT_EQ(document().state, DocumentState::Pending);
        EXPECT_GE(document().nPages, 5);
    };
    stopInside();
    // What is kept is changed, so that the result shows whether it was used.
    const auto spoil = [&] {
        const std::string source = sha256OfFile(file, [](std::uint64_t) { return true; }).value() +
                                   "/text/" + index.library->pipelineId();
        storage::Page first = store.pageDrafts(index.collection, file, source).value().at(0);
        first.text.replace(first.text.find("Chapter"), 7, "Kapitel");
        ASSERT_TRUE(store.keepPageDraft(index.collection, file, source, first));
    };
    const auto textOfPage = [&](std::size_t i) {
        return store.pages(document().id).value().at(i).text;
    };
    spoil();
    EXPECT_FALSE(update({}).stopped);
    EXPECT_EQ(document().nPages, 600);
    EXPECT_EQ(textOfPage(0), "Kapitel 1\n");
    EXPECT_EQ(textOfPage(599), "Chapter 600\n");

    // Of another content nothing is kept that was read before.
    fs::remove(file);
    update({});
    texts.back() = "The end";
    m_files.write("book.pdf", test::makePdf(texts));
    stopInside();
    spoil();
    texts.back() = "Another end";
    m_files.write("book.pdf", test::makePdf(texts));
    EXPECT_EQ(update({}).documents, 1);
    EXPECT_EQ(textOfPage(0), "Chapter 1\n");
    EXPECT_EQ(textOfPage(599), "Another end\n");
}

/// Replaces, renames and deletes a tenth each of so many files, of which some are equal, and
/// compares with a fresh index: CONCLAVE_CHANGED_FILES=10000 is the whole campaign.
TEST_F(IndexerTest, AfterChangesRanksBitForBitAsAFreshIndex) {
    const char* wanted = std::getenv("CONCLAVE_CHANGED_FILES");
    const int nFiles = wanted != nullptr ? std::max(20, std::atoi(wanted)) : 40;
    const std::vector<std::string> words = {"anchor", "basalt",  "cedar",   "delta",  "ember",
                                            "fjord",  "granite", "harbour", "island", "kettle"};
    const auto text = [&](int number, int version) {
        const auto seed = static_cast<unsigned>(number % 97 * 31 + version * 7);
        std::string made;
        for (unsigned i = 0; i < 40 + seed % 50; ++i) {
            made += words[(seed + i * i * (1 + seed % 3)) % words.size()];
            made += i % 9 == 8 ? ".\n\n" : " ";
        }
        return made;
    };
    const auto name = [](int i) { return std::to_string(i % 10) + "/note" + std::to_string(i); };
    const auto extension = [](int i) { return i % 4 == 0 ? ".md" : ".txt"; };
    for (int i = 0; i < nFiles; ++i) m_files.write(name(i) + extension(i), text(i, 0));
    const retrieval::Extractor extractor(worker());
    Index changed(m_scratch.path() / "changed.db");
    ASSERT_EQ(changed.update(m_files.path(), extractor).documents, nFiles);

    for (int i = 0; i + 2 < nFiles; i += 10) {
        m_files.write(name(i) + extension(i), text(i, 1) + "replaced");
        const fs::path before = m_files.path() / (name(i + 1) + extension(i + 1));
        fs::rename(before,
                   m_files.path() / (name(i + 1) + "renamed" + (i % 20 == 0 ? ".txt" : ".md")));
        fs::remove(m_files.path() / (name(i + 2) + extension(i + 2)));
    }
    const IndexReport report = changed.update(m_files.path(), extractor);
    EXPECT_TRUE(report.failed.empty());
    Index fresh(m_scratch.path() / "fresh.db");
    ASSERT_EQ(fresh.update(m_files.path(), extractor).documents, report.documents);
    for (const std::string& a : words) {
        const std::vector<std::string> queries = {
            a, a + " " + words[a.size() % words.size()] + " note11renamed"};
        for (const std::string& query : queries) {
            const auto x = changed.search(query, 50);
            const auto y = fresh.search(query, 50);
            ASSERT_EQ(x.size(), y.size()) << query;
            for (std::size_t i = 0; i < x.size(); ++i) {
                EXPECT_EQ(x[i].score, y[i].score) << query;
                EXPECT_EQ(x[i].chunk.path, y[i].chunk.path) << query;
                EXPECT_EQ(x[i].chunk.startByte, y[i].chunk.startByte) << query;
                EXPECT_EQ(x[i].chunk.heading, y[i].chunk.heading) << query;
            }
        }
    }
}

TEST(CpuBudget, KeepsToItsShare) {
    using Steady = std::chrono::steady_clock;
    const int nProcessors = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    const int percent = std::max(1, 30 / nProcessors);  // about 30 % of one processor
    timespec before{};
    timespec after{};
    std::chrono::duration<double> wall{};
    std::jthread([&] {
        CpuBudget budget(percent, 1);
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        const Steady::time_point begin = Steady::now();
        while (Steady::now() - begin < std::chrono::milliseconds(400)) {
            for (int i = 0; i < 100'000; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
            budget.keep({});
        }
        wall = Steady::now() - begin;
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    }).join();
    const double used = static_cast<double>(after.tv_sec - before.tv_sec) +
                        1e-9 * static_cast<double>(after.tv_nsec - before.tv_nsec);
    const double share = static_cast<double>(percent * nProcessors) / 100.0;
    EXPECT_LT(used, (share + 0.05) * wall.count());
    EXPECT_EQ(threadsWithin(100), std::min(nProcessors, 8));
    EXPECT_EQ(threadsWithin(1), 1);
}

}  // namespace
}  // namespace conclave::services
