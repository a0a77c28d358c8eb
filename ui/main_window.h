// main_window.h: puts the pages together and moves between them.
#pragma once

#include <QElapsedTimer>
#include <QMainWindow>
#include <QPointer>
#include <functional>
#include <map>

#include "app/services/services.h"
#include "ui/ui.h"

class QStackedWidget;
class QTimer;

namespace conclave::ui {

class ChatController;
class ChatPage;
class CollectionPage;
class ElidedLabel;
class DamageBar;
class ModelPicker;
class PanelLayout;
class Sidebar;
class SourcesPanel;
class StatusLine;
class Toast;
class TrashPage;

class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    /// `onRescue` is called when the person asks for help with a damaged database.
    MainWindow(services::Services& services, const WindowOptions& options,
               std::function<void(Rescue)> onRescue = {});
    ~MainWindow() override;

    [[nodiscard]] ChatController& controller() { return *m_controller; }
    [[nodiscard]] ChatPage& chatPage() { return *m_chatPage; }
    [[nodiscard]] SourcesPanel& sources() { return *m_sources; }
    [[nodiscard]] Sidebar& sidebar() { return *m_sidebar; }

    /// Does what a later start asks for, and comes to the front.
    void take(const WindowOptions& options);
    void openChat(services::ChatId chat);
    void showDocuments(bool show);
    void showTrash(bool show);
    void showListed(const services::Document& document);
    void closeListed();
    [[nodiscard]] PanelLayout& panels() { return *m_panels; }

protected:
    void closeEvent(QCloseEvent* event) override;
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    QWidget* makeHeader();
    void connectParts();
    void connectSidebar();
    void connectController();
    void makeShortcuts();
    void listen();
    void showModel(const services::ModelStatus& status);
    void loadSettings();
    void begin(std::optional<services::ChatId> last);
    void beginAfterKill(std::int64_t since);
    void showWhatIsAsked(const WindowOptions& options, std::optional<services::ChatId> last);
    void restoreWindow(const nlohmann::json& state);
    void saveWindow();
    /// The notice about the demonstration model does not come again.
    void forgetNotice();
    void reloadCollections();
    void showIndexing(const services::IndexProgress& progress);
    /// Reads no documents until that ends, also after the next start.
    void pauseIndexing(bool isPaused);
    void setIndexingPaused(bool isPaused);
    void showIndexingState();
    void refreshContext();
    void showSpeed();
    void refreshTitle();
    void showSource(qint64 id, int number, int citation);
    void showFile(const QString& file);
    /// Search shall find this passage for the shown answer's question; see services::Services.
    void keepRecall(const QString& path, const QString& words);
    void showPage(QWidget* page);
    void leaveChat();
    void showPassages(const services::Message& message);
    void showLastPassages();
    void fitPanels();
    void dismiss();
    void applyTheme();
    void setZoom(double zoom);
    /// Finds in what is shown: words of the chat, or documents by their names.
    void openFind();
    void openSettings();
    void openShortcuts();
    void give(const QStringList& files);
    void showFailure(const Error& error);
    void showNotice(const QString& what);
    void toggleSources();
    void rescue(Rescue what);

    services::Services& m_services;
    ChatController* m_controller;
    Sidebar* m_sidebar;
    ChatPage* m_chatPage;
    CollectionPage* m_collections;
    SourcesPanel* m_sources;
    StatusLine* m_status;
    Toast* m_toast;
    QStackedWidget* m_stack;
    TrashPage* m_trash;
    DamageBar* m_damage;
    QWidget* m_centre;
    PanelLayout* m_panels;
    ElidedLabel* m_title = nullptr;
    ModelPicker* m_models = nullptr;
    QTimer* m_saveTimer;
    QTimer* m_contextTimer;
    std::string m_modelNote;  ///< told last
    WindowOptions m_options;  ///< to be done when the window is as it was
    std::function<void(Rescue)> m_onRescue;
    std::optional<services::ChatId> m_savedChat;  ///< comes back at the next start
    qint64 m_newChatSince = 0;                    ///< when the page for a new chat came up
    bool m_isClosed = false;
    bool m_wasAnswering = false;
    bool m_restored = false;
    QPointer<QWidget> m_listedFrom;  ///< what had the focus on the page then
    bool m_readsFromList = false;    ///< a document of the list of documents is open beside it
    bool m_sourcesForced = false;    ///< the user opened it, so it shows even when empty
    std::map<services::CollectionId, services::IndexProgress> m_indexing;
    QElapsedTimer m_counted;                          ///< since what was read was counted
    std::map<services::CollectionId, int> m_waiting;  ///< files, while reading is paused
    bool m_isIndexingPaused = false;
};

}  // namespace conclave::ui
