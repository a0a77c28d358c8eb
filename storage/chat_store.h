// chat_store.h: chats, folders, messages and drafts in their tables.
#pragma once

#include "storage/connections.h"
#include "storage/storage.h"

namespace conclave::storage {

class SqliteChatStore final : public ChatStore {
public:
    /// `connections` must outlive the store.
    explicit SqliteChatStore(Connections& connections) : m_connections(connections) {}

    Result<ChatId> createChat(const NewChat& chat) override;
    Result<Chat> chat(ChatId id) override;
    Result<std::vector<Chat>> chats() override;
    Result<void> changeChat(ChatId id, const ChatChange& change) override;
    Result<void> deleteChat(ChatId id) override;
    Result<void> restoreChat(ChatId id) override;
    Result<int> purgeTrash(Time before) override;
    Result<std::vector<DeletedChat>> trash() override;
    Result<void> purgeChat(ChatId id) override;

    Result<FolderId> createFolder(std::string_view name) override;
    Result<std::vector<Folder>> folders() override;
    Result<void> renameFolder(FolderId id, std::string_view name) override;
    Result<void> deleteFolder(FolderId id) override;

    Result<MessageId> addMessage(const NewMessage& message) override;
    Result<void> updateMessage(MessageId id, std::string_view text, MessageState state,
                               std::string_view error) override;
    Result<void> setAnswerDetails(MessageId id, const AnswerDetails& details) override;
    Result<Message> message(MessageId id) override;
    Result<std::vector<Message>> messages(ChatId chat) override;
    Result<std::vector<Message>> branch(MessageId leaf) override;

    Result<std::vector<MessageHit>> searchMessages(std::string_view query, int limit) override;

    Result<void> saveDraft(std::optional<ChatId> chat, std::string_view text) override;
    Result<std::string> draft(std::optional<ChatId> chat) override;

private:
    Connections& m_connections;
};

/// Adds the details of those messages that have some, passages and citations in order.
[[nodiscard]] Result<void> loadDetails(Connection& connection, std::vector<Message>& messages);
/// Replaces the details of one message, which must exist.
[[nodiscard]] Result<void> storeDetails(Connection& connection, MessageId id,
                                        const AnswerDetails& details);

}  // namespace conclave::storage
