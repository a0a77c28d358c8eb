// chat_controller.h: what the person does in a chat, and what comes back; the widgets only show it.
#pragma once

#include <QObject>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/services/services.h"
#include "ui/models/message_model.h"

namespace conclave::ui {

/// The shown chat and every answer that is being made, also those of chats that are not shown.
class ChatController : public QObject {
    Q_OBJECT
public:
    ChatController(services::Services& services, QObject* parent);

    [[nodiscard]] MessageModel& messages() { return m_messages; }
    [[nodiscard]] std::optional<services::ChatId> chat() const { return m_chat; }
    [[nodiscard]] const services::ChatSettings& settings() const { return m_settings; }
    /// True from sending until the answer of the shown chat is finished.
    [[nodiscard]] bool isAnswering() const;
    [[nodiscard]] std::optional<services::MessageId> lastAnswer() const;
    [[nodiscard]] std::optional<services::MessageId> lastQuestion() const;

    /// Shows a chat, at `message` if given (its branch is shown then).
    void open(services::ChatId chat, std::optional<services::MessageId> message = {});
    /// Shows the page for a new chat; nothing is stored before the first question.
    void startNew();

    void send(const QString& text, std::vector<std::filesystem::path> attachments,
              services::Scope scope = services::Scope::Automatic);
    void regenerate(services::MessageId answer);
    void edit(services::MessageId question, const QString& text);
    void stop();
    /// Shows the sibling `step` places on.
    void showSibling(services::MessageId message, int step);
    /// Which collections answers may use; none: all of them, empty: no retrieval.
    void setCollections(std::optional<std::vector<services::CollectionId>> collections);
    /// Which of their documents are searched.
    void setFilter(const services::DocumentFilter& filter);
    /// Asks the question of this answer again, of all documents: the filter ends.
    void askUnfiltered(services::MessageId answer);
    /// What the documents do not say is not answered.
    void setOnlyDocuments(bool isOn);
    /// Follow-up questions are looked up with the question before them, else as they are written.
    void setReadsFollowUps(bool areRead);
    /// Asks the question of this answer again, looked up as it is written; so are later ones.
    void askLiterally(services::MessageId answer);
    void setSettings(const services::ChatSettings& settings);
    void saveDraft(const QString& text);
    void saveDraftFiles(const std::vector<std::filesystem::path>& files);
    /// Files of earlier messages in which questions of the shown chat are still looked up.
    [[nodiscard]] const std::vector<services::Document>& attached() const { return m_attached; }
    /// Ends that for one of them.
    void detach(const std::filesystem::path& file);

    /// Documents of these collections, for documentsListed().
    void listDocuments(const std::vector<services::CollectionId>& collections);

signals:
    void documentsListed(const std::vector<conclave::services::Document>& documents);
    /// Another chat is shown, its messages are in messages().
    void opened(const QString& draft, const QStringList& files);
    /// What was typed and attached on the page for a new chat last time; arrives a moment after
    /// opened().
    void draftFound(const QString& draft);
    void draftFilesFound(const QStringList& files);
    void attachedChanged();
    void showMessage(qint64 message);
    /// Another branch of the same chat is shown.
    void branchShown();
    /// Questions of this chat go on from the branch that is shown, in the store as well.
    void branchStored();
    void answeringChanged();
    /// A chat was made or changed its place in the list.
    void chatsChanged();
    void busyChanged(qint64 chat, bool busy);
    void settingsChanged();
    void answerFinished(qint64 message);
    void failed(const conclave::Error& error);

private:
    struct Answer;

    [[nodiscard]] services::AnswerEvents events();
    void started(const std::shared_ptr<Answer>& answer, const services::Chat& chat,
                 const std::optional<services::Message>& question,
                 const services::Message& message);
    void finished(const std::shared_ptr<Answer>& answer, Result<services::Message> result);
    void giveBack(const Answer& answer, bool isShown);
    [[nodiscard]] bool shows(const Answer& answer) const;
    void reloadAttached();
    void storeBranch(services::MessageId leaf);

    services::Services& m_services;
    MessageModel m_messages;
    std::optional<services::ChatId> m_chat;
    services::ChatSettings m_settings;
    std::vector<std::shared_ptr<Answer>> m_answers;
    std::vector<services::Document> m_attached;
    int m_page = 0;  ///< grows with every chat shown, so that late replies are known as such
};

}  // namespace conclave::ui
