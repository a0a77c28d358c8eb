// Damaged documents through the worker's readers, the chunker and the analyzer, in one process:
// here nothing stands between the readers and the file, and the sanitizers see every step.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/retrieval.h"
#include "tests/fuzz/mutator.h"

namespace conclave {
namespace {

namespace fs = std::filesystem;

struct Sample {
    std::string name;
    std::string bytes;
};

/// Every document of the tour and of the guide that is read in this process (PDF is not).
std::vector<Sample> samples() {
    std::vector<Sample> found;
    const fs::path top = CONCLAVE_TEST_SOURCE;
    for (const fs::path& folder :
         {top / "tests/tour/documents", top / "resources/guide", top / "tests/fuzz/documents"}) {
        if (!fs::exists(folder)) continue;
        for (const auto& entry : fs::recursive_directory_iterator(folder)) {
            if (!entry.is_regular_file() || entry.path().extension() == ".pdf") continue;
            std::ifstream stream(entry.path(), std::ios::binary);
            found.push_back({entry.path().filename().string(),
                             std::string(std::istreambuf_iterator<char>(stream), {})});
        }
    }
    return found;
}

const std::vector<std::string>& markup() {
    static const std::vector<std::string> words = {"<table><tr><td>", "</table>",
                                                   "<![CDATA[",       "<!--",
                                                   "&#x10FFFF;",      "&#0;",
                                                   "<p style=\"",     "display:none",
                                                   "<script>",        "\xEF\xBB\xBF",
                                                   "\xFF\xFE",        "\xE2\x80\xAE",
                                                   "```\n",           "\n# ",
                                                   "\n- \n  - ",      "| --- |",
                                                   "[a](b",           "PK\x03\x04",
                                                   "%PDF-1.4",        "\xED\xA0\x80",
                                                   "\xC0\xAF",        "\xF4\x90\x80\x80"};
    return words;
}

/// What must hold of any document, however odd its file.
void expectSound(const retrieval::ExtractedDocument& document) {
    for (const retrieval::ExtractedPage& page : document.pages) {
        ASSERT_TRUE(isValidUtf8(page.text));
    }
    for (const retrieval::ChunkSpan& chunk : retrieval::chunkDocument(document)) {
        ASSERT_GE(chunk.page, 1);
        ASSERT_LE(static_cast<std::size_t>(chunk.page), document.pages.size());
        const std::string& text = document.pages[static_cast<std::size_t>(chunk.page - 1)].text;
        ASSERT_LT(chunk.startByte, chunk.endByte);
        ASSERT_LE(chunk.endByte, text.size());
        const auto piece =
            std::string_view(text).substr(chunk.startByte, chunk.endByte - chunk.startByte);
        ASSERT_TRUE(isValidUtf8(piece)) << "a chunk is cut inside a character";
        retrieval::analyze(piece, [&](std::string_view term, std::size_t start, std::size_t end) {
            EXPECT_FALSE(term.empty());
            EXPECT_LE(start, end);
            EXPECT_LE(end, piece.size());
        });
    }
}

TEST(DocumentCampaign, DamagedDocumentsAreReadOrRefused) {
    const std::vector<Sample> good = samples();
    ASSERT_GE(good.size(), 20U);
    const int size = test::campaignSize(10'000);
    int nRead = 0;
    for (int number = 0; number < size; ++number) {
        SCOPED_TRACE("input " + std::to_string(number));
        test::Mutator mutator(static_cast<std::uint64_t>(number), markup());
        const Sample& sample = good[mutator.below(good.size())];
        const std::string bytes = mutator.mutate(sample.bytes);
        const auto begun = std::chrono::steady_clock::now();
        const auto document = retrieval::extractor::parseDocument(
            {.bytes = bytes, .fileName = sample.name, .password = {}}, nullptr);
        if (document) {
            ++nRead;
            expectSound(*document);
        } else {
            EXPECT_FALSE(document.error().detail.empty());
            EXPECT_NE(document.error().code, ErrorCode::Internal) << document.error().detail;
        }
        ASSERT_LT(std::chrono::steady_clock::now() - begun, test::kHangLimit);
        if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_GT(nRead, size / 4) << "the campaign hardly gets past the door";
}

TEST(DocumentCampaign, AnyQueryIsSearchedFor) {
    const std::vector<Sample> good = samples();
    for (int number = 0; number < test::campaignSize(10'000); ++number) {
        test::Mutator mutator(static_cast<std::uint64_t>(number),
                              {"\"", "*", "NEAR(", " OR ", "-", ":"});
        const Sample& sample = good[mutator.below(good.size())];
        const std::size_t start = mutator.below(sample.bytes.size());
        const std::string query = mutator.mutate(sample.bytes.substr(start, 200));
        for (const std::string& term : retrieval::queryTerms(toValidUtf8(query))) {
            EXPECT_FALSE(term.empty());
        }
        for (const std::string& term : retrieval::queryTerms(query)) EXPECT_FALSE(term.empty());
    }
}

TEST(DocumentCampaign, AnyAnswerIsCheckedAgainstItsPassages) {
    const std::vector<Sample> good = samples();
    for (int number = 0; number < test::campaignSize(10'000); ++number) {
        test::Mutator mutator(static_cast<std::uint64_t>(number),
                              {"[1]", "[2]", "[99999999999999999999]", "[-1]", "[", "]", "[1"});
        std::vector<retrieval::Passage> passages(1 + mutator.below(3));
        for (std::size_t i = 0; i < passages.size(); ++i) {
            passages[i].number = static_cast<int>(i) + 1;
            const Sample& sample = good[mutator.below(good.size())];
            passages[i].text = toValidUtf8(sample.bytes.substr(0, 400));
            passages[i].endByte = passages[i].text.size();
        }
        const std::string answer = toValidUtf8(mutator.mutate(passages.front().text + " [1]"));
        for (const retrieval::Citation& citation : retrieval::checkCitations(answer, passages)) {
            EXPECT_LT(citation.answerStart, citation.answerEnd);
            EXPECT_LE(citation.answerEnd, answer.size());
            EXPECT_LE(citation.quoteStart, citation.quoteEnd);
            EXPECT_TRUE(isValidUtf8(citation.quote));
            EXPECT_TRUE(!citation.supported || !citation.quote.empty());
        }
        EXPECT_FALSE(retrieval::buildPrompt(answer, passages).empty());
    }
}

}  // namespace
}  // namespace conclave
