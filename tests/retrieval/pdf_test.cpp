#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "../support/pdf_sample.h"
#include "retrieval/document_json.h"
#include "retrieval/page_picture.h"
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

    Result<PagePicture> draw(const std::string& bytes, const PageRequest& request) {
        std::ofstream(m_folder / "a.pdf", std::ios::binary) << bytes;
        return m_extractor.drawPage(m_folder / "a.pdf", request, {});
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

TEST_F(PdfTest, GoesOnInMidDocumentAsAtOneGo) {
    std::vector<std::string> texts;
    for (int i = 1; i <= 8; ++i) {
        const std::string number = std::to_string(i);
        texts.push_back("Chapter " + number);
        // Unseen on some pages, so that what was left out must be counted on.
        if (i % 3 == 0) texts.back() += ") Tj 1 g 0 -40 Td (Pale words of page " + number;
    }
    texts[4].clear();
    const auto whole = read(test::makePdf(texts));
    ASSERT_TRUE(whole) << whole.error().detail;
    ASSERT_EQ(whole->warnings.size(), 2U);
    std::vector<std::string> drafts;
    ExtractOptions options;
    options.draftEvery = std::chrono::milliseconds(0);
    options.onDraft = [&](int lastPage, const std::string& draft) {
        drafts.push_back(draft);
        EXPECT_EQ(lastPage, std::ssize(options.draftsBefore) + std::ssize(drafts));
        return true;
    };
    const auto readOn = [&] { return m_extractor.extract(m_folder / "a.pdf", options); };
    const auto expectWhole = [&] {
        const auto document = readOn();
        ASSERT_TRUE(document) << document.error().detail;
        EXPECT_EQ(toJson(*document), toJson(*whole));
    };
    expectWhole();
    const std::vector<std::string> all = drafts;
    ASSERT_EQ(all.size(), texts.size());
    for (std::size_t nKept = 1; nKept <= all.size(); ++nKept) {
        options.draftsBefore.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(nKept));
        drafts.clear();
        expectWhole();
        EXPECT_EQ(drafts.size(), all.size() - nKept);
    }
    // Without the first piece, and with half of one, there is nothing to go on from.
    for (const auto& useless : {std::vector{all[1]}, {all[0], all[1].substr(0, 20)}}) {
        options.draftsBefore = useless;
        options.onDraft = [](int, const std::string&) { return true; };
        expectWhole();
    }
    options.draftsBefore.clear();
    options.onDraft = [](int lastPage, const std::string&) { return lastPage < 3; };
    EXPECT_EQ(readOn().error().code, ErrorCode::Cancelled);
}

TEST_F(PdfTest, LeavesOutWhatNobodySees) {
    // Each is put behind the visible words, in the page's own language.
    const std::string seen = "Keep the receipt) Tj ";
    const std::vector<std::string> hidden = {
        "3 Tr 0 -40 Td (drawn invisibly) Tj (",
        "1 1 1 rg 0 -40 Td (white on white) Tj (",
        "/F1 0.5 Tf 0 -40 Td (far too small to see) Tj (",
        "0 -2000 Td (off the page) Tj (",
        "0 -40 Td (covered) Tj ET 0 0.2 0.4 rg 60 660 300 40 re f BT (",
    };
    for (const std::string& each : hidden) {
        const auto document = read(test::makePdf({seen + each}));
        ASSERT_TRUE(document) << document.error().detail;
        EXPECT_THAT(document->pages.at(0).text, testing::StartsWith("Keep the receipt")) << each;
        EXPECT_EQ(document->pages[0].text.find_first_of("dwfoc", 16), std::string::npos)
            << document->pages[0].text;
        EXPECT_THAT(document->warnings, testing::ElementsAre(testing::HasSubstr("cannot be seen")))
            << each;
    }
}

TEST_F(PdfTest, LeavesOutWhatNobodySeesBehindPagesThatNeedNoDrawing) {
    const std::string seen = "hidden words here, and all else on a page that is seen";
    for (const char* operators :
         {"3 Tr", "1 g", "/DeviceGray cs 1 sc", "/F1 0.4 Tf", "0 -2000 Td", ".06 0 0 .06 72 500 Tm",
          "ET q 0 0 9 9 re W n BT /F1 12 Tf 72 600 Td"}) {
        const auto document = read(test::makePdf(
            {seen, seen, seen, seen + ") Tj 0 -40 Td " + operators + " (hidden words here"}));
        ASSERT_TRUE(document) << document.error().detail;
        EXPECT_EQ(document->pages.at(2).text, seen + "\n");
        EXPECT_THAT(document->pages.at(3).text, testing::StartsWith(seen));
        EXPECT_EQ(document->pages.at(3).text.find("hidden", 1), std::string::npos) << operators;
        EXPECT_THAT(document->warnings, testing::ElementsAre(testing::HasSubstr("cannot be seen")))
            << operators;
    }
}

TEST_F(PdfTest, KeepsWhatIsSeenOnAnyGround) {
    // White on a coloured ground, pale grey, and recognised text under the picture of its words.
    const auto document = read(test::makePdf(
        {"first) Tj ET 0 0.2 0.4 rg 60 640 300 40 re f BT /F1 12 Tf 1 1 1 rg 72 655 Td "
         "(light on dark) Tj 0.8 g 0 -80 Td (pale words) Tj ET "
         "BT /F1 12 Tf 0 g 72 400 Td (scanned) Tj ET BT /F1 12 Tf 3 Tr 72 400 Td (scanned) Tj ("}));
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_THAT(document->warnings, testing::IsEmpty());
    for (const char* words : {"first", "light on dark", "pale words", "scanned"}) {
        EXPECT_THAT(document->pages.at(0).text, testing::HasSubstr(words));
    }
}

/// A page whose content is packed.
std::string packedPage(const std::string& content) {
    uLongf size = ::compressBound(content.size());
    std::string packed(size, '\0');
    ::compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                reinterpret_cast<const Bytef*>(content.data()), content.size(), 9);
    packed.resize(size);
    std::string pdf = test::makePdf({"x"});
    const std::size_t start = pdf.find("<< /Length");
    const std::size_t end = pdf.find("endstream", start);
    return pdf.replace(start, end - start,
                       "<< /Filter /FlateDecode /Length " + std::to_string(size) + " >>\nstream\n" +
                           packed + "\n");
}

std::string repeated(const std::string& text, std::size_t n) {
    std::string all;
    for (std::size_t i = 0; i < n; ++i) all += text;
    return all;
}

TEST_F(PdfTest, RefusesBombsAndSaysWhy) {
    for (const auto& [bomb, why] :
         {std::pair{packedPage(std::string(8 << 20, ' ')), "200 times"},
          {packedPage(repeated("q ", 30'000)), "drawing states"},
          {test::makePdf({"x) Tj " + repeated("q ", 30'000) + "("}), "drawing states"},
          {packedPage(std::string(20'000, '[')), "10,000 deep"},
          {packedPage(repeated("(forty letters in a line, again and again) Tj ", 10'000)),
           "400,000 letters"}}) {
        const auto start = std::chrono::steady_clock::now();
        const auto document = read(bomb);
        ASSERT_FALSE(document) << why;
        EXPECT_EQ(document.error().code, ErrorCode::LimitExceeded) << document.error().detail;
        EXPECT_THAT(document.error().detail, testing::HasSubstr(why));
        EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
    }
    EXPECT_TRUE(read(packedPage("BT /F1 12 Tf 72 720 Td (packed) Tj ET")));
}

TEST_F(PdfTest, GivesThePagesThatItCouldReadInTime) {
    const std::string line = "(The quick brown fox jumps over the lazy dog) Tj 0 -9 Td ";
    const std::vector<std::string> pages(20'000, "x) Tj 0 -9 Td " + repeated(line, 25) + "(");
    std::ofstream(m_folder / "a.pdf", std::ios::binary) << test::makePdf(pages);
    ExtractOptions options;
    options.timeLimit = std::chrono::seconds(5);
    const auto document = m_extractor.extract(m_folder / "a.pdf", options);
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_GT(document->pages.size(), 0U);
    EXPECT_LT(document->pages.size(), 20'000U);
    EXPECT_THAT(document->warnings, testing::Contains(testing::HasSubstr("of 20000 pages")));
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

/// Share of the picture's dark pixels that lie in the boxes, a little enlarged.
double inkInside(const PagePicture& picture, std::span<const PagePicture::Box> boxes) {
    constexpr int kAround = 2;  // pixels
    std::vector<char> inside(static_cast<std::size_t>(picture.width * picture.height), 0);
    for (const PagePicture::Box& box : boxes) {
        const int left = std::max(0, static_cast<int>(box.left * picture.width) - kAround);
        const int top = std::max(0, static_cast<int>(box.top * picture.height) - kAround);
        for (int y = top; y < picture.height && y < box.bottom * picture.height + kAround; ++y) {
            for (int x = left; x < picture.width && x < box.right * picture.width + kAround; ++x) {
                inside[static_cast<std::size_t>(y * picture.width + x)] = 1;
            }
        }
    }
    int nInside = 0;
    int nDark = 0;
    for (std::size_t i = 0; i < inside.size(); ++i) {
        if (static_cast<unsigned char>(picture.pixels[4 * i + 1]) > 128) continue;
        ++nDark;
        nInside += inside[i];
    }
    return nDark > 0 ? static_cast<double>(nInside) / nDark : 0.0;
}
double inkInside(const PagePicture& picture, const PagePicture::Box& box) {
    return inkInside(picture, std::span(&box, 1));
}

TEST_F(PdfTest, DrawsAPageAndSaysWhereTextStands) {
    const std::string pdf = test::makePdf({"Chapter one", "Second chapter"});
    const auto picture =
        draw(pdf, {.page = 2, .widthPixels = 612, .marks = {{0, 6}, {0, 14}}, .withSizes = true});
    ASSERT_TRUE(picture) << picture.error().detail;
    EXPECT_EQ(picture->width, 612);
    EXPECT_EQ(picture->height, 792);
    EXPECT_EQ(picture->pixels.size(), 612U * 792U * 4U);
    EXPECT_THAT(picture->texts, testing::ElementsAre("Second", "Second chapter"));
    ASSERT_EQ(picture->boxes.size(), 2U);
    const PagePicture::Box& word = picture->boxes[0];
    const PagePicture::Box& line = picture->boxes[1];
    EXPECT_EQ(line.mark, 1U);
    EXPECT_NEAR(line.left * 612, 72, 2);
    EXPECT_NEAR(line.bottom * 792, 72, 4);
    EXPECT_LT(word.right, line.right * 0.9);
    EXPECT_DOUBLE_EQ(inkInside(*picture, line), 1.0);
    EXPECT_LT(inkInside(*picture, word), 0.7);
    ASSERT_EQ(picture->sizes.size(), 2U);
    EXPECT_DOUBLE_EQ(picture->sizes[1].height, 792.0);
}

TEST_F(PdfTest, FindsTextOnPagesThatAreTurnedOrCropped) {
    const std::string paper = "/MediaBox [0 0 612 792] ";
    for (const char* shape :
         {"/Rotate 90", "/Rotate 180", "/Rotate 270", "/CropBox [40 500 500 760]",
          "/CropBox [40 500 500 760] /Rotate 90"}) {
        const auto picture = draw(test::makePdf({"Chapter one", "Second"}, paper + shape),
                                  {.page = 1, .widthPixels = 700, .marks = {{0, 11}}});
        ASSERT_TRUE(picture) << picture.error().detail;
        ASSERT_EQ(picture->boxes.size(), 1U) << shape;
        EXPECT_GT(inkInside(*picture, picture->boxes[0]), 0.95) << shape;
        const PagePicture::Box& box = picture->boxes[0];
        EXPECT_LT((box.right - box.left) * (box.bottom - box.top), 0.02) << shape;
    }
}

TEST_F(PdfTest, DrawsNoPageThatIsNotThere) {
    const std::string pdf = test::makePdf({"Chapter one"});
    EXPECT_EQ(draw(pdf, {.page = 2, .widthPixels = 100}).error().code, ErrorCode::NotFound);
    EXPECT_EQ(draw(pdf, {.page = 1, .widthPixels = 0}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(draw("%PDF-1.7\nno", {.page = 1, .widthPixels = 9}).error().code, ErrorCode::Corrupt);
    EXPECT_EQ(
        m_extractor.drawPage(m_folder / "b.pdf", {.page = 1, .widthPixels = 9}, {}).error().code,
        ErrorCode::NotFound);
    const auto beyond = draw(pdf, {.page = 1, .widthPixels = 60, .marks = {{4, 400}, {5, 5}}});
    ASSERT_TRUE(beyond) << beyond.error().detail;
    EXPECT_THAT(beyond->texts, testing::ElementsAre("", ""));
    EXPECT_TRUE(beyond->boxes.empty());
}

TEST(PagePicture, BelievesNothingThatTheWorkerWrites) {
    const PageRequest request{.page = 1, .widthPixels = 4, .marks = {{0, 3}}, .withSizes = true};
    PagePicture picture;
    picture.width = 4;
    picture.height = 2;
    picture.pixels.assign(32, 'x');
    picture.boxes = {{.mark = 0, .left = 0.25, .top = 0.5, .right = 0.5, .bottom = 1.0}};
    picture.texts = {"abc"};
    picture.sizes = {{.width = 595.28, .height = 841.89}};
    const std::string good = toBytes(picture);
    const auto back = pictureFromBytes(good, request);
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(back->pixels, picture.pixels);
    EXPECT_EQ(back->texts, picture.texts);
    EXPECT_DOUBLE_EQ(back->boxes.at(0).top, 0.5);
    EXPECT_DOUBLE_EQ(back->sizes.at(0).width, 595.28);

    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_FALSE(pictureFromBytes(good.substr(0, size), request)) << size;
    }
    EXPECT_FALSE(pictureFromBytes(good, {.page = 1, .widthPixels = 3, .marks = {{0, 3}}}));
    EXPECT_FALSE(pictureFromBytes(good, {.page = 1, .widthPixels = 4, .withSizes = true}));
    // Every number of the head, as it could be at worst.
    for (std::size_t at = 0; at < 24; at += 4) {
        std::string bad = good;
        bad.replace(at, 4, "\xFF\xFF\xFF\xFF");
        EXPECT_FALSE(pictureFromBytes(bad, request)) << at;
    }
    EXPECT_EQ(
        pictureFromBytes(R"({"error":{"code":"password required","detail":"locked"}})", request)
            .error()
            .code,
        ErrorCode::PasswordRequired);
}

TEST(SharedDocuments, ShowWhereTheirTextStands) {
    const fs::path folder = fs::path(CONCLAVE_TEST_SOURCE) / "../shared/data/docs";
    if (!fs::exists(folder / "multicolumn.pdf")) GTEST_SKIP() << "needs ../shared/data/docs";
    if (!fs::exists(fs::path(CONCLAVE_TEST_BINARY) / "bin/conclave-extract-pdf")) {
        GTEST_SKIP() << "this build has no PDF reader (CONCLAVE_DESKTOP is off)";
    }
    const Extractor extractor(fs::path(CONCLAVE_TEST_BINARY) / "bin/conclave-extract");
    // Two columns with broken words; Chinese; turned by a quarter.
    for (const char* name :
         {"multicolumn.pdf", "maint-guide.zh-cn.pdf", "senate-expenditures.pdf"}) {
        const auto document = extractor.extract(folder / name, {});
        ASSERT_TRUE(document) << document.error().detail;
        const ExtractedPage& page = document->pages.at(document->pages.size() / 2);
        const PageRequest request{
            .page = page.number, .widthPixels = 800, .marks = {{0, page.text.size()}}};
        const auto picture = extractor.drawPage(folder / name, request, {});
        ASSERT_TRUE(picture) << picture.error().detail;
        EXPECT_EQ(picture->texts.at(0), page.text) << name;
        // The rules of a table are no text; of text in a wrong place nearly nothing would be.
        EXPECT_GT(inkInside(*picture, picture->boxes), 0.6) << name;
    }
}

}  // namespace
}  // namespace conclave::retrieval
