#include "ui/main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDragEnterEvent>
#include <QHBoxLayout>
#include <QMimeData>
#include <QShortcut>
#include <QStackedWidget>
#include <QTimer>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/bridge.h"
#include "ui/chat_controller.h"
#include "ui/panel_layout.h"
#include "ui/system_theme.h"
#include "ui/widgets/chat_page.h"
#include "ui/widgets/collection_page.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/conversation_view.h"
#include "ui/widgets/damage_bar.h"
#include "ui/widgets/model_picker.h"
#include "ui/widgets/settings_dialog.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/small_widgets.h"
#include "ui/widgets/sources_panel.h"
#include "ui/widgets/status_line.h"
#include "ui/widgets/toast.h"
#include "ui/widgets/trash_page.h"

// A static library's resources must be asked for, and from outside of any namespace.
static void initResources() { Q_INIT_RESOURCE(conclave); }

namespace conclave::ui {

void prepareLook() {
    initResources();
    Theme::instance();
}

std::unique_ptr<QWidget> createMainWindow(services::Services& services,
                                          const WindowOptions& options,
                                          std::function<void(Rescue)> onRescue) {
    return std::make_unique<MainWindow>(services, options, std::move(onRescue));
}

MainWindow::MainWindow(services::Services& services, const WindowOptions& options,
                       std::function<void(Rescue)> onRescue)
    : m_services((initResources(), services)),
      m_controller(new ChatController(services, this)),
      m_sidebar(new Sidebar(services, this)),
      m_chatPage(new ChatPage(*m_controller, this)),
      m_collections(new CollectionPage(services, this)),
      m_sources(new SourcesPanel(services, this)),
      m_status(new StatusLine(this)),
      m_toast(new Toast(this)),
      m_stack(new QStackedWidget(this)),
      m_trash(new TrashPage(services.chats(), this)),
      m_damage(new DamageBar(this)),
      m_centre(new QWidget(this)),
      m_panels(new PanelLayout(m_sidebar, m_centre, m_sources, this)),
      m_saveTimer(new QTimer(this)),
      m_contextTimer(new QTimer(this)),
      m_options(options),
      m_onRescue(std::move(onRescue)) {
    setWindowTitle(tr("Conclave"));
    setWindowIcon(QIcon(QStringLiteral(":/conclave/icon.svg")));
    setAcceptDrops(true);
    setMinimumSize(460, 380);
    resize(1240, 800);

    m_centre->setObjectName(QStringLiteral("page"));
    m_centre->setAttribute(Qt::WA_StyledBackground);
    auto* column = new QVBoxLayout(m_centre);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(makeHeader());
    auto* damageRow = new QVBoxLayout;
    damageRow->setContentsMargins(12, 0, 12, 0);
    damageRow->addWidget(m_damage);
    column->addLayout(damageRow);
    m_stack->setObjectName(QStringLiteral("page"));
    m_stack->addWidget(m_chatPage);
    m_stack->addWidget(m_collections);
    m_stack->addWidget(m_trash);
    column->addWidget(m_stack, 1);
    column->addWidget(m_status);
    setCentralWidget(m_panels);
    m_toast->setAnchor(m_chatPage);

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
    connect(sidebar, &QToolButton::clicked, m_panels, &PanelLayout::toggleSidebar);
    m_title = new ElidedLabel({}, header);
    onTheme(m_title,
            [this] { m_title->setFont(Theme::instance().font(TextSize::Body, QFont::DemiBold)); });
    m_models = new ModelPicker(m_services.models(), header);
    QToolButton* sources =
        makeIconButton(Icon::Book, tr("Show or hide the sources (Ctrl+Shift+S)"), header);
    connect(sources, &QToolButton::clicked, this, &MainWindow::toggleSources);
    row->addWidget(sidebar);
    row->addWidget(m_title, 1);
    row->addWidget(m_models);
    row->addWidget(sources);
    return header;
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
        if (!m_sidebar->isVisible()) m_panels->showSidebar();
        m_sidebar->focusSearch();
    });
    add({"Ctrl+F"}, [this] { openFind(); });
    add({"Ctrl+B", "F9"}, [this] { m_panels->toggleSidebar(); });
    add({"Ctrl+Shift+S"}, [this] { toggleSources(); });
    add({"Esc"}, [this] { dismiss(); });
    add({"Ctrl+R"}, [this] { m_chatPage->regenerateLast(); });
    add({"Ctrl+Shift+C"}, [this] { m_chatPage->copyLastAnswer(); });
    add({"Ctrl+Shift+M"}, [this] { m_models->showMenu(); });
    add({"Ctrl+,"}, [this] { openSettings(); });
    add({"F1", "Ctrl+/"}, [this] { openShortcuts(); });
    add({"F2"}, [this] {
        if (!m_sidebar->isVisible()) m_panels->showSidebar();
        m_sidebar->renameCurrent();
    });
    add({"Ctrl+Shift+Backspace"}, [this] { m_sidebar->removeCurrent(); });
    add({"Ctrl+L"}, [this] { m_chatPage->composer().focus(); });
    add({"Ctrl++", "Ctrl+="}, [this] { setZoom(Theme::instance().zoom() + 0.1); });
    add({"Ctrl+-"}, [this] { setZoom(Theme::instance().zoom() - 0.1); });
    add({"Ctrl+0"}, [this] { setZoom(1.0); });
    add({"Ctrl+Q"}, [this] { close(); });
}

void MainWindow::applyTheme() { setFont(Theme::instance().font(TextSize::Body)); }

void MainWindow::setZoom(double zoom) {
    Theme::instance().setZoom(zoom);
    m_services.setSetting("zoom", Theme::instance().zoom());
    m_toast->show(tr("Zoom %1 %").arg(qRound(Theme::instance().zoom() * 100.0)));
}

void MainWindow::openSettings() {
    SettingsDialog dialog(m_services, *m_controller, this);
    connect(&dialog, &SettingsDialog::addModelFolderAsked, m_models, &ModelPicker::addFolder);
    connect(&dialog, &SettingsDialog::failed, this, &MainWindow::showFailure);
    connect(&dialog, &SettingsDialog::shortcutsAsked, this, &MainWindow::openShortcuts);
    connect(&dialog, &SettingsDialog::restoreAsked, this, [this] { rescue(Rescue::Restore); });
    connect(&dialog, &SettingsDialog::trashAsked, this, [this] { showTrash(true); });
    connect(&dialog, &SettingsDialog::notice, this,
            [this](const QString& text) { m_toast->show(text); });
    dialog.exec();
}

void MainWindow::openShortcuts() {
    ShortcutsDialog dialog(this);
    dialog.exec();
}

void MainWindow::give(const QStringList& files) {
    if (!files.isEmpty()) m_chatPage->composer().attach(files);
}

// -------------------------------------------------------------------------------- window events

void MainWindow::closeEvent(QCloseEvent* event) {
    m_controller->saveDraft(m_chatPage->composer().editing() ? QString()
                                                             : m_chatPage->composer().text());
    m_isClosed = true;
    saveWindow();
    event->accept();
}

void MainWindow::changeEvent(QEvent* event) {
    if (event->type() == QEvent::ActivationChange && isActiveWindow() && m_restored) {
        m_services.collections().updateAll();
        reloadCollections();  // the terminal program may have made one
    }
    QMainWindow::changeEvent(event);
}

void MainWindow::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    // Once the parts have their new sizes.
    QTimer::singleShot(0, this, &MainWindow::fitPanels);
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
