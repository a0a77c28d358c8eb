#include "ui/widgets/document_reader.h"

#include <QDesktopServices>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollBar>
#include <QTextEdit>
#include <QTimer>
#include <QToolButton>
#include <QUrl>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/bridge.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

DocumentReader::DocumentReader(services::Services& services, QWidget* parent)
    : QWidget(parent),
      m_services(services),
      m_title(new ElidedLabel({}, this)),
      m_note(makeLabel({}, TextSize::Small, this, true)),
      m_text(new QTextEdit(this)),
      m_previous(makeIconButton(Icon::Left, tr("Previous page"), this)),
      m_next(makeIconButton(Icon::Right, tr("Next page"), this)),
      m_open(makeIconButton(Icon::External, tr("Open the file in its own program"), this)),
      m_pageLabel(makeLabel({}, TextSize::Small, this, true)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    auto* top = new QHBoxLayout;
    top->setSpacing(4);
    QToolButton* back = makeIconButton(Icon::Back, tr("Back to the list"), this);
    connect(back, &QToolButton::clicked, this, &DocumentReader::backAsked);
    onTheme(m_title,
            [this] { m_title->setFont(Theme::instance().font(TextSize::Body, QFont::DemiBold)); });
    top->addWidget(back);
    top->addWidget(m_title, 1);
    top->addWidget(m_open);
    column->addLayout(top);
    auto* pages = new QHBoxLayout;
    pages->setSpacing(4);
    pages->addWidget(m_previous);
    pages->addWidget(m_pageLabel);
    pages->addWidget(m_next);
    pages->addStretch();
    column->addLayout(pages);
    m_note->setWordWrap(true);
    column->addWidget(m_note);
    m_text->setObjectName(QStringLiteral("field"));
    m_text->setReadOnly(true);
    m_text->setCursorWidth(0);  // nothing is typed here
    m_text->document()->setDocumentMargin(10);
    m_text->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    m_text->setAccessibleName(tr("Document text"));
    m_text->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    onTheme(m_text, [this] { m_text->setFont(Theme::instance().font(TextSize::Body)); });
    connect(&Theme::instance(), &Theme::changed, this, [this] {
        if (!m_pages.empty()) showPage(m_page);
    });
    column->addWidget(m_text, 1);
    connect(m_previous, &QToolButton::clicked, this, [this] { showPage(m_page - 1); });
    connect(m_next, &QToolButton::clicked, this, [this] { showPage(m_page + 1); });
    connect(m_open, &QToolButton::clicked, this,
            [this] { QDesktopServices::openUrl(QUrl::fromLocalFile(fromUtf8(m_passage.path))); });
}

void DocumentReader::open(const services::StoredPassage& passage, const ReaderPlace& place) {
    m_passage = passage;
    m_place = place;
    m_pages.clear();
    const int request = ++m_request;
    m_title->setFullText(titleOfSource(passage.title, passage.path));
    m_open->setToolTip(tr("Open %1").arg(fromUtf8(passage.path)));
    m_open->setVisible(!passage.path.empty());
    m_note->hide();
    showStored();
    if (!passage.document) {
        m_note->setText(tr("This document was removed. Its passage is kept with the answer."));
        m_note->show();
        return;
    }
    m_services.collections().open(
        *passage.document,
        onGui<services::DocumentView>(this, [=, this](Result<services::DocumentView> view) {
            if (request != m_request) return;
            if (view) {
                showDocument(*view);
            } else {
                m_note->setText(errorText(view.error()));
                m_note->show();
            }
        }));
}

void DocumentReader::open(const services::Document& document) {
    services::StoredPassage whole;
    whole.document = document.id;
    whole.path = document.path.string();
    whole.title = document.title;
    open(whole, {});
}

void DocumentReader::explain(const std::filesystem::path& file, const QString& why) {
    services::StoredPassage nothing;
    nothing.path = file.string();
    open(nothing, {});
    m_note->setText(why);
    m_note->show();
}

void DocumentReader::showStored() {
    m_previous->setEnabled(false);
    m_next->setEnabled(false);
    m_pageLabel->setText(tr("Page %1").arg(m_place.page));
    m_page = m_place.page;
    write(m_passage.text);
    mark(m_passage.startByte);
}

void DocumentReader::showDocument(const services::DocumentView& view) {
    m_pages = view.pages;
    const auto page = std::find_if(
        m_pages.begin(), m_pages.end(),
        [&](const services::Page& candidate) { return candidate.number == m_place.page; });
    // The file may have changed since the answer: then the stored passage is what was read.
    const bool changed =
        page == m_pages.end() || m_passage.endByte > page->text.size() ||
        page->text.compare(m_passage.startByte, m_passage.endByte - m_passage.startByte,
                           m_passage.text) != 0;
    if (changed) {
        m_note->setText(tr("The document has changed since. This is the passage that was read."));
        m_note->show();
        m_pages.clear();
        return;
    }
    showPage(m_place.page);
}

void DocumentReader::showPage(int number) {
    const auto page =
        std::find_if(m_pages.begin(), m_pages.end(),
                     [&](const services::Page& candidate) { return candidate.number == number; });
    if (page == m_pages.end()) return;
    m_page = number;
    m_previous->setEnabled(page != m_pages.begin());
    m_next->setEnabled(page + 1 != m_pages.end());
    const bool single = m_pages.size() == 1;
    m_previous->setVisible(!single);
    m_next->setVisible(!single);
    m_pageLabel->setVisible(!single);
    m_pageLabel->setText(tr("Page %1 of %2").arg(number).arg(m_pages.back().number));
    write(page->text);
    if (number == m_place.page) mark(0);
}

void DocumentReader::write(const std::string& text) {
    m_marked.clear();
    m_text->setExtraSelections({});
    m_shown.write(*m_text->document(), text, markupOf(m_passage.path));
    m_text->moveCursor(QTextCursor::Start);
}

void DocumentReader::mark(std::size_t offset) {
    QList<QTextEdit::ExtraSelection> marks;
    const auto add = [&](std::size_t start, std::size_t end, const QColor& color) {
        if (end <= start || end <= offset) return;
        const QList<QTextCursor> found =
            m_shown.find(*m_text->document(), start - std::min(start, offset), end - offset);
        for (const QTextCursor& cursor : found) {
            QTextEdit::ExtraSelection mark;
            mark.cursor = cursor;
            mark.format.setBackground(color);
            marks.append(mark);
        }
        if (!found.isEmpty()) m_marked = found;
    };
    add(m_place.passageStart, m_place.passageEnd, colors().accentSoft);
    add(m_place.markStart, m_place.markEnd, colors().mark);
    m_text->setExtraSelections(marks);
    if (m_marked.isEmpty()) return;
    QTextCursor begin(m_text->document());
    begin.setPosition(m_marked.front().selectionStart());
    m_text->setTextCursor(begin);
    // In the upper part of the view, once the widget has its size.
    QTimer::singleShot(0, m_text, [this] {
        QScrollBar* bar = m_text->verticalScrollBar();
        bar->setValue(bar->value() + m_text->cursorRect().top() - m_text->viewport()->height() / 4);
    });
}

QString DocumentReader::markedText() const {
    QStringList parts;
    for (const QTextCursor& cursor : m_marked) parts << cursor.selectedText();
    return parts.join(QLatin1Char('\n'));
}

QString DocumentReader::shownText() const { return m_text->toPlainText(); }

QString DocumentReader::note() const {
    return m_note->isVisibleTo(this) ? m_note->text() : QString();
}

}  // namespace conclave::ui
