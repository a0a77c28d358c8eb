#include "ui/widgets/composer.h"

#include <QAbstractTextDocumentLayout>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QMimeData>
#include <QTextBlock>
#include <QTextDocument>
#include <QTimer>
#include <QToolButton>
#include <QUrl>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/bridge.h"
#include "ui/filter_words.h"
#include "ui/widgets/attachment_bar.h"
#include "ui/widgets/filter_bar.h"
#include "ui/widgets/filter_panel.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

namespace {

constexpr int kMostLines = 8;
constexpr int kDraftDelayMs = 300;

}  // namespace

QStringList localFiles(const QMimeData* data) {
    QStringList files;
    for (const QUrl& url : data->urls()) {
        if (url.isLocalFile()) files.append(url.toLocalFile());
    }
    return files;
}

// -------------------------------------------------------------------------------- the text field

ComposerEdit::ComposerEdit(QWidget* parent) : QPlainTextEdit(parent) {
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setTabChangesFocus(true);
    document()->setDocumentMargin(2);
    setPlaceholderText(tr("Ask about your documents…"));
    setAccessibleName(tr("Message"));
    onTheme(this, [this] { setFont(Theme::instance().font(TextSize::Message)); });
}

int ComposerEdit::wantedHeight() const {
    // A QPlainTextEdit measures its document in lines.
    const int nLines = std::clamp(static_cast<int>(document()->size().height()), 1, kMostLines);
    return nLines * fontMetrics().lineSpacing() +
           2 * static_cast<int>(document()->documentMargin()) + 4;
}

void ComposerEdit::keyPressEvent(QKeyEvent* event) {
    const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
    if (enter && !(event->modifiers() & (Qt::ShiftModifier | Qt::AltModifier))) {
        // While an input method composes, Enter takes its suggestion.
        if (!m_composing) emit sendAsked();
        return;
    }
    if (event->key() == Qt::Key_Up && event->modifiers() == Qt::NoModifier &&
        toPlainText().isEmpty()) {
        emit editLastAsked();
        return;
    }
    if (event->key() == Qt::Key_Escape) {
        emit escapePressed();
        return;
    }
    QPlainTextEdit::keyPressEvent(event);
}

void ComposerEdit::inputMethodEvent(QInputMethodEvent* event) {
    m_composing = !event->preeditString().isEmpty();
    QPlainTextEdit::inputMethodEvent(event);
}

bool ComposerEdit::canInsertFromMimeData(const QMimeData* given) const {
    return !localFiles(given).isEmpty() || QPlainTextEdit::canInsertFromMimeData(given);
}

void ComposerEdit::insertFromMimeData(const QMimeData* given) {
    const QStringList files = localFiles(given);
    if (!files.isEmpty()) {
        emit filesGiven(files);
    } else {
        QPlainTextEdit::insertFromMimeData(given);
    }
}

void ComposerEdit::focusInEvent(QFocusEvent* event) {
    QPlainTextEdit::focusInEvent(event);
    emit focusChanged(true);
}

void ComposerEdit::focusOutEvent(QFocusEvent* event) {
    QPlainTextEdit::focusOutEvent(event);
    emit focusChanged(false);
}

// -------------------------------------------------------------------------------- the frame

Composer::Composer(QWidget* parent)
    : QFrame(parent),
      m_edit(new ComposerEdit(this)),
      m_editStrip(new QWidget(this)),
      m_files(new AttachmentBar(this)),
      m_filterBar(new FilterBar(this)),
      m_filterPanel(new FilterPanel(this)),
      m_draftTimer(new QTimer(this)) {
    setObjectName(QStringLiteral("composer"));
    setAcceptDrops(true);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(14, 10, 10, 8);
    column->setSpacing(6);

    auto* strip = new QHBoxLayout(m_editStrip);
    strip->setContentsMargins(0, 0, 0, 0);
    strip->addWidget(
        makeLabel(tr("Editing an earlier message. The old version stays as another branch."),
                  TextSize::Caption, m_editStrip, true),
        1);
    QToolButton* cancel = makeIconButton(Icon::Close, tr("Cancel editing (Esc)"), m_editStrip);
    connect(cancel, &QToolButton::clicked, this, &Composer::endEdit);
    strip->addWidget(cancel);
    m_editStrip->hide();

    connect(m_files, &AttachmentBar::openAsked, this, &Composer::fileAsked);
    connect(m_files, &AttachmentBar::keptRemoved, this, &Composer::keptFileRemoved);
    connect(m_files, &AttachmentBar::pendingRemoved, this, [this](const QString& file) {
        std::erase(m_attachments, std::filesystem::path(file.toStdString()));
        m_files->setPending(m_attachments);
        emit filesChanged();
    });

    column->addWidget(m_editStrip);
    connect(m_filterBar, &FilterBar::openAsked, this, &Composer::openFilter);
    connect(m_filterBar, &FilterBar::changed, this, &Composer::filterChosen);
    connect(m_filterPanel, &FilterPanel::changed, this, &Composer::filterChosen);

    column->addWidget(m_files);
    column->addWidget(m_filterBar);
    column->addWidget(m_edit);
    makeRow();

    m_draftTimer->setSingleShot(true);
    m_draftTimer->setInterval(kDraftDelayMs);
    connect(m_draftTimer, &QTimer::timeout, this, [this] {
        if (!m_editing) emit draftChanged(text());
    });
    connect(m_edit, &QPlainTextEdit::textChanged, this, [this] {
        refresh();
        if (!m_settingText) m_draftTimer->start();
    });
    // Lines that go are counted only after the text has changed.
    connect(m_edit->document()->documentLayout(), &QAbstractTextDocumentLayout::documentSizeChanged,
            this, [this] { m_edit->setFixedHeight(m_edit->wantedHeight()); });
    connect(m_edit, &ComposerEdit::sendAsked, this, [this] {
        if (m_send->isEnabled() && !m_answering) emit sendAsked();
    });
    connect(m_edit, &ComposerEdit::editLastAsked, this, &Composer::editLastAsked);
    connect(m_edit, &ComposerEdit::escapePressed, this, [this] {
        if (m_editing) {
            endEdit();
        } else {
            emit stopAsked();
        }
    });
    connect(m_edit, &ComposerEdit::filesGiven, this, &Composer::attach);
    connect(m_edit, &ComposerEdit::focusChanged, this,
            [this](bool focused) { setStyleProperty(this, "focused", focused); });
    onTheme(this, [this] { refresh(); });
}

void Composer::makeRow() {
    auto* row = new QHBoxLayout;
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(6);
    m_attach = makeIconButton(Icon::Attach, tr("Attach files"), this);
    connect(m_attach, &QToolButton::clicked, this, [this] {
        attach(
            QFileDialog::getOpenFileNames(this, tr("Attach files to this message"), firstFolder()));
    });
    m_sources = new QToolButton(this);
    m_sources->setProperty("chip", true);
    m_sources->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_sources->setPopupMode(QToolButton::InstantPopup);
    m_sources->setMenu(new QMenu(m_sources));
    m_sources->setCursor(Qt::PointingHandCursor);
    connect(m_sources->menu(), &QMenu::aboutToShow, this, [this] {
        fillSourcesMenu();
        emit collectionsWanted();
    });
    onTheme(m_sources, [this] {
        m_sources->setFont(Theme::instance().font(TextSize::Small));
        m_sources->setIcon(icon(Icon::Book, colors().muted));
    });
    m_filter = new QToolButton(this);
    m_filter->setObjectName(QStringLiteral("filter"));
    m_filter->setProperty("chip", true);
    m_filter->setFocusPolicy(Qt::TabFocus);
    m_filter->setCursor(Qt::PointingHandCursor);
    connect(m_filter, &QToolButton::clicked, this, &Composer::openFilter);
    onTheme(m_filter, [this] { showFilter(); });
    m_everything = new QToolButton(this);
    m_everything->setObjectName(QStringLiteral("everything"));
    m_everything->setProperty("chip", true);
    m_everything->setCheckable(true);
    m_everything->setText(tr("Read everything"));
    m_everything->setCursor(Qt::PointingHandCursor);
    connect(m_everything, &QToolButton::clicked, this, [this](bool checked) {
        m_scope = checked ? services::Scope::Everything : services::Scope::Passages;
        showScope();
    });
    onTheme(m_everything,
            [this] { m_everything->setFont(Theme::instance().font(TextSize::Small)); });
    m_hint =
        makeLabel(tr("Enter to send, Shift+Enter for a new line"), TextSize::Caption, this, true);
    m_send = new QToolButton(this);
    m_send->setObjectName(QStringLiteral("send"));
    m_send->setFixedSize(34, 34);
    m_send->setCursor(Qt::PointingHandCursor);
    connect(m_send, &QToolButton::clicked, this, [this] {
        if (m_answering) {
            emit stopAsked();
        } else {
            emit sendAsked();
        }
    });
    row->addWidget(m_attach);
    row->addWidget(m_sources);
    row->addWidget(m_filter);
    row->addWidget(m_everything);
    row->addStretch();
    row->addWidget(m_hint);
    row->addSpacing(4);
    row->addWidget(m_send);
    static_cast<QVBoxLayout*>(layout())->addLayout(row);
}

void Composer::refresh() {
    m_edit->setFixedHeight(m_edit->wantedHeight());
    const bool canSend = !text().trimmed().isEmpty();
    m_send->setEnabled(m_answering || canSend);
    const QColor color = m_send->isEnabled() ? colors().onAccent : colors().muted;
    m_send->setIcon(icon(m_answering ? Icon::Stop : Icon::Send, color));
    m_send->setIconSize({20, 20});
    m_send->setToolTip(m_answering ? tr("Stop (Esc)") : tr("Send (Enter)"));
    m_send->setAccessibleName(m_answering ? tr("Stop") : tr("Send"));
    m_hint->setVisible(canSend && !m_answering && width() >= Theme::instance().scaled(700));
    if (!canSend) m_scope = services::Scope::Automatic;
    showScope();
}

void Composer::showScope() {
    const bool isAsked = services::asksAboutEverything(text().toStdString());
    // Choosing what the wording says anyway is no choice.
    if (m_scope == (isAsked ? services::Scope::Everything : services::Scope::Passages)) {
        m_scope = services::Scope::Automatic;
    }
    const bool readsAll =
        m_scope == services::Scope::Automatic ? isAsked : m_scope == services::Scope::Everything;
    m_everything->setChecked(readsAll);
    m_everything->setToolTip(
        readsAll ? tr("Every passage of these documents is read: for counts, lists, comparisons "
                      "and summaries. Click to use only the passages that fit best.")
                 : tr("Read every passage of these documents, not only those that fit best: for "
                      "counts, lists, comparisons and summaries."));
    m_everything->setAccessibleName(m_everything->text());
    setStyleProperty(m_everything, "active", readsAll);
    // Where words are large and the window is small, only what is chosen is shown.
    const bool hasRoom = readsAll || width() >= Theme::instance().scaled(420);
    m_everything->setVisible(hasRoom && !(m_chosen && m_chosen->empty()));
}

// -------------------------------------------------------------------------------- filter

void Composer::setFilter(const services::DocumentFilter& filter) {
    m_filterBar->setFilter(filter);
    if (!m_filterPanel->isVisible()) m_filterPanel->setFilter(filter);
    showFilter();
}

void Composer::setDocuments(std::vector<services::Document> documents) {
    m_filterPanel->setDocuments(std::move(documents));
}

void Composer::openFilter() {
    emit documentsWanted();
    m_filterPanel->openAt(m_filter, m_filterBar->filter());
}

void Composer::showFilter() {
    const bool isUsed = !(m_chosen && m_chosen->empty());  // nothing is searched without documents
    const bool isOn = !m_filterBar->filter().isEmpty();
    m_filter->setVisible(isUsed);
    m_filterBar->setVisible(isUsed && isOn);
    m_filter->setIcon(icon(Icon::Filter, isOn ? colors().accent : colors().muted));
    m_filter->setToolTip(isOn ? tr("Only some documents are searched: %1. Change the filter")
                                    .arg(inWords(m_filterBar->filter()))
                              : tr("Search only some documents: by type, date or name"));
    m_filter->setAccessibleName(isOn ? tr("Filter: %1").arg(inWords(m_filterBar->filter()))
                                     : tr("Filter documents"));
    setStyleProperty(m_filter, "active", isOn);
}

QString Composer::text() const { return m_edit->toPlainText(); }

void Composer::setText(const QString& text) {
    m_settingText = true;
    m_draftTimer->stop();
    m_edit->setPlainText(text);
    m_edit->moveCursor(QTextCursor::End);
    m_settingText = false;
}

void Composer::setAttachments(std::vector<std::filesystem::path> files) {
    m_attachments = std::move(files);
    m_files->setPending(m_attachments);
}

void Composer::setKeptFiles(const std::vector<services::Document>& files) {
    m_files->setKept(files);
}

void Composer::clear() {
    setAttachments({});
    setText(QString());
}

void Composer::flushDraft() {
    if (!m_draftTimer->isActive() || m_editing) return;
    m_draftTimer->stop();
    emit draftChanged(text());
}

void Composer::focus() { m_edit->setFocus(Qt::OtherFocusReason); }

void Composer::setAnswering(bool answering) {
    m_answering = answering;
    refresh();
}

void Composer::beginEdit(services::MessageId question, const QString& text) {
    if (!m_editing) m_textBeforeEdit = this->text();
    m_editing = question;
    m_editStrip->show();
    setText(text);
    focus();
}

void Composer::endEdit() {
    if (!m_editing) return;
    m_editing.reset();
    m_editStrip->hide();
    setText(m_textBeforeEdit);
}

// -------------------------------------------------------------------------------- attachments

void Composer::attach(const QStringList& files) {
    for (const QString& file : files) {
        if (file.endsWith(QLatin1String(".gguf"), Qt::CaseInsensitive)) {
            emit modelFileGiven(file);
            continue;
        }
        if (QFileInfo(file).isDir()) {
            emit folderGiven(file);
            continue;
        }
        const std::filesystem::path path(file.toStdString());
        if (std::find(m_attachments.begin(), m_attachments.end(), path) == m_attachments.end()) {
            m_attachments.push_back(path);
        }
    }
    m_files->setPending(m_attachments);
    emit filesChanged();
    focus();
}

void Composer::dragEnterEvent(QDragEnterEvent* event) {
    if (localFiles(event->mimeData()).isEmpty()) return;
    event->acceptProposedAction();
    setStyleProperty(this, "drop", true);
}

void Composer::dragLeaveEvent(QDragLeaveEvent*) { setStyleProperty(this, "drop", false); }

void Composer::dropEvent(QDropEvent* event) {
    setStyleProperty(this, "drop", false);
    attach(localFiles(event->mimeData()));
    event->acceptProposedAction();
}

bool Composer::event(QEvent* event) {
    if (event->type() == QEvent::Resize || event->type() == QEvent::Show) {
        // Lines break elsewhere at another width.
        QTimer::singleShot(0, this, [this] {
            showSources();  // as much of their names as there is room for
            refresh();
        });
    }
    return QFrame::event(event);
}

// -------------------------------------------------------------------------------- sources

void Composer::setCollections(const std::vector<services::Collection>& all,
                              const std::optional<std::vector<services::CollectionId>>& chosen) {
    const bool isNew =
        chosen != m_chosen ||
        !std::equal(all.begin(), all.end(), m_collections.begin(), m_collections.end(),
                    [](const auto& a, const auto& b) { return a.id == b.id && a.name == b.name; });
    m_collections = all;
    m_chosen = chosen;
    showSources();
    // Else it stays, with the choice that the person is at.
    if (isNew && m_sources->menu()->isVisible()) fillSourcesMenu();
}

void Composer::setWays(bool onlyDocuments, bool readsFollowUps) {
    m_onlyDocuments = onlyDocuments;
    m_readsFollowUps = readsFollowUps;
    showSources();
}

void Composer::showSources() {
    QString label;
    if (!m_chosen) {
        label =
            m_collections.size() == 1 ? fromUtf8(m_collections.front().name) : tr("All documents");
    } else if (m_chosen->empty()) {
        label = tr("No documents");
    } else {
        QStringList names;
        for (const services::Collection& collection : m_collections) {
            if (std::find(m_chosen->begin(), m_chosen->end(), collection.id) != m_chosen->end()) {
                names << fromUtf8(collection.name);
            }
        }
        label = names.isEmpty()     ? tr("No documents")
                : names.size() == 1 ? names.front()
                                    : tr("%1 +%2").arg(names.front()).arg(names.size() - 1);
    }
    if (m_onlyDocuments) label = tr("Only: %1").arg(label);
    const int most = Theme::instance().scaled(240);
    const int room = std::clamp(width() / 3, std::min(100, most), most);
    m_sources->setText(QLatin1Char(' ') + withoutMnemonics(m_sources->fontMetrics().elidedText(
                                              label, Qt::ElideRight, room)));
    m_sources->setToolTip(m_onlyDocuments ? tr("What these documents do not say is not answered")
                                          : tr("Documents that answers may use"));
    m_sources->setAccessibleName(tr("Sources: %1").arg(label));
    setStyleProperty(m_sources, "active", !(m_chosen && m_chosen->empty()));
    m_sources->setIcon(
        icon(Icon::Book, m_chosen && m_chosen->empty() ? colors().muted : colors().accent));
    showScope();
    showFilter();
}

void Composer::fillSourcesMenu() {
    QMenu* menu = m_sources->menu();
    menu->clear();
    menu->setToolTipsVisible(true);
    const auto add = [&](const QString& text, bool checked, auto apply) {
        QAction* action = menu->addAction(text);
        action->setCheckable(true);
        action->setChecked(checked);
        connect(action, &QAction::triggered, this, apply);
        return action;
    };
    add(tr("All documents"), !m_chosen.has_value(),
        [this] { emit collectionsChosen(std::nullopt); });
    add(tr("No documents: answer without sources"), m_chosen && m_chosen->empty(),
        [this] { emit collectionsChosen(std::vector<services::CollectionId>{}); });
    if (!m_collections.empty()) menu->addSeparator();
    for (const services::Collection& collection : m_collections) {
        const services::CollectionId id = collection.id;
        const bool checked =
            m_chosen && std::find(m_chosen->begin(), m_chosen->end(), id) != m_chosen->end();
        const int widest = Theme::instance().scaled(360);
        const QString name =
            menu->fontMetrics().elidedText(fromUtf8(collection.name), Qt::ElideRight, widest);
        add(withoutMnemonics(name), checked, [this, id, checked] {
            std::vector<services::CollectionId> next =
                m_chosen.value_or(std::vector<services::CollectionId>{});
            std::erase(next, id);
            if (!checked) next.push_back(id);
            emit collectionsChosen(next.empty() ? std::nullopt : std::optional(next));
        });
    }
    menu->addSeparator();
    add(tr("Answer only from documents"), m_onlyDocuments, [this](bool isOn) {
        emit onlyDocumentsChosen(isOn);
    })->setToolTip(tr("In this chat, what the documents do not say is not answered"));
    add(tr("Understand follow-up questions"), m_readsFollowUps, [this](bool areRead) {
        emit followUpsChosen(areRead);
    })->setToolTip(tr("In this chat, “And the tenant?” is looked up with the question before it"));
    menu->addSeparator();
    connect(menu->addAction(tr("Manage documents…")), &QAction::triggered, this,
            &Composer::manageCollectionsAsked);
}

}  // namespace conclave::ui
