// How the parts of the window hear of each other.
#include <QDateTime>
#include <QLocale>
#include <QStackedWidget>
#include <QTimer>

#include "ui/bridge.h"
#include "ui/chat_controller.h"
#include "ui/main_window.h"
#include "ui/panel_layout.h"
#include "ui/widgets/chat_page.h"
#include "ui/widgets/collection_page.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/damage_bar.h"
#include "ui/widgets/document_reader.h"
#include "ui/widgets/model_picker.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/small_widgets.h"
#include "ui/widgets/sources_panel.h"
#include "ui/widgets/status_line.h"
#include "ui/widgets/toast.h"
#include "ui/widgets/trash_page.h"

namespace conclave::ui {

namespace {

constexpr int kCountEveryMs = 2000;  ///< what is read so far

}  // namespace

void MainWindow::connectParts() {
    connectSidebar();
    connectController();
    connect(m_chatPage, &ChatPage::sourceAsked, this, &MainWindow::showSource);
    connect(m_chatPage, &ChatPage::fileAsked, this, &MainWindow::showFile);
    connect(m_chatPage, &ChatPage::bannerClosed, this, &MainWindow::forgetNotice);
    connect(m_chatPage, &ChatPage::modelFileGiven, m_models, &ModelPicker::add);
    connect(m_chatPage, &ChatPage::addModelAsked, m_models, &ModelPicker::showHelp);
    connect(m_chatPage, &ChatPage::resumeAsked, this, [this] { pauseIndexing(false); });
    connect(m_status, &StatusLine::pauseAsked, this, &MainWindow::pauseIndexing);
    connect(m_collections, &CollectionPage::pauseAsked, this, &MainWindow::pauseIndexing);
    connect(m_chatPage, &ChatPage::manageCollectionsAsked, this, [this] { showDocuments(true); });
    connect(m_chatPage, &ChatPage::notice, this,
            [this](const QString& text) { m_toast->show(text); });
    connect(&m_chatPage->composer(), &Composer::folderGiven, this, [this](const QString& folder) {
        m_collections->addFolderAsCollection(folder);
        m_toast->show(tr("Reading the folder. You can ask about it right away."), tr("Show"),
                      [this] { showDocuments(true); });
    });
    connect(&m_chatPage->composer(), &Composer::collectionsWanted, this,
            &MainWindow::reloadCollections);
    connect(&m_chatPage->composer(), &Composer::draftChanged, this,
            [this] { m_contextTimer->start(); });

    connect(m_models, &ModelPicker::notice, this,
            [this](const QString& text) { m_toast->show(text); });
    connect(m_models, &ModelPicker::failed, this, &MainWindow::showNotice);
    connect(m_sources, &SourcesPanel::closeAsked, this, &MainWindow::toggleSources);
    connect(m_sources, &SourcesPanel::recallAsked, this, &MainWindow::keepRecall);
    connect(m_sources, &SourcesPanel::readingChanged, m_panels, &PanelLayout::setReading);
    connect(m_collections, &CollectionPage::changed, this, &MainWindow::reloadCollections);
    connect(m_collections, &CollectionPage::failed, this, &MainWindow::showFailure);
    connect(m_collections, &CollectionPage::leftOut, this,
            [this](const services::Document& document) {
                const QString name = fromUtf8(document.path.filename().string());
                m_toast->show(tr("“%1” is left out").arg(name.left(60)), tr("Undo"),
                              [this, document] { m_collections->takeBack(document); });
            });
    connect(m_collections, &CollectionPage::documentAsked, this, &MainWindow::showListed);
    connect(&m_sources->reader(), &DocumentReader::backAsked, this, &MainWindow::closeListed);
    connect(m_collections, &CollectionPage::closeAsked, this, [this] { showDocuments(false); });
    connect(m_collections, &CollectionPage::askAsked, this, [this](qint64 collection) {
        leaveChat();
        m_controller->startNew();
        m_controller->setCollections(std::vector<services::CollectionId>{collection});
    });
    connect(m_panels, &PanelLayout::changed, this, [this] {
        fitPanels();
        m_saveTimer->start();
    });
    connect(m_damage, &DamageBar::backUpAsked, this, [this] { rescue(Rescue::BackUp); });
    connect(m_damage, &DamageBar::repairAsked, this, [this] { rescue(Rescue::Repair); });
}

void MainWindow::connectSidebar() {
    connect(m_sidebar, &Sidebar::newChatAsked, this, [this] {
        leaveChat();
        m_controller->startNew();
    });
    connect(m_sidebar, &Sidebar::chatAsked, this, [this](qint64 chat, qint64 message) {
        leaveChat();
        if (m_controller->chat() == chat && message == 0) return;
        m_controller->open(chat, message ? std::optional(message) : std::nullopt);
    });
    connect(m_sidebar, &Sidebar::chatRemoved, this, [this](qint64 chat, const QString& title) {
        const bool wasShown = m_controller->chat() == chat;
        if (wasShown) m_controller->startNew();
        if (m_stack->currentWidget() == m_trash) m_trash->reload();
        m_toast->show(tr("“%1” was deleted").arg(title.left(60)), tr("Undo"),
                      [this, chat, wasShown] {
                          m_services.chats().restore(
                              chat, onGui<void>(this, [this, chat, wasShown](Result<void> result) {
                                  if (!result) showFailure(result.error());
                                  m_sidebar->reload();
                                  m_trash->reload();
                                  if (result && wasShown) m_controller->open(chat);
                              }));
                      });
    });
    connect(m_sidebar, &Sidebar::titleChanged, this, &MainWindow::refreshTitle);
    connect(m_sidebar, &Sidebar::documentsAsked, this,
            [this] { showDocuments(m_stack->currentWidget() != m_collections); });
    connect(m_sidebar, &Sidebar::trashAsked, this,
            [this] { showTrash(m_stack->currentWidget() != m_trash); });
    connect(m_trash, &TrashPage::failed, this, &MainWindow::showFailure);
    connect(m_trash, &TrashPage::restored, this, [this](qint64 chat) {
        m_sidebar->reload();
        m_toast->show(tr("The chat is back"), tr("Open"), [this, chat] { openChat(chat); });
    });
    connect(m_sidebar, &Sidebar::settingsAsked, this, &MainWindow::openSettings);
    connect(m_sidebar, &Sidebar::failed, this, &MainWindow::showFailure);
    connect(m_sidebar, &Sidebar::notice, this, &MainWindow::showNotice);
}

void MainWindow::connectController() {
    connect(m_controller, &ChatController::chatsChanged, m_sidebar, &Sidebar::reload);
    connect(m_controller, &ChatController::busyChanged, m_sidebar, &Sidebar::setBusy);
    connect(m_controller, &ChatController::failed, this, &MainWindow::showFailure);
    connect(m_controller, &ChatController::opened, this, [this] {
        m_sidebar->setCurrent(m_controller->chat());
        m_sources->clear();
        m_sourcesForced = false;
        showLastPassages();
        refreshTitle();
        showSpeed();
        m_contextTimer->start();
        if (!m_controller->chat()) m_newChatSince = QDateTime::currentMSecsSinceEpoch();
        saveWindow();
    });
    connect(m_controller, &ChatController::branchShown, this, [this] {
        m_sources->clear();  // the branch may have no answer
        showLastPassages();
        showSpeed();
    });
    // What the meter counts is the stored branch, so not before that is the shown one.
    connect(m_controller, &ChatController::branchStored, m_contextTimer,
            qOverload<>(&QTimer::start));
    connect(m_controller, &ChatController::answeringChanged, this, [this] {
        m_sidebar->setCurrent(m_controller->chat());
        showSpeed();
        // The next question is the end of what was told before it.
        if (m_controller->isAnswering() && !m_wasAnswering) {
            m_toast->hide();
            reloadCollections();  // the field names those that are searched
        }
        m_wasAnswering = m_controller->isAnswering();
        refreshTitle();
        // A chat that was just made is the one to come back to, whatever happens now.
        if (m_controller->chat() != m_savedChat) saveWindow();
    });
    connect(m_controller, &ChatController::answerFinished, this, [this](qint64 id) {
        m_contextTimer->start();
        const auto* message = m_controller->messages().find(id);
        if (message && m_controller->messages().rowOf(id) >= 0) showPassages(*message);
    });
    connect(&m_controller->messages(), &QAbstractItemModel::dataChanged, this,
            [this](const QModelIndex& index) {
                const services::Message& message = m_controller->messages().at(index.row());
                const auto* running = m_controller->messages().running(message.id);
                if (!running) return;
                showSpeed();
                if (m_sources->answer() != message.id && message.details) showPassages(message);
            });
}

void MainWindow::showModel(const services::ModelStatus& status) {
    m_models->setStatus(status);
    m_status->setModel(status);
    m_chatPage->setModelStatus(status);
    const std::string note = status.notes();
    if (!note.empty() && note != m_modelNote) showNotice(fromUtf8(note));
    m_modelNote = note;
}

void MainWindow::listen() {
    m_services.models().onStatus(
        queued<services::ModelStatus>(this, [this](const services::ModelStatus& status) {
            showModel(status);
            if (status.state == services::ModelStatus::State::Ready) m_contextTimer->start();
        }));
    showModel(m_services.models().status());
    m_models->reload();

    m_services.collections().onProgress(queued<services::IndexProgress>(
        this, [this](const services::IndexProgress& progress) { showIndexing(progress); }));
    m_sidebar->reload();
    reloadCollections();
}

void MainWindow::showIndexing(const services::IndexProgress& progress) {
    using State = services::IndexProgress::State;
    if (!progress.isListed) return;  // the answer that needs them says so
    const bool isRunning = progress.state == State::Scanning || progress.state == State::Reading;
    m_waiting.erase(progress.collection);
    if (isRunning) {
        m_indexing[progress.collection] = progress;
        const bool isLookedAt = m_stack->currentWidget() == m_collections;
        if (isLookedAt && (!m_counted.isValid() || m_counted.elapsed() > kCountEveryMs)) {
            m_counted.start();
            reloadCollections();
        }
    } else {
        m_indexing.erase(progress.collection);
        if (progress.state == State::Paused) m_waiting[progress.collection] = progress.filesTotal;
        reloadCollections();
    }
    m_collections->setProgress(progress);
    showIndexingState();
}

void MainWindow::showIndexingState() {
    QString text;
    int nWaiting = 0;
    if (m_isIndexingPaused) {
        for (const auto& [id, n] : m_waiting) nWaiting = n < 0 || nWaiting < 0 ? -1 : nWaiting + n;
        text = nWaiting > 0 ? counted(nWaiting, tr("Reading is paused: 1 file waits"),
                                      tr("Reading is paused: %1 files wait"))
                            : tr("Reading is paused");
    } else if (!m_indexing.empty()) {
        const services::IndexProgress& first = m_indexing.begin()->second;
        const QString name = fromUtf8(first.collectionName);
        text = first.filesTotal > 0 ? tr("Reading “%1”: %2 of %3")
                                          .arg(name, QLocale().toString(first.filesDone),
                                               QLocale().toString(first.filesTotal))
                                    : tr("Looking for changes in “%1”").arg(name);
    }
    m_status->setIndexing(text, m_isIndexingPaused);
    m_chatPage->setPaused(m_isIndexingPaused, nWaiting);
}

void MainWindow::pauseIndexing(bool isPaused) {
    m_services.setSetting(services::kIndexPausedSetting, isPaused);
    setIndexingPaused(isPaused);
}

void MainWindow::setIndexingPaused(bool isPaused) {
    m_isIndexingPaused = isPaused;
    m_waiting.clear();
    m_services.collections().pause(isPaused);
    m_collections->setPaused(isPaused);
    showIndexingState();
}

void MainWindow::reloadCollections() {
    using Collections = std::vector<services::Collection>;
    m_services.collections().list(onGui<Collections>(this, [this](Result<Collections> collections) {
        if (!collections) {
            showFailure(collections.error());
            return;
        }
        m_chatPage->setCollections(*collections);
        m_collections->setCollections(std::move(*collections));
    }));
}

void MainWindow::showSpeed() {
    const std::optional<services::MessageId> last = m_controller->lastAnswer();
    if (!last) return m_status->setSpeed(0.0);
    const MessageModel& messages = m_controller->messages();
    const RunningAnswer* running = messages.running(*last);
    m_status->setSpeed(running ? running->tokensPerSecond : decodeSpeed(*messages.find(*last)));
}

void MainWindow::refreshContext() {
    const auto chat = m_controller->chat();
    m_services.chats().contextUse(
        chat, m_chatPage->composer().text().toStdString(),
        onGui<services::ContextUse>(this, [this, chat](const Result<services::ContextUse>& use) {
            if (chat == m_controller->chat())
                m_status->setContext(use.value_or(services::ContextUse{}));
        }));
}

}  // namespace conclave::ui
