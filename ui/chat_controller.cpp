#include "ui/chat_controller.h"

#include <algorithm>
#include <iterator>

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
    // Of a question that is sent: it comes back if it cannot be stored.
    QString asked;
    std::vector<std::filesystem::path> files;
};

namespace {

QStringList toNames(const std::vector<std::filesystem::path>& files) {
    QStringList names;
    for (const auto& file : files) names << fromUtf8(file.string());
    return names;
}

}  // namespace

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
                emit failed(view.error());
                startNew();
                return;
            }
            m_chat = view->chat.id;
            m_settings = services::ChatSettings::fromJson(view->chat.settings);
            MessageModel::Attachments attachments;
            for (const Message& each : view->messages) {
                auto files = services::attachmentsOf(view->chat, each.id);
                if (!files.empty()) attachments[each.id] = std::move(files);
            }
            m_messages.setTree(std::move(view->messages), view->chat.leaf, std::move(attachments));
            m_attached.clear();
            for (const auto& answer : m_answers) {
                if (!shows(*answer) || answer->id == 0) continue;
                m_messages.setRunning(answer->id, true);
                if (!answer->passages.empty()) m_messages.setPassages(answer->id, answer->passages);
                if (!answer->text.empty())
                    m_messages.setText(answer->id, answer->text, answer->tokensPerSecond);
                m_messages.setStage(answer->id, answer->stage);
            }
            if (message && m_messages.find(*message) && m_messages.rowOf(*message) < 0) {
                const MessageId leaf = m_messages.newestLeaf(*message);
                m_messages.showBranch(leaf);
                storeBranch(leaf);  // the next question follows what is shown
            }
            emit opened(fromUtf8(view->draft), toNames(view->draftFiles));
            emit settingsChanged();
            emit answeringChanged();
            emit attachedChanged();
            reloadAttached();
            if (message) emit showMessage(*message);
        }));
}

void ChatController::startNew() {
    const int page = ++m_page;
    m_chat.reset();
    // All documents: one that stayed chosen from the last chat would hide the others unseen.
    m_settings = {};
    m_messages.setTree({}, {});
    m_attached.clear();
    emit opened({}, {});
    emit settingsChanged();
    emit answeringChanged();
    emit attachedChanged();
    m_services.chats().draft({}, onGui<std::string>(this, [=, this](Result<std::string> draft) {
                                 if (page == m_page && draft && !draft->empty())
                                     emit draftFound(fromUtf8(*draft));
                             }));
    using Files = std::vector<std::filesystem::path>;
    m_services.chats().draftFiles({}, onGui<Files>(this, [=, this](Result<Files> files) {
                                      if (page == m_page && files && !files->empty())
                                          emit draftFilesFound(toNames(*files));
                                  }));
}

/// A question that could not be stored is the draft again, so that nobody has to type it twice.
void ChatController::giveBack(const Answer& answer, bool isShown) {
    m_services.chats().saveDraft(answer.chat, answer.asked.toStdString());
    m_services.chats().saveDraftFiles(answer.chat, answer.files);
    if (!isShown) return;
    if (!m_chat) {
        m_attached.clear();
        emit attachedChanged();
    }
    emit draftFound(answer.asked);
    if (!answer.files.empty()) emit draftFilesFound(toNames(answer.files));
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
        if (question) {
            m_messages.setAttachments(question->id, services::attachmentsOf(chat, question->id));
            m_messages.put(*question, true);
        }
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
    } else if (shown && !result && !services::isDatabaseDamage(result.error())) {
        emit failed(result.error());
    }
    if (answer->chat) emit busyChanged(*answer->chat, false);
    emit chatsChanged();
    emit answeringChanged();
    if (shown) reloadAttached();
    if (!result && !answer->id && !answer->asked.isEmpty()) giveBack(*answer, shown);
    if (!result && services::isDatabaseDamage(result.error())) emit failed(result.error());
    if (answer->id) emit answerFinished(answer->id);
}

void ChatController::send(const QString& text, std::vector<std::filesystem::path> attachments,
                          services::Scope scope) {
    services::SendRequest request;
    request.chat = m_chat;
    request.text = text.toStdString();
    request.settings = m_settings;
    // Shown at once; what becomes of them is known when the answer is finished.
    for (const auto& file : attachments) {
        services::Document document;
        document.path = file;
        std::erase_if(m_attached, [&](const auto& each) { return each.path == file; });
        m_attached.push_back(document);
    }
    if (!attachments.empty()) emit attachedChanged();
    request.attachments = std::move(attachments);
    request.retrieval = !(m_settings.collections && m_settings.collections->empty());
    request.scope = scope;
    const std::optional<ChatId> chat = m_chat;
    const services::AnswerEvents answerEvents = events();
    m_answers.back()->asked = text;
    m_answers.back()->files = request.attachments;
    m_services.chats().send(std::move(request), answerEvents);
    // After it, so that there is no moment at which neither is stored.
    m_services.chats().saveDraft(chat, {});
    m_services.chats().saveDraftFiles(chat, {});
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
    emit branchShown();
    storeBranch(*leaf);
}

void ChatController::storeBranch(MessageId leaf) {
    m_services.chats().selectBranch(*m_chat, leaf, onGui<void>(this, [this](Result<void> result) {
        if (!result) {
            emit failed(result.error());
        } else {
            emit branchStored();
        }
    }));
}

void ChatController::setCollections(
    std::optional<std::vector<services::CollectionId>> collections) {
    services::ChatSettings settings = m_settings;
    settings.collections = std::move(collections);
    setSettings(settings);
}

void ChatController::setFilter(const services::DocumentFilter& filter) {
    services::ChatSettings settings = m_settings;
    settings.filter = filter;
    setSettings(settings);
}

void ChatController::askUnfiltered(MessageId answer) {
    if (isAnswering()) return;
    setFilter({});
    regenerate(answer);
}

void ChatController::setOnlyDocuments(bool isOn) {
    services::ChatSettings settings = m_settings;
    settings.onlyDocuments = isOn;
    setSettings(settings);
}

void ChatController::setReadsFollowUps(bool areRead) {
    services::ChatSettings settings = m_settings;
    settings.readsFollowUps = areRead;
    setSettings(settings);
}

void ChatController::askLiterally(MessageId answer) {
    if (isAnswering()) return;
    setReadsFollowUps(false);
    regenerate(answer);
}

void ChatController::listDocuments(const std::vector<services::CollectionId>& collections) {
    using Documents = std::vector<services::Document>;
    struct Listing {
        Documents all;
        std::size_t nLeft = 0;
    };
    const auto listing = std::make_shared<Listing>();
    listing->nLeft = collections.size();
    if (collections.empty()) emit documentsListed({});
    for (const services::CollectionId id : collections) {
        m_services.collections().documents(
            id, onGui<Documents>(this, [this, listing](Result<Documents> documents) {
                if (documents) {
                    std::move(documents->begin(), documents->end(),
                              std::back_inserter(listing->all));
                }
                if (--listing->nLeft == 0) emit documentsListed(listing->all);
            }));
    }
}

void ChatController::setSettings(const services::ChatSettings& settings) {
    m_settings = settings;
    emit settingsChanged();
    if (!m_chat) return;
    m_services.chats().changeSettings(*m_chat, m_settings,
                                      onGui<void>(this, [this](Result<void> result) {
                                          if (!result) emit failed(result.error());
                                      }));
}

void ChatController::reloadAttached() {
    if (!m_chat) return;
    using Documents = std::vector<services::Document>;
    const int page = m_page;
    m_services.chats().attached(*m_chat,
                                onGui<Documents>(this, [=, this](Result<Documents> documents) {
                                    if (page != m_page || isAnswering() || !documents) return;
                                    m_attached = std::move(*documents);
                                    emit attachedChanged();
                                }));
}

void ChatController::detach(const std::filesystem::path& file) {
    if (!m_chat) return;
    std::erase_if(m_attached, [&](const auto& each) { return each.path == file; });
    emit attachedChanged();
    m_services.chats().detach(*m_chat, file, onGui<void>(this, [this](Result<void> result) {
        if (!result) emit failed(result.error());
        reloadAttached();
    }));
}

void ChatController::saveDraftFiles(const std::vector<std::filesystem::path>& files) {
    m_services.chats().saveDraftFiles(m_chat, files);
}

void ChatController::saveDraft(const QString& text) {
    m_services.chats().saveDraft(m_chat, text.toStdString());
}

}  // namespace conclave::ui
