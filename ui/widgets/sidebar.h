// sidebar.h: new chat, search, the list of chats, and the way to documents and settings.
#pragma once

#include <QWidget>
#include <optional>

#include "app/services/services.h"

class QLabel;
class QLineEdit;
class QListView;
class QPushButton;
class QTimer;

namespace conclave::ui {

class ChatListModel;

class Sidebar : public QWidget {
    Q_OBJECT
public:
    Sidebar(services::Services& services, QWidget* parent);

    /// Reads the list of chats again.
    void reload();
    void setCurrent(std::optional<services::ChatId> chat);
    void setBusy(services::ChatId chat, bool busy);
    void focusSearch();
    void renameCurrent();
    void removeCurrent();
    /// Which page is open instead of a chat.
    enum class Page { Chat, Documents, Trash };
    void setPage(Page page);
    [[nodiscard]] const ChatListModel& chats() const { return *m_model; }

signals:
    void newChatAsked();
    void chatAsked(qint64 chat, qint64 message);  ///< message 0: none
    void chatRemoved(qint64 chat, const QString& title);
    void titleChanged();
    void documentsAsked();
    void trashAsked();
    void settingsAsked();
    void failed(const conclave::Error& error);
    void notice(const QString& text);

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    void openIndex(const QModelIndex& index);
    void showMenu(const QPoint& position);
    [[nodiscard]] bool openMenuAt(const QPoint& position);
    void search();
    void remove(services::ChatId chat);
    void pin(services::ChatId chat, bool pinned);
    void copyAsMarkdown(services::ChatId chat);

    services::Services& m_services;
    ChatListModel* m_model;
    QLineEdit* m_search;
    QListView* m_list;
    QLabel* m_empty;
    QPushButton* m_documents = nullptr;
    QPushButton* m_trash = nullptr;
    QTimer* m_searchTimer;
    std::optional<services::ChatId> m_current;
    Page m_page = Page::Chat;
    int m_searchNumber = 0;
};

}  // namespace conclave::ui
