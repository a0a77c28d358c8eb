// What a model wrote and may not be shown, and text as a person reads it.
#include "app/services/answer_quality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/passage_list.h"
#include "app/services/services.h"

namespace conclave::services {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(AnswerQuality, LeavesOutWhatIsNoCharacter) {
    EXPECT_EQ(withoutBrokenCharacters("M\uFFFDrz \uFFFD\uFFFD"), "Mrz ");
    EXPECT_EQ(withoutBrokenCharacters("März 住宿"), "März 住宿");
    EXPECT_EQ(withoutBrokenCharacters(""), "");
}

TEST(AnswerQuality, SeesThatAModelIsLost) {
    std::string table;
    for (int i = 0; i < 6; ++i) table += "120 euros | 54 euros Germany | ";
    EXPECT_TRUE(isDegenerate(table));
    EXPECT_TRUE(isDegenerate(
        "the the release the the release the the release the the release the the release"));
    for (const char* text :
         {"The spare keys are kept by Marta Veldhuis. [1]", "ja ja ja ja ja", "",
          "- Anna: 12\n- Ben: 14\n- Carl: 15\n- Dora: 16\n- Emil: 17\n- Fred: 18\n- Gina: 19",
          "Reports must be handed in within 30 days. Receipts must be handed in within 60 days. "
          "Invoices must be paid within 90 days of the day on which they came in.",
          "出差住宿的最高限额是每晚四百元，超过的部分由员工自己承担，特殊情况需要部门经理批准。"}) {
        EXPECT_FALSE(isDegenerate(text)) << text;
    }
}

TEST(AnswerQuality, SeesWhichPassageSaysMoreOfTheQuestion) {
    StoredPassage manual;
    manual.title = "Aurelia manual";
    manual.text = "Error E-14 means that paper is jammed in the rear.";
    StoredPassage guide;
    guide.text = "Supported means that the passage contains what the sentence says.";
    const std::vector<StoredPassage> passages{guide, manual};
    EXPECT_DOUBLE_EQ(shareOfQuestion("What does error E-14 mean?", manual, passages), 1.0);
    EXPECT_LT(shareOfQuestion("What does error E-14 mean?", guide, passages), 0.6);
    EXPECT_DOUBLE_EQ(shareOfQuestion("Zebra?", guide, passages), 1.0);
}

TEST(AnswerQuality, KnowsARefusal) {
    EXPECT_TRUE(isRefusal("I could not find that in your documents."));
    EXPECT_TRUE(isRefusal("The documents do not say it."));
    EXPECT_TRUE(isRefusal("文档中没有提到这一点。"));
    EXPECT_FALSE(isRefusal("The keys are kept by Marta. [1]"));
    EXPECT_FALSE(isRefusal("The documents do not say who keeps the keys, but they say that " +
                           std::string(200, 'x')));
}

TEST(ReadableText, LeavesOutTheMarksOfMarkdown) {
    const auto read = [](std::string_view source) { return readableText(source, "a.md").text; };
    EXPECT_EQ(read("## Keys\n\nKept by **Marta** and *Ben* in `box_1`."),
              "Keys\n\nKept by Marta and Ben in box_1.");
    EXPECT_EQ(read("| Country | Rate |\n| --- | ---: |\n| Germany | **120** euros |\n"),
              "Country · Rate\nGermany · 120 euros\n");
    EXPECT_EQ(read("- one\n- [x] two\n> said\n"), "• one\n☑ two\nsaid\n");
    EXPECT_EQ(read("See [the guide](guide.md) and <https://a.example/b>, ![plan](p.png)."),
              "See the guide and https://a.example/b, plan.");
    EXPECT_EQ(read("```\na | b **c**\n```\n"), "a | b **c**\n");
    EXPECT_EQ(read("2 * 3 * 4, snake_case_name, \\*not\\*, a [1] mark, **open"),
              "2 * 3 * 4, snake_case_name, *not*, a [1] mark, **open");
    EXPECT_EQ(read("Title\n=====\ntext\n\n---\n"), "Title\ntext\n\n");
}

TEST(ReadableText, LeavesOtherTextsAsTheyAre) {
    const std::string code = "# run **this** | that\n- x\n";
    EXPECT_EQ(readableText(code, "a.sh").text, code);
    EXPECT_EQ(readableText(code, "a.txt").text, code);
    EXPECT_EQ(readableText("Name | Age\nAnna | 12", "a.docx").text, "Name · Age\nAnna · 12");
}

TEST(ReadableText, KnowsTheWayBackForEveryByteThatStandsInBoth) {
    const std::string source =
        "# Büro\n\n- **Größe**: 12 m²\n| a | *b* |\n|---|---|\n| 住宿 | `400` |\n[x](y) end";
    const ReadableText readable = readableText(source, "notes.md");
    std::size_t nSame = 0;
    for (const ReadableText::Piece& piece : readable.pieces) {
        EXPECT_EQ(readable.text.substr(piece.plain, piece.size),
                  source.substr(piece.source, piece.size));
        for (std::size_t i = 0; i < piece.size; ++i) {
            EXPECT_EQ(readable.toSource(piece.plain + i), piece.source + i);
            EXPECT_EQ(readable.fromSource(piece.source + i), piece.plain + i);
            ++nSame;
        }
    }
    EXPECT_GT(nSame, 40U);
    EXPECT_LE(readable.fromSource(source.size()), readable.text.size());
    EXPECT_LE(readable.toSource(readable.text.size()), source.size());
}

TEST(ReadableText, SnippetsAreWholeSentencesAroundTheWords) {
    const std::string passage =
        "The office opens at 8:30. Lunch is at noon.\n\nThe spare keys are kept by Marta. The gate "
        "closes at nine.";
    const std::string snippet = snippetOf("Who keeps the spare keys?", passage, "a.txt", 40);
    EXPECT_EQ(snippet, "… The spare keys are kept by Marta. …");
    const std::string all = snippetOf("Who keeps the spare keys?", passage, "a.txt", 400);
    EXPECT_THAT(all, HasSubstr("The gate closes at nine."));
    std::string longSentence = "alpha";
    for (int i = 0; i < 100; ++i) longSentence += " filler" + std::to_string(i);
    longSentence += " the spare keys hang here";
    const std::string cut = snippetOf("spare keys", longSentence, "a.txt", 60);
    EXPECT_THAT(cut, HasSubstr("spare keys"));
    EXPECT_THAT(cut, testing::MatchesRegex("… filler[0-9]+ .*"));
}

TEST(PassageList, QuotesExactlyWhatItShows) {
    StoredPassage passage;
    passage.path = "/docs/rates.md";
    passage.startByte = 100;
    passage.text = "# Rates\n\n| Germany | 120 euros |\n\nHotels must be booked early.";
    passage.endByte = passage.startByte + passage.text.size();
    passage.score = 1.0;
    StoredPassage far = passage;
    far.score = 0.2;
    const PassageList list = listPassages("What is the rate for Germany?", "Look:", {passage, far});
    ASSERT_EQ(list.passages.size(), 1U);
    ASSERT_EQ(list.citations.size(), 1U);
    const StoredCitation& citation = list.citations.front();
    EXPECT_EQ(list.text.substr(citation.answerStart, citation.answerEnd - citation.answerStart),
              "[1]");
    EXPECT_EQ(passage.text.substr(citation.quoteStart - passage.startByte,
                                  citation.quoteEnd - citation.quoteStart),
              citation.quote);
    EXPECT_THAT(list.text, HasSubstr("Germany · 120 euros"));
    EXPECT_THAT(list.text, Not(HasSubstr("|")));
}

TEST(PassageList, WhatADocumentSaysIsNoMarkOfTheAnswer) {
    EXPECT_EQ(listLine("See [1] and [23], **not** a_b `c` <d>.", "a.txt"),
              "See [\u20601] and [\u206023], \\*\\*not\\*\\* a\\_b \\`c\\` \\<d>.");
    EXPECT_EQ(listLine("* item", "a.txt"), "\\* item");
    EXPECT_EQ(listLine("# no heading", "a.txt"), "\\# no heading");
    EXPECT_EQ(listLine("3. Push it in.", "a.txt"), "3\\. Push it in.");
    for (const char* source :
         {"See [1], **not** a_b `c` <d> \\ ~x~.", "* item", "3. Push", "a[x] | b"}) {
        EXPECT_EQ(withoutEscapes(listLine(source, "a.txt")), source);
    }
    StoredPassage passage;
    passage.path = "/docs/a.txt";
    passage.text = "It is said [2] so.";
    passage.score = 1.0;
    const PassageList list = listPassages("What is said?", "Look:", {passage});
    EXPECT_EQ(retrieval::checkCitations(list.text, {}).size(), 1U) << list.text;
}

TEST(PassageList, APagesHeadIsShownOnlyIfNothingElseIsThere) {
    StoredPassage head;
    head.path = "/docs/faq.pdf";
    head.text = "THE DEBIAN ARCHIVES 6.3. WHAT ABOUT SID";
    head.score = 1.0;
    StoredPassage body = head;
    body.text = "Debian is a free operating system.";
    const PassageList both = listPassages("What is Debian?", "Look:", {head, body});
    ASSERT_EQ(both.passages.size(), 1U);
    EXPECT_EQ(both.passages[0].text, body.text);
    EXPECT_EQ(listPassages("What is Debian?", "Look:", {head}).passages.size(), 1U);
    head.path = "/docs/archive.cpp";  // lines of code need no verb
    EXPECT_EQ(listPassages("What is Debian?", "Look:", {head, body}).passages.size(), 2U);
}

TEST(PassageList, HeadingsAndRowsAreSetApart) {
    EXPECT_EQ(listLine("# Insurance\nEvery trip is insured.\n\nCall us.", "a.md"),
              "Insurance — Every trip is insured. Call us.");
    EXPECT_EQ(listLine("TONER AND DRUM\n\nThe printer takes\nAT-310X.", "a.pdf"),
              "TONER AND DRUM — The printer takes AT-310X.");
    EXPECT_EQ(
        listLine("Service and warranty\nThe warranty of the Aurelia 310 lasts three years. The "
                 "service is\nopen. Call\nMarta in the office when it is not open at all.",
                 "a.pdf"),
        "Service and warranty — The warranty of the Aurelia 310 lasts three years. The service "
        "is open. Call Marta in the office when it is not open at all.");
    EXPECT_EQ(listLine("The keys are kept by\nMarta Veldhuis, who is there on each working day.",
                       "a.pdf"),
              "The keys are kept by Marta Veldhuis, who is there on each working day.");
    EXPECT_EQ(listLine("Rates:\n\nNorway | 140\nGermany | 120\n\nBook early.", "a.html"),
              "Rates: Norway · 140; Germany · 120 — Book early.");
}

}  // namespace
}  // namespace conclave::services
