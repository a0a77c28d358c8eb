#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "retrieval/characters.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

ExtractedDocument markdown(const std::string& text) {
    auto document =
        extractor::parseDocument({.bytes = text, .fileName = "test.md", .password = {}}, nullptr);
    EXPECT_TRUE(document);
    return *document;
}

std::string textOf(const ExtractedDocument& document, const ChunkSpan& chunk) {
    for (const ExtractedPage& page : document.pages) {
        if (page.number == chunk.page) {
            return page.text.substr(chunk.startByte, chunk.endByte - chunk.startByte);
        }
    }
    return {};
}

bool isBoundary(const std::string& text, std::size_t at) {
    return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
}

/// What must hold for every document.
void checkChunks(const ExtractedDocument& document, const ChunkOptions& options) {
    const auto chunks = chunkDocument(document, options);
    for (const ExtractedPage& page : document.pages) {
        std::vector<int> covered(page.text.size() + 1, 0);
        std::size_t lastStart = 0;
        std::size_t lastEnd = 0;
        for (const ChunkSpan& chunk : chunks) {
            if (chunk.page != page.number) continue;
            ASSERT_LT(chunk.startByte, chunk.endByte);
            ASSERT_LE(chunk.endByte, page.text.size());
            ASSERT_TRUE(isBoundary(page.text, chunk.startByte));
            ASSERT_TRUE(isBoundary(page.text, chunk.endByte));
            ASSERT_GE(chunk.startByte, lastStart);
            ASSERT_GT(chunk.endByte, lastEnd);
            const std::string text = textOf(document, chunk);
            std::size_t nCjk = 0;
            std::size_t nVisible = 0;
            for (std::size_t i = 0; i < text.size();) {
                const char32_t c = nextCodePoint(text, i);
                if (isSpace(c)) continue;
                ++nVisible;
                if (isCjk(c)) ++nCjk;
            }
            ASSERT_GT(nVisible, 0U) << "never empty";
            const std::size_t limit =
                2 * nCjk > nVisible ? options.maxCjkCharacters : options.maxCharacters;
            ASSERT_LE(countCodePoints(text), limit);
            // An overlap is short and never all of a chunk.
            if (chunk.startByte < lastEnd) {
                ASSERT_LE(
                    countCodePoints(page.text.substr(chunk.startByte, lastEnd - chunk.startByte)),
                    options.maxCharacters / 5);
            }
            for (std::size_t i = chunk.startByte; i < chunk.endByte; ++i) ++covered[i];
            lastStart = chunk.startByte;
            lastEnd = chunk.endByte;
        }
        for (std::size_t i = 0; i < page.text.size();) {
            const std::size_t at = i;
            const char32_t c = nextCodePoint(page.text, i);
            if (!isSpace(c)) {
                ASSERT_GE(covered[at], 1) << "byte " << at << " is in no chunk";
            }
            ASSERT_LE(covered[at], 2);
        }
    }
}

TEST(Chunker, MergesParagraphsUpToTheLimit) {
    const auto document = markdown("One.\n\nTwo.\n\nThree.\n");
    const auto chunks = chunkDocument(document);
    ASSERT_EQ(chunks.size(), 1U);
    EXPECT_EQ(textOf(document, chunks[0]), "One.\n\nTwo.\n\nThree.");
}

TEST(Chunker, NeverMergesAcrossHeadingsAndNamesThePath) {
    const auto document = markdown(
        "# Policy\n\nIntro.\n\n## Hotels\n\nFive nights.\n\n## *Trains*\n\nSecond class.\n");
    const auto chunks = chunkDocument(document);
    ASSERT_EQ(chunks.size(), 3U);
    EXPECT_EQ(chunks[0].heading, "Policy");
    EXPECT_EQ(chunks[1].heading, "Policy > Hotels");
    EXPECT_EQ(chunks[2].heading, "Policy > Trains");
    EXPECT_EQ(textOf(document, chunks[1]), "## Hotels\n\nFive nights.");
}

TEST(Chunker, AHeadingIsNeverAlone) {
    const std::string body(990, 'x');
    const auto document = markdown("# A\n\n## B\n\n### A rather long heading\n\n" + body + "\n");
    const auto chunks = chunkDocument(document);
    ASSERT_FALSE(chunks.empty());
    EXPECT_EQ(textOf(document, chunks[0]).rfind("# A", 0), 0U);
    EXPECT_NE(textOf(document, chunks[0]).find("xxx"), std::string::npos);
    EXPECT_EQ(chunks[0].heading, "A > B > A rather long heading");
    checkChunks(document, {});
}

TEST(Chunker, ABareHeadingGoesWithWhatFollowsWhateverItsLevel) {
    const auto document = markdown("# A\n\n## Empty\n\n## B\n\nText of B.\n\n## Last\n");
    const auto chunks = chunkDocument(document);
    ASSERT_EQ(chunks.size(), 2U);
    EXPECT_EQ(textOf(document, chunks[0]), "# A\n\n## Empty\n\n## B\n\nText of B.");
    EXPECT_EQ(chunks[0].heading, "A > B");
    EXPECT_EQ(textOf(document, chunks[1]), "## Last") << "nothing follows";
    checkChunks(document, {});
}

/// A document of such pages, and the lines in them that are headings.
ExtractedDocument paged(const std::vector<std::string>& pages,
                        const std::vector<std::pair<int, std::string>>& headings = {}) {
    ExtractedDocument document;
    document.mime = "application/pdf";
    document.title = "Manual";
    for (const std::string& text : pages) {
        document.pages.push_back({static_cast<int>(document.pages.size()) + 1, text});
    }
    for (const auto& [page, words] : headings) {
        const std::string& text = document.pages[static_cast<std::size_t>(page) - 1].text;
        const std::size_t start = text.find(words);
        document.headings.push_back({page, start, start + words.size(), 1});
    }
    return document;
}

std::vector<std::string> textsOf(const ExtractedDocument& document) {
    std::vector<std::string> texts;
    for (const ChunkSpan& chunk : chunkDocument(document)) {
        texts.push_back(textOf(document, chunk));
    }
    return texts;
}

TEST(Chunker, RunningHeadsAndFeetAreInTheFirstPagesChunkAlone) {
    const auto document = paged({"THE MANUAL vi\nOne is said here.\nDraft of May\n",
                                 "THE MANUAL  vii\nTwo is said here.\nDraft of May\n",
                                 "THE MANUAL viii\nDraft of May\n",
                                 "1 THE MANUAL\nThree is said here.\nDraft of May\n",
                                 "2 THE MANUAL\nFour is said here.\nDraft of May\n",
                                 "3 THE MANUAL\nFive is said here.\nDraft of May\n"});
    EXPECT_EQ(textsOf(document),
              (std::vector<std::string>{"THE MANUAL vi\nOne is said here.\nDraft of May",
                                        "Two is said here.", "1 THE MANUAL\nThree is said here.",
                                        "Four is said here.", "Five is said here."}));
    const auto chunks = chunkDocument(document);
    EXPECT_EQ(chunks[1].page, 2);
    EXPECT_EQ(chunks[1].startByte, 16U);
    EXPECT_EQ(chunks[1].endByte, 33U);
}

TEST(Chunker, LinesThatAFewPagesShareAndHeadingsAreNoRunningHeads) {
    const std::vector<std::string> two = {"Same\nOne.\n", "Same\nTwo.\n", "Other\nThree.\n"};
    EXPECT_EQ(textsOf(paged(two)),
              (std::vector<std::string>{"Same\nOne.", "Same\nTwo.", "Other\nThree."}));
    const std::vector<std::string> questions = {"Question 1\nOne?\n", "Question 2\nTwo?\n",
                                                "Question 3\nThree?\n"};
    EXPECT_EQ(
        textsOf(paged(questions, {{1, "Question 1"}, {2, "Question 2"}, {3, "Question 3"}})),
        (std::vector<std::string>{"Question 1\nOne?", "Question 2\nTwo?", "Question 3\nThree?"}));
}

TEST(Chunker, AHeadingAtAPagesFootIsLeftToTheNextPage) {
    const auto document =
        paged({"Words of before.\nHotels\n", "Five nights.\nTrains\n", "Fares\nSecond class.\n"},
              {{1, "Hotels"}, {2, "Trains"}, {3, "Fares"}});
    EXPECT_EQ(textsOf(document), (std::vector<std::string>{"Words of before.", "Five nights.",
                                                           "Trains", "Fares\nSecond class."}));
    EXPECT_EQ(chunkDocument(document)[1].heading, "Manual > Hotels");
}

TEST(Chunker, ALabelAboveAPagesFirstHeadingGoesWithIt) {
    EXPECT_EQ(
        textsOf(paged({"Chapter 7\nLocks\nOf iron.\n", "Its end.\nDoors\nOf oak.\n"},
                      {{1, "Locks"}, {2, "Doors"}})),
        (std::vector<std::string>{"Chapter 7\nLocks\nOf iron.", "Its end.", "Doors\nOf oak."}));
}

const std::string kContents =
    "1 Definitions 1\n"
    "1.1 What is a spare key? . . . . . . . . . . 1\n"
    "1.2 Who keeps the spare keys of a house that\n"
    "nobody lives in? . . . . . . . . . . . . . . 3\n"
    "2 Locks ...... 17\n"
    "2.1 Doors\u2026\u2026 xx\n";

TEST(Chunker, ATableOfContentsIsAChunkOfItsOwn) {
    const std::string prose(200, 'p');
    const auto document = paged({"CONTENTS\n" + kContents + prose + "\n"});
    EXPECT_EQ(textsOf(document),
              (std::vector<std::string>{"CONTENTS\n" + kContents.substr(0, kContents.size() - 1),
                                        prose}));
    EXPECT_TRUE(isContents("CONTENTS\n" + kContents));
    EXPECT_FALSE(isContents(prose));
    EXPECT_FALSE(isContents(prose + "\n" + kContents.substr(0, 60)));
    EXPECT_FALSE(isContents("Soup ...... 12\nSalmon ...... 30\nBread ...... 3\nTea ...... 2\n"))
        << "a menu";
    EXPECT_FALSE(isContents("He waited... and waited... for 3\nyears... and 4\n"));
}

TEST(Chunker, WordsOfATableOfContentsCountLittle) {
    const ChunkTerms plain = chunkTerms("", "keys keys keys");
    EXPECT_EQ(plain.keys.size(), 3U);
    EXPECT_EQ(plain.length, 3U);
    const std::string text = "keys ..... 1\nkeys ..... 2\n";
    const ChunkTerms contents = chunkTerms("", text);
    EXPECT_EQ(contents.keys.size(), 3U) << "keys, 1 and 2";
    EXPECT_EQ(contents.length, 16U);
}

TEST(Chunker, SplitsLongParagraphsAtSentences) {
    std::string text;
    for (int i = 0; i < 100; ++i) {
        text += "Sentence number " + std::to_string(i) + " of Dr. Smith is about e.g. nothing. ";
    }
    const auto document = markdown(text);
    const auto chunks = chunkDocument(document);
    ASSERT_GT(chunks.size(), 4U);
    for (const ChunkSpan& chunk : chunks) {
        const std::string piece = textOf(document, chunk);
        EXPECT_EQ(piece.rfind("Sentence", 0), 0U) << piece;
        EXPECT_TRUE(piece.ends_with("nothing.")) << piece;
    }
    checkChunks(document, {});
}

TEST(Chunker, SplitsChineseAtItsOwnMarks) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "出差人员的住宿费每晚不超过五百元！需要经理批准。";
    const auto document = markdown(text);
    for (const ChunkSpan& chunk : chunkDocument(document)) {
        EXPECT_TRUE(textOf(document, chunk).ends_with("。") ||
                    textOf(document, chunk).ends_with("！"));
    }
    checkChunks(document, {});
}

TEST(Chunker, PagesAreSeparate) {
    ExtractedDocument document;
    document.title = "T";
    document.pages = {{1, "first page"}, {2, "   \n"}, {3, "third page"}};
    const auto chunks = chunkDocument(document);
    ASSERT_EQ(chunks.size(), 2U);
    EXPECT_EQ(chunks[1].page, 3);
}

TEST(Chunker, IgnoresHeadingsThatLie) {
    ExtractedDocument document;
    document.pages = {{1, "住宿 abc"}};
    document.headings = {{1, 1, 2, 1}, {1, 5, 999, 1}, {9, 0, 1, 1}, {1, 3, 3, 1}};
    checkChunks(document, {});
    EXPECT_EQ(chunkDocument(document).size(), 1U);
}

TEST(Chunker, HoldsItsPromisesOnRandomDocuments) {
    std::mt19937 random(2024);
    const std::vector<std::string> pieces{"word ",
                                          "Sentence. ",
                                          "\n",
                                          "\n\n",
                                          "# Head\n",
                                          "## Deeper\n\n",
                                          "- item\n",
                                          "| a | b |\n",
                                          "住宿",
                                          "。",
                                          "！",
                                          "？",
                                          "日本語テキスト、",
                                          "a\tb\n",
                                          "e.g. ",
                                          "\r\n",
                                          "    ",
                                          "\u3000",
                                          "e\u0301",
                                          "😀",
                                          "1. first\n",
                                          "Title\n=====\n",
                                          std::string(300, 'y'),
                                          "“Quote.” ",
                                          "한국어 "};
    std::uniform_int_distribution<std::size_t> pick(0, pieces.size() - 1);
    std::uniform_int_distribution<int> length(0, 400);
    for (int round = 0; round < 300; ++round) {
        std::string text;
        for (int i = length(random); i > 0; --i) text += pieces[pick(random)];
        const auto document = markdown(text);
        ChunkOptions options;
        if (round % 3 == 1) options = {.maxCharacters = 120, .maxCjkCharacters = 40};
        if (round % 3 == 2) options = {.maxCharacters = 30, .maxCjkCharacters = 10};
        checkChunks(document, options);
        if (HasFatalFailure()) {
            ADD_FAILURE() << "round " << round;
            return;
        }
    }
}

TEST(Chunker, ALineWithoutEndTakesLinearTime) {
    std::string text(std::size_t{4} << 20, 'x');
    const auto document = markdown(text);
    const auto start = std::chrono::steady_clock::now();
    const auto chunks = chunkDocument(document);
    EXPECT_EQ(chunks.size(), (text.size() + 999) / 1000);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace conclave::retrieval
