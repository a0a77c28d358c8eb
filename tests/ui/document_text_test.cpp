// Documents as they are read: without marks, and with every place found again.
#include <gtest/gtest.h>

#include <QTextBlock>
#include <QTextDocument>

#include "ui/markdown/document_text.h"

namespace conclave::ui {
namespace {

constexpr auto kPolicy =
    "# Travel policy\n\nA night may cost **140 euros** in *Europe*, see [the\nlist](https://a.b/c) "
    "and `form T-7`.\n\n- first item\n  goes on\n- [x] done\n\n| Place | Euros |\n| --- | ---: |\n"
    "| Paris | 140 |\n| 北京住宿 | 90 \\| 95 |\n\n> quoted\n\n```\ncode | here\n```\n";

class DocumentTextTest : public ::testing::Test {
protected:
    void write(const std::string& text, Markup markup) {
        m_source = text;
        m_text.write(m_document, text, markup);
    }
    /// What is seen of the first `words` in the source.
    std::string seen(const std::string& words) {
        const std::size_t start = m_source.find(words);
        EXPECT_NE(start, std::string::npos) << words;
        QStringList parts;
        for (const QTextCursor& cursor : m_text.find(m_document, start, start + words.size())) {
            parts << cursor.selectedText();
        }
        return parts.join("/").toStdString();
    }

    std::string m_source;
    QTextDocument m_document;
    DocumentText m_text;
};

TEST_F(DocumentTextTest, MarkdownLosesItsMarks) {
    write(kPolicy, Markup::Markdown);
    const std::string shown = m_document.toPlainText().toStdString();
    EXPECT_NE(shown.find("A night may cost 140 euros in Europe, see the list and form T-7."),
              std::string::npos)
        << shown;
    for (const char* mark : {"**", "](", "| ---", "# Travel", "```", "> q", "\\|"}) {
        EXPECT_EQ(shown.find(mark), std::string::npos) << mark << " in\n" << shown;
    }
    EXPECT_NE(shown.find("90 | 95"), std::string::npos);
    EXPECT_NE(shown.find("☑"), std::string::npos);
    EXPECT_NE(shown.find("code | here"), std::string::npos);
}

TEST_F(DocumentTextTest, PlacesAreFoundThroughTheMarks) {
    write(kPolicy, Markup::Markdown);
    EXPECT_EQ(seen("cost **140 euros** in *Europe*"), "cost 140 euros in Europe");
    EXPECT_EQ(seen("40 eur"), "40 eur");
    EXPECT_EQ(seen("[the\nlist](https://a.b/c) and"), "the list and");
    EXPECT_EQ(seen("first item\n  goes"), "first item goes");
    EXPECT_EQ(seen("| Paris | 140 |\n| 北京住宿 |"), "Paris/140/北京住宿");
    EXPECT_EQ(seen("京住"), "京住");
    EXPECT_EQ(seen("https"), "");  // not to be seen, so not to be marked
    EXPECT_EQ(seen("Travel policy"), "Travel policy");
}

TEST_F(DocumentTextTest, RowsOfOfficeFilesBecomeATable) {
    write("Prices\n\nRoom | Price\nSingle | 90\nDouble | 140\n\nAsk us | or call.\n",
          Markup::Tables);
    EXPECT_EQ(seen("Single | 90"), "Single/90");
    EXPECT_EQ(m_document.toPlainText().count('|'), 1);  // one line is no table
    EXPECT_EQ(seen("Ask us | or"), "Ask us | or");
}

TEST_F(DocumentTextTest, WhatIsWrittenFromTheRightIsIndentedThere) {
    write("- \u05d9\u05d9\u05df\n- wine\n", Markup::Markdown);
    const QTextBlock hebrew = m_document.begin();
    EXPECT_EQ(hebrew.textDirection(), Qt::RightToLeft);
    EXPECT_EQ(hebrew.blockFormat().leftMargin(), 0);
    EXPECT_GT(hebrew.blockFormat().rightMargin(), 0);
    EXPECT_GT(hebrew.next().blockFormat().leftMargin(), 0);
    EXPECT_EQ(hebrew.next().blockFormat().rightMargin(), 0);
}

TEST_F(DocumentTextTest, PlainTextStaysAsItIs) {
    const std::string code =
        "#include <x>\r\nint a = b * c * d; // a_b_c **no**\n\n  | x |\n| y |\n";
    write(code, Markup::None);
    QString expected = QString::fromStdString(code).chopped(1);
    EXPECT_EQ(m_document.toPlainText(), expected.replace('\r', ' '));
    EXPECT_EQ(seen("b * c * d"), "b * c * d");
    EXPECT_EQ(seen("**no**\n\n  | x"), "**no**/  | x");
}

TEST_F(DocumentTextTest, ThingsThatOnlyLookLikeMarksStay) {
    write(
        "2 * 3 * 4 and snake_case_name, a [note] here, 5 < 6 & so on, 100 %\n\n"
        "Unclosed **bold and `code\n\n1. one\n2) two\n\n---\n\nTitle\n=====\n",
        Markup::Markdown);
    const std::string shown = m_document.toPlainText().toStdString();
    EXPECT_NE(shown.find("2 * 3 * 4 and snake_case_name, a [note] here, 5 < 6 & so on, 100 %"),
              std::string::npos)
        << shown;
    EXPECT_NE(shown.find("Unclosed **bold and `code"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("==="), std::string::npos);
}

TEST_F(DocumentTextTest, EveryByteOfAnyTextIsSafe) {
    const std::string marks = "*_`[]()|#>-~\\&<!\n a1.\xe4\xbd\x8f";
    std::uint32_t state = 1;
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (int i = 0; i < 40; ++i) {
            state = state * 1664525u + 1013904223u;
            text += marks[(state >> 16u) % marks.size()];
        }
        for (const Markup markup : {Markup::Markdown, Markup::Tables, Markup::None}) {
            std::size_t last = 0;
            for (const DocumentBlock& block : documentBlocks(text, markup)) {
                for (const auto& cell : block.cells) {
                    for (const TextRun& run : cell) {
                        EXPECT_LE(run.start, run.end) << text;
                        EXPECT_LE(run.end, text.size()) << text;
                        EXPECT_GE(run.start, last) << text;
                        last = run.start;
                    }
                }
            }
        }
    }
}

TEST_F(DocumentTextTest, ALongTextIsShownAsItStands) {
    std::string text;
    while (text.size() < (1u << 19u) + 100) text += "One line of **many**.\n";
    write(text + "the end", Markup::Markdown);
    EXPECT_EQ(seen("the end"), "the end");
}

TEST(OnOneLine, JoinsWhatIsSeen) {
    EXPECT_EQ(onOneLine("## Head\n\nText **bold**.\n\n| A | B |\n|---|---|\n| 1 | 2 |\n",
                        Markup::Markdown)
                  .text.toStdString(),
              "Text bold. A · B; 1 · 2");
    EXPECT_EQ(onOneLine("plain\n  text | x\n", Markup::None).text.toStdString(), "plain text | x");
}

TEST(OnOneLine, FindsAQuoteAgain) {
    const std::string text = "## Head\n\n- Für **zwei\n  Nächte** gilt\n- der Preis\n";
    const std::size_t start = text.find("zwei");
    const OneLine line = onOneLine(text, Markup::Markdown, start, text.find(" gilt"));
    EXPECT_EQ(line.text.toStdString(), "Für zwei Nächte gilt der Preis");
    EXPECT_EQ(line.text.mid(line.markStart, line.markEnd - line.markStart).toStdString(),
              "zwei Nächte");
    const OneLine none = onOneLine(text, Markup::Markdown);
    EXPECT_EQ(none.markStart, none.markEnd);
    const OneLine past = onOneLine(text, Markup::Markdown, text.size() + 5, text.size() + 9);
    EXPECT_EQ(past.markStart, past.markEnd);
}

std::string labelled(const std::string& text, Markup markup) {
    return onOneLabelledLine(text, markup).text.toStdString();
}

TEST(OnOneLabelledLine, SaysTheColumnWithEachValue) {
    // A spreadsheet's rows name their columns, whichever cells are empty.
    EXPECT_EQ(labelled("Boats\nName | Length | Berth\nName: Gannet | Length: 9 m | Berth: 4\n"
                       "Name: Tern | Berth: 7\n",
                       Markup::Tables),
              "Boats Name: Gannet · Length: 9 m · Berth: 4; Name: Tern · Berth: 7");
    // A passage may begin in the middle.
    EXPECT_EQ(labelled("Name: Ida | Boat: Tern\nName: Ole | Boat: 22 Gannet\n", Markup::Tables),
              "Name: Ida · Boat: Tern; Name: Ole · Boat: 22 Gannet");
    EXPECT_EQ(labelled("| Way | Speed |\n|---|---|\n| `getline` | fast |\n| mmap | |\n",
                       Markup::Markdown),
              "Way: getline · Speed: fast; Way: mmap");
    EXPECT_EQ(
        labelled("Room | Bed | Price\nSingle | one | 90\nDouble | two | 140\n", Markup::Tables),
        "Room: Single · Bed: one · Price: 90; Room: Double · Bed: two · Price: 140");
}

TEST(OnOneLabelledLine, MakesNoNamesOfValues) {
    EXPECT_EQ(labelled("Tenant | Anna Berg\nRent | 900 EUR\n", Markup::Tables),
              "Tenant · Anna Berg; Rent · 900 EUR");
    EXPECT_EQ(labelled("Anna | Berlin | red\nOle | Oslo | blue\n", Markup::Tables),
              "Anna · Berlin · red; Ole · Oslo · blue");
}

TEST(OnOneLabelledLine, MarksTheCitedRow) {
    const std::string text =
        "Name | Length\nName: Gannet | Length: 9 m\nName: Tern | Length: 7 m\n";
    const std::size_t start = text.find("Name: Tern");
    const OneLine line =
        onOneLabelledLine(text, Markup::Tables, start, start + std::string("Name: Tern").size());
    EXPECT_EQ(line.text.mid(line.markStart, line.markEnd - line.markStart).toStdString(),
              "Name: Tern");
    EXPECT_TRUE(line.beginsInRow);
    EXPECT_EQ(line.row, line.markStart);
}

TEST(MarkupOf, GoesByTheName) {
    EXPECT_EQ(markupOf("/a/b.MD"), Markup::Markdown);
    EXPECT_EQ(markupOf("/a/b.xlsx"), Markup::Tables);
    EXPECT_EQ(markupOf("/a/b.py"), Markup::Code);
    EXPECT_EQ(markupOf("/a/b.txt"), Markup::None);
    EXPECT_EQ(markupOf("/a.md/b.pdf"), Markup::None);
    EXPECT_EQ(markupOf("README"), Markup::None);
}

}  // namespace
}  // namespace conclave::ui
