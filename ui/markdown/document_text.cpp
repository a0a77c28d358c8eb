#include "ui/markdown/document_text.h"

#include <QTextDocument>
#include <QTextTable>
#include <algorithm>

#include "ui/theme.h"

namespace conclave::ui {

namespace {

using Kind = DocumentBlock::Kind;

/// More rows than this are lines of text: tables are laid out as a whole.
constexpr int kMostTableRows = 300;
/// A longer text is shown as it stands.
constexpr std::size_t kMostFormatted = 1u << 19u;

QTextCharFormat formatOf(const DocumentBlock& block, TextRun::Style style) {
    const Theme& theme = Theme::instance();
    const Colors& c = theme.colors();
    QTextCharFormat format;
    format.setForeground(block.kind == Kind::Quote ? c.muted : c.text);
    if (block.kind == Kind::Heading) {
        format.setFont(theme.font(block.level == 1   ? TextSize::Title
                                  : block.level == 2 ? TextSize::Message
                                                     : TextSize::Body,
                                  QFont::DemiBold));
    } else if (block.kind == Kind::Code || style == TextRun::Style::Code) {
        format.setFont(theme.codeFont());
    } else {
        const bool isBold = block.isHeader || style == TextRun::Style::Bold;
        format.setFont(theme.font(block.kind == Kind::Row ? TextSize::Small : TextSize::Body,
                                  isBold ? QFont::DemiBold : QFont::Normal));
        format.setFontItalic(style == TextRun::Style::Italic);
        format.setFontStrikeOut(style == TextRun::Style::Struck);
    }
    return format;
}

QTextBlockFormat blockFormatOf(const DocumentBlock& block, bool isFirst) {
    const Theme& theme = Theme::instance();
    QTextBlockFormat format;
    const auto above = [&](int pixels) { format.setTopMargin(isFirst ? 0 : theme.scaled(pixels)); };
    switch (block.kind) {
        case Kind::Heading: above(block.level <= 2 ? 14 : 10); break;
        case Kind::Item:
            above(4);
            format.setLeftMargin(theme.scaled(16 + 16 * block.level));
            format.setTextIndent(block.marker.isEmpty() ? 0 : -theme.scaled(16));
            break;
        case Kind::Quote:
            above(8);
            format.setLeftMargin(theme.scaled(14));
            break;
        case Kind::Code:
            format.setBackground(theme.colors().code);
            format.setLeftMargin(theme.scaled(6));
            break;
        case Kind::Rule:
            format.setProperty(QTextFormat::BlockTrailingHorizontalRulerWidth,
                               QTextLength(QTextLength::PercentageLength, 100));
            break;
        case Kind::Paragraph: above(8); break;
        case Kind::Row:
        case Kind::Gap: break;
    }
    // The ground of a line is no higher than its letters: lines of code would be apart.
    if (block.kind != Kind::Code) {
        format.setLineHeight(118, QTextBlockFormat::ProportionalHeight);
    }
    return format;
}

/// Written from the right, where its indent and its marker are, too. Code never is.
bool isFromTheRight(const DocumentBlock& block) {
    QString text;
    for (const auto& cell : block.cells) text += textOf(cell);
    return block.kind != Kind::Code && text.isRightToLeft();
}

QTextTableFormat tableFormat() {
    const Theme& theme = Theme::instance();
    QTextTableFormat format;
    format.setBorderCollapse(true);
    format.setBorder(1);
    format.setBorderStyle(QTextFrameFormat::BorderStyle_Solid);
    format.setBorderBrush(theme.colors().border);
    format.setCellPadding(theme.scaled(5));
    format.setCellSpacing(0);
    format.setTopMargin(theme.scaled(8));
    format.setBottomMargin(theme.scaled(4));
    return format;
}

/// "71" for "passengers: 71" below "passengers": rows say their columns where no header is near.
void namesOnce(std::vector<DocumentBlock>& rows) {
    const auto isLabelled = [](const std::vector<TextRun>& cell, const QString& label) {
        return !cell.empty() && cell.front().isExact && cell.front().text.startsWith(label) &&
               cell.front().text.size() > label.size();
    };
    DocumentBlock& header = rows.front();
    for (std::size_t column = 0; column < header.cells.size(); ++column) {
        const QString label = textOf(header.cells[column]) + QStringLiteral(": ");
        for (std::size_t row = 1; row < rows.size(); ++row) {
            if (column >= rows[row].cells.size()) continue;
            std::vector<TextRun>& cell = rows[row].cells[column];
            if (!isLabelled(cell, label)) continue;
            cell.front().text.remove(0, label.size());
            cell.front().start += static_cast<std::size_t>(label.toUtf8().size());
            header.isHeader = true;
        }
    }
}

}  // namespace

/// Puts blocks into the document, one after the other.
class DocumentText::Writer {
public:
    Writer(QTextDocument& document, std::vector<Piece>& pieces, Markup markup)
        : m_cursor(&document), m_pieces(pieces), m_markup(markup) {}

    void write(const std::vector<DocumentBlock>& blocks) {
        m_cursor.beginEditBlock();
        for (std::size_t at = 0; at < blocks.size();) {
            std::size_t end = at;
            while (end < blocks.size() && blocks[end].kind == Kind::Row) ++end;
            const auto nRows = static_cast<int>(end - at);
            if (nRows > 0 && nRows <= kMostTableRows) {
                writeTable({blocks.begin() + static_cast<std::ptrdiff_t>(at),
                            blocks.begin() + static_cast<std::ptrdiff_t>(end)});
                at = end;
            } else {
                writeBlock(blocks[at++]);
            }
        }
        m_cursor.endEditBlock();
    }

private:
    void writeBlock(const DocumentBlock& block) {
        QTextBlockFormat format = blockFormatOf(block, m_isFirst);
        // Without markup the text has its own empty lines.
        if (m_markup != Markup::Markdown) format.setTopMargin(0);
        if (isFromTheRight(block)) {
            format.setLayoutDirection(Qt::RightToLeft);
            format.setRightMargin(format.leftMargin());
            format.setLeftMargin(0);
        }
        if (m_isFirst || m_isAfterTable) {
            m_cursor.setBlockFormat(format);
        } else {
            m_cursor.insertBlock(format);
        }
        m_isFirst = m_isAfterTable = false;
        if (!block.marker.isEmpty()) {
            m_cursor.insertText(block.marker + QStringLiteral("  "),
                                formatOf(block, TextRun::Style::Plain));
        }
        for (std::size_t i = 0; i < block.cells.size(); ++i) {
            if (i > 0) m_cursor.insertText(QStringLiteral("  ·  "));
            writeRuns(block, block.cells[i]);
        }
    }

    void writeTable(std::vector<DocumentBlock> rows) {
        std::size_t nColumns = 1;
        namesOnce(rows);
        for (const DocumentBlock& row : rows) nColumns = std::max(nColumns, row.cells.size());
        QTextTable* table = m_cursor.insertTable(static_cast<int>(rows.size()),
                                                 static_cast<int>(nColumns), tableFormat());
        for (std::size_t row = 0; row < rows.size(); ++row) {
            for (std::size_t column = 0; column < rows[row].cells.size(); ++column) {
                QTextTableCell cell =
                    table->cellAt(static_cast<int>(row), static_cast<int>(column));
                QTextCharFormat format = cell.format();
                format.setVerticalAlignment(QTextCharFormat::AlignMiddle);
                if (rows[row].isHeader) format.setBackground(colors().code);
                cell.setFormat(format);
                m_cursor = cell.firstCursorPosition();
                writeRuns(rows[row], rows[row].cells[column]);
            }
        }
        m_cursor = table->lastCursorPosition();
        m_cursor.movePosition(QTextCursor::NextBlock);
        m_isFirst = false;
        m_isAfterTable = true;
    }

    void writeRuns(const DocumentBlock& block, const std::vector<TextRun>& runs) {
        ++m_block;
        for (const TextRun& run : runs) {
            QString text = run.text;
            // These would begin a new paragraph; in their place the lengths stay the same.
            for (QChar& c : text) {
                if (c == QLatin1Char('\r') || c == QLatin1Char('\n') ||
                    c == QChar::ParagraphSeparator || c.unicode() == 0xfdd0 ||
                    c.unicode() == 0xfdd1) {
                    c = QLatin1Char(' ');
                }
            }
            const int position = m_cursor.position();
            m_cursor.insertText(text, formatOf(block, run.style));
            m_pieces.push_back({run.start, run.end, position, static_cast<int>(text.size()),
                                m_block, run.isExact});
        }
    }

    QTextCursor m_cursor;
    std::vector<Piece>& m_pieces;
    Markup m_markup;
    int m_block = 0;
    bool m_isFirst = true;
    bool m_isAfterTable = false;
};

void DocumentText::write(QTextDocument& document, std::string text, Markup markup) {
    m_text = std::move(text);
    m_pieces.clear();
    document.clear();
    if (m_text.size() > kMostFormatted) {
        QString plain = QString::fromUtf8(m_text.data(), static_cast<qsizetype>(m_text.size()));
        plain.replace(QLatin1Char('\r'), QLatin1Char(' '));
        document.setPlainText(plain);
        m_pieces.push_back({0, m_text.size(), 0, static_cast<int>(plain.size()), 1, true});
        return;
    }
    Writer(document, m_pieces, markup).write(documentBlocks(m_text, markup));
}

int DocumentText::positionIn(const Piece& piece, std::size_t byte) const {
    if (byte <= piece.start) return piece.position;
    if (byte >= piece.end || !piece.isExact) return piece.position + piece.length;
    const QByteArrayView bytes(m_text.data() + piece.start,
                               static_cast<qsizetype>(byte - piece.start));
    return piece.position + static_cast<int>(QString::fromUtf8(bytes).size());
}

QList<QTextCursor> DocumentText::find(QTextDocument& document, std::size_t start,
                                      std::size_t end) const {
    QList<QTextCursor> found;
    int block = 0;
    for (const Piece& piece : m_pieces) {
        if (piece.end <= start || piece.start >= end || piece.length == 0) continue;
        // What stands for several bytes, as a line's break, counts if it is wholly inside.
        if (!piece.isExact && (piece.start < start || piece.end > end)) continue;
        const int from = positionIn(piece, start);
        const int to = positionIn(piece, end);
        if (to <= from) continue;
        if (!found.isEmpty() && block == piece.block) {
            found.back().setPosition(to, QTextCursor::KeepAnchor);
            continue;
        }
        QTextCursor cursor(&document);
        cursor.setPosition(from);
        cursor.setPosition(to, QTextCursor::KeepAnchor);
        found.append(cursor);
        block = piece.block;
    }
    return found;
}

}  // namespace conclave::ui
