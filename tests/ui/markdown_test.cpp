#include "ui/markdown/markdown.h"

#include <gtest/gtest.h>

#include <QAbstractTextDocumentLayout>
#include <QTextBlock>
#include <QTextDocument>
#include <QTextFrame>

#include "base/utf8.h"
#include "tests/ui/support/sample_content.h"
#include "ui/markdown/code_lexer.h"
#include "ui/markdown/markdown_document.h"
#include "ui/markdown/thought.h"
#include "ui/widgets/message_text.h"

namespace conclave::ui {
namespace {

using Kind = Block::Kind;

QString textOf(const std::vector<Span>& spans) {
    QString text;
    for (const Span& span : spans) text += span.text;
    return text;
}

/// Everything that can be seen of a document: text, block and character formats, table places.
QString dump(const QTextDocument& document) {
    QString out = document.toHtml();
    for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) {
        out += '\n' + block.text();
        for (int property = kMarker; property <= kRule; ++property) {
            out += '|' + block.blockFormat().property(property).toString();
        }
        const auto ranges = block.textFormats();
        for (const auto& range : ranges) {
            out += QStringLiteral(" %1+%2:%3:%4")
                       .arg(range.start)
                       .arg(range.length)
                       .arg(range.format.foreground().color().name())
                       .arg(range.format.intProperty(kCitationNumber));
        }
    }
    return out;
}

TEST(Markdown, ReadsGfmTablesWithAlignmentAndInlines) {
    const auto blocks =
        parseMarkdown("Before\n| a | **b** |\n|:--|--:|\n| 1 \\| 2 | `x` |\n| only |\n");
    ASSERT_EQ(blocks.size(), 2u);
    EXPECT_EQ(textOf(blocks[0].spans), "Before");
    const Block& table = blocks[1];
    ASSERT_EQ(table.kind, Kind::Table);
    ASSERT_EQ(table.aligns.size(), 2u);
    EXPECT_EQ(table.aligns[0], Block::Align::Left);
    EXPECT_EQ(table.aligns[1], Block::Align::Right);
    ASSERT_EQ(table.children.size(), 3u);
    EXPECT_EQ(table.children[0].children[1].spans[0].flags, unsigned{Span::Bold});
    EXPECT_EQ(textOf(table.children[1].children[0].spans), "1 | 2");
    EXPECT_EQ(table.children[1].children[1].spans[0].flags, unsigned{Span::Code});
    EXPECT_TRUE(table.children[2].children[1].spans.empty());
}

TEST(Markdown, KeepsPipesInProse) {
    EXPECT_EQ(parseMarkdown("a | b\nc | d").front().kind, Kind::Paragraph);
    EXPECT_EQ(parseMarkdown("a | b | c\n--|--").front().kind, Kind::Paragraph);
}

TEST(Markdown, ReadsTablesInsideListsAndQuotes) {
    const auto list = parseMarkdown("- item\n\n  | a | b |\n  |---|---|\n  | 1 | 2 |\n");
    ASSERT_EQ(list.front().children.front().children.size(), 2u);
    EXPECT_EQ(list.front().children.front().children[1].kind, Kind::Table);
    const auto quote = parseMarkdown("> | a | b |\n> |---|---|\n> | 1 | 2 |\n");
    ASSERT_EQ(quote.front().children.front().kind, Kind::Table);
    EXPECT_EQ(textOf(quote.front().children.front().children[1].children[1].spans), "2");
}

TEST(Markdown, StrikesOnlyPairedTildes) {
    const auto struck = parseMarkdown("a ~~b **c** d~~ e").front().spans;
    ASSERT_EQ(struck.size(), 5u);
    EXPECT_EQ(struck[1].flags, unsigned{Span::Strike});
    EXPECT_EQ(struck[2].flags, Span::Strike | Span::Bold);
    EXPECT_EQ(struck[4].flags, 0u);
    EXPECT_EQ(textOf(parseMarkdown("a ~~b").front().spans), "a ~~b");
    EXPECT_EQ(textOf(parseMarkdown("about ~5 and ~6").front().spans), "about ~5 and ~6");
    EXPECT_EQ(textOf(parseMarkdown("`~~x~~`").front().spans), "~~x~~");
}

TEST(Markdown, ReadsTaskLists) {
    const Block list = parseMarkdown("- [x] done\n- [ ] open\n- [z] none\n").front();
    EXPECT_EQ(list.children[0].checked, 1);
    EXPECT_EQ(list.children[1].checked, 0);
    EXPECT_EQ(list.children[2].checked, -1);
    EXPECT_EQ(textOf(list.children[0].children.front().spans), "done");
}

TEST(Markdown, KeepsTheNumberOfAnOrderedList) {
    const Block list = parseMarkdown("7. seven\n8. eight\n").front();
    EXPECT_TRUE(list.ordered);
    EXPECT_EQ(list.level, 7);
}

TEST(Markdown, FindsCitationsOutsideOfCode) {
    const auto spans =
        parseMarkdown("Four nights [1][12], not `[2]` and not [a](b) or [123].").front().spans;
    std::vector<int> found;
    for (const Span& span : spans) {
        if (span.citation) found.push_back(span.citation);
    }
    EXPECT_EQ(found, (std::vector<int>{1, 12}));
}

TEST(Markdown, ShowsHtmlAsText) {
    const auto blocks = parseMarkdown("<script>alert(1)</script>\n\na <b>b</b><br>c");
    EXPECT_EQ(textOf(blocks[0].spans), "<script>alert(1)</script>");
    EXPECT_TRUE(textOf(blocks[1].spans).contains("<b>b</b>"));
}

TEST(Markdown, SurvivesDeepNestingAndOddBytes) {
    EXPECT_FALSE(parseMarkdown(std::string(3000, '>') + " x").empty());
    EXPECT_FALSE(parseMarkdown("a\xff\xfe b\r\n\r\n| x |\r\n").empty());
    EXPECT_TRUE(parseMarkdown("").empty());
}

TEST(MarkdownDocument, StreamingGivesTheSameAsShowingAtOnce) {
    // Every prefix that ends at a character boundary, shown one after the other in one document.
    const std::string text =
        test::sampleMarkdown() +
        "\n\n1. 一二三 [1]\n\n   ```\n   x\n   ```\n\n| 表 | 头 |\n|--|--|\n| 住 | 宿 |";
    QTextDocument streamed;
    MarkdownDocument shown(streamed);
    const CitationMarks marks{true, {{1, false}}};
    for (std::size_t end = 0; end <= text.size(); end += 3) {
        const std::string_view prefix = std::string_view(text).substr(
            0, completeUtf8Prefix(std::string_view(text).substr(0, end)));
        shown.setText(prefix, marks);
        if (end % 9 != 0 && end + 3 <= text.size()) continue;
        QTextDocument fresh;
        MarkdownDocument full(fresh);
        full.setText(prefix, marks);
        ASSERT_EQ(dump(streamed).toStdString(), dump(fresh).toStdString())
            << "prefix of " << prefix.size() << " bytes:\n"
            << prefix;
    }
}

TEST(MarkdownDocument, RewritesOnlyTheLastBlockWhileStreaming) {
    std::string text;
    for (int i = 0; i < 50; ++i)
        text += "Paragraph number " + std::to_string(i) + " with some words.\n\n";
    QTextDocument document;
    MarkdownDocument shown(document);
    shown.setText(text + "The last", {});
    shown.setText(text + "The last one grows", {});
    EXPECT_EQ(shown.nRewritten(), 1);
    shown.setText(text + "The last one grows", {});
    EXPECT_EQ(shown.nRewritten(), 0);
}

TEST(MarkdownDocument, CodeBelowATableLeavesRoomForItsLabel) {
    QTextDocument document;
    document.setTextWidth(500);
    MarkdownDocument shown(document);
    shown.setText("| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```python\nprint()\n```\n", {});
    const auto frames = document.rootFrame()->childFrames();
    ASSERT_EQ(frames.size(), 1);
    const auto* layout = document.documentLayout();
    const double below = layout->frameBoundingRect(frames.front()).bottom();
    const QTextBlock code = document.lastBlock();
    ASSERT_TRUE(code.blockFormat().hasProperty(kCodeLabel));
    constexpr double kLabel = 30;
    EXPECT_GE(layout->blockBoundingRect(code).top() - below, kLabel);
}

TEST(MarkdownDocument, PicturesInPlaceOfLettersComeFromTheFontOfPictures) {
    QTextDocument document;
    MarkdownDocument shown(document);
    const QString heart = QStringLiteral("\u2764\uFE0F");
    shown.setText((heart + QStringLiteral(" 1\uFE0F\u20E3 of 2")).toStdString(), {});
    EXPECT_EQ(document.toPlainText(), heart + QStringLiteral(" 1 of 2"));
    QStringList pictures;
    for (auto it = document.firstBlock().begin(); !it.atEnd(); ++it) {
        const QTextFragment part = it.fragment();
        if (part.charFormat().fontFamilies().toStringList().front() == "Noto Color Emoji") {
            pictures << part.text();
        }
    }
    EXPECT_EQ(pictures, QStringList{heart});
}

TEST(MarkdownDocument, ACitationStaysWithTheWordBefore) {
    MessageText text;
    text.setMarkdown(
        "One two three four five six seven. [1]\n\n三四五六七八九十。[1] And eight.[1][1]",
        {.hasSources = true, .marks = {}});
    for (int width = 130; width < 400; ++width) {
        text.heightForTextWidth(width);
        for (QTextBlock block = text.document()->begin(); block.isValid(); block = block.next()) {
            for (int i = 0; i < block.layout()->lineCount(); ++i) {
                const int at = block.layout()->lineAt(i).textStart();
                ASSERT_FALSE(block.text().mid(at).startsWith(QChar::ObjectReplacementCharacter))
                    << width << " " << block.text().toStdString();
            }
        }
    }
    text.selectAll();
    EXPECT_EQ(text.selectedText().toStdString(),
              "One two three four five six seven. [1]\n三四五六七八九十。[1] And eight.[1][1]");
}

TEST(MarkdownDocument, WhatIsWrittenFromTheRightIsIndentedThere) {
    MessageText text;
    text.setMarkdown("- יין\n- wine\n\n> نص", {});
    text.resize(300, text.heightForTextWidth(300));
    const QTextBlock hebrew = text.document()->begin();
    EXPECT_EQ(hebrew.blockFormat().leftMargin(), 0);
    EXPECT_GT(hebrew.blockFormat().rightMargin(), 0);
    EXPECT_EQ(hebrew.textDirection(), Qt::RightToLeft);
    EXPECT_GT(hebrew.next().blockFormat().leftMargin(), 0);
    EXPECT_EQ(hebrew.next().blockFormat().rightMargin(), 0);
    // Bullets and the bar of the quote are beside their words: nothing is drawn on the other side.
    const QImage seen = text.grab().toImage();
    const auto isInk = [&](const QTextBlock& block, int left, int right) {
        const QRect line =
            text.document()->documentLayout()->blockBoundingRect(block).toAlignedRect();
        const QColor paper = seen.pixelColor(seen.width() / 2, line.center().y());
        for (int y = line.top(); y < line.bottom(); ++y) {
            for (int x = left; x < right; ++x) {
                if (seen.pixelColor(x, y) != paper) return true;
            }
        }
        return false;
    };
    EXPECT_TRUE(isInk(hebrew, 280, 300));
    EXPECT_FALSE(isInk(hebrew, 0, 150));
    EXPECT_TRUE(isInk(hebrew.next(), 0, 20));
    EXPECT_FALSE(isInk(hebrew.next(), 200, 300));
    EXPECT_TRUE(isInk(hebrew.next().next(), 296, 300));
    EXPECT_FALSE(isInk(hebrew.next().next(), 0, 150));
}

TEST(MarkdownDocument, AnItemHasOneBullet) {
    QTextDocument document;
    MarkdownDocument shown(document);
    shown.setText("- • aptitude can be used\n- ·5 stays\n\n• no item", {});
    EXPECT_EQ(document.toPlainText().toStdString(), "aptitude can be used\n·5 stays\n• no item");
}

TEST(MarkdownDocument, AppendsToGrowingCodeWithoutRewriting) {
    std::string code = "```cpp\n";
    QTextDocument document;
    MarkdownDocument shown(document);
    shown.setText(code + "int", {});
    for (int i = 0; i < 200; ++i) {
        code += "int y" + std::to_string(i) + " = 0; /* open\n still */\n";
        shown.setText(code, {});
        EXPECT_EQ(shown.nRewritten(), 0);
    }
    QTextDocument fresh;
    MarkdownDocument full(fresh);
    full.setText(code, {});
    EXPECT_EQ(dump(document).toStdString(), dump(fresh).toStdString());
    EXPECT_TRUE(shown.codeOf(0).startsWith("int y0"));
}

TEST(MarkdownDocument, MarksUnsupportedCitations) {
    QTextDocument document;
    MarkdownDocument shown(document);
    shown.setText("Yes [1]. No [2]. Yes [1].", {true, {{1, true}, {2, false}, {1, true}}});
    std::vector<bool> unsupported;
    for (const auto& range : document.begin().textFormats()) {
        if (range.format.objectType() == kCitationObject)
            unsupported.push_back(range.format.boolProperty(kCitationUnsupported));
    }
    EXPECT_EQ(unsupported, (std::vector<bool>{false, true, false}));
    shown.setText("Yes [1].", {});
    EXPECT_EQ(document.toPlainText().toStdString(), "Yes [1].");
}

TEST(Thought, IsKeptApartFromTheAnswer) {
    EXPECT_EQ(splitThought("Plain <think> later").answer, "Plain <think> later");
    const ThoughtAndAnswer both = splitThought("<think>\nHm.\n</think>\n\nFour nights [1].");
    EXPECT_EQ(both.thought, "Hm.");
    EXPECT_EQ(both.answer, "Four nights [1].");
    const ThoughtAndAnswer open = splitThought("\n<think>still");
    EXPECT_TRUE(open.isThinking);
    EXPECT_EQ(open.thought, "still");
    EXPECT_TRUE(open.answer.empty());
    EXPECT_EQ(splitThought("begun in the prompt</think>Yes.").answer, "Yes.");
    EXPECT_TRUE(splitThought("").answer.empty());
}

TEST(CodeLexer, CarriesOpenCommentsAndStringsOverLines) {
    const LanguageSpec* cpp = findLanguage("C++");
    ASSERT_NE(cpp, nullptr);
    std::vector<CodeToken> tokens;
    int state = lexLine(*cpp, QStringView(u"int a; /* begins"), 0, tokens);
    EXPECT_NE(state, 0);
    tokens.clear();
    state = lexLine(*cpp, QStringView(u"ends */ return 1;"), state, tokens);
    EXPECT_EQ(state, 0);
    ASSERT_EQ(tokens.size(), 3u);
    EXPECT_EQ(tokens[0].kind, TokenKind::Comment);
    EXPECT_EQ(tokens[0].length, 7);
    EXPECT_EQ(tokens[1].kind, TokenKind::Keyword);
    EXPECT_EQ(tokens[2].kind, TokenKind::Number);

    const LanguageSpec* python = findLanguage("py");
    tokens.clear();
    state = lexLine(*python, QStringView(u"x = \"\"\"open"), 0, tokens);
    EXPECT_NE(state, 0);
    EXPECT_EQ(lexLine(*python, QStringView(u"closed\"\"\""), state, tokens), 0);
}

TEST(CodeLexer, KnowsTheUsualNames) {
    for (const char* name :
         {"c", "C++", "cpp", "python", "py", "js", "typescript", "rust", "go", "java", "sh", "bash",
          "json", "sql", "html", "css", "yaml", "toml", "diff"}) {
        EXPECT_NE(findLanguage(name), nullptr) << name;
    }
    EXPECT_EQ(findLanguage("brainfog"), nullptr);
    EXPECT_EQ(languageLabel("brainfog").toStdString(), "brainfog");
    EXPECT_EQ(languageLabel("ts").toStdString(), "TypeScript");
}

TEST(CodeLexer, TokensStayInsideTheLineAndInOrder) {
    for (const char* name : {"cpp", "py", "html", "sh", "sql", "css", "json", "diff", "rust"}) {
        for (const QString& line :
             {QStringLiteral("\"\\"), QStringLiteral("<a b='"), QStringLiteral("${x @@ '"),
              QStringLiteral("/*/ */ //"), QStringLiteral("住宿 = \"四\" # 注")}) {
            for (const int state : {0, 1, 2, 8, 9, 99}) {
                std::vector<CodeToken> tokens;
                lexLine(*findLanguage(name), line, state, tokens);
                qsizetype at = 0;
                for (const CodeToken& token : tokens) {
                    EXPECT_GE(token.start, at);
                    at = token.start + token.length;
                    EXPECT_LE(at, line.size()) << name << ": " << line.toStdString();
                }
            }
        }
    }
}

}  // namespace
}  // namespace conclave::ui
