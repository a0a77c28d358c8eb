#include "ui/main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDragEnterEvent>
#include <QHBoxLayout>
#include <QMimeData>
#include <QScreen>
#include <QShortcut>
#include <QSplitter>
#include <QStackedWidget>
#include <QTimer>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/bridge.h"
#include "ui/chat_controller.h"
#include "ui/models/chat_list_model.h"
#include "ui/system_theme.h"
#include "ui/widgets/chat_page.h"
#include "ui/widgets/collection_page.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/conversation_view.h"
#include "ui/widgets/model_picker.h"
#include "ui/widgets/settings_dialog.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/small_widgets.h"
#include "ui/widgets/sources_panel.h"
#include "ui/widgets/status_line.h"
#include "ui/widgets/toast.h"

// A static library's resources must be asked for, and from outside of any namespace.
static void initResources() { Q_INIT_RESOURCE(conclave); }

namespace conclave::ui {

namespace {

constexpr int kRoomForSidebar = 720;  ///< a narrower window shows the conversation alone
constexpr int kRoomForSources = 300;

}  // namespace

std::unique_ptr<QWidget> createMainWindow(services::Services& services,
                                          const WindowOptions& options) {
    return std::make_unique<MainWindow>(services, options);
}

MainWindow::MainWindow(services::Services& services, const WindowOptions& options)
    : m_services((initResources(), services)),
      m_controller(new ChatController(services, this)),
      m_sidebar(new Sidebar(services, this)),
      m_chatPage(new ChatPage(*m_controller, this)),
      m_collections(new CollectionPage(services.collections(), this)),
      m_sources(new SourcesPanel(services, this)),
      m_status(new StatusLine(this)),
      m_toast(new Toast(this)),
      m_splitter(new QSplitter(Qt::Horizontal, this)),
      m_stack(new QStackedWidget(this)),
      m_saveTimer(new QTimer(this)),
      m_contextTimer(new QTimer(this)),
      m_options(options) {
    setWindowTitle(tr("Conclave"));
    setWindowIcon(QIcon(QStringLiteral(":/conclave/icon.svg")));
    setAcceptDrops(true);
    setMinimumSize(560, 420);
    resize(1240, 800);

    auto* centre = new QWidget(m_splitter);
    centre->setObjectName(QStringLiteral("page"));
    centre->setAttribute(Qt::WA_StyledBackground);
    auto* column = new QVBoxLayout(centre);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(makeHeader());
    m_stack->setObjectName(QStringLiteral("page"));
    m_stack->addWidget(m_chatPage);
    m_stack->addWidget(m_collections);
    column->addWidget(m_stack, 1);
    column->addWidget(m_status);

    m_splitter->addWidget(m_sidebar);
    m_splitter->addWidget(centre);
    m_splitter->addWidget(m_sources);
    m_splitter->setHandleWidth(3);
    m_splitter->setChildrenCollapsible(false);
    m_splitter->setStretchFactor(1, 1);
    m_splitter->setSizes({250, 990, 340});
    m_sources->hide();
    setCentralWidget(m_splitter);

    m_saveTimer->setSingleShot(true);
    m_saveTimer->setInterval(1000);
    connect(m_saveTimer, &QTimer::timeout, this, &MainWindow::saveWindow);
    m_contextTimer->setSingleShot(true);
    m_contextTimer->setInterval(250);
    connect(m_contextTimer, &QTimer::timeout, this, &MainWindow::refreshContext);

    connectParts();
    makeShortcuts();
    applyTheme();
    connect(&Theme::instance(), &Theme::changed, this, &MainWindow::applyTheme);
    new SystemTheme(this);
    // The window is on the screen before anything is asked of the services.
    QTimer::singleShot(0, this, [this] {
        listen();
        loadSettings();
    });
}

MainWindow::~MainWindow() {
    m_services.models().onStatus({});
    m_services.collections().onProgress({});
}

QWidget* MainWindow::makeHeader() {
    auto* header = new QWidget(this);
    header->setObjectName(QStringLiteral("header"));
    header->setAttribute(Qt::WA_StyledBackground);
    auto* row = new QHBoxLayout(header);
    row->setContentsMargins(10, 7, 10, 7);
    row->setSpacing(8);
    QToolButton* sidebar =
        makeIconButton(Icon::Sidebar, tr("Show or hide the chats (Ctrl+B)"), header);
    connect(sidebar, &QToolButton::clicked, this, &MainWindow::toggleSidebar);
    m_title = new ElidedLabel({}, header);
    onTheme(m_title,
            [this] { m_title->setFont(Theme::instance().font(TextSize::Body, QFont::DemiBold)); });
    m_models = new ModelPicker(m_services.models(), header);
    QToolButton* sources =
        makeIconButton(Icon::Book, tr("Show or hide the sources (Ctrl+Shift+S)"), header);
    connect(sources, &QToolButton::clicked, this,
            [this] { setSourcesShown(!m_sources->isVisible()); });
    row->addWidget(sidebar);
    row->addWidget(m_title, 1);
    row->addWidget(m_models);
    row->addWidget(sources);
    return header;
}

void MainWindow::connectParts() {
    connect(m_sidebar, &Sidebar::newChatAsked, this, [this] {
        showDocuments(false);
        m_chatPage->composer().clearAttachments();
        m_controller->startNew();
    });
    connect(m_sidebar, &Sidebar::chatAsked, this, [this](qint64 chat, qint64 message) {
        showDocuments(false);
        if (m_controller->chat() == chat && message == 0) return;
        m_chatPage->composer().clearAttachments();
        m_controller->open(chat, message ? std::optional(message) : std::nullopt);
    });
    connect(m_sidebar, &Sidebar::chatRemoved, this, [this](qint64 chat, const QString& title) {
        const bool wasShown = m_controller->chat() == chat;
        if (wasShown) m_controller->startNew();
        m_toast->show(tr("“%1” was deleted").arg(title.left(60)), tr("Undo"),
                      [this, chat, wasShown] {
                          m_services.chats().restore(
                              chat, onGui<void>(this, [this, chat, wasShown](Result<void> result) {
                                  if (!result) showFailure(errorText(result.error()));
                                  m_sidebar->reload();
                                  if (result && wasShown) m_controller->open(chat);
                              }));
                      });
    });
    connect(m_sidebar, &Sidebar::titleChanged, this, &MainWindow::refreshTitle);
    connect(m_sidebar, &Sidebar::documentsAsked, this,
            [this] { showDocuments(m_stack->currentWidget() != m_collections); });
    connect(m_sidebar, &Sidebar::settingsAsked, this, &MainWindow::openSettings);
    connect(m_sidebar, &Sidebar::failed, this, &MainWindow::showFailure);

    connect(m_controller, &ChatController::chatsChanged, m_sidebar, &Sidebar::reload);
    connect(m_controller, &ChatController::busyChanged, m_sidebar, &Sidebar::setBusy);
    connect(m_controller, &ChatController::failed, this, &MainWindow::showFailure);
    connect(m_controller, &ChatController::opened, this, [this] {
        m_sidebar->setCurrent(m_controller->chat());
        m_sources->clear();
        m_sourcesForced = false;
        showLastPassages();
        refreshTitle();
        m_contextTimer->start();
        m_saveTimer->start();
    });
    connect(m_controller, &ChatController::answeringChanged, this, [this] {
        m_sidebar->setCurrent(m_controller->chat());
        if (!m_controller->isAnswering()) m_status->setSpeed(0.0);
        refreshTitle();
        m_saveTimer->start();
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
                m_status->setSpeed(running->tokensPerSecond);
                if (m_sources->answer() != message.id && message.details) showPassages(message);
            });

    connect(m_chatPage, &ChatPage::sourceAsked, this, &MainWindow::showSource);
    connect(m_chatPage, &ChatPage::modelFileGiven, m_models, &ModelPicker::add);
    connect(m_chatPage, &ChatPage::addModelAsked, m_models, &ModelPicker::showHelp);
    connect(m_chatPage, &ChatPage::manageCollectionsAsked, this, [this] { showDocuments(true); });
    connect(m_chatPage, &ChatPage::notice, this,
            [this](const QString& text) { m_toast->show(text); });
    connect(&m_chatPage->composer(), &Composer::folderGiven, this, [this](const QString& folder) {
        m_collections->addFolderAsCollection(folder);
        m_toast->show(tr("Reading the folder. You can ask about it right away."), tr("Show"),
                      [this] { showDocuments(true); });
    });
    connect(&m_chatPage->composer(), &Composer::draftChanged, this,
            [this] { m_contextTimer->start(); });

    connect(m_models, &ModelPicker::notice, this,
            [this](const QString& text) { m_toast->show(text); });
    connect(m_models, &ModelPicker::failed, this, &MainWindow::showFailure);
    connect(m_sources, &SourcesPanel::closeAsked, this, [this] { setSourcesShown(false); });
    connect(m_collections, &CollectionPage::changed, this, &MainWindow::reloadCollections);
    connect(m_collections, &CollectionPage::failed, this, &MainWindow::showFailure);
    connect(m_collections, &CollectionPage::closeAsked, this, [this] { showDocuments(false); });
    connect(m_collections, &CollectionPage::askAsked, this, [this](qint64 collection) {
        showDocuments(false);
        m_controller->startNew();
        m_controller->setCollections(std::vector<services::CollectionId>{collection});
    });
    connect(m_splitter, &QSplitter::splitterMoved, this, [this] { m_saveTimer->start(); });
}

void MainWindow::makeShortcuts() {
    const auto add = [this](std::initializer_list<const char*> keys, auto action) {
        for (const char* key : keys) {
            auto* shortcut = new QShortcut(QKeySequence(QString::fromLatin1(key)), this);
            connect(shortcut, &QShortcut::activated, this, action);
        }
    };
    add({"Ctrl+N"}, [this] { emit m_sidebar->newChatAsked(); });
    add({"Ctrl+K", "Ctrl+Shift+F"}, [this] {
        m_sidebar->show();
        m_sidebar->focusSearch();
    });
    add({"Ctrl+F"}, [this] {
        showDocuments(false);
        m_chatPage->openFind();
    });
    add({"Ctrl+B", "F9"}, [this] { toggleSidebar(); });
    add({"Ctrl+Shift+S"}, [this] { setSourcesShown(!m_sources->isVisible()); });
    add({"Esc"}, [this] {
        if (m_stack->currentWidget() == m_collections) {
            showDocuments(false);
        } else {
            m_controller->stop();
        }
    });
    add({"Ctrl+R"}, [this] { m_chatPage->regenerateLast(); });
    add({"Ctrl+Shift+C"}, [this] { m_chatPage->copyLastAnswer(); });
    add({"Ctrl+Shift+M"}, [this] { m_models->showMenu(); });
    add({"Ctrl+,"}, [this] { openSettings(); });
    add({"F1", "Ctrl+/"}, [this] { openShortcuts(); });
    add({"F2"}, [this] {
        m_sidebar->show();
        m_sidebar->renameCurrent();
    });
    add({"Ctrl+Shift+Backspace"}, [this] { m_sidebar->removeCurrent(); });
    add({"Ctrl+L"}, [this] { m_chatPage->composer().focus(); });
    add({"Ctrl++", "Ctrl+="}, [this] { setZoom(Theme::instance().zoom() + 0.1); });
    add({"Ctrl+-"}, [this] { setZoom(Theme::instance().zoom() - 0.1); });
    add({"Ctrl+0"}, [this] { setZoom(1.0); });
    add({"Ctrl+Q"}, [this] { close(); });
}

// -------------------------------------------------------------------------------- services

void MainWindow::listen() {
    m_services.models().onStatus(
        queued<services::ModelStatus>(this, [this](const services::ModelStatus& status) {
            m_models->setStatus(status);
            m_status->setModel(status);
            m_chatPage->setModelStatus(status);
            if (status.state == services::ModelStatus::State::Ready) m_contextTimer->start();
        }));
    const services::ModelStatus status = m_services.models().status();
    m_models->setStatus(status);
    m_status->setModel(status);
    m_chatPage->setModelStatus(status);
    m_models->reload();

    m_services.collections().onProgress(
        queued<services::IndexProgress>(this, [this](const services::IndexProgress& progress) {
            using State = services::IndexProgress::State;
            const bool running =
                progress.state == State::Scanning || progress.state == State::Reading;
            if (running) {
                m_indexing[progress.collection] = progress;
            } else {
                m_indexing.erase(progress.collection);
                reloadCollections();
            }
            m_collections->setProgress(progress);
            m_status->setIndexing(
                m_indexing.empty() ? QString()
                                   : tr("Reading “%1”: %2 of %3")
                                         .arg(fromUtf8(m_indexing.begin()->second.collectionName))
                                         .arg(m_indexing.begin()->second.filesDone)
                                         .arg(m_indexing.begin()->second.filesTotal));
        }));
    m_sidebar->reload();
    reloadCollections();
}

void MainWindow::reloadCollections() {
    using Collections = std::vector<services::Collection>;
    m_services.collections().list(onGui<Collections>(this, [this](Result<Collections> collections) {
        if (!collections) {
            showFailure(errorText(collections.error()));
            return;
        }
        m_chatPage->setCollections(*collections);
        m_collections->setCollections(std::move(*collections));
    }));
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

// -------------------------------------------------------------------------------- showing

void MainWindow::refreshTitle() {
    QString title;
    if (m_stack->currentWidget() == m_collections) {
        title = tr("Documents");
    } else if (m_controller->chat()) {
        const services::Chat* chat = m_sidebar->chats().chat(*m_controller->chat());
        title = chat ? ChatListModel::titleOf(*chat) : QString();
    } else {
        title = tr("New chat");
    }
    m_title->setFullText(title);
    setWindowTitle(title.isEmpty() ? tr("Conclave") : tr("%1 – Conclave").arg(title));
}

void MainWindow::openChat(services::ChatId chat) { emit m_sidebar->chatAsked(chat, 0); }

void MainWindow::showDocuments(bool show) {
    m_stack->setCurrentWidget(show ? static_cast<QWidget*>(m_collections) : m_chatPage);
    m_sidebar->setDocumentsShown(show);
    if (show) reloadCollections();
    fitPanels();
    refreshTitle();
    if (!show) m_chatPage->composer().focus();
}

void MainWindow::showSource(qint64 id, int number, int citation) {
    const auto* message = m_controller->messages().find(id);
    if (!message) return;
    setSourcesShown(true);
    m_sources->showAnswer(*message);
    m_sources->openPassage(number, citation);
}

void MainWindow::setSourcesShown(bool shown) {
    m_sourcesWanted = shown;
    m_sourcesForced = shown;
    if (shown && !m_sources->answer()) showLastPassages();
    fitPanels();
    m_saveTimer->start();
}

void MainWindow::toggleSidebar() {
    m_sidebarWanted = !m_sidebar->isVisible();
    m_sidebar->setVisible(m_sidebarWanted);
    m_saveTimer->start();
}

/// The panels at the sides give way when the window is narrow, and come back when it is not.
void MainWindow::fitPanels() {
    const bool documents = m_stack->currentWidget() == m_collections;
    const bool something = m_sourcesForced || m_sources->hasPassages();
    m_sources->setVisible(m_sourcesWanted && something && !documents);
    const int room = kRoomForSidebar + (m_sources->isVisibleTo(this) ? kRoomForSources : 0);
    m_sidebar->setVisible(m_sidebarWanted && width() >= room);
}

void MainWindow::showLastPassages() {
    if (const auto last = m_controller->lastAnswer())
        m_sources->showAnswer(*m_controller->messages().find(*last));
    fitPanels();
}

/// Shows what an answer is based on, as soon as it is known.
void MainWindow::showPassages(const services::Message& message) {
    m_sources->showAnswer(message);
    fitPanels();
}

void MainWindow::applyTheme() {
    setFont(Theme::instance().font(TextSize::Body));
    setStyleSheet(Theme::instance().styleSheet());
}

void MainWindow::setZoom(double zoom) {
    Theme::instance().setZoom(zoom);
    m_services.setSetting("zoom", Theme::instance().zoom());
    m_toast->show(tr("Zoom %1 %").arg(qRound(Theme::instance().zoom() * 100.0)));
}

void MainWindow::openSettings() {
    SettingsDialog dialog(m_services, *m_controller, this);
    connect(&dialog, &SettingsDialog::addModelFolderAsked, m_models, &ModelPicker::addFolder);
    connect(&dialog, &SettingsDialog::failed, this, &MainWindow::showFailure);
    dialog.exec();
}

void MainWindow::openShortcuts() {
    ShortcutsDialog dialog(this);
    dialog.exec();
}

void MainWindow::give(const QStringList& files) {
    if (!files.isEmpty()) m_chatPage->composer().attach(files);
}

void MainWindow::showFailure(const QString& what) { m_toast->show(what, tr("Dismiss")); }

// -------------------------------------------------------------------------------- window events

void MainWindow::closeEvent(QCloseEvent* event) {
    m_controller->saveDraft(m_chatPage->composer().editing() ? QString()
                                                             : m_chatPage->composer().text());
    saveWindow();
    event->accept();
}

void MainWindow::changeEvent(QEvent* event) {
    if (event->type() == QEvent::ActivationChange && isActiveWindow() && m_restored) {
        m_services.collections().updateAll();
    }
    QMainWindow::changeEvent(event);
}

void MainWindow::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    fitPanels();
    m_saveTimer->start();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    if (!localFiles(event->mimeData()).isEmpty()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    give(localFiles(event->mimeData()));
    event->acceptProposedAction();
}

}  // namespace conclave::ui
