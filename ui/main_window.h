// main_window.h: puts the pages together and moves between them.
#pragma once

#include <QMainWindow>
#include <map>

#include "app/services/services.h"
#include "ui/ui.h"

class QSplitter;
class QStackedWidget;
class QTimer;

namespace conclave::ui {

class ChatController;
class ChatPage;
class CollectionPage;
class ElidedLabel;
class ModelPicker;
class Sidebar;
class SourcesPanel;
class StatusLine;
class Toast;

class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    MainWindow(services::Services& services, const WindowOptions& options);
    ~MainWindow() override;

    [[nodiscard]] ChatController& controller() { return *m_controller; }
    [[nodiscard]] ChatPage& chatPage() { return *m_chatPage; }
    [[nodiscard]] SourcesPanel& sources() { return *m_sources; }
    [[nodiscard]] Sidebar& sidebar() { return *m_sidebar; }

    /// Does what a later start asks for, and comes to the front.
    void take(const WindowOptions& options);
    void openChat(services::ChatId chat);
    void showDocuments(bool show);

protected:
    void closeEvent(QCloseEvent* event) override;
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    QWidget* makeHeader();
    void connectParts();
    void makeShortcuts();
    void listen();
    void loadSettings();
    void showWhatIsAsked(const WindowOptions& options, std::optional<services::ChatId> last);
    void restoreWindow(const nlohmann::json& state);
    void saveWindow();
    void reloadCollections();
    void refreshContext();
    void refreshTitle();
    void showSource(qint64 id, int number, int citation);
    void setSourcesShown(bool shown);
    void toggleSidebar();
    void showPassages(const services::Message& message);
    void showLastPassages();
    void fitPanels();
    void applyTheme();
    void setZoom(double zoom);
    void openSettings();
    void openShortcuts();
    void give(const QStringList& files);
    void showFailure(const QString& what);

    services::Services& m_services;
    ChatController* m_controller;
    Sidebar* m_sidebar;
    ChatPage* m_chatPage;
    CollectionPage* m_collections;
    SourcesPanel* m_sources;
    StatusLine* m_status;
    Toast* m_toast;
    QSplitter* m_splitter;
    QStackedWidget* m_stack;
    ElidedLabel* m_title = nullptr;
    ModelPicker* m_models = nullptr;
    QTimer* m_saveTimer;
    QTimer* m_contextTimer;
    WindowOptions m_options;  ///< to be done when the window is as it was
    bool m_restored = false;
    bool m_sidebarWanted = true;
    bool m_sourcesWanted = true;   ///< shown whenever an answer has passages
    bool m_sourcesForced = false;  ///< the user opened it, so it shows even when empty
    std::map<services::CollectionId, services::IndexProgress> m_indexing;
};

}  // namespace conclave::ui
