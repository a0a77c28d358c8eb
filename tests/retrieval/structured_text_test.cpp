#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/text_samples.h"
#include "retrieval/extractor/code_definitions.h"
#include "tests/retrieval/parsed.h"

namespace conclave::retrieval::extractor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> headingsOf(const ExtractedDocument& document) {
    std::vector<std::string> found;
    for (const Heading& heading : document.headings) {
        found.push_back(
            std::to_string(heading.level) + " " +
            document.pages[0].text.substr(heading.startByte, heading.endByte - heading.startByte));
    }
    return found;
}

std::vector<std::string> headingsIn(const std::string& bytes, const std::string& name) {
    const auto document = parsed(bytes, name);
    EXPECT_TRUE(document) << document.error().detail;
    return document ? headingsOf(*document) : std::vector<std::string>{};
}

TEST(Json, GivesRecordsAsRows) {
    const auto document = parsed(test::kJsonSample, "a.json");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->pages.at(0).text,
              "title: Costs\ntotal: 120.50\nbig: 12345678901234567890123\ntags: a, b\n\n"
              "cities\n\nname: Berlin | limit: 120 | geo.lat: 52.5 | geo.lon: 13.4\n"
              "name: 東京 | open: true\n\nrules\n\nhotel.max: 5\nnote: ask first\n");
    EXPECT_THAT(headingsOf(*document), ElementsAre("1 cities", "1 rules"));
}

TEST(Json, LongRecordsGetALineForEachValue) {
    const std::string words(1000, 'w');
    const auto document = parsed("[{\"a\":\"" + words + "\",\"b\":1},{\"c\":2}]", "a.json");
    ASSERT_TRUE(document);
    EXPECT_EQ(document->pages[0].text, "a: " + words + "\nb: 1\n\nc: 2\n");
}

TEST(Json, DamagedFilesAreReadAsText) {
    const auto document = parsed("{\"a\": 1,", "a.json");
    ASSERT_TRUE(document);
    EXPECT_EQ(document->pages[0].text, "{\"a\": 1,");
    EXPECT_THAT(document->warnings, ElementsAre(HasSubstr("no JSON")));
}

TEST(Json, SurvivesHostileShapes) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(parsed(std::string(1'000'000, '['), "a.json"));
    const std::string deep = std::string(5000, '[') + std::string(5000, ']');
    EXPECT_THAT(parsed(deep, "a.json")->warnings, ElementsAre(HasSubstr("nested too deeply")));
    EXPECT_TRUE(parsed("[" + std::string(8'000'000, ',') + "]", "a.json"));
    // Long keys that would be repeated before each value.
    std::string values = "1";
    for (int i = 0; i < 200'000; ++i) values += ",{\"\":1}";
    const std::string key(1'000'000, 'k');
    EXPECT_EQ(parsed("[{\"" + key + "\":[" + values + "]}]", "a.json").error().code,
              ErrorCode::LimitExceeded);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(JsonLines, GivesALineForARecord) {
    const auto document = parsed(test::kJsonLinesSample, "a.jsonl");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->pages.at(0).text,
              "id: 1 | text: first line\nid: 2 | text: second\nnot json\n1, 2\n");
    EXPECT_THAT(document->warnings, ElementsAre(HasSubstr("1 lines are no JSON")));
}

TEST(Notebook, GivesCellsAndTheirOutput) {
    const auto document = parsed(test::kNotebookSample, "a.ipynb");
    ASSERT_TRUE(document) << document.error().detail;
    EXPECT_EQ(document->title, "Title");
    EXPECT_EQ(document->pages.at(0).text,
              "# Title\nwords\n\n# no heading\nprint(1)\n\n1\n<Figure>\nValueError: bad\n\n\n"
              "## Part\n\nmore\n");
    EXPECT_THAT(headingsOf(*document), ElementsAre("1 Title", "2 Part"));
    EXPECT_EQ(parsed("{\"a\":1}", "a.ipynb").error().code, ErrorCode::Corrupt);
    EXPECT_EQ(parsed("x", "a.ipynb").error().code, ErrorCode::Corrupt);
    for (const char* cells : {"5", "null", "\"words\"", "{\"a\":1}"}) {
        const auto bad = parsed(std::string("{\"cells\":") + cells + "}", "a.ipynb");
        ASSERT_FALSE(bad) << cells;
        EXPECT_EQ(bad.error().code, ErrorCode::Corrupt);
        EXPECT_THAT(bad.error().detail, HasSubstr("its cells are no list"));
    }
    EXPECT_TRUE(parsed("{\"cells\":[1,[],{\"source\":{\"a\":[]},\"cell_type\":[]}]}", "a.ipynb"));
}

TEST(Rst, FindsTitlesByTheirLines) {
    EXPECT_THAT(headingsIn(test::kRstSample, "a.rst"),
                ElementsAre("1 Guide", "2 Install", "3 Linux", "2 Use", "2 住宿费"));
    EXPECT_EQ(parsed(test::kRstSample, "a.rst")->title, "Guide");
}

TEST(Code, FindsDefinitionsBetweenBraces) {
    EXPECT_THAT(headingsIn(test::kCppSample, "a.cpp"),
                ElementsAre("1 foo", "1 make", "1 Bar", "2 Bar", "2 run", "1 Bar::go"));
    EXPECT_THAT(
        headingsIn("type T struct {\n a int\n}\nfunc (t *T) Do(x int) error {\n if x {\n}\n}\n"
                   "func Map[K any](f func(int) int) {\n}\n",
                   "a.go"),
        ElementsAre("1 T", "1 Do", "1 Map"));
    EXPECT_THAT(
        headingsIn("import {a} from 'b'\nexport class Bar extends Baz {\n  async get<T>(a: T)"
                   " {\n    it('x', () => {})\n  }\n}\nconst f = async (x) => {\n"
                   "  return `a${x}`\n}\n",
                   "a.ts"),
        ElementsAre("1 Bar", "2 get", "1 f"));
    EXPECT_THAT(headingsIn("#[derive(Debug)]\npub struct P<'a> { x: &'a str }\nimpl<'a> Show for "
                           "P<'a> {\n fn fmt(&self) -> Result<(), E> { Ok(()) }\n}\n",
                           "a.rs"),
                ElementsAre("1 P", "1 P", "2 fmt"));
    EXPECT_THAT(
        headingsIn("set -e\nname() {\n  cp ${a} b\n}\ncp ${x} \"it's\"\nfunction other {\n:\n}\n",
                   "a.sh"),
        ElementsAre("1 name", "1 other"));
}

TEST(Code, FindsDefinitionsByTheirWords) {
    EXPECT_THAT(headingsIn(test::kPythonSample, "a.py"), ElementsAre("1 f", "1 C", "2 m", "2 n"));
    EXPECT_THAT(
        headingsIn("CREATE TABLE IF NOT EXISTS public.users (\n id int\n);\nselect table;\n",
                   "a.sql"),
        ElementsAre("1 public.users"));
    EXPECT_THAT(headingsIn("module A\n  class B < C\n    def self.x; end\n  end\nend\n", "a.rb"),
                ElementsAre("1 A", "2 B", "3 self.x"));
}

TEST(Code, ChunksFollowDefinitionsAndKeepTheirComments) {
    const auto document = parsed(test::kPythonSample, "a.py");
    ASSERT_TRUE(document);
    bool found = false;
    for (const ChunkSpan& chunk : chunkDocument(*document)) {
        const std::string text =
            document->pages[0].text.substr(chunk.startByte, chunk.endByte - chunk.startByte);
        if (chunk.heading != "a > f") continue;
        found = true;
        EXPECT_TRUE(text.starts_with("# about f\n@deco\ndef f(a):")) << text;
    }
    EXPECT_TRUE(found);
}

TEST(Code, LongFunctionsAreCutBetweenLines) {
    std::string text = "int main() {\n";
    for (int i = 0; i < 200; ++i) text += "    call(" + std::to_string(i) + ").then(x. y);\n";
    const auto document = parsed(text + "}\n", "a.c");
    ASSERT_TRUE(document);
    for (const ChunkSpan& chunk : chunkDocument(*document)) {
        const char last = document->pages[0].text[chunk.endByte - 1];
        EXPECT_TRUE(last == ';' || last == '}') << last;
    }
}

TEST(Code, SurvivesHostileShapes) {
    const auto start = std::chrono::steady_clock::now();
    for (const char* name : {"a.cpp", "a.go", "a.py", "a.rs"}) {
        for (const std::string piece :
             {"{", "}", "(", "'", "\"", "\"\"\"", "R\"(", "/*", "#\\\n", "a<", "a<a<{", "def a\n",
              "class a{", "@a(", "struct ", "\n", "\n\n{"}) {
            std::string text;
            while (text.size() < 100'000) text += piece;
            EXPECT_TRUE(parsed(text, name)) << name << " " << piece;
        }
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace conclave::retrieval::extractor
