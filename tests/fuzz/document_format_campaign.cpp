// Damaged and hostile documents of every format that is read in this process; then what was read
// goes through chunking, analysis and the citation check, as it would in the program. PDF runs in
// the worker alone (tests/retrieval/pdf_test.cpp).
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "retrieval/document_json.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/retrieval.h"
#include "tests/fuzz/mutator.h"
#include "tests/support/office_samples.h"
#include "tests/support/sheet_samples.h"
#include "tests/support/slide_samples.h"
#include "tests/support/text_samples.h"
#include "tests/support/zip_writer.h"

namespace conclave::retrieval {
namespace {

using conclave::test::Mutator;

const std::string kMarkdown =
    "---\ntitle: t\n---\n# Travel policy\n\nEmployees may book *second class* trains. See [1].\n\n"
    "## Hotels\n\n| City | Limit |\n| --- | --- |\n| Berlin | 120 |\n\n- five nights\n- "
    "住宿费每晚不超过"
    "500元。\n\n```c\nint main(void) { return 0; }\n```\n\nSetext\n======\n\nLast words… "
    "“quoted.”\n";

const std::string kHtml =
    "<!DOCTYPE html><html><head><meta charset=utf-8><title>Page</title><style>p{}</style></head>"
    "<body><nav>menu</nav><main><h1>Head</h1><p style='display:none'>x</p><ol><li>one<li>two</ol>"
    "<table><tr><th>a<td>b<tr><td><table><tr><td>c</table></table><pre>  code\n</pre>"
    "<p hidden>no</p>住宿 &amp; &#x4f4f; &nbsp;<br></main></body></html>";

/// Markup that means something to one of the readers.
const std::vector<std::string> kWords{
    "<table>",
    "</table>",
    "<tr><td>",
    "<h1>",
    "</h1>",
    "<pre>",
    "<!--",
    "<![CDATA[",
    "]]>",
    "&#0;",
    "&#x10FFFF;",
    "<title>",
    "<svg>",
    "<w:p>",
    "</w:p>",
    "<w:tr>",
    "<w:tc>",
    "<text:p>",
    "<!DOCTYPE x [",
    "\xEF\xBB\xBF",
    "\xFF\xFE",
    "\xE4\xBD",
    "\u202E",
    "\u200D",
    "# ",
    "\n\n",
    "```",
    "[1, 2]",
    "。",
    "\xF0\x9F\x98\x80",
    std::string(1, '\0'),
    "| a | b |\n",
    "<row r=\"4294967295\">",
    "<c r=\"XFD1048576\" t=\"s\"><v>7</v></c>",
    "<mergeCell ref=\"A1:XFD1048576\"/>",
    " table:number-rows-repeated=\"99999999\"",
    "\"\"",
    ";",
    "=?utf-8?B?",
    "\n--inner\n",
    "\n\nFrom a\n",
    "{",
    "[",
    "\"a\":",
    "/*",
    "'",
    "====\n",
    "template <",
    "style='",
};

/// Everything that happens to a document after it is read.
void use(const Result<ExtractedDocument>& document) {
    if (!document) {
        ASSERT_FALSE(document.error().detail.empty());
        ASSERT_NE(document.error().code, ErrorCode::Internal);
        return;
    }
    for (const ExtractedPage& page : document->pages) {
        ASSERT_TRUE(isValidUtf8(page.text));
        std::size_t lastStart = 0;
        analyze(page.text, [&](std::string_view term, std::size_t start, std::size_t end) {
            ASSERT_FALSE(term.empty());
            ASSERT_LE(start, end);
            ASSERT_LE(end, page.text.size());
            lastStart = start;
        });
        ASSERT_LE(lastStart, page.text.size());
    }
    std::vector<Passage> passages;
    for (const ChunkSpan& chunk : chunkDocument(*document)) {
        ASSERT_LT(chunk.startByte, chunk.endByte);
        for (const ExtractedPage& page : document->pages) {
            if (page.number != chunk.page) continue;
            ASSERT_LE(chunk.endByte, page.text.size());
            Passage passage;
            passage.number = static_cast<int>(passages.size()) + 1;
            passage.text = page.text.substr(chunk.startByte, chunk.endByte - chunk.startByte);
            ASSERT_TRUE(isValidUtf8(passage.text));
            passages.push_back(std::move(passage));
        }
        if (passages.size() >= 5) break;
    }
    if (!passages.empty()) {
        static_cast<void>(buildPrompt("?", passages));
        static_cast<void>(checkCitations(passages.front().text + " [1] x [2,3]【4】", passages));
    }
    const auto back = documentFromJson(toJson(document));
    ASSERT_TRUE(back);
    ASSERT_EQ(back->pages.size(), document->pages.size());
}

void readOne(const std::string& bytes, const std::string& name, std::uint64_t seed) {
    const auto start = std::chrono::steady_clock::now();
    use(extractor::parseDocument({.bytes = bytes, .fileName = name, .password = {}}, nullptr));
    ASSERT_LT(std::chrono::steady_clock::now() - start, test::kHangLimit)
        << name << " of seed " << seed;
}

/// Damages the file as a whole.
void runCampaign(const std::string& good, const std::string& name, int size) {
    for (int i = 0; i < test::campaignSize(size); ++i) {
        const auto seed = static_cast<std::uint64_t>(i);
        Mutator mutator(seed, kWords);
        readOne(mutator.mutate(good), name, seed);
        if (testing::Test::HasFatalFailure()) {
            ADD_FAILURE() << name << ", seed " << seed;
            return;
        }
    }
}

/// Damages one part and packs it again, so that the damage gets past the checksum.
void runPartCampaign(const std::vector<std::pair<std::string, std::string>>& parts,
                     const std::string& name, int size) {
    for (int i = 0; i < test::campaignSize(size); ++i) {
        const auto seed = static_cast<std::uint64_t>(i);
        Mutator mutator(seed, kWords);
        auto damaged = parts;
        std::string& content = damaged[mutator.below(damaged.size())].second;
        content = mutator.mutate(content);
        readOne(test::makeZip(damaged), name, seed);
        if (testing::Test::HasFatalFailure()) {
            ADD_FAILURE() << name << ", seed " << seed;
            return;
        }
    }
}

TEST(DocumentFormatCampaign, Markdown) { runCampaign(kMarkdown, "a.md", 1500); }
TEST(DocumentFormatCampaign, Text) { runCampaign(kMarkdown, "a.txt", 1000); }
TEST(DocumentFormatCampaign, Html) { runCampaign(kHtml, "a.html", 2000); }
TEST(DocumentFormatCampaign, Docx) { runCampaign(test::docxSample(), "a.docx", 1000); }
TEST(DocumentFormatCampaign, Odt) { runCampaign(test::odtSample(), "a.odt", 500); }
TEST(DocumentFormatCampaign, Epub) { runCampaign(test::epubSample(), "a.epub", 500); }
TEST(DocumentFormatCampaign, DocxParts) { runPartCampaign(test::docxParts(), "a.docx", 1500); }
TEST(DocumentFormatCampaign, OdtParts) { runPartCampaign(test::odtParts(), "a.odt", 1000); }
TEST(DocumentFormatCampaign, EpubParts) { runPartCampaign(test::epubParts(), "a.epub", 1000); }

TEST(DocumentFormatCampaign, Csv) { runCampaign(test::kCsvSample, "a.csv", 1000); }
TEST(DocumentFormatCampaign, Xlsx) { runCampaign(test::xlsxSample(), "a.xlsx", 500); }
TEST(DocumentFormatCampaign, XlsxParts) { runPartCampaign(test::xlsxParts(), "a.xlsx", 1500); }
TEST(DocumentFormatCampaign, OdsParts) { runPartCampaign(test::odsParts(), "a.ods", 1500); }
TEST(DocumentFormatCampaign, PptxParts) { runPartCampaign(test::pptxParts(), "a.pptx", 1500); }
TEST(DocumentFormatCampaign, OdpParts) { runPartCampaign(test::odpParts(), "a.odp", 1000); }
TEST(DocumentFormatCampaign, Mail) { runCampaign(test::kMailSample, "a.eml", 1500); }
TEST(DocumentFormatCampaign, Mailbox) { runCampaign(test::kMboxSample, "a.mbox", 1000); }
TEST(DocumentFormatCampaign, Json) { runCampaign(test::kJsonSample, "a.json", 1000); }
TEST(DocumentFormatCampaign, JsonLines) { runCampaign(test::kJsonLinesSample, "a.jsonl", 500); }
TEST(DocumentFormatCampaign, Notebook) { runCampaign(test::kNotebookSample, "a.ipynb", 1000); }
TEST(DocumentFormatCampaign, Rst) { runCampaign(test::kRstSample, "a.rst", 1000); }
TEST(DocumentFormatCampaign, Braces) { runCampaign(test::kCppSample, "a.cpp", 1500); }
TEST(DocumentFormatCampaign, Indented) { runCampaign(test::kPythonSample, "a.py", 1000); }

TEST(DocumentFormatCampaign, WorkerReply) {
    ExtractedDocument document;
    document.mime = "text/plain";
    document.pages = {{1, "住宿 text"}, {2, "more"}};
    document.headings = {{1, 0, 6, 1}};
    const std::string good = toJson(document);
    for (int i = 0; i < test::campaignSize(1000); ++i) {
        Mutator mutator(static_cast<std::uint64_t>(i));
        const auto reply = documentFromJson(mutator.mutate(good));
        if (reply) static_cast<void>(chunkDocument(*reply));
    }
}

}  // namespace
}  // namespace conclave::retrieval
