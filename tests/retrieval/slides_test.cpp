#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/slide_samples.h"
#include "tests/retrieval/parsed.h"

namespace conclave::retrieval::extractor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The sample with another content of one part.
std::string pptxWith(const std::string& part, const std::string& content) {
    auto parts = test::pptxParts();
    for (auto& [name, old] : parts) {
        if (name == part) old = content;
    }
    return test::makeZip(parts);
}

TEST(Pptx, GivesSlidesWithTitlesTablesAndNotes) {
    const auto document = parsed(test::pptxSample(), "a.pptx");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->title, "Review");
    ASSERT_EQ(document->pages.size(), 2U) << "one slide is named twice";
    EXPECT_EQ(document->pages[0].text,
              "Second quarter\n\n- Sales rose\nplain\n\nCity | Limit\nBerlin | 120\n\nonce\n\n"
              "Sales by city\n\nNorth | South\nBerlin | North: 150% | South: 25%\n"
              "Rome | North: 50% | South: 50%\n\nIn a diagram\n\nCheck this.\n\nSay it slowly.\n");
    EXPECT_EQ(document->pages[1].text, "Untitled slide.\n");
    ASSERT_EQ(document->headings.size(), 1U);
    EXPECT_EQ(document->headings[0].endByte, std::string("Second quarter").size());
    EXPECT_THAT(document->warnings,
                ElementsAre(HasSubstr("1 slides that are not shown"), HasSubstr("hides")));
}

TEST(Pptx, ATitleSaysNothingAboutTheNextSlide) {
    const auto document = parsed(test::pptxSample(), "a.pptx");
    ASSERT_TRUE(document);
    const auto chunks = chunkDocument(*document);
    EXPECT_EQ(chunks.front().heading, "Review > Second quarter");
    EXPECT_EQ(chunks.back().heading, "Review");
}

TEST(Pptx, DamagedSlidesAreToldAndTheRestIsRead) {
    const auto document =
        parsed(pptxWith("ppt/slides/slide2.xml", "<p:sld xmlns:p=\"p\"><p:sp>"), "a.pptx");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->pages.size(), 2U);
    EXPECT_THAT(document->warnings, testing::Contains(HasSubstr("1 slides are damaged")));
    EXPECT_EQ(parsed(pptxWith("ppt/_rels/presentation.xml.rels", "<p/>"), "a.pptx").error().code,
              ErrorCode::Corrupt);
    EXPECT_TRUE(parsed(pptxWith("ppt/presentation.xml", "<p/>"), "a.pptx")) << "a template";
    EXPECT_EQ(parsed(pptxWith("ppt/presentation.xml", "<"), "a.pptx").error().code,
              ErrorCode::Corrupt);
}

TEST(Pptx, SurvivesDeepNestingAndCountlessSlides) {
    std::string deep = "<p:sld xmlns:p=\"p\" xmlns:a=\"a\">";
    for (int i = 0; i < 10'000; ++i) deep += "<a:tbl><a:tr><a:tc>";
    EXPECT_TRUE(parsed(pptxWith("ppt/slides/slide2.xml", deep), "a.pptx"));
    std::string list = "<p:presentation xmlns:p=\"p\" xmlns:r=\"r\">";
    for (int i = 0; i < 200'000; ++i) list += "<p:sldId id=\"1\" r:id=\"r2\"/>";
    EXPECT_EQ(
        parsed(pptxWith("ppt/presentation.xml", list + "</p:presentation>"), "a.pptx").error().code,
        ErrorCode::LimitExceeded);
}

TEST(Pptx, RefusesBombs) {
    const auto bomb = pptxWith("ppt/slides/slide2.xml",
                               "<p:sld xmlns:p=\"p\">" + std::string(50U << 20U, ' ') + "</p:sld>");
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(parsed(bomb, "a.pptx").error().code, ErrorCode::LimitExceeded);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(Odp, GivesSlidesWithTitlesTablesAndNotes) {
    const auto document = parsed(test::odpSample(), "a.odp");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->title, "Review");
    ASSERT_EQ(document->pages.size(), 2U);
    EXPECT_EQ(document->pages[0].text,
              "Second quarter\n\n- Sales rose\n- Costs fell\n\nCity | Limit\n\nCheck this.\n\n"
              "Say it slowly.\n");
    EXPECT_EQ(document->pages[1].text, "Untitled slide.\n");
    ASSERT_EQ(document->headings.size(), 1U);
    EXPECT_THAT(document->warnings, ElementsAre(HasSubstr("1 slides that are not shown")));
}

TEST(Odp, IsToldFromOtherOpenDocumentFiles) {
    auto parts = test::odpParts();
    parts[0].second = "application/vnd.oasis.opendocument.graphics";
    EXPECT_EQ(parsed(test::makeZip(parts), "a.odg").error().code, ErrorCode::Unsupported);
    parts.erase(parts.begin());
    EXPECT_EQ(parsed(test::makeZip(parts), "a.odp")->pages.size(), 2U) << "by its name";
}

}  // namespace
}  // namespace conclave::retrieval::extractor
