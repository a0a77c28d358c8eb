#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/pdf_sample.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

namespace fs = std::filesystem;

class PdfTest : public testing::Test {
protected:
    PdfTest() { fs::create_directories(m_folder); }
    ~PdfTest() override { fs::remove_all(m_folder); }
    void SetUp() override {
        if (!fs::exists(fs::path(CONCLAVE_TEST_BINARY) / "bin/conclave-extract-pdf")) {
            GTEST_SKIP() << "this build has no PDF reader (CONCLAVE_DESKTOP is off)";
        }
    }
    Result<ExtractedDocument> read(const std::string& bytes) {
        std::ofstream(m_folder / "a.pdf", std::ios::binary) << bytes;
        return m_extractor.extract(m_folder / "a.pdf", {});
    }

    fs::path m_folder =
        fs::path(testing::TempDir()) /
        (std::string("pdf_test_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    Extractor m_extractor{fs::path(CONCLAVE_TEST_BINARY) / "bin" / "conclave-extract"};
};

TEST_F(PdfTest, GivesPagesAndTheOutlineAsHeadings) {
    const auto document = read(test::makePdf({"Chapter one", "Second chapter"}));
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->mime, "application/pdf");
    EXPECT_EQ(document->title, "a");
    ASSERT_EQ(document->pages.size(), 2U);
    EXPECT_EQ(document->pages[0].text, "Chapter one\n");
    EXPECT_EQ(document->pages[1].number, 2);
    EXPECT_EQ(document->pages[1].text, "Second chapter\n");
    ASSERT_EQ(document->headings.size(), 2U);
    EXPECT_EQ(document->headings[1].page, 2);
    EXPECT_EQ(document->headings[1].endByte, 14U);
}

TEST_F(PdfTest, TellsPagesWithoutText) {
    EXPECT_EQ(read(test::makePdf({"", ""})).error().code, ErrorCode::NeedsOcr);
    const auto mixed = read(test::makePdf({"text", ""}));
    ASSERT_TRUE(mixed);
    EXPECT_THAT(mixed->warnings, testing::ElementsAre(testing::HasSubstr("1 of 2 pages")));
}

TEST_F(PdfTest, TellsADamagedFile) {
    const std::string whole = test::makePdf({"Some text"});
    EXPECT_EQ(read(whole.substr(0, 40)).error().code, ErrorCode::Corrupt);
    EXPECT_EQ(read("%PDF-1.7\nnothing").error().code, ErrorCode::Corrupt);
    std::string noTable = whole;
    noTable.replace(noTable.find("startxref"), 9, "startxxxx");
    const auto recovered = read(noTable);
    ASSERT_TRUE(recovered) << "the objects are all there";
    EXPECT_EQ(recovered->pages.at(0).text, "Some text\n");
}

TEST_F(PdfTest, SurvivesMutations) {
    const std::string whole = test::makePdf({"First page", "Second page", "Third"});
    std::mt19937 random(99);
    for (int round = 0; round < 40; ++round) {
        std::string damaged = whole;
        for (int i = 0; i < 1 + round % 8; ++i) {
            damaged[random() % damaged.size()] = static_cast<char>(random() % 256);
        }
        if (round % 5 == 0) damaged.resize(random() % damaged.size() + 1);
        const auto document = read(damaged);
        if (document) continue;
        const ErrorCode code = document.error().code;
        EXPECT_TRUE(code == ErrorCode::Corrupt || code == ErrorCode::NeedsOcr ||
                    code == ErrorCode::PasswordRequired || code == ErrorCode::Unsupported)
            << errorName(code) << ": " << document.error().detail;
    }
}

}  // namespace
}  // namespace conclave::retrieval
