// markdown_document.h: shows parsed Markdown in a QTextDocument, and changes only what changed.
//
//   MarkdownDocument shown(*edit->document());
//   shown.setText(answerSoFar, {});   // 30 times a second: earlier blocks are not touched
#pragma once

#include <QTextDocument>
#include <QTextFormat>
#include <string_view>
#include <vector>

#include "ui/markdown/markdown.h"

class QTextCursor;

namespace conclave::ui {

/// Properties that MarkdownDocument sets and MessageText paints from.
enum MarkdownProperty {
    kMarker = QTextFormat::UserProperty + 1,  ///< QString before a list item's first line
    kTask,                                    ///< int, 0 open and 1 done: a check box instead
    kQuoteDepth,                              ///< int, bars at the left
    kCodeBlock,                               ///< int, the same for all lines of one code block
    kCodeLabel,                               ///< QString, on the first line of a code block
    kRule,                                    ///< bool, a line across
    kCitationNumber,                          ///< int, of a citation chip
    kCitationIndex,
    kCitationUnsupported,
};
inline constexpr int kCitationObject = QTextFormat::UserObject + 1;
/// Before a citation that follows a word without a space: no line ends between them.
inline constexpr QChar kWordJoiner(0x2060);

/// How the answer's citations stand; all empty while it is written or without sources.
struct CitationMarks {
    struct Mark {
        int number = 0;
        bool supported = true;
    };
    bool hasSources = false;  ///< only then is [n] a chip
    std::vector<Mark> marks;  ///< in the order of the answer
};

class MarkdownDocument {
public:
    /// `document` must outlive it and is changed by it alone.
    explicit MarkdownDocument(QTextDocument& document);

    /// Shows `text`. The document becomes the same as if it were shown in a fresh one; top-level
    /// blocks before the first that differs keep their layout. Costs a parse of the text, and
    /// layout from the first changed block on; growing code is appended line by line.
    void setText(std::string_view text, const CitationMarks& citations);

    [[nodiscard]] const std::vector<Block>& blocks() const { return m_blocks; }
    /// Top-level blocks that the last setText() wrote anew.
    [[nodiscard]] int nRewritten() const { return m_nRewritten; }

    /// Code of the code block whose lines carry `id` in kCodeBlock.
    [[nodiscard]] QString codeOf(int id) const;

private:
    struct Place {
        int indent = 0;
        int quoteDepth = 0;
        bool tight = false;
    };
    struct Start {
        int position = 0;    ///< first character of the block's first line
        bool fresh = false;  ///< it took over the empty line of a new document
        int codeId = 0;      ///< next code block's id
    };

    void rewriteFrom(std::size_t first);
    bool growLastCode(const std::vector<Block>& next);
    void write(QTextCursor& cursor, const Block& block, const Place& place);
    void writeList(QTextCursor& cursor, const Block& list, const Place& place);
    void writeTable(QTextCursor& cursor, const Block& table, const Place& place);
    void writeCode(QTextCursor& cursor, const Block& code, const Place& place);
    void writeCodeLines(QTextCursor& cursor, const QStringList& lines, int state, bool first);
    void writeSpans(QTextCursor& cursor, const std::vector<Span>& spans,
                    const QTextCharFormat& base);
    void beginLine(QTextCursor& cursor, const QTextBlockFormat& wanted);
    [[nodiscard]] QTextBlockFormat lineFormat(const Place& place, int gapAbove) const;
    [[nodiscard]] QTextBlockFormat codeFormat(bool first, bool last) const;

    QTextDocument& m_document;
    std::vector<Block> m_blocks;
    std::vector<Start> m_starts;
    int m_nRewritten = 0;
    bool m_fresh = true;  ///< the cursor is in an empty line that the next block may take
    int m_nextCode = 0;
    QString m_pendingMarker;  ///< for the next line that is begun
    int m_pendingTask = -1;

    // Of the code block that was written last, so that it can grow.
    Place m_codePlace;
    QString m_codeLanguage;
    int m_codeId = 0;
    int m_lastLineState = 0;  ///< lexer state at the beginning of its last line
    bool m_lastLineIsFirst = false;
};

}  // namespace conclave::ui
