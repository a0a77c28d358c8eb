#include "storage/chat_store.h"

#include "storage/columns.h"

namespace conclave::storage {
namespace {

Error noChat(ChatId id) { return {ErrorCode::NotFound, "there is no chat " + std::to_string(id)}; }
Error noMessage(MessageId id) {
    return {ErrorCode::NotFound, "there is no message " + std::to_string(id)};
}
Error noFolder(FolderId id) {
    return {ErrorCode::NotFound, "there is no folder " + std::to_string(id)};
}

constexpr std::string_view kChatColumns =
    "SELECT id, title, folder_id, pinned, leaf_id, settings, created, updated FROM chat ";

Chat chatOf(const Statement& row) {
    Chat chat;
    chat.id = row.integer(0);
    chat.title = row.text(1);
    chat.folder = row.optionalInteger(2);
    chat.pinned = row.flag(3);
    chat.leaf = row.optionalInteger(4);
    chat.settings = jsonOf(row.view(5));
    if (!chat.settings.is_object()) chat.settings = nlohmann::json::object();
    chat.created = timeOf(row.integer(6));
    chat.updated = timeOf(row.integer(7));
    return chat;
}

constexpr std::string_view kMessageColumns =
    "SELECT id, chat_id, parent_id, role, text, state, error, created FROM message ";

Message messageOf(const Statement& row) {
    Message message;
    message.id = row.integer(0);
    message.chat = row.integer(1);
    message.parent = row.optionalInteger(2);
    message.role = enumOf<Role>(kRoleNames, row.view(3));
    message.text = row.text(4);
    message.state = enumOf<MessageState>(kMessageStateNames, row.view(5));
    message.error = row.text(6);
    message.created = timeOf(row.integer(7));
    return message;
}

/// Takes the words of chats that were deleted just now out of the index, which holds them until its
/// parts are merged. Gives how many chats there were.
Result<int> forgetWords(Connection& db) {
    const auto nPurged = static_cast<int>(db.nChanged());
    if (nPurged == 0) return nPurged;
    const auto merged = db.run("INSERT INTO message_fts (message_fts) VALUES ('optimize')");
    if (!merged) return pass(merged);
    return nPurged;
}

/// Messages with their details; `rest` is what follows the columns.
template <typename... Values>
Result<std::vector<Message>> loadMessages(Connection& connection, std::string_view rest,
                                          const Values&... values) {
    std::vector<Message> messages;
    const auto read = connection.forEach(
        std::string(kMessageColumns) + std::string(rest),
        [&](const Statement& row) { messages.push_back(messageOf(row)); }, values...);
    if (!read) return pass(read);
    if (const auto loaded = loadDetails(connection, messages); !loaded) return pass(loaded);
    return messages;
}

Result<void> changeOne(Connection& db, ChatId id, std::string_view what, const auto& value) {
    const std::string sql = "UPDATE chat SET " + std::string(what) + " = ?1 WHERE id = ?2";
    return db.run(sql, value, id);
}

Result<void> applyChange(Connection& db, ChatId id, const ChatChange& change) {
    if (change.title) {
        if (auto done = changeOne(db, id, "title", *change.title); !done) return done;
    }
    if (change.pinned) {
        if (auto done = changeOne(db, id, "pinned", *change.pinned); !done) return done;
    }
    if (change.folder) {
        if (*change.folder) {
            const auto found = db.integer("SELECT id FROM folder WHERE id = ?1", **change.folder);
            if (!found) return pass(found);
            if (!*found) return tl::unexpected(noFolder(**change.folder));
        }
        if (auto done = changeOne(db, id, "folder_id", *change.folder); !done) return done;
    }
    if (change.settings) {
        if (auto done = changeOne(db, id, "settings", columnOf(*change.settings)); !done) {
            return done;
        }
    }
    if (change.leaf) {
        const auto owner = db.integer("SELECT chat_id FROM message WHERE id = ?1", *change.leaf);
        if (!owner) return pass(owner);
        if (!*owner) return tl::unexpected(noMessage(*change.leaf));
        if (**owner != id) {
            return fail(ErrorCode::InvalidArgument, "the message belongs to another chat");
        }
        if (auto done = changeOne(db, id, "leaf_id", *change.leaf); !done) return done;
    }
    return {};
}

}  // namespace

Result<ChatId> SqliteChatStore::createChat(const NewChat& chat) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<ChatId> {
        if (chat.folder) {
            const auto found = db.integer("SELECT id FROM folder WHERE id = ?1", *chat.folder);
            if (!found) return pass(found);
            if (!*found) return tl::unexpected(noFolder(*chat.folder));
        }
        const auto done = db.run(
            "INSERT INTO chat (title, folder_id, settings, created, updated) "
            "VALUES (?1, ?2, ?3, ?4, ?4)",
            chat.title, chat.folder, columnOf(chat.settings), columnOf(now()));
        if (!done) return pass(done);
        return db.lastId();
    });
}

Result<Chat> SqliteChatStore::chat(ChatId id) {
    return m_connections.read([&](Connection& db) -> Result<Chat> {
        Statement found = db.statement(std::string(kChatColumns) + "WHERE id = ?1", id);
        const auto row = found.step();
        if (!row) return pass(row);
        if (!*row) return tl::unexpected(noChat(id));
        return chatOf(found);
    });
}

Result<std::vector<Chat>> SqliteChatStore::chats() {
    return m_connections.read([&](Connection& db) -> Result<std::vector<Chat>> {
        std::vector<Chat> chats;
        const auto read =
            db.forEach(std::string(kChatColumns) +
                           "WHERE deleted IS NULL ORDER BY pinned DESC, updated DESC, id DESC",
                       [&](const Statement& row) { chats.push_back(chatOf(row)); });
        if (!read) return pass(read);
        return chats;
    });
}

Result<void> SqliteChatStore::changeChat(ChatId id, const ChatChange& change) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<void> {
        const auto found = db.integer("SELECT id FROM chat WHERE id = ?1", id);
        if (!found) return pass(found);
        if (!*found) return tl::unexpected(noChat(id));
        return applyChange(db, id, change);
    });
}

Result<void> SqliteChatStore::deleteChat(ChatId id) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<void> {
        return metOne(db.run("UPDATE chat SET deleted = ifnull(deleted, ?2) WHERE id = ?1", id,
                             columnOf(now())),
                      db, noChat(id));
    });
}

Result<void> SqliteChatStore::restoreChat(ChatId id) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<void> {
        return metOne(db.run("UPDATE chat SET deleted = NULL WHERE id = ?1", id), db, noChat(id));
    });
}

Result<int> SqliteChatStore::purgeTrash(Time before) {
    auto purged = m_connections.write(Durability::Synced, [&](Connection& db) -> Result<int> {
        const auto done = db.run("DELETE FROM chat WHERE deleted < ?1", columnOf(before));
        if (!done) return pass(done);
        return forgetWords(db);
    });
    if (purged && *purged > 0) m_connections.emptyJournal();
    return purged;
}

Result<std::vector<DeletedChat>> SqliteChatStore::trash() {
    return m_connections.read([&](Connection& db) -> Result<std::vector<DeletedChat>> {
        std::vector<DeletedChat> deleted;
        const auto read = db.forEach(
            "SELECT id, title, folder_id, pinned, leaf_id, settings, created, updated, deleted "
            "FROM chat WHERE deleted IS NOT NULL ORDER BY deleted DESC, id DESC",
            [&](const Statement& row) {
                deleted.push_back({.chat = chatOf(row), .deleted = timeOf(row.integer(8))});
            });
        if (!read) return pass(read);
        return deleted;
    });
}

Result<void> SqliteChatStore::purgeChat(ChatId id) {
    const auto purged = m_connections.write(Durability::Synced, [&](Connection& db) -> Result<int> {
        auto done =
            metOne(db.run("DELETE FROM chat WHERE id = ?1 AND deleted IS NOT NULL", id), db,
                   {ErrorCode::NotFound, "chat " + std::to_string(id) + " is not in the trash"});
        if (!done) return pass(done);
        return forgetWords(db);
    });
    if (!purged) return pass(purged);
    m_connections.emptyJournal();
    return {};
}

Result<FolderId> SqliteChatStore::createFolder(std::string_view name) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<FolderId> {
        const auto done = db.run("INSERT INTO folder (name) VALUES (?1)", name);
        if (!done) return pass(done);
        return db.lastId();
    });
}

Result<std::vector<Folder>> SqliteChatStore::folders() {
    return m_connections.read([&](Connection& db) -> Result<std::vector<Folder>> {
        std::vector<Folder> folders;
        const auto read =
            db.forEach("SELECT id, name FROM folder ORDER BY name COLLATE NOCASE, id",
                       [&](const Statement& row) {
                           folders.push_back({.id = row.integer(0), .name = row.text(1)});
                       });
        if (!read) return pass(read);
        return folders;
    });
}

Result<void> SqliteChatStore::renameFolder(FolderId id, std::string_view name) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<void> {
        return metOne(db.run("UPDATE folder SET name = ?2 WHERE id = ?1", id, name), db,
                      noFolder(id));
    });
}

Result<void> SqliteChatStore::deleteFolder(FolderId id) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<void> {
        return metOne(db.run("DELETE FROM folder WHERE id = ?1", id), db, noFolder(id));
    });
}

Result<MessageId> SqliteChatStore::addMessage(const NewMessage& message) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<MessageId> {
        const auto chat = db.integer("SELECT id FROM chat WHERE id = ?1", message.chat);
        if (!chat) return pass(chat);
        if (!*chat) return tl::unexpected(noChat(message.chat));
        if (message.parent) {
            const auto owner =
                db.integer("SELECT chat_id FROM message WHERE id = ?1", *message.parent);
            if (!owner) return pass(owner);
            if (!*owner) return tl::unexpected(noMessage(*message.parent));
            if (**owner != message.chat) {
                return fail(ErrorCode::InvalidArgument, "the parent belongs to another chat");
            }
        }
        const std::int64_t time = columnOf(now());
        const auto added = db.run(
            "INSERT INTO message (chat_id, parent_id, role, text, state, created) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            message.chat, message.parent, nameOf(message.role), message.text, nameOf(message.state),
            time);
        if (!added) return pass(added);
        const MessageId id = db.lastId();
        const auto shown = db.run("UPDATE chat SET leaf_id = ?2, updated = ?3 WHERE id = ?1",
                                  message.chat, id, time);
        if (!shown) return pass(shown);
        return id;
    });
}

Result<void> SqliteChatStore::updateMessage(MessageId id, std::string_view text, MessageState state,
                                            std::string_view error) {
    // While streaming the next batch follows in a moment anyway.
    const auto durability =
        state == MessageState::Streaming ? Durability::Batched : Durability::Synced;
    return m_connections.write(durability, [&](Connection& db) -> Result<void> {
        return metOne(db.run("UPDATE message SET text = ?2, state = ?3, error = ?4 WHERE id = ?1",
                             id, text, nameOf(state), error),
                      db, noMessage(id));
    });
}

Result<void> SqliteChatStore::setAnswerDetails(MessageId id, const AnswerDetails& details) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<void> {
        const auto found = db.integer("SELECT id FROM message WHERE id = ?1", id);
        if (!found) return pass(found);
        if (!*found) return tl::unexpected(noMessage(id));
        return storeDetails(db, id, details);
    });
}

Result<Message> SqliteChatStore::message(MessageId id) {
    return m_connections.read([&](Connection& db) -> Result<Message> {
        auto found = loadMessages(db, "WHERE id = ?1", id);
        if (!found) return pass(found);
        if (found->empty()) return tl::unexpected(noMessage(id));
        return std::move(found->front());
    });
}

Result<std::vector<Message>> SqliteChatStore::messages(ChatId chat) {
    return m_connections.read([&](Connection& db) {
        // A parent is always there first, so its id is lower.
        return loadMessages(db, "WHERE chat_id = ?1 ORDER BY id", chat);
    });
}

Result<std::vector<Message>> SqliteChatStore::branch(MessageId leaf) {
    return m_connections.read([&](Connection& db) -> Result<std::vector<Message>> {
        auto found = loadMessages(db,
                                  "WHERE id IN (WITH RECURSIVE up (id) AS (SELECT ?1 UNION "
                                  "SELECT parent_id FROM message JOIN up USING (id) "
                                  "WHERE parent_id IS NOT NULL) SELECT id FROM up) ORDER BY id",
                                  leaf);
        if (found && found->empty()) return tl::unexpected(noMessage(leaf));
        return found;
    });
}

Result<void> SqliteChatStore::saveDraft(std::optional<ChatId> chat, std::string_view text) {
    return m_connections.write(Durability::Batched, [&](Connection& db) -> Result<void> {
        if (text.empty()) return db.run("DELETE FROM draft WHERE chat_id IS ?1", chat);
        if (chat) {
            const auto found = db.integer("SELECT id FROM chat WHERE id = ?1", *chat);
            if (!found) return pass(found);
            if (!*found) return tl::unexpected(noChat(*chat));
        }
        return db.run(
            "INSERT INTO draft (chat_id, text) VALUES (?1, ?2) "
            "ON CONFLICT (ifnull(chat_id, 0)) DO UPDATE SET text = excluded.text",
            chat, text);
    });
}

Result<std::string> SqliteChatStore::draft(std::optional<ChatId> chat) {
    return m_connections.read([&](Connection& db) -> Result<std::string> {
        Statement found = db.statement("SELECT text FROM draft WHERE chat_id IS ?1", chat);
        const auto row = found.step();
        if (!row) return pass(row);
        return *row ? found.text(0) : std::string();
    });
}

}  // namespace conclave::storage
