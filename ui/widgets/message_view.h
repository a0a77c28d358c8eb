// message_view.h: one message with what belongs to it: stage, text, error, sources, actions.
#pragma once

#include <QWidget>
#include <filesystem>
#include <optional>
#include <vector>

#include "app/services/services.h"
#include "ui/models/message_model.h"

class QLabel;
class QProgressBar;
class QPushButton;
class QToolButton;

namespace conclave::ui {

class MessageText;
class BusyDots;
class ElidedLabel;

class MessageView : public QWidget {
    Q_OBJECT
public:
    MessageView(services::Role role, QWidget* parent);

    /// Shows this state of the message; cheap when only the text grew.
    void show(const services::Message& message, const RunningAnswer* running,
              const BranchPlace& place);

    /// The files that were sent with the message.
    void setFiles(const std::vector<std::filesystem::path>& files);

    /// Lays everything out for `width` pixels; returns the height.
    int heightForColumn(int width);
    [[nodiscard]] services::MessageId id() const { return m_id; }
    [[nodiscard]] MessageText& text() { return *m_text; }

signals:
    void copyAsked();
    void regenerateAsked();
    /// The question again, of all documents.
    void unfilteredAsked();
    /// The question again, looked up as it is written.
    void literalAsked();
    void editAsked();
    void siblingAsked(int step);
    /// number 0: the list of sources.
    void sourceAsked(int number, int citation);
    void fileAsked(const QString& file);
    void linkAsked(const QString& href);
    /// Something was opened or closed: heightForColumn() answers anew.
    void heightChanged();

protected:
    void paintEvent(QPaintEvent* event) override;
    void enterEvent(QEnterEvent* event) override;
    void leaveEvent(QEvent* event) override;

private:
    void makeActions();
    void makeStage();
    void makeProblem();
    void showProblem(const services::Message& message);
    void showStage(const RunningAnswer* running, bool hasText, bool isThinking);
    void showThought(std::string_view thought, bool isThinking);
    void showLookedUp(const services::Message& message);
    void showConfinement(const services::Message& message);
    void showOffer(const services::Message& message);
    void showSources(const services::Message& message, bool running);
    void showFooter(const services::Message& message, bool running, const BranchPlace& place);
    void restyleChips();
    int layOutChips(int y, int width);
    int layOutUser(int width);
    int layOutAnswer(int width);
    int layOutActions(int x, int y, int width);

    services::Role m_role;
    services::MessageId m_id = 0;
    bool m_running = false;
    bool m_hovered = false;
    QRect m_bubble;
    std::string m_shownText;
    std::size_t m_nMarks = 0;
    bool m_hasSources = false;

    MessageText* m_text;
    QToolButton* m_thoughtButton = nullptr;
    MessageText* m_thought = nullptr;
    std::string m_shownThought;
    QWidget* m_stage = nullptr;
    BusyDots* m_dots = nullptr;
    QLabel* m_stageLabel = nullptr;
    QProgressBar* m_progress = nullptr;
    QWidget* m_problem = nullptr;
    QLabel* m_problemText = nullptr;
    QLabel* m_lookedUp = nullptr;  ///< a follow-up question as it was understood
    QPushButton* m_literally = nullptr;
    QLabel* m_confined = nullptr;  ///< by which filter
    /// What can be done about an answer that may not be all: read on, or search without the filter.
    QPushButton* m_offer = nullptr;
    bool m_offersUnfiltered = false;
    QList<QToolButton*> m_chips;  ///< sources of an answer, files of a question
    QWidget* m_actions = nullptr;
    QToolButton* m_previous = nullptr;
    QLabel* m_branch = nullptr;
    QToolButton* m_next = nullptr;
    QToolButton* m_regenerate = nullptr;
    ElidedLabel* m_info = nullptr;
};

}  // namespace conclave::ui
