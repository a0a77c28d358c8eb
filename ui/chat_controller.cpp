#include "ui/chat_controller.h"

#include <algorithm>

#include "ui/bridge.h"

namespace conclave::ui {

using services::AnswerStage;
using services::ChatId;
using services::Message;
using services::MessageId;
using services::StoredPassage;

/// One answer on its way. Lives as long as events may come.
struct ChatController::Answer {
    int page = 0;                ///< the page it was asked from
    std::optional<ChatId> chat;  ///< none until a new chat's first answer has started
    MessageId id = 0;            ///< 0 until started
    std::string text;
    double tokensPerSecond = 0.0;
    AnswerStage stage;
    std::vector<StoredPassage> passages;
};

ChatController::ChatController(services::Services& services, QObject* parent)
    : QObject(parent), m_services(services) {}

bool ChatController::shows(const Answer& answer) const {
    return answer.chat ? answer.chat == m_chat : answer.page == m_page;
}

bool ChatController::isAnswering() const {
    return std::any_of(m_answers.begin(), m_answers.end(),
                       [&](const auto& answer) { return shows(*answer); });
}

std::optional<MessageId> ChatController::lastAnswer() const {
    for (int row = m_messages.rowCount() - 1; row >= 0; --row) {
        if (m_messages.at(row).role == services::Role::Assistant) return m_messages.at(row).id;
    }
    return std::nullopt;
}

std::optional<MessageId> ChatController::lastQuestion() const {
    for (int row = m_messages.rowCount() - 1; row >= 0; --row) {
        if (m_messages.at(row).role == services::Role::User) return m_messages.at(row).id;
    }
    return std::nullopt;
}

void ChatController::open(ChatId chat, std::optional<MessageId> message) {
    const int page = ++m_page;
    m_services.chats().load(
        chat, onGui<services::ChatView>(this, [=, this](Result<services::ChatView> view) {
            if (page != m_page) return;
            if (!view) {
                emit failed(errorText(view.error()));
                startNew();
                return;
            }
            m_chat = view->chat.id;
            m_settings = services::ChatSettings::fromJson(view->chat.settings);
            m_messages.setTree(std::move(view->messages), view->chat.leaf);
            for (const auto& answer : m_answers) {
                if (!shows(*answer) || answer->id == 0) continue;
                m_messages.setRunning(answer->id, true);
                if (!answer->passages.empty()) m_messages.setPassages(answer->id, answer->passages);
                if (!answer->text.empty())
                    m_messages.setText(answer->id, answer->text, answer->tokensPerSecond);
                m_messages.setStage(answer->id, answer->stage);
            }
            if (message && m_messages.rowOf(*message) < 0)
                m_messages.showBranch(m_messages.newestLeaf(*message));
            emit opened(fromUtf8(view->draft));
            emit settingsChanged();
            emit answeringChanged();
            if (message) emit showMessage(*message);
        }));
}

void ChatController::startNew() {
    const int page = ++m_page;
    m_chat.reset();
    // Which collections to ask stays as it was: people ask the same documents again.
    services::ChatSettings fresh;
    fresh.collections = m_settings.collections;
    m_settings = fresh;
    m_messages.setTree({}, {});
    emit opened(QString());
    emit settingsChanged();
    emit answeringChanged();
    m_services.chats().draft({}, onGui<std::string>(this, [=, this](Result<std::string> draft) {
                                 if (page == m_page && draft && !draft->empty())
                                     emit draftFound(fromUtf8(*draft));
                             }));
}

services::AnswerEvents ChatController::events() {
    auto answer = std::make_shared<Answer>();
    answer->page = m_page;
    answer->chat = m_chat;
    m_answers.push_back(answer);
    services::AnswerEvents events;
    events.onStarted = [this, answer](
                           const services::Chat& chat, const std::optional<Message>& question,
                           const Message& message) { started(answer, chat, question, message); };
    events.onStage = [this, answer](const AnswerStage& stage) {
        answer->stage = stage;
        if (shows(*answer)) m_messages.setStage(answer->id, stage);
    };
    events.onPassages = [this, answer](std::vector<StoredPassage> passages) {
        answer->passages = std::move(passages);
        if (shows(*answer)) m_messages.setPassages(answer->id, answer->passages);
    };
    events.onText = [this, answer](std::string text, double tokensPerSecond) {
        answer->text = std::move(text);
        answer->tokensPerSecond = tokensPerSecond;
        answer->stage.kind = AnswerStage::Kind::Writing;
        if (shows(*answer)) m_messages.setText(answer->id, answer->text, tokensPerSecond);
    };
    events.onFinished = [this, answer](Result<Message> result) {
        finished(answer, std::move(result));
    };
    emit answeringChanged();
    return onGui(this, events);
}

void ChatController::started(const std::shared_ptr<Answer>& answer, const services::Chat& chat,
                             const std::optional<Message>& question, const Message& message) {
    const bool shown = shows(*answer);
    answer->chat = chat.id;
    answer->id = message.id;
    if (shown) {
        m_chat = chat.id;
        if (question) m_messages.put(*question, true);
        m_messages.put(message, true);
        m_messages.setRunning(message.id, true);
    }
    emit chatsChanged();
    emit busyChanged(chat.id, true);
    emit answeringChanged();
}

void ChatController::finished(const std::shared_ptr<Answer>& answer, Result<Message> result) {
    const bool shown = shows(*answer);
    std::erase(m_answers, answer);
    if (shown && answer->id) {
        m_messages.setRunning(answer->id, false);
        if (result) {
            m_messages.put(*result, m_messages.rowOf(result->id) >= 0);
        } else if (const Message* known = m_messages.find(answer->id)) {
            Message failedMessage = *known;
            failedMessage.state = services::MessageState::Failed;
            failedMessage.error = errorText(result.error()).toStdString();
            m_messages.put(failedMessage, m_messages.rowOf(answer->id) >= 0);
        }
    } else if (shown && !result) {
        emit failed(errorText(result.error()));
    }
    if (answer->chat) emit busyChanged(*answer->chat, false);
    emit chatsChanged();
    emit answeringChanged();
    if (answer->id) emit answerFinished(answer->id);
}

void ChatController::send(const QString& text, std::vector<std::filesystem::path> attachments,
                          services::Scope scope) {
    services::SendRequest request;
    request.chat = m_chat;
    request.text = text.toStdString();
    request.settings = m_settings;
    request.attachments = std::move(attachments);
    request.retrieval = !(m_settings.collections && m_settings.collections->empty());
    request.scope = scope;
    m_services.chats().saveDraft(m_chat, {});
    m_services.chats().send(std::move(request), events());
}

void ChatController::regenerate(MessageId answer) {
    if (!isAnswering()) m_services.chats().regenerate(answer, events());
}

void ChatController::edit(MessageId question, const QString& text) {
    if (!isAnswering()) m_services.chats().edit(question, text.toStdString(), events());
}

void ChatController::stop() {
    if (m_chat && isAnswering()) m_services.chats().stop(*m_chat);
}

void ChatController::showSibling(MessageId message, int step) {
    const std::optional<MessageId> leaf = m_messages.siblingLeaf(message, step);
    if (!leaf || !m_chat) return;
    m_messages.showBranch(*leaf);
    m_services.chats().selectBranch(*m_chat, *leaf, onGui<void>(this, [this](Result<void> result) {
        if (!result) emit failed(errorText(result.error()));
    }));
}

void ChatController::setCollections(
    std::optional<std::vector<services::CollectionId>> collections) {
    services::ChatSettings settings = m_settings;
    settings.collections = std::move(collections);
    setSettings(settings);
}

void ChatController::setSettings(const services::ChatSettings& settings) {
    m_settings = settings;
    emit settingsChanged();
    if (!m_chat) return;
    m_services.chats().changeSettings(*m_chat, m_settings,
                                      onGui<void>(this, [this](Result<void> result) {
                                          if (!result) emit failed(errorText(result.error()));
                                      }));
}

void ChatController::saveDraft(const QString& text) {
    m_services.chats().saveDraft(m_chat, text.toStdString());
}

}  // namespace conclave::ui
