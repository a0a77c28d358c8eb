#include "ui/markdown/markdown_document.h"

#include <QCoreApplication>
#include <QTextBlock>
#include <QTextBoundaryFinder>
#include <QTextCursor>
#include <QTextTable>
#include <algorithm>

#include "ui/markdown/code_lexer.h"
#include "ui/theme.h"

namespace conclave::ui {

namespace {

constexpr int kIndentWidth = 26;
constexpr int kCodeHeader = 40;
constexpr int kCodePadding = 12;
constexpr int kMarginSide = 14;

QTextCharFormat bodyFormat(int weight = QFont::Normal) {
    QTextCharFormat format;
    format.setFont(Theme::instance().font(TextSize::Message, weight));
    format.setForeground(colors().text);
    return format;
}

/// The lines that a table needs before and after itself: as good as invisible.
QTextBlockFormat tinyLine() {
    QTextBlockFormat format;
    format.setLineHeight(1, QTextBlockFormat::FixedHeight);
    return format;
}

QTextCharFormat tinyText() {
    QTextCharFormat format;
    QFont font = Theme::instance().font(TextSize::Body);
    font.setPixelSize(1);
    format.setFont(font);
    return format;
}

QColor tokenColor(TokenKind kind) {
    const Colors& c = colors();
    switch (kind) {
        case TokenKind::Keyword: return c.keyword;
        case TokenKind::Type: return c.type;
        case TokenKind::Function: return c.function;
        case TokenKind::String: return c.string;
        case TokenKind::Number: return c.number;
        case TokenKind::Comment: return c.comment;
        case TokenKind::Meta: return c.meta;
    }
    return c.text;
}

/// Ties the [n] of the text to the checked citations, both in reading order.
class CitationTie {
public:
    explicit CitationTie(const CitationMarks& citations) : m_citations(citations) {}

    void tie(std::vector<Block>& blocks) {
        for (Block& block : blocks) {
            for (Span& span : block.spans) tie(span);
            tie(block.children);
        }
    }

private:
    void tie(Span& span) {
        if (span.citation == 0) return;
        if (!m_citations.hasSources) {
            span.citation = 0;
            return;
        }
        const auto& marks = m_citations.marks;
        for (std::size_t i = m_next; i < marks.size(); ++i) {
            if (marks[i].number != span.citation) continue;
            span.citationIndex = static_cast<int>(i);
            span.unsupported = !marks[i].supported;
            m_next = i + 1;
            return;
        }
    }

    const CitationMarks& m_citations;
    std::size_t m_next = 0;
};

const Block* findCode(const std::vector<Block>& blocks, int& left) {
    for (const Block& block : blocks) {
        if (block.kind == Block::Kind::Code && left-- == 0) return &block;
        if (const Block* found = findCode(block.children, left)) return found;
    }
    return nullptr;
}

/// Characters that ask to be shown as a picture (U+FE0F) are in the fonts of letters too, and Qt
/// would take them from there. A keycap (U+20E3) stays the letter on it: Qt draws a box beside it.
void insertWithEmoji(QTextCursor& cursor, const QString& text, const QTextCharFormat& format) {
    constexpr QChar kAsPicture(0xFE0F);
    constexpr QChar kKeycap(0x20E3);
    if (!text.contains(kAsPicture)) return cursor.insertText(text, format);
    QTextCharFormat picture = format;
    QStringList families = format.font().families();
    families.prepend(QStringLiteral("Noto Color Emoji"));
    picture.setFontFamilies(families);
    QTextBoundaryFinder finder(QTextBoundaryFinder::Grapheme, text);
    qsizetype from = 0;
    for (qsizetype at = 0, end = finder.toNextBoundary(); end > at;
         at = end, end = finder.toNextBoundary()) {
        const QString character = text.mid(at, end - at);
        if (!character.contains(kAsPicture)) continue;
        const bool isKeycap = character.contains(kKeycap);
        cursor.insertText(text.mid(from, at - from), format);
        cursor.insertText(isKeycap ? character.left(1) : character, isKeycap ? format : picture);
        from = end;
    }
    cursor.insertText(text.mid(from), format);
}

/// An item of a quoted list brings its own bullet along, and one is enough.
std::vector<Span> withoutBullet(std::vector<Span> spans) {
    if (spans.empty()) return spans;
    QString& text = spans.front().text;
    const bool hasBullet =
        text.size() > 1 && text[1].isSpace() && QStringLiteral("•◦‣▪●○·").contains(text[0]);
    if (hasBullet && !(spans.front().flags & Span::Code)) text = text.mid(2);
    return spans;
}

/// The number of a citation stays on the line of the word before it.
void tieToWordBefore(QTextCursor& cursor, const QTextCharFormat& format) {
    if (cursor.positionInBlock() == 0) return;
    const QChar before = cursor.document()->characterAt(cursor.position() - 1);
    if (before == QChar::LineSeparator || before == QChar::Nbsp) return;
    if (before == QChar::Space) {
        cursor.deletePreviousChar();
        cursor.insertText(QString(QChar::Nbsp), format);
    } else {
        cursor.insertText(QString(kWordJoiner), format);
    }
}

}  // namespace

MarkdownDocument::MarkdownDocument(QTextDocument& document) : m_document(document) {
    m_document.setDocumentMargin(0);
    m_document.setUndoRedoEnabled(false);
    QTextOption option = m_document.defaultTextOption();
    option.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    m_document.setDefaultTextOption(option);
    m_document.setDefaultFont(Theme::instance().font(TextSize::Message));
}

void MarkdownDocument::setText(std::string_view text, const CitationMarks& citations) {
    std::vector<Block> next = parseMarkdown(text);
    CitationTie(citations).tie(next);
    const auto [mine, other] =
        std::mismatch(m_blocks.begin(), m_blocks.end(), next.begin(), next.end());
    const auto first = static_cast<std::size_t>(mine - m_blocks.begin());
    m_nRewritten = 0;
    if (first == m_blocks.size() && first == next.size()) return;
    if (first + 1 == m_blocks.size() && growLastCode(next)) return;
    m_blocks = std::move(next);
    rewriteFrom(first);
}

QString MarkdownDocument::codeOf(int id) const {
    const Block* block = findCode(m_blocks, id);
    return block ? block->code : QString();
}

void MarkdownDocument::rewriteFrom(std::size_t first) {
    QTextCursor cursor(&m_document);
    cursor.beginEditBlock();
    if (first == 0 || m_starts.empty()) {
        first = 0;
        m_document.clear();
        m_starts.clear();
        m_fresh = true;
        m_nextCode = 0;
        cursor = QTextCursor(&m_document);
        cursor.setBlockFormat(tinyLine());
        cursor.setBlockCharFormat(tinyText());
    } else if (first < m_starts.size()) {
        const Start start = m_starts[first];
        m_nextCode = start.codeId;
        m_fresh = start.fresh;
        cursor.setPosition(start.fresh ? start.position : start.position - 1);
        // Removing a paragraph's end may bring the next one's format along.
        const QTextBlockFormat format = start.fresh ? tinyLine() : cursor.blockFormat();
        const QTextCharFormat text = start.fresh ? tinyText() : cursor.blockCharFormat();
        cursor.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
        cursor.removeSelectedText();
        cursor.setBlockFormat(format);
        cursor.setBlockCharFormat(text);
        m_starts.resize(first);
    }
    cursor.movePosition(QTextCursor::End);
    for (std::size_t i = first; i < m_blocks.size(); ++i) {
        const bool fresh = m_fresh;
        m_starts.push_back({cursor.position() + (fresh ? 0 : 1), fresh, m_nextCode});
        Place place;
        write(cursor, m_blocks[i], place);
        ++m_nRewritten;
    }
    cursor.endEditBlock();
}

bool MarkdownDocument::growLastCode(const std::vector<Block>& next) {
    if (next.size() != m_blocks.size()) return false;
    Block& mine = m_blocks.back();
    const Block& grown = next.back();
    if (mine.kind != Block::Kind::Code || grown.kind != Block::Kind::Code ||
        mine.language != grown.language || !grown.code.startsWith(mine.code)) {
        return false;
    }
    const qsizetype lineStart = mine.code.lastIndexOf('\n') + 1;
    const QStringList lines = grown.code.mid(lineStart).split('\n');
    QTextCursor cursor(&m_document);
    cursor.beginEditBlock();
    cursor.movePosition(QTextCursor::End);
    cursor.movePosition(QTextCursor::StartOfBlock, QTextCursor::KeepAnchor);
    cursor.removeSelectedText();
    writeCodeLines(cursor, lines, m_lastLineState, m_lastLineIsFirst);
    cursor.endEditBlock();
    mine.code = grown.code;
    return true;
}

QTextBlockFormat MarkdownDocument::lineFormat(const Place& place, int gapAbove) const {
    const Theme& theme = Theme::instance();
    QTextBlockFormat format;
    // A least height, so that lines with characters of another font stand as far apart as others.
    format.setLineHeight(theme.scaled(24), QTextBlockFormat::MinimumHeight);
    format.setTopMargin(theme.scaled(gapAbove));
    format.setLeftMargin(theme.scaled(place.indent * kIndentWidth + place.quoteDepth * 16));
    if (place.quoteDepth) format.setProperty(kQuoteDepth, place.quoteDepth);
    return format;
}

void MarkdownDocument::beginLine(QTextCursor& cursor, const QTextBlockFormat& wanted) {
    QTextBlockFormat format = wanted;
    if (!m_pendingMarker.isNull()) format.setProperty(kMarker, m_pendingMarker);
    if (m_pendingTask >= 0) format.setProperty(kTask, m_pendingTask);
    m_pendingMarker = QString();
    m_pendingTask = -1;
    if (cursor.position() == 0)
        format.setTopMargin(format.hasProperty(kCodeBlock) ? format.topMargin() : 0);
    if (m_fresh) {
        cursor.setBlockFormat(format);
        cursor.setBlockCharFormat(bodyFormat());
    } else {
        cursor.insertBlock(format, bodyFormat());
    }
    m_fresh = false;
}

namespace {

/// What is written from the right is indented there; its marker and the bars of quotes are, too.
void mirror(QTextBlockFormat& format, const std::vector<Span>& spans) {
    QString text;
    for (const Span& span : spans) text += span.text;
    if (!text.isRightToLeft()) return;
    format.setLayoutDirection(Qt::RightToLeft);
    format.setRightMargin(format.leftMargin());
    format.setLeftMargin(0);
}

}  // namespace

void MarkdownDocument::write(QTextCursor& cursor, const Block& block, const Place& place) {
    const int gap = place.tight ? 4 : 11;
    switch (block.kind) {
        case Block::Kind::Paragraph: {
            const bool isItem = !m_pendingMarker.isNull();
            QTextBlockFormat format = lineFormat(place, gap);
            mirror(format, block.spans);
            beginLine(cursor, format);
            writeSpans(cursor, isItem ? withoutBullet(block.spans) : block.spans, bodyFormat());
            break;
        }
        case Block::Kind::Heading: {
            QTextBlockFormat format = lineFormat(place, block.level <= 2 ? 20 : 15);
            format.setLineHeight(0, QTextBlockFormat::SingleHeight);
            format.setHeadingLevel(block.level);
            mirror(format, block.spans);
            QTextCharFormat text = bodyFormat(QFont::DemiBold);
            constexpr int kPixels[] = {22, 19, 17, 15, 15, 15};
            QFont font = text.font();
            font.setPixelSize(Theme::instance().scaled(kPixels[std::clamp(block.level, 1, 6) - 1]));
            text.setFont(font);
            beginLine(cursor, format);
            writeSpans(cursor, block.spans, text);
            break;
        }
        case Block::Kind::Code: writeCode(cursor, block, place); break;
        case Block::Kind::Quote: {
            Place inner = place;
            ++inner.quoteDepth;
            inner.tight = false;
            for (const Block& child : block.children) write(cursor, child, inner);
            break;
        }
        case Block::Kind::List: writeList(cursor, block, place); break;
        case Block::Kind::Table: writeTable(cursor, block, place); break;
        case Block::Kind::Rule: {
            QTextBlockFormat format = lineFormat(place, 14);
            format.setProperty(kRule, true);
            format.setBottomMargin(Theme::instance().scaled(6));
            format.setLineHeight(2, QTextBlockFormat::FixedHeight);
            beginLine(cursor, format);
            cursor.setBlockCharFormat(tinyText());
            break;
        }
        case Block::Kind::Item:
        case Block::Kind::Row: break;  // written by their list and table
    }
}

void MarkdownDocument::writeList(QTextCursor& cursor, const Block& list, const Place& place) {
    int number = list.level;
    bool firstItem = true;
    for (const Block& item : list.children) {
        Place inner = place;
        ++inner.indent;
        m_pendingMarker =
            list.ordered ? QStringLiteral("%1.").arg(number) : QStringLiteral("\u2022");
        m_pendingTask = item.checked;
        ++number;
        bool firstBlock = true;
        for (const Block& child : item.children) {
            inner.tight = list.tight && !(firstItem && firstBlock && !place.tight);
            write(cursor, child, inner);
            firstBlock = false;
        }
        if (item.children.empty()) {
            beginLine(cursor, lineFormat(inner, 4));
        }
        firstItem = false;
    }
}

void MarkdownDocument::writeTable(QTextCursor& cursor, const Block& table, const Place& place) {
    const Theme& theme = Theme::instance();
    beginLine(cursor, tinyLine());
    cursor.setBlockCharFormat(tinyText());
    QTextTableFormat format;
    format.setBorder(1);
    format.setBorderBrush(theme.colors().border);
    format.setBorderStyle(QTextFrameFormat::BorderStyle_Solid);
    format.setBorderCollapse(true);
    format.setCellSpacing(0);
    format.setCellPadding(theme.scaled(7));
    format.setHeaderRowCount(1);
    format.setTopMargin(theme.scaled(9));
    format.setLeftMargin(theme.scaled(place.indent * kIndentWidth + place.quoteDepth * 16));
    const int nRows = static_cast<int>(table.children.size());
    const int nColumns = static_cast<int>(table.aligns.size());
    QTextTable* shown = cursor.insertTable(nRows, nColumns, format);
    for (int row = 0; row < nRows; ++row) {
        const Block& cells = table.children[static_cast<std::size_t>(row)];
        for (int column = 0; column < nColumns; ++column) {
            const auto index = static_cast<std::size_t>(column);
            QTextTableCell cell = shown->cellAt(row, column);
            if (row == 0) {
                QTextTableCellFormat header;
                header.setBackground(theme.colors().code);
                cell.setFormat(header);
            }
            QTextCursor inside = cell.firstCursorPosition();
            QTextBlockFormat line;
            line.setLineHeight(theme.scaled(21), QTextBlockFormat::MinimumHeight);
            const Block::Align align = table.aligns[index];
            line.setAlignment(align == Block::Align::Right    ? Qt::AlignRight
                              : align == Block::Align::Center ? Qt::AlignHCenter
                                                              : Qt::AlignLeft);
            inside.setBlockFormat(line);
            QTextCharFormat text = bodyFormat(row == 0 ? QFont::DemiBold : QFont::Normal);
            text.setFont(theme.font(TextSize::Body, row == 0 ? QFont::DemiBold : QFont::Normal));
            inside.setBlockCharFormat(text);
            writeSpans(inside, cells.children[index].spans, text);
        }
    }
    cursor.movePosition(QTextCursor::End);
    // This line stays: Qt gives the one after a table no margin, and code would lie over the table.
    cursor.setBlockFormat(tinyLine());
    cursor.setBlockCharFormat(tinyText());
    m_fresh = false;
}

QTextBlockFormat MarkdownDocument::codeFormat(bool first, bool last) const {
    const Theme& theme = Theme::instance();
    QTextBlockFormat format = lineFormat(m_codePlace, first ? 12 : 0);
    format.setLineHeight(theme.scaled(20), QTextBlockFormat::MinimumHeight);
    if (first) format.setTopMargin(format.topMargin() + theme.scaled(kCodeHeader));
    // Qt takes the larger of two neighbours' margins, so the gap below the box is in here too.
    if (last) format.setBottomMargin(theme.scaled(2 * kCodePadding));
    format.setLeftMargin(format.leftMargin() + theme.scaled(kMarginSide));
    format.setRightMargin(theme.scaled(kMarginSide));
    format.setProperty(kCodeBlock, m_codeId);
    if (first) format.setProperty(kCodeLabel, languageLabel(m_codeLanguage));
    return format;
}

void MarkdownDocument::writeCode(QTextCursor& cursor, const Block& code, const Place& place) {
    m_codePlace = place;
    m_codeLanguage = code.language;
    m_codeId = m_nextCode++;
    beginLine(cursor, codeFormat(true, true));
    writeCodeLines(cursor, code.code.split('\n'), 0, true);
}

/// Writes lines at the cursor, which is in an empty line already, and remembers how to go on.
void MarkdownDocument::writeCodeLines(QTextCursor& cursor, const QStringList& lines, int state,
                                      bool first) {
    const LanguageSpec* language = findLanguage(m_codeLanguage);
    QTextCharFormat plain;
    plain.setFont(Theme::instance().codeFont());
    plain.setForeground(colors().text);
    // Markers stay on the line that carries them.
    const QTextBlockFormat before = cursor.blockFormat();
    std::vector<CodeToken> tokens;
    for (qsizetype i = 0; i < lines.size(); ++i) {
        const bool isFirst = first && i == 0;
        QTextBlockFormat format = codeFormat(isFirst, i + 1 == lines.size());
        if (i == 0) {
            for (const int property : {int{kMarker}, int{kTask}}) {
                if (before.hasProperty(property))
                    format.setProperty(property, before.property(property));
            }
            cursor.setBlockFormat(format);
            cursor.setBlockCharFormat(plain);
        } else {
            cursor.insertBlock(format, plain);
        }
        m_lastLineState = state;
        m_lastLineIsFirst = isFirst;
        QString line = lines[i];
        line.replace('\t', QStringLiteral("    "));
        tokens.clear();
        if (language) state = lexLine(*language, line, state, tokens);
        qsizetype from = 0;
        for (const CodeToken& token : tokens) {
            if (token.start > from) cursor.insertText(line.mid(from, token.start - from), plain);
            QTextCharFormat look = plain;
            look.setForeground(tokenColor(token.kind));
            cursor.insertText(line.mid(token.start, token.length), look);
            from = token.start + token.length;
        }
        if (from < line.size()) cursor.insertText(line.mid(from), plain);
    }
}

void MarkdownDocument::writeSpans(QTextCursor& cursor, const std::vector<Span>& spans,
                                  const QTextCharFormat& base) {
    const Theme& theme = Theme::instance();
    for (const Span& span : spans) {
        QTextCharFormat format = base;
        if (span.citation) {
            tieToWordBefore(cursor, base);
            format.setObjectType(kCitationObject);
            format.setProperty(kCitationNumber, span.citation);
            format.setProperty(kCitationIndex, span.citationIndex);
            format.setProperty(kCitationUnsupported, span.unsupported);
            format.setAnchor(true);
            format.setAnchorHref(
                QStringLiteral("citation:%1:%2").arg(span.citation).arg(span.citationIndex));
            format.setToolTip(
                span.unsupported
                    ? QCoreApplication::translate("Markdown", "The passage does not say this.")
                    : QCoreApplication::translate("Markdown", "Show source %1").arg(span.citation));
            cursor.insertText(QString(QChar::ObjectReplacementCharacter), format);
            continue;
        }
        if (span.flags & Span::LineBreak) {
            cursor.insertText(QString(QChar::LineSeparator), base);
            continue;
        }
        QFont font = base.font();
        if (span.flags & Span::Code) {
            const int pixels = font.pixelSize();
            font = theme.codeFont();
            font.setPixelSize(std::max(1, pixels - theme.scaled(1)));
            format.setBackground(theme.colors().selected);
        }
        if (span.flags & Span::Bold) font.setWeight(QFont::Bold);
        if (span.flags & (Span::Italic | Span::Image)) font.setItalic(true);
        if (span.flags & Span::Strike) font.setStrikeOut(true);
        QString text = span.text;
        if (span.flags & Span::Image) {
            text = QCoreApplication::translate("Markdown", "[Picture: %1]").arg(text);
            format.setForeground(theme.colors().muted);
        } else if (!span.href.isEmpty()) {
            format.setAnchor(true);
            format.setAnchorHref(span.href);
            format.setToolTip(span.href);
            format.setForeground(theme.colors().accent);
            format.setFontUnderline(true);
        }
        format.setFont(font, QTextCharFormat::FontPropertiesAll);
        if (!span.href.isEmpty() && !(span.flags & Span::Image)) format.setFontUnderline(true);
        insertWithEmoji(cursor, text, format);
    }
}

}  // namespace conclave::ui
