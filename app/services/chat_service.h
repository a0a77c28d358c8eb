// chat_service.h: chats and the worker that writes their answers.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "app/services/answer.h"
#include "app/services/services.h"
#include "app/services/worker.h"

namespace conclave::services {

/// In Chat::settings, beside ChatSettings' own keys: {"<question's id>": [path, …]}.
inline constexpr const char* kAttachmentsKey = "attachments";
/// The same of a chat that SendRequest::isOneOff made: the process that asks.
inline constexpr const char* kOneOffKey = "one_off";

[[nodiscard]] inline bool isOneOff(const Chat& chat) { return chat.settings.contains(kOneOffKey); }

class ChatServiceImpl final : public ChatService {
public:
    /// All must outlive the service. `quick` runs the short calls.
    ChatServiceImpl(storage::Database& database, Library& library,
                    CollectionServiceImpl& collections, ModelServiceImpl& models,
                    SavedSessions& saved, Worker& quick, const StartOptions& options);
    ~ChatServiceImpl() override;

    void list(Reply<std::vector<Chat>> reply) override;
    void load(ChatId id, Reply<ChatView> reply) override;
    void rename(ChatId id, std::string_view title, Reply<void> reply) override;
    void pin(ChatId id, bool pinned, Reply<void> reply) override;
    void move(ChatId id, std::optional<FolderId> folder, Reply<void> reply) override;
    void changeSettings(ChatId id, const ChatSettings& settings, Reply<void> reply) override;
    void remove(ChatId id, Reply<void> reply) override;
    void restore(ChatId id, Reply<void> reply) override;
    void trash(Reply<std::vector<DeletedChat>> reply) override;
    void removeForGood(ChatId id, Reply<void> reply) override;
    void forget(ChatId id, Reply<void> reply) override;
    void folders(Reply<std::vector<Folder>> reply) override;
    void createFolder(std::string_view name, Reply<FolderId> reply) override;
    void renameFolder(FolderId id, std::string_view name, Reply<void> reply) override;
    void removeFolder(FolderId id, Reply<void> reply) override;
    void search(std::string_view query, int limit, Reply<std::vector<MessageHit>> reply) override;
    void saveDraft(std::optional<ChatId> chat, std::string_view text) override;
    void draft(std::optional<ChatId> chat, Reply<std::string> reply) override;
    void saveDraftFiles(std::optional<ChatId> chat,
                        std::vector<std::filesystem::path> files) override;
    void draftFiles(std::optional<ChatId> chat,
                    Reply<std::vector<std::filesystem::path>> reply) override;
    void attached(ChatId id, Reply<std::vector<Document>> reply) override;
    void detach(ChatId id, const std::filesystem::path& file, Reply<void> reply) override;
    void send(SendRequest request, AnswerEvents events) override;
    void regenerate(MessageId answer, AnswerEvents events) override;
    void edit(MessageId question, std::string text, AnswerEvents events) override;
    void stop(ChatId id) override;
    void selectBranch(ChatId id, MessageId leaf, Reply<void> reply) override;
    void contextUse(std::optional<ChatId> chat, std::string draft,
                    Reply<ContextUse> reply) override;
    void contextNeed(std::optional<int> contextLength, Reply<ContextNeed> reply) override;

    /// Stops the answer being written, refuses more, and saves sessions.
    void finish();

    /// Forgets what was read of the attachments of a chat that is gone for good.
    void forgetAttachments(ChatId id);
    /// Forgets the one-off chats of processes that are gone.
    void forgetLeftOver();

private:
    Result<std::vector<std::filesystem::path>> readDraftFiles(std::optional<ChatId> chat);
    /// As many as the last answer's calls.
    Result<void> checkToolResults(const SendRequest& request) const;
    Result<Message> addQuestion(const SendRequest& request);
    /// The answer's row for `question`, and its place in the queue.
    void enqueue(const Message& question, bool retrieval, AnswerEvents events);
    void runJob(const std::shared_ptr<AnswerJob>& job);
    void stopNow(ChatId id);
    void dequeue(const std::shared_ptr<AnswerJob>& job);
    Result<void> forgetNow(ChatId id);

    storage::Database& m_database;
    CollectionServiceImpl& m_collections;
    ModelServiceImpl& m_models;
    SavedSessions& m_saved;
    Worker& m_quick;
    Answerer m_answerer;

    std::mutex m_mutex;
    std::list<std::shared_ptr<AnswerJob>> m_jobs;  ///< running and waiting

    Worker m_writer{Worker::AtEnd::Drop};
};

}  // namespace conclave::services
