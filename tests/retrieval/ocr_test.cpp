// Text in pictures, where tesseract is installed.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/pdf_sample.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

void append32(std::string& bytes, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 0xFFU);
}

/// A PGM as a 24-bit bitmap.
std::string bitmapOf(const std::string& pgm) {
    int width = 0;
    int height = 0;
    int start = 0;
    if (std::sscanf(pgm.c_str(), "P5\n%d %d\n255\n%n", &width, &height, &start) != 2) return {};
    const int padding = (4 - width * 3 % 4) % 4;
    const auto nPixels = static_cast<std::uint32_t>((width * 3 + padding) * height);
    std::string bitmap = "BM";
    append32(bitmap, 54 + nPixels);
    append32(bitmap, 0);
    append32(bitmap, 54);
    append32(bitmap, 40);
    append32(bitmap, static_cast<std::uint32_t>(width));
    append32(bitmap, static_cast<std::uint32_t>(height));
    append32(bitmap, 1U | 24U << 16U);
    append32(bitmap, 0);
    append32(bitmap, nPixels);
    for (const std::uint32_t rest : {11811U, 11811U, 0U, 0U}) append32(bitmap, rest);
    for (int y = height - 1; y >= 0; --y) {
        for (int x = 0; x < width; ++x) {
            bitmap.append(3, pgm[static_cast<std::size_t>(start + y * width + x)]);
        }
        bitmap.append(static_cast<std::size_t>(padding), '\0');
    }
    return bitmap;
}

class OcrTest : public testing::Test {
protected:
    void SetUp() override {
        m_folder = fs::path(testing::TempDir()) / ("ocr_test_" + std::to_string(::getpid()));
        fs::create_directories(m_folder);
    }
    void TearDown() override { fs::remove_all(m_folder); }
    fs::path write(const std::string& name, const std::string& bytes) const {
        std::ofstream(m_folder / name, std::ios::binary) << bytes;
        return m_folder / name;
    }
    /// A picture of a page, drawn by the PDF worker.
    std::string pictureOf(const std::string& text) const {
        const fs::path pdf = write("page.pdf", test::makePdf({text}));
        const std::string command =
            (fs::path(CONCLAVE_TEST_BINARY) / "bin/conclave-extract-pdf").string() +
            " --render 1 '" + pdf.string() + "'";
        std::FILE* pipe = ::popen(command.c_str(), "r");
        std::string pgm;
        char buffer[4096];
        for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
            pgm.append(buffer, n);
        }
        EXPECT_EQ(::pclose(pipe), 0);
        return pgm;
    }

    fs::path m_folder;
    Extractor m_extractor{fs::path(CONCLAVE_TEST_BINARY) / "bin" / "conclave-extract"};
};

TEST_F(OcrTest, APictureNeedsOcrUntilItIsWanted) {
    const fs::path picture = write("scan.png", "\x89PNG\r\n\x1A\n and so on");
    EXPECT_TRUE(isPicture(picture));
    EXPECT_FALSE(isReadable(picture));
    const auto document = m_extractor.extract(picture, {});
    ASSERT_FALSE(document.has_value());
    EXPECT_EQ(document.error().code, ErrorCode::NeedsOcr);
}

TEST_F(OcrTest, RefusesWhatIsNoLanguage) {
    const fs::path picture = write("scan.png", "\x89PNG\r\n\x1A\n and so on");
    for (const char* languages : {"--help", "eng /etc", "../eng", "eng;ls"}) {
        const auto document =
            m_extractor.extract(picture, {.password = {}, .cancel = {}, .ocrLanguages = languages});
        ASSERT_FALSE(document.has_value());
        EXPECT_EQ(document.error().code, ErrorCode::InvalidArgument) << languages;
    }
}

TEST_F(OcrTest, ReadsTheTextOfAPicture) {
    if (findOcrProgram().empty()) GTEST_SKIP() << "tesseract is not installed";
    if (!fs::exists(fs::path(CONCLAVE_TEST_BINARY) / "bin/conclave-extract-pdf")) {
        GTEST_SKIP()
            << "this build has no PDF reader to draw a page with (CONCLAVE_DESKTOP is off)";
    }
    const std::string pgm = pictureOf("The harbour opens at noon");
    ASSERT_FALSE(pgm.empty());
    const fs::path picture = write("scan.bmp", bitmapOf(pgm));
    const auto document =
        m_extractor.extract(picture, {.password = {}, .cancel = {}, .ocrLanguages = "eng"});
    ASSERT_TRUE(document.has_value()) << document.error().detail;
    ASSERT_EQ(document->pages.size(), 1U);
    EXPECT_THAT(document->pages[0].text, HasSubstr("harbour opens at noon"));
    EXPECT_EQ(document->title, "scan");
    EXPECT_FALSE(document->warnings.empty());
}

TEST_F(OcrTest, ADamagedPictureAndAMissingLanguageSayWhatToDo) {
    if (findOcrProgram().empty()) GTEST_SKIP() << "tesseract is not installed";
    const fs::path picture = write("scan.png", "\x89PNG\r\n\x1A\n and so on");
    const auto document =
        m_extractor.extract(picture, {.password = {}, .cancel = {}, .ocrLanguages = "xyz_abc"});
    ASSERT_FALSE(document.has_value());
    EXPECT_EQ(document.error().code, ErrorCode::NeedsOcr);
    EXPECT_THAT(document.error().detail, HasSubstr("tesseract-ocr-xyz-abc"));
}

}  // namespace
}  // namespace conclave::retrieval
