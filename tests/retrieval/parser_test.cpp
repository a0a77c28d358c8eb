#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/extractor/parser.h"

namespace conclave::retrieval::extractor {
namespace {

using namespace std::string_view_literals;
using testing::HasSubstr;
using testing::Not;

ExtractedDocument parse(std::string_view bytes, const std::string& name) {
    auto document = parseDocument({.bytes = bytes, .fileName = name, .password = {}}, nullptr);
    EXPECT_TRUE(document) << document.error().detail;
    return document ? *document : ExtractedDocument{};
}

std::string textOf(std::string_view bytes, const std::string& name) {
    const auto document = parse(bytes, name);
    return document.pages.empty() ? std::string() : document.pages.front().text;
}

TEST(TextParser, Utf8IsKeptExactly) {
    const std::string text = "first\r\n\tsecond  住宿\n\n\n  last \n";
    EXPECT_EQ(textOf(text, "a.txt"), text);
    EXPECT_EQ(textOf("\xEF\xBB\xBF" + text, "a.txt"), text);
    EXPECT_EQ(textOf(text, "a.md"), text);
    EXPECT_EQ(parse(text, "notes.txt").title, "notes");
    EXPECT_TRUE(parse(text, "a.txt").warnings.empty());
}

TEST(TextParser, ReadsOtherEncodings) {
    EXPECT_EQ(textOf("\xFF\xFEh\0i\0\n\0"sv, "a.txt"), "hi\n");
    EXPECT_EQ(textOf("h\0e\0l\0l\0o\0 \0y\0o\0u\0"sv, "a.txt"), "hello you");
    EXPECT_EQ(
        textOf("\xD7\xA1\xCB\xDE\xB7\xD1\xC3\xBF\xCD\xED\xB2\xBB\xB3\xAC\xB9\xFD\xCE\xE5\xB0\xD9"
               "\xD4\xAA\xA1\xA3\xB3\xF6\xB2\xEE\xC7\xB0\xD0\xEB\xBE\xAD\xBE\xAD\xC0\xED\xC5\xFA"
               "\xD7\xBC\xA1\xA3",
               "gbk.txt"),
        "住宿费每晚不超过五百元。出差前须经经理批准。");
}

TEST(TextParser, TakesHiddenCharactersOutAndSaysSo) {
    const auto document =
        parse("safe\u200B\u202E\U000E0041 text\n# نمی\u200Cخواهم 👩\u200D💻", "a.txt");
    EXPECT_EQ(document.pages[0].text, "safe text\n# نمی\u200Cخواهم 👩\u200D💻")
        << "joiners that a script needs stay";
    ASSERT_EQ(document.warnings.size(), 1U);
    EXPECT_THAT(document.warnings[0], HasSubstr("3 invisible"));
}

TEST(TextParser, WhatIsReadInThisProcessIsWhatTheWorkerGives) {
    const std::vector<std::string> plain = {
        "",
        "a",
        "first\r\n\tsecond  住宿\n\f\n  last \n",
        "café – “déjà vu” 東京 한국어 😀 Ω",
        std::string(5000, 'x') + "\n" + "é" + std::string(4999, '~') + "\v",
        "BM",
        "PK",
        "<html>"};
    for (const std::string& text : plain) {
        std::string bytes = text;
        const auto here = readPlainText("some/notes.v2.TXT", bytes);
        ASSERT_TRUE(here.has_value()) << text;
        const auto there = parse(text, "notes.v2.TXT");
        EXPECT_EQ(here->mime, there.mime);
        EXPECT_EQ(here->title, there.title);
        ASSERT_EQ(there.pages.size(), 1U);
        EXPECT_EQ(here->pages.at(0).text, there.pages[0].text);
        EXPECT_EQ(here->pages[0].number, there.pages[0].number);
        EXPECT_TRUE(there.headings.empty() && there.warnings.empty());
    }
}

TEST(TextParser, WhatIsNotPlainIsLeftToTheWorker) {
    const std::vector<std::string> others = {"\xEF\xBB\xBFmarked",
                                             "caf\xE9",
                                             "a\x01b",
                                             "a\x1B[0m",
                                             "a\x7F"
                                             "b",
                                             std::string("a\0b", 3),
                                             "\xED\xA0\x80",
                                             "zero\u200Bwidth",
                                             "soft\u2060joined",
                                             "\u202Eturned",
                                             "tag\U000E0041",
                                             "selector\uFE0F",
                                             "12345678\x1F"
                                             "12345678",
                                             "  %PDF-1.4",
                                             "RIFFxxxxWEBPVP8 ",
                                             "\xC2\x85",
                                             "\uFFFD",
                                             "\uFFFE"};
    for (const std::string& text : others) {
        std::string bytes = text;
        EXPECT_FALSE(readPlainText("notes.txt", bytes).has_value()) << text;
        EXPECT_EQ(bytes, text) << "as it was";
    }
    std::string bytes = "text";
    for (const char* name : {"a.md", "a.html", "a", "a.py", "txt", "a.csv"}) {
        EXPECT_FALSE(readPlainText(name, bytes).has_value()) << name;
    }
}

TEST(TextParser, RefusesBinaryData) {
    std::string bytes;
    for (int i = 0; i < 4096; ++i) bytes.push_back(static_cast<char>((i * 7919) % 251));
    const auto document =
        parseDocument({.bytes = bytes, .fileName = "a.txt", .password = {}}, nullptr);
    ASSERT_FALSE(document);
    EXPECT_EQ(document.error().code, ErrorCode::Unsupported);
}

TEST(MarkdownParser, FindsHeadings) {
    const std::string text =
        "---\ntitle: x\n---\n# Top #\n\ntext\n\nSetext\n---\n```\n# code\n```\n    # indented\n"
        "#nospace\n###### Deep\n\u200B## Hidden mark\n- item\n---\n";
    const auto document = parse(text, "a.md");
    std::vector<std::string> found;
    for (const Heading& heading : document.headings) {
        found.push_back(
            std::to_string(heading.level) + " " +
            document.pages[0].text.substr(heading.startByte, heading.endByte - heading.startByte));
    }
    EXPECT_THAT(found, testing::ElementsAre("1 Top", "2 Setext", "6 Deep"));
    EXPECT_EQ(document.title, "Top");
}

TEST(HtmlParser, GivesTextHeadingsListsAndTables) {
    const auto document = parse(
        "<!DOCTYPE html><html><head><title> My  page </title><style>p{}</style></head><body>"
        "<h1>Top <em>one</em></h1><p>Hello &amp; good\n  bye<br>next</p>"
        "<ul><li>a<li>b</ul><ol><li>x</li><li>y</li></ol>"
        "<table><tr><th>Name</th><th>Age</th></tr><tr><td><p>Ann</p></td><td>12</td></tr></table>"
        "<pre>int  a;\nint b;</pre><script>alert(1)</script></body></html>",
        "a.html");
    EXPECT_EQ(document.title, "My page");
    EXPECT_EQ(document.pages[0].text,
              "Top one\n\nHello & good bye\nnext\n\n- a\n- b\n\n1. x\n2. y\n\nName | Age\nAnn | "
              "12\n\nint  a;\nint b;\n");
    ASSERT_EQ(document.headings.size(), 1U);
    EXPECT_EQ(document.headings[0].startByte, 0U);
    EXPECT_EQ(document.headings[0].endByte, 7U);
}

TEST(HtmlParser, LeavesOutWhatIsHidden) {
    const auto document = parse(
        "<p>seen</p><p hidden>secret1</p><div style='DISPLAY : none'>secret2<p>secret3</p></div>"
        "<span style=\"font-size:0px\">secret4</span><p style='color:#FFF;background:white'>secret5"
        "</p><noscript>secret6</noscript><!-- secret7 --><p>end</p>",
        "a.html");
    EXPECT_EQ(document.pages[0].text, "seen\n\nend\n");
    EXPECT_THAT(document.warnings, testing::ElementsAre(HasSubstr("left out 35 characters")));
}

TEST(HtmlParser, LeavesOutWhatItsStyleSheetHides) {
    const auto document = parse(
        "<style>/* .seen{display:none} */ .h, p.note{display:none} @media "
        "print{.seen{display:none}}"
        "#x{visibility:hidden} .z{font-size:0} .big{font-size:12px} a .seen{display:none}</style>"
        "<p class='seen h2'>seen</p><p class='a h'>one</p><p class=note>two</p>"
        "<b class=note>bold</b><p id=x>three</p><div class=z>four <i class=big>five</i></div>",
        "a.html");
    EXPECT_EQ(document.pages[0].text, "seen\n\nbold\n\nfive\n");
    EXPECT_THAT(document.warnings, testing::ElementsAre(HasSubstr("left out 15 characters")));
    EXPECT_THAT(textOf("<p style='color:white'>white</p>", "a.html"), Not(HasSubstr("white")));
    EXPECT_THAT(textOf("<body bgcolor=navy><p style='color:white'>white</p>", "a.html"),
                HasSubstr("white"));
}

TEST(HtmlParser, RefusesAnElementOfEndlessAttributes) {
    std::string html = "<p";
    for (int i = 0; i < 500'000; ++i) html += " a" + std::to_string(i) + "=\"x\"";
    const auto document =
        parseDocument({.bytes = html + ">hi</p>", .fileName = "a.html", .password = {}}, nullptr);
    ASSERT_FALSE(document);
    EXPECT_EQ(document.error().code, ErrorCode::LimitExceeded);
    html = "<p title=\"";
    for (int i = 0; i < 5'000; ++i) html += "many words ";
    EXPECT_THAT(textOf(html + "\">hi</p><script>a<b ; " + html + "</script>", "a.html"),
                HasSubstr("hi"));
}

TEST(MarkdownParser, LeavesOutComments) {
    const auto document = parse(
        "# Top\n\n<!-- # secret -->\nseen `<!-- code -->`\n\n```\n<!-- fenced -->\n```\nend <!-- "
        "a\nb "
        "-->.\n\n<!-- open\nrest\n",
        "a.md");
    EXPECT_EQ(document.pages[0].text,
              "# Top\n\n\nseen `<!-- code -->`\n\n```\n<!-- fenced -->\n```\nend .\n\n");
    EXPECT_EQ(document.headings.size(), 1U);
    EXPECT_THAT(document.warnings, testing::ElementsAre(HasSubstr("a comment hides")));
}

TEST(TextParser, LeavesOutTheLinesBelowRstTitles) {
    const auto document =
        parse("=====\nDiary\n=====\n\nPlanting\n--------\n\nOn 12 May.\n", "a.rst");
    EXPECT_EQ(document.pages[0].text, "Diary\n\nPlanting\n\nOn 12 May.\n");
    ASSERT_EQ(document.headings.size(), 2U);
    EXPECT_EQ(document.pages[0].text.substr(document.headings[1].startByte, 8), "Planting");
    EXPECT_EQ(document.title, "Diary");
}

TEST(TextParser, ToleratesAStrayNul) {
    EXPECT_EQ(textOf(std::string("The gate opens\0 at nine.\n", 26), "a.txt"),
              "The gate opens at nine.\n");
}

TEST(HtmlParser, DropsNavigationOnlyBesideAMainPart) {
    EXPECT_THAT(textOf("<nav>menu</nav><main>text</main>", "a.html"), Not(HasSubstr("menu")));
    EXPECT_THAT(textOf("<nav>menu</nav><p>text</p>", "a.html"), HasSubstr("menu"));
}

TEST(HtmlParser, DecodesByContentBeforeDeclaration) {
    EXPECT_THAT(textOf("<meta charset=\"iso-8859-1\"><p>住宿</p>", "a.html"), HasSubstr("住宿"));
    EXPECT_THAT(textOf("<meta charset=\"windows-1251\"><p>\xEA\xED</p>", "a.html"),
                HasSubstr("кн"));
}

TEST(HtmlParser, SurvivesDeepNesting) {
    std::string html;
    for (int i = 0; i < 50'000; ++i) html += "<div>";
    EXPECT_THAT(textOf(html + "deep", "a.html"), HasSubstr("deep"));
    for (int i = 0; i < 60'000; ++i) html += "<b>";
    const auto document =
        parseDocument({.bytes = html, .fileName = "a.html", .password = {}}, nullptr);
    ASSERT_FALSE(document);
    EXPECT_EQ(document.error().code, ErrorCode::LimitExceeded);
}

}  // namespace
}  // namespace conclave::retrieval::extractor
