// conversation_view.h: the scrolling column of messages.
#pragma once

#include <QScrollArea>
#include <vector>

#include "app/services/services.h"

class QTimer;
class QToolButton;

namespace conclave::ui {

class MessageModel;
class MessageView;

/// Shows a MessageModel. Follows a growing answer only while the end is in view; what is read above
/// stays where it is. Of a long chat the end is built first and the rest in idle moments.
class ConversationView : public QScrollArea {
    Q_OBJECT
public:
    ConversationView(MessageModel& model, QWidget* parent);

    void scrollToEnd();
    /// Brings a message into view and lets it flash.
    void showMessage(services::MessageId id);
    [[nodiscard]] bool isFollowing() const { return m_following; }
    [[nodiscard]] int columnWidth() const;

    /// Marks `words` in all messages; returns how many there are.
    int find(const QString& words);
    /// Goes to the hit `step` further on; returns its number from 1.
    int findStep(int step);

signals:
    void copyAsked(qint64 message);
    void regenerateAsked(qint64 message);
    void unfilteredAsked(qint64 message);
    void literalAsked(qint64 message);
    void editAsked(qint64 message);
    void siblingAsked(qint64 message, int step);
    void sourceAsked(qint64 message, int number, int citation);
    void fileAsked(const QString& file);
    void linkAsked(const QString& href);

protected:
    void resizeEvent(QResizeEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    struct Place {
        services::MessageId message = 0;  ///< 0: none
        int offset = 0;                   ///< of its top from that of what is seen
    };
    [[nodiscard]] Place topMessage() const;
    void clear();
    void rebuild();
    MessageView* makeView(int row);
    void buildEarlier(int nRows);
    void buildWhenIdle();
    void takeIn(std::vector<MessageView*> earlier);
    void insertRows(int first, int last);
    void removeRows(int first, int last);
    void updateRows(int first, int last);
    void layOut(int firstView);
    void scrolled();
    void placeJumpButton();

    MessageModel& m_model;
    QWidget* m_column;
    QTimer* m_idle;
    std::vector<MessageView*> m_views;  ///< of rows m_firstBuilt …
    int m_firstBuilt = 0;
    bool m_following = true;
    bool m_moving = false;  ///< we scroll, not the user
    QToolButton* m_jump;
    struct Hit {
        services::MessageId message = 0;
        int index = 0;
    };
    Place m_kept;  ///< while the theme changes
    std::vector<Hit> m_hits;
    int m_hit = -1;
};

}  // namespace conclave::ui
