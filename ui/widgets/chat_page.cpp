#include "ui/widgets/chat_page.h"

#include <QClipboard>
#include <QDesktopServices>
#include <QGridLayout>
#include <QGuiApplication>
#include <QMessageBox>
#include <QScrollArea>
#include <QStackedWidget>
#include <QTimer>
#include <QUrl>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/bridge.h"
#include "ui/chat_controller.h"
#include "ui/markdown/thought.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/conversation_view.h"
#include "ui/widgets/find_bar.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

ChatPage::ChatPage(ChatController& controller, QWidget* parent)
    : QWidget(parent),
      m_controller(controller),
      m_stack(new QStackedWidget(this)),
      m_conversation(new ConversationView(controller.messages(), m_stack)),
      m_composer(new Composer(this)),
      m_bottom(new QWidget(this)) {
    setObjectName(QStringLiteral("page"));
    m_stack->setObjectName(QStringLiteral("page"));
    makeWelcome();
    m_stack->addWidget(m_welcome);
    m_stack->addWidget(m_conversation);

    auto* bottom = new QVBoxLayout(m_bottom);
    bottom->setContentsMargins(0, 0, 0, 10);
    bottom->setSpacing(8);
    makeBanner();
    bottom->addWidget(m_banner);
    bottom->addWidget(m_composer);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(6);
    column->addWidget(m_stack, 1);
    // Not of a fixed width, which would take from the panels when one opens beside the page.
    m_bottom->setMinimumWidth(200);
    auto* centred = new QHBoxLayout;
    centred->addStretch();
    centred->addWidget(m_bottom, 100);
    centred->addStretch();
    column->addLayout(centred);
    onTheme(m_bottom, [this, centred] {
        const int margin = Theme::instance().scaled(space::kLarge);
        centred->setContentsMargins(margin, 0, margin, 0);
        m_bottom->setMaximumWidth(Theme::instance().scaled(space::kColumnWidth) +
                                  2 * space::kLarge);
    });
    makeFindBar();

    connect(m_composer, &Composer::sendAsked, this, &ChatPage::send);
    connect(m_composer, &Composer::stopAsked, &controller, &ChatController::stop);
    connect(m_composer, &Composer::editLastAsked, this, &ChatPage::editLast);
    connect(m_composer, &Composer::draftChanged, &controller, &ChatController::saveDraft);
    connect(m_composer, &Composer::modelFileGiven, this, &ChatPage::modelFileGiven);
    connect(m_composer, &Composer::manageCollectionsAsked, this, &ChatPage::manageCollectionsAsked);
    connect(m_composer, &Composer::collectionsChosen, &controller, &ChatController::setCollections);
    connect(m_composer, &Composer::onlyDocumentsChosen, &controller,
            &ChatController::setOnlyDocuments);
    connect(m_composer, &Composer::followUpsChosen, &controller,
            &ChatController::setReadsFollowUps);

    connect(m_composer, &Composer::filterChosen, &controller, &ChatController::setFilter);
    connect(m_composer, &Composer::documentsWanted, this, [this] {
        std::vector<services::CollectionId> ids;
        for (const services::Collection& each : m_collections) ids.push_back(each.id);
        m_controller.listDocuments(m_controller.settings().collections.value_or(ids));
    });
    connect(&controller, &ChatController::documentsListed, m_composer, &Composer::setDocuments);

    connect(m_composer, &Composer::filesChanged, this,
            [this] { m_controller.saveDraftFiles(m_composer->attachments()); });
    connect(m_composer, &Composer::fileAsked, this, &ChatPage::fileAsked);
    connect(m_composer, &Composer::keptFileRemoved, this, [this](const QString& file) {
        m_controller.detach(std::filesystem::path(file.toStdString()));
    });
    connect(&controller, &ChatController::attachedChanged, this,
            [this] { m_composer->setKeptFiles(m_controller.attached()); });

    connect(&controller, &ChatController::opened, this,
            [this](const QString& draft, const QStringList& files) {
                m_composer->endEdit();
                m_composer->setText(draft);
                std::vector<std::filesystem::path> paths;
                for (const QString& file : files) paths.emplace_back(file.toStdString());
                m_composer->setAttachments(std::move(paths));
                closeFind();
                refresh();
                m_composer->focus();
            });
    connect(&controller, &ChatController::draftFound, this, [this](const QString& draft) {
        if (m_composer->text().isEmpty()) m_composer->setText(draft);
    });
    connect(&controller, &ChatController::draftFilesFound, m_composer, &Composer::attach);
    connect(&controller, &ChatController::showMessage, m_conversation,
            &ConversationView::showMessage);
    connect(&controller, &ChatController::settingsChanged, this,
            [this] { setCollections(std::vector(m_collections)); });
    connect(&controller, &ChatController::settingsChanged, this,
            [this] { m_composer->setFilter(m_controller.settings().filter); });
    connect(&controller, &ChatController::settingsChanged, this, [this] {
        const services::ChatSettings& settings = m_controller.settings();
        m_composer->setWays(settings.onlyDocuments, settings.readsFollowUps);
    });
    connect(&controller, &ChatController::answeringChanged, this, &ChatPage::refresh);
    connect(&controller.messages(), &QAbstractItemModel::rowsInserted, this, &ChatPage::refresh);

    connect(m_conversation, &ConversationView::copyAsked, this, [this](qint64 id) {
        if (const auto* message = m_controller.messages().find(id)) {
            QGuiApplication::clipboard()->setText(fromUtf8(splitThought(message->text).answer));
        }
    });
    connect(m_conversation, &ConversationView::regenerateAsked, &controller,
            &ChatController::regenerate);
    connect(m_conversation, &ConversationView::literalAsked, &controller,
            &ChatController::askLiterally);
    connect(m_conversation, &ConversationView::unfilteredAsked, &controller,
            &ChatController::askUnfiltered);
    connect(m_conversation, &ConversationView::editAsked, this, &ChatPage::beginEdit);
    connect(m_conversation, &ConversationView::siblingAsked, &controller,
            &ChatController::showSibling);
    connect(m_conversation, &ConversationView::sourceAsked, this, &ChatPage::sourceAsked);
    connect(m_conversation, &ConversationView::fileAsked, this, &ChatPage::fileAsked);
    connect(m_conversation, &ConversationView::linkAsked, this, &ChatPage::openLink);
    refresh();
}

// -------------------------------------------------------------------------------- parts

void ChatPage::makeWelcome() {
    QScrollArea* scroll = makeScrollingPage(m_stack);
    QWidget* page = scroll->widget();
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(32, 24, 32, 24);
    column->setSpacing(10);
    column->addStretch(3);
    m_mark = new QLabel(page);
    m_mark->setAlignment(Qt::AlignHCenter);
    onTheme(m_mark, [this] {
        m_mark->setPixmap(QIcon(QStringLiteral(":/conclave/icon.svg"))
                              .pixmap(QSize(56, 56), m_mark->devicePixelRatioF()));
    });
    QLabel* title = makeLabel(tr("What would you like to know?"), TextSize::Display, page, false,
                              QFont::DemiBold);
    title->setAlignment(Qt::AlignHCenter);
    title->setWordWrap(true);
    QLabel* text = makeLabel(tr("Conclave reads your documents and answers on this computer. "
                                "Nothing leaves it."),
                             TextSize::Message, page, true);
    text->setAlignment(Qt::AlignHCenter);
    text->setWordWrap(true);
    column->addWidget(m_mark);
    column->addSpacing(4);
    column->addWidget(title);
    column->addWidget(text);
    column->addSpacing(20);

    m_suggestions = new QWidget(page);
    m_suggestions->setMaximumWidth(720);
    auto* grid = new QGridLayout(m_suggestions);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(10);
    const QStringList questions = {
        tr("What is a collection?"), tr("When does Conclave use the network?"),
        tr("How do I use a larger model?"), tr("How do I make a backup?")};
    for (const QString& question : questions) {
        QPushButton* button = makeButton(question, m_suggestions, "suggestion");
        connect(button, &QPushButton::clicked, this, [this, question] {
            if (!m_controller.isAnswering()) m_controller.send(question, {});
        });
        m_suggestionButtons.append(button);
    }
    arrangeSuggestions();
    auto* boxRow = new QHBoxLayout;
    boxRow->addStretch();
    boxRow->addWidget(m_suggestions, 1);
    boxRow->addStretch();
    column->addLayout(boxRow);
    QPushButton* add = makeButton(tr("Add a folder of your own…"), page, "link");
    connect(add, &QPushButton::clicked, this, &ChatPage::manageCollectionsAsked);
    column->addSpacing(6);
    column->addWidget(add, 0, Qt::AlignHCenter);
    column->addStretch(4);
    m_welcome = scroll;
}

void ChatPage::makeBanner() {
    m_banner = new QFrame(m_bottom);
    m_banner->setObjectName(QStringLiteral("banner"));
    auto* row = new QHBoxLayout(m_banner);
    row->setContentsMargins(12, 4, 4, 4);
    m_bannerText = makeLabel({}, TextSize::Small, m_banner);
    m_bannerText->setWordWrap(true);
    m_bannerAct = makeButton({}, m_banner, "link");
    connect(m_bannerAct, &QPushButton::clicked, this, [this] {
        if (m_isPaused && !m_pauseClosed) {
            emit resumeAsked();
        } else {
            emit addModelAsked();
        }
    });
    QToolButton* close = makeIconButton(Icon::Close, tr("Hide this notice"), m_banner);
    connect(close, &QToolButton::clicked, this, [this] {
        if (m_isPaused && !m_pauseClosed) {
            m_pauseClosed = true;
        } else if (!m_hasModel) {
            m_noModelClosed = true;
        } else {
            m_bannerClosed = true;
            emit bannerClosed();
        }
        showBanner();
    });
    row->addWidget(m_bannerText, 1);
    row->addWidget(m_bannerAct);
    row->addWidget(close);
    m_banner->hide();
}

void ChatPage::makeFindBar() {
    m_findBar = new FindBar(tr("Find in this chat"), this);
    connect(m_findBar, &FindBar::changed, this, &ChatPage::find);
    connect(m_findBar, &FindBar::stepAsked, this,
            [this](int step) { m_findBar->setFound(m_conversation->findStep(step), m_nFound); });
    connect(m_findBar, &FindBar::closeAsked, this, &ChatPage::closeFind);
    // The messages are made anew then.
    connect(&Theme::instance(), &Theme::changed, m_findBar, [this] {
        if (m_findBar->isVisible()) find();
    });
}

/// Above the conversation, at its right.
void ChatPage::placeFindBar() {
    constexpr int kWidest = 400;
    m_findBar->resize(std::min(kWidest, width() - 40), m_findBar->sizeHint().height());
    m_findBar->move(width() - m_findBar->width() - 20, 10);
}

void ChatPage::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    const Theme& theme = Theme::instance();
    placeFindBar();
    arrangeSuggestions();
    m_mark->setVisible(height() >= theme.scaled(520));  // else it is all that is seen
}

/// Two beside each other where there is room, and only while the guide, which answers them, is
/// asked.
void ChatPage::arrangeSuggestions() {
    auto* grid = static_cast<QGridLayout*>(m_suggestions->layout());
    int widest = 0;
    for (QPushButton* button : m_suggestionButtons) {
        widest = std::max(widest, button->sizeHint().width());
    }
    constexpr int kMargins = 2 * 32 + 10;
    const int nColumns = width() >= 2 * widest + kMargins ? 2 : 1;
    for (int i = 0; i < m_suggestionButtons.size(); ++i) {
        grid->addWidget(m_suggestionButtons[i], i / nColumns, i % nColumns);
    }
}

bool ChatPage::asksGuide() const {
    const auto& chosen = m_controller.settings().collections;
    return std::any_of(m_collections.begin(), m_collections.end(), [&](const auto& each) {
        return each.name == services::kGuideName &&
               (!chosen || std::find(chosen->begin(), chosen->end(), each.id) != chosen->end());
    });
}

// -------------------------------------------------------------------------------- doing

void ChatPage::refresh() {
    const bool empty = m_controller.messages().rowCount() == 0;
    m_stack->setCurrentWidget(empty && !m_controller.isAnswering() ? m_welcome : m_conversation);
    m_composer->setAnswering(m_controller.isAnswering());
    m_suggestions->setVisible(asksGuide());
}

void ChatPage::setCollections(const std::vector<services::Collection>& collections) {
    m_collections = collections;
    m_composer->setCollections(m_collections, m_controller.settings().collections);
    m_suggestions->setVisible(asksGuide());
}

void ChatPage::closeBanner() {
    m_bannerClosed = true;
    if (m_banner->isVisibleTo(this)) showBanner();
}

void ChatPage::setPaused(bool isPaused, int nWaiting) {
    if (!isPaused && !m_isPaused) return;
    if (!m_isPaused) m_pauseClosed = false;
    m_isPaused = isPaused;
    m_nWaiting = nWaiting;
    showBanner();
}

void ChatPage::setModelStatus(const services::ModelStatus& status) {
    m_hasModel = !status.model.name.empty();
    m_isDemonstration = status.model.isEmbedded;
    if (m_hasModel || status.state == services::ModelStatus::State::Failed) {
        showBanner();
    } else {
        // At the start it may only not be known yet.
        QTimer::singleShot(1500, this, &ChatPage::showBanner);
    }
}

/// One at a time: what can make an answer wrong comes first.
void ChatPage::showBanner() {
    if (m_isPaused && !m_pauseClosed) {
        m_bannerText->setText(
            m_nWaiting > 0
                ? counted(m_nWaiting,
                          tr("Reading is paused: answers may miss 1 new or changed file."),
                          tr("Reading is paused: answers may miss %1 new or changed "
                             "files."))
                : tr("Reading is paused: answers may miss new and changed files."));
        m_bannerAct->setText(tr("Resume"));
        m_banner->show();
        return;
    }
    m_bannerAct->setText(tr("Add a model…"));
    m_bannerText->setText(
        m_hasModel ? tr("Demonstration model: it quotes your documents and knows little else.")
                   : tr("There is no model: answers are the passages that fit best."));
    m_banner->setVisible(m_hasModel ? m_isDemonstration && !m_bannerClosed : !m_noModelClosed);
}

void ChatPage::send() {
    const QString text = m_composer->text().trimmed();
    if (text.isEmpty() || m_controller.isAnswering()) return;
    if (const auto question = m_composer->editing()) {
        m_composer->endEdit();
        m_controller.edit(*question, text);
        return;
    }
    m_controller.send(text, m_composer->attachments(), m_composer->scope());
    m_composer->clear();
}

void ChatPage::beginEdit(services::MessageId question) {
    if (m_controller.isAnswering()) return;
    if (const auto* message = m_controller.messages().find(question)) {
        m_composer->beginEdit(question, fromUtf8(message->text));
    }
}

void ChatPage::editLast() {
    if (const auto question = m_controller.lastQuestion()) beginEdit(*question);
}

void ChatPage::regenerateLast() {
    if (const auto answer = m_controller.lastAnswer()) m_controller.regenerate(*answer);
}

void ChatPage::copyLastAnswer() {
    const auto answer = m_controller.lastAnswer();
    if (!answer) return;
    QGuiApplication::clipboard()->setText(
        fromUtf8(splitThought(m_controller.messages().find(*answer)->text).answer));
    emit notice(tr("Answer copied"));
}

void ChatPage::openLink(const QString& href) {
    const QUrl url(href);
    if (url.scheme() != QLatin1String("http") && url.scheme() != QLatin1String("https") &&
        url.scheme() != QLatin1String("mailto")) {
        QGuiApplication::clipboard()->setText(href);
        emit notice(tr("Link copied"));
        return;
    }
    // The text may come from a document or a model: the person decides with the address in view.
    QMessageBox box(QMessageBox::Question, tr("Open this link?"),
                    tr("It opens in your web browser, outside Conclave:"), QMessageBox::NoButton,
                    this);
    box.setInformativeText(url.toDisplayString().left(600));
    box.setTextFormat(Qt::PlainText);
    QPushButton* open = box.addButton(tr("Open"), QMessageBox::AcceptRole);
    QPushButton* copy = box.addButton(tr("Copy address"), QMessageBox::ActionRole);
    box.setDefaultButton(box.addButton(QMessageBox::Cancel));
    box.exec();
    if (box.clickedButton() == open) QDesktopServices::openUrl(url);
    if (box.clickedButton() == copy) QGuiApplication::clipboard()->setText(href);
}

void ChatPage::openFind() {
    placeFindBar();
    m_findBar->openFind();
    m_findBar->raise();
    find();
}

void ChatPage::find() {
    m_nFound = m_conversation->find(m_findBar->text());
    m_findBar->setFound(m_nFound > 0 ? m_conversation->findStep(-1) : 0, m_nFound);
}

void ChatPage::closeFind() {
    if (!m_findBar->isVisible()) return;
    m_findBar->hide();
    m_conversation->find({});
    m_composer->focus();
}

}  // namespace conclave::ui
