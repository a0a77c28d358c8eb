#include <chrono>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "retrieval/document_json.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

namespace fs = std::filesystem;

class ExtractorTest : public testing::Test {
protected:
    ExtractorTest() { fs::create_directories(m_folder); }
    ~ExtractorTest() override { fs::remove_all(m_folder); }

    fs::path write(const std::string& name, const std::string& bytes) const {
        std::ofstream(m_folder / name, std::ios::binary) << bytes;
        return m_folder / name;
    }
    /// A program that stands in for the worker.
    Extractor withWorker(const std::string& script) const {
        const fs::path program = write("worker.sh", "#!/bin/sh\n" + script + "\n");
        fs::permissions(program, fs::perms::owner_all);
        return Extractor(program);
    }
    static std::string unique() {
        return testing::UnitTest::GetInstance()->current_test_info()->name();
    }

    fs::path m_folder = fs::path(testing::TempDir()) / ("extractor_test_" + unique());
    Extractor m_extractor{fs::path(CONCLAVE_TEST_BINARY) / "bin" / "conclave-extract"};
};

TEST_F(ExtractorTest, ReadsThroughTheWorker) {
    const auto document = m_extractor.extract(write("a.md", "# Title\n\n住宿 text\n"), {});
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->mime, "text/markdown");
    EXPECT_EQ(document->title, "Title");
    ASSERT_EQ(document->pages.size(), 1U);
    EXPECT_EQ(document->pages[0].text, "# Title\n\n住宿 text\n");
    ASSERT_EQ(document->headings.size(), 1U);
    EXPECT_EQ(document->headings[0].startByte, 2U);
}

TEST_F(ExtractorTest, NamesWhatIsWrong) {
    EXPECT_EQ(m_extractor.extract(m_folder / "no.txt", {}).error().code, ErrorCode::NotFound);
    EXPECT_EQ(m_extractor.extract(m_folder, {}).error().code, ErrorCode::Io);
    EXPECT_EQ(m_extractor.extract(write("a.pdf", "hello"), {}).error().code, ErrorCode::Corrupt);
    EXPECT_EQ(m_extractor.extract(write("a.docx", "PK\x03\x04 no"), {}).error().code,
              ErrorCode::Corrupt);
    EXPECT_EQ(Extractor(m_folder / "none").extract(write("a.txt", "x"), {}).error().code,
              ErrorCode::Io);
}

TEST_F(ExtractorTest, AnEmptyFileHasAnEmptyPage) {
    const auto document = m_extractor.extract(write("empty.txt", ""), {});
    ASSERT_TRUE(document) << document.error().detail;
    ASSERT_EQ(document->pages.size(), 1U);
    EXPECT_TRUE(document->pages[0].text.empty());
}

TEST_F(ExtractorTest, ACrashIsACorruptFile) {
    const auto extractor = withWorker("kill -SEGV $$");
    EXPECT_EQ(extractor.extract(write("a.txt", "x"), {}).error().code, ErrorCode::Corrupt);
    EXPECT_EQ(withWorker("exit 3").extract(write("a.txt", "x"), {}).error().code,
              ErrorCode::Corrupt);
    EXPECT_EQ(withWorker("echo '{\"ok\":7}'").extract(write("a.txt", "x"), {}).error().code,
              ErrorCode::Corrupt);
}

TEST_F(ExtractorTest, TimeLimitEndsTheWholeGroup) {
    const auto extractor = withWorker("sleep 60 & sleep 60");
    const auto start = std::chrono::steady_clock::now();
    ExtractOptions options;
    options.timeLimit = std::chrono::milliseconds(200);
    EXPECT_EQ(extractor.extract(write("a.txt", "x"), options).error().code, ErrorCode::Timeout);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST_F(ExtractorTest, StopsWithinATenthOfASecond) {
    const auto extractor = withWorker("sleep 60");
    const fs::path file = write("a.txt", "x");
    std::stop_source source;
    ExtractOptions options;
    options.cancel = source.get_token();
    std::chrono::steady_clock::time_point stopped;
    std::jthread stopper([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        stopped = std::chrono::steady_clock::now();
        source.request_stop();
    });
    EXPECT_EQ(extractor.extract(file, options).error().code, ErrorCode::Cancelled);
    const auto now = std::chrono::steady_clock::now();
    stopper.join();
    EXPECT_LT(now - stopped, std::chrono::milliseconds(100));
}

TEST_F(ExtractorTest, EndlessOutputIsCutOff) {
    const auto extractor = withWorker("exec cat /dev/zero");
    EXPECT_EQ(extractor.extract(write("a.txt", "x"), {}).error().code, ErrorCode::LimitExceeded);
}

TEST(DocumentJson, RoundTrips) {
    ExtractedDocument document;
    document.mime = "text/plain";
    document.title = "T \"quoted\"";
    document.pages = {{1, "a\nb\t住"}, {2, ""}};
    document.headings = {{1, 0, 1, 2}};
    document.warnings = {"w"};
    for (const PageTexts texts : {PageTexts::InJson, PageTexts::BehindIt}) {
        const auto back = documentFromJson(toJson(document, texts));
        ASSERT_TRUE(back) << back.error().detail;
        EXPECT_EQ(back->title, document.title);
        ASSERT_EQ(back->pages.size(), 2U);
        EXPECT_EQ(back->pages[0].text, document.pages[0].text);
        EXPECT_EQ(back->pages[1].text, "");
        EXPECT_EQ(back->headings.size(), 1U);
    }
    const auto error = documentFromJson(toJson(fail(ErrorCode::PasswordRequired, "locked")));
    EXPECT_EQ(error.error().code, ErrorCode::PasswordRequired);
    EXPECT_EQ(error.error().detail, "locked");
}

TEST(DocumentJson, RefusesNonsense) {
    for (const char* json : {"", "{", "[]", "{\"ok\":{}}", "{\"error\":{\"code\":1}}", "nullnull",
                             "{\"ok\":{\"mime\":\"\",\"title\":\"\",\"warnings\":[],\"pages\":[{}],"
                             "\"headings\":[]}}"}) {
        EXPECT_EQ(documentFromJson(json).error().code, ErrorCode::Corrupt) << json;
    }
    const std::string head =
        R"({"ok":{"mime":"","title":"","warnings":[],"headings":[],"pages":[{"page":1,"bytes":2}]}})";
    for (const char* behind : {"", "\n", "\na", "\nabc"}) {
        EXPECT_EQ(documentFromJson(head + behind).error().code, ErrorCode::Corrupt) << behind;
    }
    EXPECT_EQ(documentFromJson(head + "\n\xE4\xBD")->pages.at(0).text, "\uFFFD");
    const auto document = documentFromJson(
        R"({"ok":{"mime":"m","title":"t","warnings":[],"pages":[{"page":1,"text":"住"}],)"
        R"("headings":[[1,0,99,1],[1,1,2,1],[5,0,1,1],[1,0,3,9]]}})");
    ASSERT_TRUE(document);
    ASSERT_EQ(document->headings.size(), 1U) << "only headings inside their page are kept";
    EXPECT_EQ(document->headings[0].level, 6);
}

TEST(ReadableFiles, GoesByName) {
    for (const char* name : {"a.txt", "B.PDF", "x/README", "c.cpp", "d.docx", "e.zh-cn.html"}) {
        EXPECT_TRUE(isReadable(name)) << name;
    }
    for (const char* name : {"a.png", "b.exe", "noextension", "c.zip"}) {
        EXPECT_FALSE(isReadable(name)) << name;
    }
}

}  // namespace
}  // namespace conclave::retrieval
