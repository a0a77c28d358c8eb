#include "ui/widgets/message_text.h"

#include <QAbstractTextDocumentLayout>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QMenu>
#include <QMimeData>
#include <QPainter>
#include <QPainterPath>
#include <QScrollBar>
#include <QTextBlock>
#include <QTextObjectInterface>
#include <QTimer>
#include <QToolButton>
#include <cmath>

#include "ui/icons.h"
#include "ui/theme.h"

namespace conclave::ui {

namespace {

/// Draws the [n] of an answer as a small round label.
class CitationChip : public QObject, public QTextObjectInterface {
    Q_OBJECT
    Q_INTERFACES(QTextObjectInterface)
public:
    using QObject::QObject;

    QSizeF intrinsicSize(QTextDocument*, int, const QTextFormat& format) override {
        const QFontMetricsF metrics(font());
        const double width =
            metrics.horizontalAdvance(label(format)) + Theme::instance().scaled(10);
        const double height = metrics.height();
        return {std::max(width, height) + 3.0, height};
    }

    void drawObject(QPainter* painter, const QRectF& rect, QTextDocument*, int,
                    const QTextFormat& format) override {
        const Colors& c = colors();
        const bool unsupported = format.boolProperty(kCitationUnsupported);
        QRectF chip = rect.adjusted(1.5, 0, -1.5, 0);
        chip.translate(0, std::round(QFontMetricsF(font()).descent() * 0.55));
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        painter->setPen(unsupported ? QPen(c.warning, 1.0, Qt::DashLine) : Qt::NoPen);
        painter->setBrush(unsupported ? c.warningSoft : c.accentSoft);
        painter->drawRoundedRect(chip, chip.height() / 2, chip.height() / 2);
        QFont text = font();
        text.setStrikeOut(unsupported);
        painter->setFont(text);
        painter->setPen(unsupported ? c.warning : c.accent);
        painter->drawText(chip, Qt::AlignCenter, label(format));
        painter->restore();
    }

private:
    static QFont font() { return Theme::instance().font(TextSize::Caption, QFont::DemiBold); }
    static QString label(const QTextFormat& format) {
        return QString::number(format.intProperty(kCitationNumber));
    }
};

constexpr int kCodeHeader = 30;

}  // namespace

MessageText::MessageText(QWidget* parent) : QTextBrowser(parent), m_markdown(*document()) {
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setLineWrapMode(QTextEdit::FixedPixelWidth);
    setOpenLinks(false);
    setFocusPolicy(Qt::ClickFocus);
    setObjectName(QStringLiteral("message"));  // a style sheet of its own would take long for each
    viewport()->setAutoFillBackground(false);
    document()->documentLayout()->registerHandler(kCitationObject, new CitationChip(document()));
    connect(this, &QTextBrowser::anchorClicked, this, [this](const QUrl& url) {
        const QString href = url.toString();
        if (!href.startsWith(QLatin1String("citation:"))) {
            emit linkClicked(href);
            return;
        }
        const QStringList parts = href.split(':');
        if (parts.size() == 3) emit citationClicked(parts[1].toInt(), parts[2].toInt());
    });
}

void MessageText::setMarkdown(const std::string& text, const CitationMarks& citations) {
    m_markdown.setText(text, citations);
    if (m_markdown.nRewritten() > 0) QTimer::singleShot(0, this, &MessageText::placeCodeButtons);
}

void MessageText::setPlain(const QString& text) {
    document()->setDocumentMargin(0);
    document()->setDefaultFont(Theme::instance().font(TextSize::Message));
    setFont(Theme::instance().font(TextSize::Message));
    setPlainText(text);
    QTextCursor cursor(document());
    cursor.select(QTextCursor::Document);
    QTextBlockFormat format;
    format.setLineHeight(Theme::instance().scaled(23), QTextBlockFormat::MinimumHeight);
    cursor.mergeBlockFormat(format);
}

int MessageText::heightForTextWidth(int width) {
    if (width != m_textWidth) {
        m_textWidth = width;
        setLineWrapColumnOrWidth(width);
        QTimer::singleShot(0, this, &MessageText::placeCodeButtons);
    }
    // Qt leaves out what is below the last line, where the frame of code ends.
    const QTextBlockFormat last = document()->lastBlock().blockFormat();
    const double below = last.hasProperty(kCodeBlock) ? last.bottomMargin() : 0.0;
    return static_cast<int>(std::ceil(document()->size().height() + below));
}

int MessageText::naturalWidth(int width) {
    heightForTextWidth(width);
    return std::min(width, static_cast<int>(std::ceil(document()->idealWidth())) + 2);
}

void MessageText::resizeEvent(QResizeEvent* event) {
    // The width of the text is set by heightForTextWidth alone, so a growing height costs no
    // layout.
    QTextBrowser::resizeEvent(event);
    verticalScrollBar()->setValue(0);
}

void MessageText::wheelEvent(QWheelEvent* event) { event->ignore(); }

void MessageText::keyPressEvent(QKeyEvent* event) {
    if (event->matches(QKeySequence::Copy) || event->matches(QKeySequence::SelectAll)) {
        QTextBrowser::keyPressEvent(event);
        return;
    }
    // Scrolling keys belong to the conversation.
    switch (event->key()) {
        case Qt::Key_Tab:
        case Qt::Key_Backtab:
        case Qt::Key_Return:
        case Qt::Key_Enter: QTextBrowser::keyPressEvent(event); break;
        default: event->ignore(); break;
    }
}

void MessageText::contextMenuEvent(QContextMenuEvent* event) {
    // Not one that waits here: the message may go away meanwhile.
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    const QString link = anchorAt(event->pos());
    QAction* copySelection =
        menu->addAction(icon(Icon::Copy, colors().muted), tr("Copy"), this, &QTextEdit::copy);
    copySelection->setEnabled(textCursor().hasSelection());
    if (!link.isEmpty() && !link.startsWith(QLatin1String("citation:"))) {
        menu->addAction(tr("Copy link address"), this,
                        [link] { QGuiApplication::clipboard()->setText(link); });
    }
    menu->addAction(tr("Select all"), this, &QTextEdit::selectAll);
    menu->popup(event->globalPos());
}

QString MessageText::selectedText() const {
    const QTextCursor selection = textCursor();
    QString result;
    const QTextBlock last = document()->findBlock(selection.selectionEnd());
    for (QTextBlock block = document()->findBlock(selection.selectionStart()); block.isValid();
         block = block.next()) {
        if (!result.isEmpty() || block.position() > selection.selectionStart()) result += '\n';
        const QString marker = block.blockFormat().property(kMarker).toString();
        if (!marker.isEmpty() && selection.selectionStart() <= block.position())
            result += marker + ' ';
        for (auto at = block.begin(); !at.atEnd(); ++at) {
            const QTextFragment fragment = at.fragment();
            const int from = std::max(fragment.position(), selection.selectionStart());
            const int to =
                std::min(fragment.position() + fragment.length(), selection.selectionEnd());
            if (to <= from) continue;
            if (fragment.charFormat().objectType() == kCitationObject) {
                result +=
                    QStringLiteral("[%1]").arg(fragment.charFormat().intProperty(kCitationNumber));
            } else {
                result += fragment.text().mid(from - fragment.position(), to - from);
            }
        }
        if (block == last) break;
    }
    result.replace(QChar::LineSeparator, '\n');
    result.replace(QStringLiteral("\u00a0["), QStringLiteral(" ["));
    result.remove(kWordJoiner);
    return result;
}

QMimeData* MessageText::createMimeDataFromSelection() const {
    auto* copy = new QMimeData;
    copy->setText(selectedText());
    return copy;
}

// -------------------------------------------------------------------------------- finding

int MessageText::markFound(const QString& words) {
    m_found.clear();
    if (!words.isEmpty()) {
        for (QTextCursor hit = document()->find(words); !hit.isNull();
             hit = document()->find(words, hit)) {
            m_found.append(hit);
        }
    }
    showFound(-1);
    return static_cast<int>(m_found.size());
}

QRect MessageText::showFound(int index) {
    QList<QTextEdit::ExtraSelection> marks;
    QRect where;
    for (qsizetype i = 0; i < m_found.size(); ++i) {
        QTextEdit::ExtraSelection mark;
        mark.cursor = m_found[i];
        mark.format.setBackground(i == index ? colors().accent : colors().mark);
        if (i == index) {
            mark.format.setForeground(colors().onAccent);
            where = cursorRect(m_found[i]);
        }
        marks.append(mark);
    }
    setExtraSelections(marks);
    return where;
}

// -------------------------------------------------------------------------------- painting

void MessageText::paintEvent(QPaintEvent* event) {
    {
        QPainter painter(viewport());
        paintDecorations(painter, event->rect());
    }
    QTextBrowser::paintEvent(event);
}

void MessageText::paintDecorations(QPainter& painter, const QRect& clip) const {
    const Theme& theme = Theme::instance();
    const Colors& c = theme.colors();
    QAbstractTextDocumentLayout* layout = document()->documentLayout();
    painter.setRenderHint(QPainter::Antialiasing);
    for (QTextBlock block = document()->begin(); block.isValid(); block = block.next()) {
        const QTextBlockFormat format = block.blockFormat();
        const QRectF rect = layout->blockBoundingRect(block);
        if (rect.top() > clip.bottom() + theme.scaled(80)) break;

        const bool isFromRight = format.layoutDirection() == Qt::RightToLeft;
        const double margin = isFromRight ? format.rightMargin() : format.leftMargin();
        const double width = viewport()->width();
        const int quotes = format.intProperty(kQuoteDepth);
        if (quotes > 0) {
            const double indent = margin - quotes * theme.scaled(16) -
                                  (format.hasProperty(kCodeBlock) ? theme.scaled(14) : 0);
            const QTextBlock before = block.previous();
            const bool joined =
                before.isValid() && before.blockFormat().intProperty(kQuoteDepth) > 0;
            for (int i = 0; i < quotes; ++i) {
                const double x = indent + i * theme.scaled(16) + 1;
                const double top = rect.top() - (joined ? format.topMargin() : 0);
                painter.fillRect(
                    QRectF(isFromRight ? width - x - 3 : x, top, 3, rect.bottom() - top),
                    c.borderStrong);
            }
        }
        if (format.hasProperty(kCodeLabel)) {
            QTextBlock last = block;
            const int id = format.intProperty(kCodeBlock);
            while (last.next().isValid() && last.next().blockFormat().hasProperty(kCodeBlock) &&
                   last.next().blockFormat().intProperty(kCodeBlock) == id) {
                last = last.next();
            }
            const double left = format.leftMargin() - theme.scaled(14);
            const double top = rect.top() - theme.scaled(kCodeHeader) - theme.scaled(9);
            const double bottom = layout->blockBoundingRect(last).bottom() + theme.scaled(13);
            const QRectF box(left + 0.5, top + 0.5, viewport()->width() - left - 1,
                             bottom - top - 1);
            painter.setPen(c.border);
            painter.setBrush(c.code);
            painter.drawRoundedRect(box, space::kRadius, space::kRadius);
            painter.drawLine(QPointF(box.left(), top + theme.scaled(kCodeHeader)),
                             QPointF(box.right(), top + theme.scaled(kCodeHeader)));
            painter.setPen(c.muted);
            painter.setFont(theme.font(TextSize::Caption));
            const QString label = format.property(kCodeLabel).toString();
            painter.drawText(QRectF(left + theme.scaled(14), top, box.width() - theme.scaled(90),
                                    theme.scaled(kCodeHeader)),
                             Qt::AlignVCenter | Qt::AlignLeft,
                             label.isEmpty() ? tr("Text") : label);
        }
        if (format.boolProperty(kRule)) {
            painter.fillRect(QRectF(0, rect.center().y(), viewport()->width(), 1), c.border);
        }
        if (format.hasProperty(kMarker)) {
            const QTextLayout* lines = block.layout();
            const double lineHeight =
                lines->lineCount() ? lines->lineAt(0).height() : rect.height();
            const double lineTop = rect.top() + (lines->lineCount() ? lines->lineAt(0).y() : 0);
            const double gap = theme.scaled(8);
            const QRectF area(isFromRight ? width - margin + gap : 0, lineTop, margin - gap,
                              lineHeight);
            if (format.hasProperty(kTask)) {
                const double size = theme.scaled(14);
                const QRectF boxRect(isFromRight ? area.left() : area.right() - size,
                                     area.center().y() - size / 2 + 1, size, size);
                const bool done = format.intProperty(kTask) == 1;
                painter.setPen(done ? c.accent : c.borderStrong);
                painter.setBrush(done ? c.accent : c.surface);
                painter.drawRoundedRect(boxRect, 3, 3);
                if (done) {
                    painter.drawPixmap(boxRect.toRect(),
                                       iconPixmap(Icon::Check, c.onAccent, static_cast<int>(size),
                                                  devicePixelRatioF()));
                }
            } else {
                painter.setPen(c.muted);
                painter.setFont(theme.font(TextSize::Message));
                const QString marker = format.property(kMarker).toString();
                if (isFromRight) {
                    painter.drawText(area.adjusted(0, 0, 40, 0),
                                     Qt::AlignLeft | Qt::AlignAbsolute | Qt::AlignVCenter |
                                         Qt::TextForceRightToLeft,
                                     marker);
                } else {
                    painter.drawText(area.adjusted(-40, 0, 0, 0), Qt::AlignRight | Qt::AlignVCenter,
                                     marker);
                }
            }
        }
    }
}

void MessageText::placeCodeButtons() {
    std::size_t used = 0;
    const Theme& theme = Theme::instance();
    for (QTextBlock block = document()->begin(); block.isValid(); block = block.next()) {
        const QTextBlockFormat format = block.blockFormat();
        if (!format.hasProperty(kCodeLabel)) continue;
        if (used == m_codeButtons.size()) {
            auto* made = new QToolButton(viewport());
            made->setIcon(icon(Icon::Copy, colors().muted));
            made->setCursor(Qt::PointingHandCursor);
            made->setToolTip(tr("Copy code"));
            made->setAccessibleName(tr("Copy code"));
            connect(made, &QToolButton::clicked, this, [this, made] {
                QGuiApplication::clipboard()->setText(
                    m_markdown.codeOf(made->property("code").toInt()));
                made->setIcon(icon(Icon::Check, colors().accent));
                QTimer::singleShot(1500, made,
                                   [made] { made->setIcon(icon(Icon::Copy, colors().muted)); });
                emit copied();
            });
            m_codeButtons.push_back(made);
        }
        QToolButton* button = m_codeButtons[used++];
        button->setProperty("code", format.intProperty(kCodeBlock));
        const int size = theme.scaled(kCodeHeader) - 4;
        const double top = document()->documentLayout()->blockBoundingRect(block).top() -
                           theme.scaled(kCodeHeader) - theme.scaled(9);
        button->setGeometry(viewport()->width() - size - 4, static_cast<int>(top) + 2, size, size);
        button->show();
    }
    for (std::size_t i = used; i < m_codeButtons.size(); ++i) m_codeButtons[i]->hide();
}

}  // namespace conclave::ui

#include "message_text.moc"
