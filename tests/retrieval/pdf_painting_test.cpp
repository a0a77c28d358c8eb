#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../support/pdf_sample.h"
#include "retrieval/extractor/pdf_painting.h"
#include "retrieval/extractor/pdf_seen_text.h"

namespace conclave::retrieval::extractor {
namespace {

std::optional<PagePainting> painted(const std::string& pdf, std::size_t page = 0) {
    auto file = PdfFile::open(pdf);
    if (!file) return std::nullopt;
    return readPagePainting(*file, page);
}

/// Operators between the text objects of the sample's page.
std::string between(const std::string& operators) {
    return "Seen) Tj ET " + operators + " BT /F1 12 Tf 72 500 Td (also seen";
}

const std::vector<LineBox> kPlaces = {{72, 63, 110, 75}, {72, 283, 140, 295}};

TEST(PdfPainting, ReadsPlainPages) {
    const auto painting = painted(test::makePdf({"one", between("0.2 0 0 rg")}), 1);
    ASSERT_TRUE(painting);
    EXPECT_EQ(painting->width, 612.0);
    ASSERT_EQ(painting->letters.size(), 2U);
    EXPECT_EQ(painting->letters[0].codes, "Seen");
    EXPECT_EQ(painting->letters[0].style, painting->letters[1].style);
    EXPECT_TRUE(isUncovered(*painting, kPlaces));
}

TEST(PdfPainting, TakesRulesFramesAndPaleGroundsForWhatTheyAre) {
    for (const char* operators :
         {"0 G 1 w 72 497 m 300 497 l S", "60 480 400 40 re S", ".9 g 60 490 400 30 re f 0 g",
          "q 0 0 612 792 re W n Q", "300 300 200 100 re f", "q 60 400 400 200 re W n Q"}) {
        const auto painting = painted(test::makePdf({between(operators)}));
        ASSERT_TRUE(painting) << operators;
        EXPECT_TRUE(isUncovered(*painting, kPlaces)) << operators;
    }
}

TEST(PdfPainting, IsNotCertainOfWhatMayHideText) {
    for (const char* operators : {"3 Tr",
                                  "7 Tr",
                                  "1 g",
                                  ".9 .9 .9 rg",
                                  "0 0 0 .1 k",
                                  "/DeviceGray cs 1 sc",
                                  "/Cs cs",
                                  "/Pattern cs /P scn",
                                  "/G gs",
                                  "/X Do",
                                  "BI /W 1 /H 1 /BPC 8 /CS /G ID x EI",
                                  "/S sh",
                                  "/OC /M BDC EMC",
                                  "/Span << /ActualText (other words) >> BDC EMC",
                                  "foo",
                                  "0 1 g",
                                  "1 %\n g",
                                  "Q",
                                  "1 g q Q",
                                  "60 600 400 150 re 1 g f 0 g",
                                  "0 0 m 9 0 l 0 9 l h W n",
                                  "1.2.3 w",
                                  "BT /F1 90 Tf 72 500 Td (big) Tj ET",
                                  "1 0 0 1 0 0 cm q 1 g"}) {
        EXPECT_FALSE(painted(test::makePdf({between(operators)}))) << operators;
    }
}

TEST(PdfPainting, FindsTextThatIsCoveredClippedOrBesideThePage) {
    for (const char* operators :
         {"60 490 400 30 re f", "0 G 40 w 60 500 m 400 500 l S",
          "q 0 600 612 192 re W n BT /F1 12 Tf 72 500 Td (clipped) Tj ET Q",
          "60 497 400 2 re f 60 500 400 2 re f 60 503 400 2 re f 60 506 400 2 re f"}) {
        const auto painting = painted(test::makePdf({between(operators)}));
        ASSERT_TRUE(painting) << operators;
        EXPECT_FALSE(isUncovered(*painting, kPlaces)) << operators;
    }
    const auto painting = painted(test::makePdf({"one"}));
    ASSERT_TRUE(painting);
    EXPECT_FALSE(isUncovered(*painting, std::vector<LineBox>{{700, 63, 710, 75}}));
    EXPECT_FALSE(
        isUncovered(*painting, std::vector<LineBox>{{72, 63, 110, 75}, {72, 64, 108, 75}}));
}

TEST(PdfPainting, LeavesOtherPagesToADrawing) {
    for (const char* shape :
         {"/MediaBox [0 0 612 792] /Rotate 90", "/MediaBox [0 0 612 792] /CropBox [0 300 612 792]",
          "/MediaBox [0 9 612 792]", "/MediaBox [0 0 612 792] /UserUnit 2"}) {
        EXPECT_FALSE(painted(test::makePdf({"one"}, shape))) << shape;
    }
}

TEST(PdfPainting, KnowsGlyphsThatLeftInk) {
    const std::string pdf = test::makePdf({"visible words", "words visible", "NEW LETTERS HERE"});
    InkedGlyphs inked;
    const auto first = painted(pdf, 0);
    const auto second = painted(pdf, 1);
    const auto third = painted(pdf, 2);
    ASSERT_TRUE(first && second && third);
    EXPECT_FALSE(inked.knows(*second, 12));
    inked.learn(*first);
    EXPECT_TRUE(inked.knows(*second, 12));
    EXPECT_FALSE(inked.knows(*second, 120)) << "each glyph claims to be a text";
    EXPECT_FALSE(inked.knows(*third, 14));
}

TEST(PdfFile, IsNotCertainOfWhatReadersMayTakeForDifferentThings) {
    const std::string whole = test::makePdf({"one", "two"});
    ASSERT_TRUE(PdfFile::open(whole));
    EXPECT_EQ(PdfFile::open(whole)->nPages(), 2U);
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string other = whole;
        other.replace(other.rfind(from), from.size(), to);
        return other;
    };
    EXPECT_FALSE(PdfFile::open("junk" + whole));
    EXPECT_FALSE(PdfFile::open(whole.substr(0, whole.size() / 2)));
    EXPECT_FALSE(PdfFile::open(changed("startxref", "startxxxx")));
    EXPECT_FALSE(PdfFile::open(changed("] /Count 2", "] /Count 1")));
    EXPECT_FALSE(PdfFile::open(changed("/Root 1 0 R", "/Root 2 0 R")));
    // A second object of the same number, and one that no table names.
    EXPECT_FALSE(PdfFile::open(whole + "\n6 0 obj\n<< >>\nendobj\n"));
    EXPECT_FALSE(PdfFile::open(whole + "\n600 0 obj\n<< >>\nendobj\n"));
    EXPECT_FALSE(PdfFile::open(whole + "\n6 % x\n0 obj\n<< >>\nendobj\n"));
    EXPECT_FALSE(PdfFile::open(whole + "\ntrailer << /Root 2 0 R >>"));
    // An offset into the middle of a number.
    std::string inside = whole;
    const std::size_t at = inside.find("10 0 obj");
    const auto row = [&](std::size_t n) { return inside.find("xref\n0 ") + 10 + n * 20; };
    std::string offset = std::to_string(at + 1);
    inside.replace(row(1), 10, std::string(10 - offset.size(), '0') + offset);
    EXPECT_FALSE(PdfFile::open(inside));
}

TEST(PdfFile, SurvivesMutations) {
    const std::string whole = test::makePdf({"First page", "Second page", between("0 g")});
    unsigned chance = 99;
    const auto next = [&] { return (chance = chance * 1664525U + 1013904223U) >> 8U; };
    for (int round = 0; round < 3000; ++round) {
        std::string damaged = whole;
        for (int i = 0; i < 1 + round % 8; ++i) {
            damaged[next() % damaged.size()] = static_cast<char>(next() % 256);
        }
        if (round % 5 == 0) damaged.resize(next() % damaged.size() + 1);
        auto file = PdfFile::open(damaged);
        if (!file) continue;
        for (std::size_t page = 0; page < file->nPages(); ++page) {
            const auto painting = readPagePainting(*file, page);
            if (painting) static_cast<void>(isUncovered(*painting, kPlaces));
        }
    }
}

}  // namespace
}  // namespace conclave::retrieval::extractor
