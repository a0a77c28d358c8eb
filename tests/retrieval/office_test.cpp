#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/office_samples.h"
#include "retrieval/extractor/archive.h"
#include "tests/retrieval/parsed.h"

namespace conclave::retrieval::extractor {
namespace {

using testing::HasSubstr;

TEST(Docx, GivesEverythingOneReads) {
    const auto document = parsed(test::docxSample(), "a.docx");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->title, "Travel rules");
    EXPECT_EQ(document->pages.at(0).text,
              "Reiseregeln\n\nHotels cost at most <120> euros.\n\n- first\n- second\n\nAfter the "
              "list.\n\nCity | Limit\nBerlin | 120\nkept\n\nin a box\n\nA note below.\n\nCompany "
              "header\n");
    ASSERT_EQ(document->headings.size(), 1U);
    EXPECT_EQ(document->headings[0].level, 1);
    EXPECT_THAT(document->warnings, testing::ElementsAre(HasSubstr("hides")));
}

TEST(Docx, LeavesOutWhiteAndTinyTextOnWhite) {
    const auto read = [](const std::string& body) {
        return parsed(test::makeZip({{"word/document.xml", "<w:document xmlns:w=\"w\"><w:body>" +
                                                               body + "</w:body></w:document>"}}),
                      "a.docx");
    };
    const std::string hidden =
        "<w:p><w:pPr><w:pStyle w:val=\"Heading2\"/></w:pPr><w:r><w:t>Seen</w:t></w:r></w:p>"
        "<w:p><w:r><w:rPr><w:color w:val=\"FFFFFF\"/></w:rPr><w:t>white</w:t></w:r>"
        "<w:r><w:t>black</w:t></w:r>"
        "<w:r><w:rPr><w:sz w:val=\"1\"/></w:rPr><w:t>tiny</w:t></w:r></w:p>";
    const auto document = read(hidden);
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->pages.at(0).text, "Seen\n\nblack\n");
    EXPECT_THAT(document->warnings, testing::ElementsAre(HasSubstr("left out 9 characters")));
    ASSERT_EQ(document->headings.size(), 1U) << "no style says what Heading2 is";
    EXPECT_EQ(document->headings[0].level, 2);
    const auto shaded = read("<w:tbl><w:tr><w:tc><w:tcPr><w:shd w:fill=\"1F3864\"/></w:tcPr>" +
                             hidden + "</w:tc></w:tr></w:tbl>");
    ASSERT_TRUE(shaded);
    EXPECT_THAT(shaded->pages.at(0).text, HasSubstr("white"));
}

TEST(Odt, GivesNotesListsAndTables) {
    const auto document = parsed(test::odtSample(), "a.odt");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->title, "Minutes");
    EXPECT_EQ(document->pages.at(0).text,
              "Decisions\n\nWe meet at nine.\n\n- tea\n- cake\n\na | b\n\nOr at ten.\n");
    ASSERT_EQ(document->headings.size(), 1U);
    EXPECT_EQ(document->headings[0].level, 2);
    EXPECT_EQ(parsed(test::odtSample(true), "a.odt").error().code, ErrorCode::PasswordRequired);
}

TEST(Epub, GivesChaptersInReadingOrder) {
    const auto document = parsed(test::epubSample(), "a.epub");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->title, "A Book");
    ASSERT_EQ(document->pages.size(), 2U);
    EXPECT_EQ(document->pages[0].text, "First\n\nChapter one, 第一章。\n");
    EXPECT_EQ(document->pages[1].text, "Second\n\nChapter two.\n");
    EXPECT_EQ(document->headings.at(1).page, 2);
    EXPECT_THAT(document->warnings, testing::ElementsAre(HasSubstr("1 of 3 chapters")));
    EXPECT_EQ(parsed(test::epubSample(true), "a.epub").error().code, ErrorCode::PasswordRequired);
}

TEST(Office, NeverReadsOutsideEntities) {
    const std::string document = test::makeZip(
        {{"word/document.xml",
          "<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\"><!ENTITY a \"AAAA\">]>"
          "<w:document xmlns:w=\"w\"><w:p><w:r><w:t>&x;&a;</w:t></w:r></w:p></w:document>"}});
    const auto read = parsed(document, "a.docx");
    if (read) {
        EXPECT_EQ(read->pages.at(0).text.find("root:"), std::string::npos);
    } else {
        EXPECT_EQ(read.error().code, ErrorCode::Corrupt);
    }
}

TEST(Office, RefusesBombsAtOnce) {
    const std::string one =
        "<w:document xmlns:w=\"w\"><w:p>" + std::string(50U << 20U, ' ') + "</w:p></w:document>";
    const std::string bomb = test::makeZip({{"word/document.xml", one}});
    ASSERT_LT(bomb.size(), 100'000U);
    const auto made = std::chrono::steady_clock::now();
    EXPECT_EQ(parsed(bomb, "a.docx").error().code, ErrorCode::LimitExceeded);
    EXPECT_LT(std::chrono::steady_clock::now() - made, std::chrono::milliseconds(500));
}

TEST(Office, RefusesABombWhoseDirectoryLies) {
    std::string bomb =
        test::makeZip({{"word/document.xml", "<d>" + std::string(20U << 20U, ' ') + "</d>"}});
    // The size in the central directory (offset 24) and in the local header (offset 22).
    const std::size_t central = bomb.rfind("PK\x01\x02");
    ASSERT_NE(central, std::string::npos);
    for (const std::size_t at : {central + 24, std::size_t{22}}) {
        bomb.replace(at, 4, std::string("\x10\0\0\0", 4));
    }
    const auto read = parsed(bomb, "a.docx");
    ASSERT_FALSE(read);
    EXPECT_TRUE(read.error().code == ErrorCode::LimitExceeded ||
                read.error().code == ErrorCode::Corrupt);
}

TEST(Office, RefusesTooManyEntries) {
    std::vector<std::pair<std::string, std::string>> entries;
    for (int i = 0; i < 10'001; ++i) entries.emplace_back(std::to_string(i), "");
    EXPECT_EQ(parsed(test::makeZip(entries), "a.docx").error().code, ErrorCode::LimitExceeded);
}

TEST(Office, TellsEncryptedFromOldAndDamaged) {
    const std::string ole = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
    std::string encrypted = ole + "....";
    for (const char c : std::string("EncryptedPackage")) {
        encrypted.push_back(c);
        encrypted.push_back('\0');
    }
    EXPECT_EQ(parsed(encrypted, "a.docx").error().code, ErrorCode::PasswordRequired);
    EXPECT_EQ(parsed(ole + "old word file", "a.doc").error().code, ErrorCode::Unsupported);
    EXPECT_EQ(parsed(test::docxSample().substr(0, 900), "a.docx").error().code, ErrorCode::Corrupt);
    EXPECT_EQ(parsed(test::makeZip({{"x", "y"}}), "a.zip").error().code, ErrorCode::Unsupported);
}

}  // namespace
}  // namespace conclave::retrieval::extractor
