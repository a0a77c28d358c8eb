// chat_page.h: the centre of the window: conversation or welcome, find bar, banner and composer.
#pragma once

#include <QList>
#include <QStringList>
#include <QWidget>
#include <vector>

#include "app/services/services.h"

class QFrame;
class QLabel;
class QPushButton;
class QStackedWidget;

namespace conclave::ui {

class ChatController;
class Composer;
class ConversationView;
class FindBar;

class ChatPage : public QWidget {
    Q_OBJECT
public:
    ChatPage(ChatController& controller, QWidget* parent);

    [[nodiscard]] Composer& composer() { return *m_composer; }
    [[nodiscard]] ConversationView& conversation() { return *m_conversation; }

    void setCollections(const std::vector<services::Collection>& collections);
    void setModelStatus(const services::ModelStatus& status);
    /// Reading of documents is paused, and so many files wait (-1: an unknown number).
    void setPaused(bool isPaused, int nWaiting);
    /// Shows no notice about the demonstration model any more.
    void closeBanner();
    /// Banner and composer.
    [[nodiscard]] QWidget* bottom() const { return m_bottom; }
    void openFind();
    void copyLastAnswer();
    void regenerateLast();
    void editLast();

signals:
    void sourceAsked(qint64 message, int number, int citation);
    void fileAsked(const QString& file);
    void modelFileGiven(const QString& file);
    void addModelAsked();
    void resumeAsked();
    void bannerClosed();
    void manageCollectionsAsked();
    void notice(const QString& text);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void makeWelcome();
    void arrangeSuggestions();
    [[nodiscard]] bool asksGuide() const;
    void makeBanner();
    void showBanner();
    void makeFindBar();
    void placeFindBar();
    void send();
    void refresh();
    void openLink(const QString& href);
    void beginEdit(services::MessageId question);
    void find();
    void closeFind();

    ChatController& m_controller;
    QStackedWidget* m_stack;
    QWidget* m_welcome = nullptr;
    QLabel* m_mark = nullptr;  ///< Conclave's icon
    QWidget* m_suggestions = nullptr;
    QList<QPushButton*> m_suggestionButtons;
    ConversationView* m_conversation;
    Composer* m_composer;
    QWidget* m_bottom;
    QFrame* m_banner = nullptr;
    QLabel* m_bannerText = nullptr;
    QPushButton* m_bannerAct = nullptr;
    bool m_bannerClosed = false;
    bool m_isPaused = false;
    bool m_pauseClosed = false;  ///< its notice; it comes back with the next pause
    int m_nWaiting = 0;
    bool m_hasModel = true;
    bool m_isDemonstration = false;
    bool m_noModelClosed = false;
    FindBar* m_findBar = nullptr;
    int m_nFound = 0;
    std::vector<services::Collection> m_collections;
};

}  // namespace conclave::ui
