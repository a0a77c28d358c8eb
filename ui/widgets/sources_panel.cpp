#include "ui/widgets/sources_panel.h"

#include <QContextMenuEvent>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QMouseEvent>
#include <QScrollArea>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <functional>
#include <utility>

#include "ui/bridge.h"
#include "ui/filter_words.h"
#include "ui/markdown/document_blocks.h"
#include "ui/widgets/document_reader.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

namespace {

/// A card that acts as a button, by mouse and by keyboard.
class Card : public QFrame {
public:
    Card(std::function<void()> act, std::function<void(QPoint)> openMenu, QWidget* parent)
        : QFrame(parent), m_act(std::move(act)), m_openMenu(std::move(openMenu)) {
        setObjectName(QStringLiteral("card"));
        setProperty("clickable", true);
        setCursor(Qt::PointingHandCursor);
        setFocusPolicy(Qt::TabFocus);
    }

protected:
    void mouseReleaseEvent(QMouseEvent* event) override {
        if (event->button() == Qt::LeftButton && rect().contains(event->pos())) m_act();
    }
    void keyPressEvent(QKeyEvent* event) override {
        if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Space) {
            m_act();
        } else {
            QFrame::keyPressEvent(event);
        }
    }
    /// By the mouse, where it is; by the menu key, below the title.
    void contextMenuEvent(QContextMenuEvent* event) override {
        const bool isByKey = event->reason() == QContextMenuEvent::Keyboard;
        m_openMenu(isByKey ? mapToGlobal(QPoint(12, 34)) : event->globalPos());
    }
    void focusInEvent(QFocusEvent* event) override {
        setStyleProperty(this, "current", true);
        QFrame::focusInEvent(event);
    }
    void focusOutEvent(QFocusEvent* event) override {
        setStyleProperty(this, "current", false);
        QFrame::focusOutEvent(event);
    }

private:
    std::function<void()> m_act;
    std::function<void(QPoint)> m_openMenu;
};

/// A label breaks between words only, so a word as long as a line gets places to break at.
QString breakable(QString text) {
    constexpr qsizetype kLongestWord = 24;
    qsizetype length = 0;
    for (qsizetype i = 0; i < text.size(); ++i) {
        length = text[i].isSpace() ? 0 : length + 1;
        if (length <= kLongestWord || text[i].isLowSurrogate()) continue;
        text.insert(i, QChar(0x200B));
        length = 0;
    }
    return text;
}

/// Where a passage is that has neither page nor heading.
QString fileOrFolder(const std::string& path, const QString& title) {
    const std::filesystem::path file(path);
    const QString name = fromUtf8(file.filename().string());
    const QString folder = fromUtf8(file.parent_path().filename().string());
    return name == title ? folder : folder + QLatin1Char('/') + name;
}

/// The cited bytes of a passage's text; empty if they are not in it.
std::pair<std::size_t, std::size_t> citedBytes(const services::StoredPassage& passage,
                                               const services::StoredCitation& citation) {
    const std::size_t start = citation.quoteStart - passage.startByte;
    const std::size_t size = citation.quoteEnd - citation.quoteStart;
    if (citation.quoteStart >= passage.startByte && citation.quoteEnd >= citation.quoteStart &&
        start <= passage.text.size() && size <= passage.text.size() - start) {
        return {start, start + size};
    }
    const std::size_t found =
        citation.quote.empty() ? std::string::npos : passage.text.find(citation.quote);
    if (found == std::string::npos) return {0, 0};
    return {found, found + citation.quote.size()};
}

/// A passage's text for a card: on one line, without Markdown's marks, around what is cited.
struct Snippet {
    QString before;
    QString cited;
    QString after;
};

Snippet snippetOf(const services::StoredPassage& passage,
                  const services::StoredCitation* citation) {
    constexpr qsizetype kMost = 220;
    constexpr qsizetype kBefore = 48;
    const auto [start, end] =
        citation ? citedBytes(passage, *citation) : std::pair<std::size_t, std::size_t>();
    const OneLine line = onOneLabelledLine(passage.text, markupOf(passage.path), start, end);
    const QString& text = line.text;
    // Of a file without marks the heading is a line like any other, and it stands above already.
    const QString heading = fromUtf8(passage.heading).section(QStringLiteral(" > "), -1);
    qsizetype first = 0;
    if (!heading.isEmpty() && text.startsWith(heading + QLatin1Char(' '))) {
        first = heading.size() + 1;
    }
    const qsizetype whole = first;
    if (line.markEnd - first >= kMost && line.markStart - kBefore > first) {
        first = line.markStart - kBefore;
        const qsizetype space = text.indexOf(QLatin1Char(' '), first);
        if (space >= 0 && space < line.markStart) first = space + 1;
        if (line.beginsInRow && line.row > whole) first = line.row;  // and nothing of other rows
        if (text[first].isLowSurrogate()) ++first;
    }
    qsizetype last = std::min(text.size(), first + kMost);
    if (last < text.size()) {
        --last;
        if (text[last].isLowSurrogate()) --last;
    }
    const qsizetype markStart = std::clamp(line.markStart, first, last);
    const qsizetype markEnd = std::clamp(line.markEnd, markStart, last);
    const QString more = QStringLiteral("…");
    return {(first > whole ? more : QString()) + breakable(text.mid(first, markStart - first)),
            breakable(text.mid(markStart, markEnd - markStart)),
            breakable(text.mid(markEnd, last - markEnd)) + (last < text.size() ? more : QString())};
}

/// Shows it with what is cited in the colour that it has in the document, too.
void showSnippet(QLabel* label, const Snippet& snippet) {
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::NoTextInteraction);  // clicks are the card's
    label->setTextFormat(snippet.cited.isEmpty() ? Qt::PlainText : Qt::RichText);
    if (snippet.cited.isEmpty()) {
        label->setText(snippet.before + snippet.after);
        return;
    }
    onTheme(label, [label, snippet] {
        label->setText(snippet.before.toHtmlEscaped() +
                       QStringLiteral("<span style=\"background-color:%1\">%2</span>")
                           .arg(colors().mark.name(), snippet.cited.toHtmlEscaped()) +
                       snippet.after.toHtmlEscaped());
    });
}

QString warningText(services::SourceWarning warning) {
    switch (warning) {
        case services::SourceWarning::Orders:
            return SourcesPanel::tr(
                "Careful: this text gives orders to an AI assistant. They are not facts, and may "
                "be meant to mislead you.");
        case services::SourceWarning::Unavailable:
            return SourcesPanel::tr(
                "Unavailable: its file could not be reached. This is what was read of it before.");
        case services::SourceWarning::Changed:
            return SourcesPanel::tr("Its file had been changed since it was read.");
        case services::SourceWarning::Hidden:
            return SourcesPanel::tr("It has text that its readers do not see, which was left out.");
    }
    return {};
}

/// The longest line of a passage, or its beginning: words enough to know it by, and few enough to
/// stay together when the document is cut into passages anew.
QString wordsOf(const services::StoredPassage& passage) {
    constexpr qsizetype kMost = 160;
    QString longest;
    for (const QString& line : fromUtf8(passage.text).split(QLatin1Char('\n'))) {
        const QString words = line.simplified();
        if (words.size() > longest.size()) longest = words;
    }
    if (longest.size() <= kMost) return longest;
    const qsizetype space = longest.lastIndexOf(QLatin1Char(' '), kMost);
    qsizetype end = space > 0 ? space : kMost;
    if (longest[end].isLowSurrogate()) --end;
    return longest.left(end);
}

}  // namespace

SourcesPanel::SourcesPanel(services::Services& services, QWidget* parent)
    : QWidget(parent),
      m_services(services),
      m_stack(new QStackedWidget(this)),
      m_list(new QScrollArea(m_stack)),
      m_reader(new DocumentReader(services, m_stack)),
      m_title(makeLabel(tr("Sources"), TextSize::Body, this, false, QFont::DemiBold)) {
    setObjectName(QStringLiteral("sources"));
    setAttribute(Qt::WA_StyledBackground);
    setMinimumWidth(260);
    setAccessibleName(tr("Sources"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(14, 10, 10, 10);
    column->setSpacing(8);
    auto* top = new QHBoxLayout;
    top->addWidget(m_title, 1);
    QToolButton* close = makeIconButton(Icon::Close, tr("Close the sources"), this);
    connect(close, &QToolButton::clicked, this, &SourcesPanel::closeAsked);
    top->addWidget(close);
    column->addLayout(top);
    column->addWidget(m_stack, 1);
    m_list->setWidgetResizable(true);
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_list->viewport()->setAutoFillBackground(false);
    m_stack->addWidget(m_list);
    m_stack->addWidget(m_reader);
    connect(m_stack, &QStackedWidget::currentChanged, this, &SourcesPanel::tellReading);
    connect(m_stack, &QStackedWidget::currentChanged, this, &SourcesPanel::showTitle);
    connect(m_reader, &DocumentReader::viewChanged, this, &SourcesPanel::tellReading);
    connect(m_reader, &DocumentReader::backAsked, this,
            [this] { m_stack->setCurrentWidget(m_list); });
    fill();
}

void SourcesPanel::tellReading() {
    const bool reads = m_stack->currentWidget() == m_reader && m_reader->wantsWidth();
    if (reads == m_isReading) return;
    m_isReading = reads;
    emit readingChanged(reads);
}

void SourcesPanel::clear() {
    m_answer.reset();
    m_details = {};
    m_stack->setCurrentWidget(m_list);
    fill();
}

void SourcesPanel::showAnswer(const services::Message& message) {
    const bool same = m_answer == message.id;
    m_answer = message.id;
    m_details = message.details.value_or(services::AnswerDetails{});
    if (!same) m_stack->setCurrentWidget(m_list);
    fill();
}

void SourcesPanel::fill() {
    auto* page = new QWidget;
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(0, 0, 6, 0);
    column->setSpacing(10);
    if (m_details.passages.empty()) {
        QLabel* empty = makeLabel(m_answer ? tr("This answer used no documents.")
                                           : tr("Passages that an answer is based on appear here. "
                                                "Click a number in an answer to read its source."),
                                  TextSize::Body, page, true);
        empty->setWordWrap(true);
        column->addWidget(empty);
    }
    if (const QString filter = inWords(services::confinedTo(m_details)); !filter.isEmpty()) {
        QLabel* confined =
            makeLabel(tr("Searched only: %1").arg(filter), TextSize::Small, page, true);
        confined->setObjectName(QStringLiteral("confined"));
        confined->setWordWrap(true);
        column->insertWidget(0, confined);
    }
    for (const services::StoredPassage& passage : m_details.passages) {
        column->addWidget(makeCard(passage, page));
    }
    column->addStretch();
    m_list->setWidget(page);
    page->setAutoFillBackground(false);  // setWidget() switched it on
    showTitle();
}

QWidget* SourcesPanel::makeCard(const services::StoredPassage& passage, QWidget* page) {
    bool cited = false;
    const services::StoredCitation* found = nullptr;
    for (const services::StoredCitation& citation : m_details.citations) {
        if (citation.passage != passage.number) continue;
        cited = true;
        if (!found && citation.supported) found = &citation;
    }
    auto* card = new Card([this, number = passage.number] { openPassage(number, -1); },
                          [this, passage](QPoint at) { openMenu(passage, at); }, page);
    auto* box = new QVBoxLayout(card);
    box->setContentsMargins(12, 10, 12, 10);
    box->setSpacing(4);
    auto* head = new QHBoxLayout;
    head->setSpacing(8);
    auto* number =
        makeLabel(QString::number(passage.number), TextSize::Caption, card, false, QFont::DemiBold);
    number->setAlignment(Qt::AlignCenter);
    number->setMinimumSize(22, 20);
    onTheme(number, [number] {
        number->setStyleSheet(
            QStringLiteral("background:%1;color:%2;border-radius:10px;padding:0 4px;")
                .arg(colors().accentSoft.name(), colors().accent.name()));
    });
    const QString name = titleOfSource(passage.title, passage.path);
    auto* title = new ElidedLabel(name, card);
    onTheme(title,
            [title] { title->setFont(Theme::instance().font(TextSize::Small, QFont::DemiBold)); });
    head->addWidget(number);
    head->addWidget(title, 1);
    QToolButton* more =
        makeIconButton(Icon::More, tr("More about source %1").arg(passage.number), card);
    more->setProperty("tiny", true);
    connect(more, &QToolButton::clicked, this, [this, passage, more] {
        openMenu(passage, more->mapToGlobal(QPoint(0, more->height())));
    });
    head->addWidget(more);
    box->addLayout(head);
    QStringList where;
    QString heading = fromUtf8(passage.heading);
    if (heading.startsWith(title->fullText())) {
        heading = heading.mid(title->fullText().size());
        if (heading.startsWith(QLatin1String(" > "))) heading = heading.mid(3);
    }
    heading.replace(QLatin1String(" > "), QStringLiteral(" › "));
    if (!heading.isEmpty()) where << heading;
    const bool paged = passage.page > 1 || passage.path.ends_with(".pdf");
    if (paged) where << tr("page %1").arg(passage.page);
    if (where.isEmpty()) where << fileOrFolder(passage.path, name);
    auto* place = new ElidedLabel(where.join(QStringLiteral("  ·  ")), card);
    place->setProperty("muted", true);
    onTheme(place, [place] { place->setFont(Theme::instance().font(TextSize::Caption)); });
    box->addWidget(place);
    QLabel* snippet = makeLabel({}, TextSize::Small, card);
    showSnippet(snippet, snippetOf(passage, found));
    box->addWidget(snippet);
    // What lists passages instead of an answer cites them all; a quotation cites as answers do.
    if (cited && (!services::listsPassages(m_details) ||
                  m_details.finishReason == services::kQuotedReason)) {
        const bool supported = found != nullptr;
        QLabel* verdict = makeLabel(supported ? tr("Cited: found in this passage")
                                              : tr("Cited, but the passage does not say this"),
                                    TextSize::Caption, card, false, QFont::DemiBold);
        onTheme(verdict, [verdict, supported] {
            verdict->setStyleSheet(
                QStringLiteral("color:%1;")
                    .arg((supported ? colors().accent : colors().warning).name()));
        });
        box->addWidget(verdict);
    }
    for (const services::SourceWarning each : services::warningsOf(m_details, passage)) {
        box->addWidget(makeWarning(warningText(each), card));
    }
    card->setAccessibleName(tr("Source %1: %2").arg(passage.number).arg(name));
    return card;
}

void SourcesPanel::openMenu(const services::StoredPassage& passage, const QPoint& at) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->setToolTipsVisible(true);
    connect(menu->addAction(icon(Icon::Book, colors().muted), tr("Open")), &QAction::triggered,
            this, [this, number = passage.number] { openPassage(number, -1); });
    QString words = wordsOf(passage);
    for (const services::StoredCitation& citation : m_details.citations) {
        const bool isHere = citation.passage == passage.number && citation.supported;
        if (!isHere || citation.quote.empty()) continue;
        words = fromUtf8(citation.quote).simplified();
        break;
    }
    QAction* keep =
        menu->addAction(icon(Icon::Pin, colors().muted), tr("Keep as a recall question"));
    keep->setToolTip(tr("“Check recall” in Documents tells whether search still finds it"));
    connect(keep, &QAction::triggered, this,
            [this, words, path = fromUtf8(passage.path)] { emit recallAsked(path, words); });
    menu->popup(at);
}

/// What is read without an answer is no source.
void SourcesPanel::showTitle() {
    const bool isAlone = m_stack->currentWidget() == m_reader && m_current == 0;
    m_title->setText(isAlone ? tr("Document")
                     : m_details.passages.empty()
                         ? tr("Sources")
                         : tr("Sources (%1)").arg(m_details.passages.size()));
}

void SourcesPanel::openDocument(const services::Document& document) {
    m_current = 0;
    m_reader->open(document);
    m_stack->setCurrentWidget(m_reader);
    showTitle();
}

void SourcesPanel::showPassages() {
    m_current = 0;
    m_stack->setCurrentWidget(m_list);
}

void SourcesPanel::explain(const std::filesystem::path& file, const QString& why) {
    m_current = 0;
    m_reader->explain(file, why);
    m_stack->setCurrentWidget(m_reader);
    showTitle();
}

void SourcesPanel::openPassage(int number, int citation) {
    for (const services::StoredPassage& passage : m_details.passages) {
        if (passage.number != number) continue;
        ReaderPlace place{passage.page, passage.startByte, passage.endByte, 0, 0};
        const services::StoredCitation* quoted = nullptr;
        if (citation >= 0 && static_cast<std::size_t>(citation) < m_details.citations.size()) {
            quoted = &m_details.citations[static_cast<std::size_t>(citation)];
        } else {
            for (const auto& candidate : m_details.citations) {
                if (!quoted && candidate.passage == number && candidate.supported)
                    quoted = &candidate;
            }
        }
        if (quoted) {
            place.markStart = quoted->quoteStart;
            place.markEnd = quoted->quoteEnd;
        }
        m_current = number;
        m_reader->open(passage, place);
        for (const services::SourceWarning each : services::warningsOf(m_details, passage)) {
            m_reader->warn(warningText(each));
        }
        m_stack->setCurrentWidget(m_reader);
        showTitle();
        return;
    }
    m_stack->setCurrentWidget(m_list);
}

}  // namespace conclave::ui
