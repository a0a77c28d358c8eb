#include "ui/widgets/document_reader.h"

#include <QDesktopServices>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollBar>
#include <QStackedWidget>
#include <QTextEdit>
#include <QTextTable>
#include <QTimer>
#include <QToolButton>
#include <QUrl>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "ui/bridge.h"
#include "ui/widgets/document_search.h"
#include "ui/widgets/find_bar.h"
#include "ui/widgets/pdf_view.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

namespace {

constexpr auto kViewSetting = "reader.view";  // "page" or "text"

bool isPdfName(const std::string& path) {
    return fromUtf8(path).endsWith(QLatin1String(".pdf"), Qt::CaseInsensitive);
}

}  // namespace

DocumentReader::DocumentReader(services::Services& services, QWidget* parent)
    : QWidget(parent),
      m_services(services),
      m_title(new ElidedLabel({}, this)),
      m_note(makeLabel({}, TextSize::Small, this, true)),
      m_warnings(new QVBoxLayout),
      m_views(new QStackedWidget(this)),
      m_text(new QTextEdit(m_views)),
      m_pdf(new PdfView(m_views)),
      m_previous(makeIconButton(Icon::Left, tr("Previous page"), this)),
      m_next(makeIconButton(Icon::Right, tr("Next page"), this)),
      m_open(makeIconButton(Icon::External, tr("Open the file in its own program"), this)),
      m_asText(makeIconButton(Icon::Lines, tr("Show the text"), this)),
      m_asPages(makeIconButton(Icon::File, tr("Show the pages"), this)),
      m_search(makeIconButton(Icon::Search, tr("Find in this document (Ctrl+F)"), this)),
      m_find(new FindBar(tr("Find in this document"), this)),
      m_zoom(new QWidget(this)),
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
    top->addWidget(m_search);
    top->addWidget(m_asText);
    top->addWidget(m_asPages);
    top->addWidget(m_open);
    column->addLayout(top);
    auto* pages = new QHBoxLayout;
    pages->setSpacing(4);
    pages->addWidget(m_previous);
    pages->addWidget(m_pageLabel);
    pages->addWidget(m_next);
    pages->addStretch();
    pages->addWidget(m_zoom);
    column->addLayout(pages);
    column->addWidget(m_find);
    connect(m_search, &QToolButton::clicked, this, &DocumentReader::openFind);
    connect(m_find, &FindBar::changed, this, &DocumentReader::find);
    connect(m_find, &FindBar::stepAsked, this, &DocumentReader::findStep);
    connect(m_find, &FindBar::closeAsked, this, &DocumentReader::closeFind);
    auto* zoom = new QHBoxLayout(m_zoom);
    zoom->setContentsMargins(0, 0, 0, 0);
    zoom->setSpacing(2);
    QToolButton* smaller = makeIconButton(Icon::Minus, tr("Smaller (Ctrl+-)"), m_zoom);
    QToolButton* fit = makeIconButton(Icon::FitWidth, tr("As wide as the view (Ctrl+0)"), m_zoom);
    QToolButton* larger = makeIconButton(Icon::Plus, tr("Larger (Ctrl++)"), m_zoom);
    for (QToolButton* each : {smaller, fit, larger}) zoom->addWidget(each);
    connect(smaller, &QToolButton::clicked, m_pdf,
            [this] { m_pdf->setZoom(m_pdf->zoom() / PdfView::kZoomStep); });
    connect(fit, &QToolButton::clicked, m_pdf, [this] { m_pdf->setZoom(1.0); });
    connect(larger, &QToolButton::clicked, m_pdf,
            [this] { m_pdf->setZoom(m_pdf->zoom() * PdfView::kZoomStep); });
    m_note->setWordWrap(true);
    column->addWidget(m_note);
    m_warnings->setSpacing(4);
    column->addLayout(m_warnings);
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
    m_pdf->setAccessibleName(tr("Pages of the document"));
    m_views->addWidget(m_text);
    m_views->addWidget(m_pdf);
    column->addWidget(m_views, 1);
    connect(m_previous, &QToolButton::clicked, this, [this] { turnTo(m_page - 1); });
    connect(m_next, &QToolButton::clicked, this, [this] { turnTo(m_page + 1); });
    connect(m_asText, &QToolButton::clicked, this, [this] { preferPages(false); });
    connect(m_asPages, &QToolButton::clicked, this, [this] { preferPages(true); });
    connect(m_pdf, &PdfView::closeAsked, this, &DocumentReader::backAsked);
    connect(m_pdf, &PdfView::pageChanged, this, [this](int page) {
        if (!showsPages()) return;
        m_page = page;
        arrange();
    });
    connect(m_pdf, &PdfView::shown, this, [this](services::PageView::State state) {
        using State = services::PageView::State;
        if (state == State::Changed) {
            leavePages(
                tr("The file has changed since it was read. This is the text that was read."));
        } else if (state == State::Unmarked) {
            tell(
                tr("The text of this document was recognised in pictures, so that the passage "
                   "cannot be marked on the page. It is marked in the text."));
        }
        arrange();
    });
    connect(m_pdf, &PdfView::failed, this, [this](const Error& error) {
        leavePages(error.code == ErrorCode::NotFound
                       ? tr("The file is not where it was. This is the text that was read.")
                       : errorText(error));
    });
    using Value = std::optional<nlohmann::json>;
    m_services.setting(kViewSetting, onGui<Value>(this, [this](Result<Value> value) {
                           if (value && *value && **value == nlohmann::json("text")) {
                               m_prefersPages = false;
                               arrange();
                           }
                       }));
    connect(m_open, &QToolButton::clicked, this,
            [this] { QDesktopServices::openUrl(QUrl::fromLocalFile(fromUtf8(m_passage.path))); });
}

void DocumentReader::open(const services::StoredPassage& passage, const ReaderPlace& place) {
    m_passage = passage;
    m_place = place;
    m_pages.clear();
    m_hits.clear();
    m_find->hide();
    m_search->setEnabled(false);
    m_pdf->clear();
    m_hasPages = passage.document && isPdfName(passage.path);
    const int request = ++m_request;
    m_title->setFullText(titleOfSource(passage.title, passage.path));
    m_open->setToolTip(tr("Open %1").arg(fromUtf8(passage.path)));
    m_open->setVisible(!passage.path.empty());
    m_note->hide();
    while (QLayoutItem* last = m_warnings->takeAt(0)) {
        delete last->widget();
        delete last;
    }
    showStored();
    if (!passage.document) {
        return tell(tr("This document was removed. Its passage is kept with the answer."));
    }
    m_services.collections().open(
        *passage.document,
        onGui<services::DocumentView>(this, [=, this](Result<services::DocumentView> view) {
            if (request != m_request) return;
            if (view) {
                showDocument(*view);
            } else {
                leavePages(errorText(view.error()));
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
    tell(why);
}

void DocumentReader::tell(const QString& note) {
    m_note->setText(note);
    m_note->show();
}

void DocumentReader::warn(const QString& warning) {
    m_warnings->addWidget(makeWarning(warning, this));
}

bool DocumentReader::showsPages() const { return m_views->currentWidget() == m_pdf; }

bool DocumentReader::wantsWidth() const { return showsPages() || m_hasTable; }

void DocumentReader::openPages() {
    const auto draw = [this, id = *m_passage.document](
                          const retrieval::PageRequest& request,
                          std::function<void(Result<services::PageView>)> reply) {
        m_services.collections().page(id, request,
                                      onGui<services::PageView>(m_pdf, std::move(reply)));
    };
    ReaderPlace place = m_place;
    place.page = m_page;
    if (place.page != m_place.page) place = {.page = m_page};
    m_pdf->open(place, m_pages.back().number, draw);
    m_pdf->setFocus();
}

void DocumentReader::leavePages(const QString& why) {
    m_hasPages = false;
    tell(why);
    if (m_pages.empty()) return arrange();
    showPage(m_page);
}

void DocumentReader::preferPages(bool prefer) {
    m_prefersPages = prefer;
    m_services.setSetting(kViewSetting, prefer ? "page" : "text");
    arrange();
    if (m_pages.empty()) return;
    if (!prefer) {
        showPage(m_page);
    } else if (m_pdf->nPages() == 0) {
        openPages();
    } else {
        m_pdf->goTo(m_page);
        m_pdf->setFocus();
    }
}

void DocumentReader::arrange() {
    const bool pages = m_hasPages && m_prefersPages;
    const bool isOther = pages != showsPages();
    m_views->setCurrentWidget(pages ? static_cast<QWidget*>(m_pdf) : m_text);
    m_asText->setVisible(pages);
    m_asPages->setVisible(m_hasPages && !pages);
    m_zoom->setVisible(pages);
    const int nPages = m_pages.empty() ? 0
                       : pages         ? std::max(m_pdf->nPages(), m_pages.back().number)
                                       : m_pages.back().number;
    m_previous->setVisible(nPages != 1);
    m_next->setVisible(nPages != 1);
    m_pageLabel->setVisible(nPages != 1);
    m_previous->setEnabled(nPages > 0 && m_page > 1);
    m_next->setEnabled(m_page < nPages);
    m_pageLabel->setText(nPages > 0 ? tr("Page %1 of %2").arg(m_page).arg(nPages)
                                    : tr("Page %1").arg(m_page));
    if (isOther) emit viewChanged();
}

void DocumentReader::turnTo(int number) {
    if (showsPages()) {
        m_pdf->goTo(number);
    } else {
        showPage(number);
    }
}

void DocumentReader::showStored() {
    m_page = m_place.page;
    arrange();
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
        m_pages.clear();
        return leavePages(tr("The document has changed since. This is the passage that was read."));
    }
    m_hasPages = view.document.mime == "application/pdf";
    m_search->setEnabled(true);
    showPage(m_place.page);
    if (showsPages()) openPages();
}

void DocumentReader::showPage(int number) {
    const auto page =
        std::find_if(m_pages.begin(), m_pages.end(),
                     [&](const services::Page& candidate) { return candidate.number == number; });
    if (page == m_pages.end()) return;
    m_page = number;
    arrange();
    write(page->text);
    if (number == m_place.page) mark(0);
}

void DocumentReader::write(const std::string& text) {
    m_marked.clear();
    m_text->setExtraSelections({});
    m_shown.write(*m_text->document(), text, markupOf(m_passage.path));
    const QList<QTextFrame*> frames = m_text->document()->rootFrame()->childFrames();
    const bool hasTable = std::any_of(frames.begin(), frames.end(), [](QTextFrame* frame) {
        constexpr int kWide = 3;  // columns
        const auto* const table = qobject_cast<QTextTable*>(frame);
        return table != nullptr && table->columns() >= kWide;
    });
    if (std::exchange(m_hasTable, hasTable) != hasTable) emit viewChanged();
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

// ------------------------------------------------------------------------------------- finding

void DocumentReader::openFind() {
    if (m_pages.empty()) return;
    m_find->openFind();
    find();
}

void DocumentReader::find() {
    m_hits = placesOf(m_pages, m_find->text());
    // The first from where one reads on.
    const auto here = std::find_if(m_hits.begin(), m_hits.end(), [this](const ReaderPlace& place) {
        return place.page >= m_page;
    });
    m_hit = here == m_hits.end() ? 0 : static_cast<std::size_t>(here - m_hits.begin());
    findStep(0);
}

void DocumentReader::findStep(int step) {
    const auto nHits = static_cast<int>(m_hits.size());
    if (nHits == 0) return m_find->setFound(0, 0);
    m_hit = static_cast<std::size_t>((static_cast<int>(m_hit) + step + nHits) % nHits);
    m_place = m_hits[m_hit];
    m_find->setFound(static_cast<int>(m_hit) + 1, nHits);
    if (showsPages()) {
        m_page = m_place.page;
        m_pdf->mark(m_place);
        arrange();
    } else if (m_page == m_place.page) {
        m_marked.clear();
        mark(0);
    } else {
        showPage(m_place.page);
    }
}

void DocumentReader::closeFind() {
    m_find->hide();
    if (showsPages()) {
        m_pdf->setFocus();
    } else {
        m_text->setFocus();
    }
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
