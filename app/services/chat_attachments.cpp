// What stands beside the messages of a chat: files attached to it, files of its draft, the trash.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include <unistd.h>

#include "app/services/chat_service.h"
#include "app/services/file_scan.h"
#include "base/log.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

/// Setting: {"<chat, or 0 for a new one>": [path, …]}.
constexpr std::string_view kDraftFilesKey = "draft.files";

std::string draftKey(std::optional<ChatId> chat) { return std::to_string(chat.value_or(0)); }

std::vector<fs::path> pathsUnder(const nlohmann::json& object, const std::string& key) {
    std::vector<fs::path> paths;
    if (!object.is_object()) return paths;
    const auto own = object.find(key);
    if (own == object.end() || !own->is_array()) return paths;
    for (const auto& path : *own) {
        if (path.is_string()) paths.emplace_back(path.get<std::string>());
    }
    return paths;
}

}  // namespace

std::vector<fs::path> attachmentsOf(const Chat& chat, MessageId question) {
    const auto all = chat.settings.find(kAttachmentsKey);
    if (all == chat.settings.end()) return {};
    return pathsUnder(*all, std::to_string(question));
}

// ------------------------------------------------------------------------------------ the draft

void ChatServiceImpl::saveDraftFiles(std::optional<ChatId> chat, std::vector<fs::path> files) {
    m_quick.post([this, chat, files = std::move(files)] {
        auto stored = m_database.settings().get(kDraftFilesKey);
        if (!stored) return log().warn("a draft could not be read: {}", stored.error().detail);
        nlohmann::json all = stored->value_or(nlohmann::json::object());
        if (!all.is_object()) all = nlohmann::json::object();
        if (files.empty() && !all.contains(draftKey(chat))) return;
        all.erase(draftKey(chat));
        for (const fs::path& file : files) all[draftKey(chat)].push_back(tidyPath(file).string());
        if (auto saved = m_database.settings().set(kDraftFilesKey, all); !saved) {
            log().warn("a draft could not be saved: {}", saved.error().detail);
        }
    });
}

Result<std::vector<fs::path>> ChatServiceImpl::readDraftFiles(std::optional<ChatId> chat) {
    const auto stored = m_database.settings().get(kDraftFilesKey);
    if (!stored) return tl::unexpected(stored.error());
    return pathsUnder(stored->value_or(nlohmann::json()), draftKey(chat));
}

void ChatServiceImpl::draftFiles(std::optional<ChatId> chat, Reply<std::vector<fs::path>> reply) {
    m_quick.post([this, chat, reply = std::move(reply)] { reply(readDraftFiles(chat)); });
}

// ----------------------------------------------------------------------------- files of the chat

void ChatServiceImpl::attached(ChatId id, Reply<std::vector<Document>> reply) {
    m_quick.post([this, id, reply = std::move(reply)] {
        const auto collection = m_collections.find(attachmentsName(id));
        if (!collection) return reply(tl::unexpected(collection.error()));
        if (!*collection) return reply(std::vector<Document>{});
        reply(m_database.documents().documents(**collection));
    });
}

void ChatServiceImpl::detach(ChatId id, const fs::path& file, Reply<void> reply) {
    m_quick.post([this, id, file = tidyPath(file), reply = std::move(reply)]() mutable {
        const auto collection = m_collections.find(attachmentsName(id));
        if (!collection) return reply(tl::unexpected(collection.error()));
        if (!*collection) {
            return reply(fail(ErrorCode::NotFound, file.string() + " is not attached here"));
        }
        m_collections.removePath(**collection, file, std::move(reply));
    });
}

void ChatServiceImpl::forgetAttachments(ChatId id) {
    saveDraftFiles(id, {});
    const auto collection = m_collections.find(attachmentsName(id));
    if (!collection || !*collection) return;
    m_collections.remove(**collection, [](const Result<void>& removed) {
        if (!removed) log().warn("attachments remain: {}", removed.error().detail);
    });
}

// ------------------------------------------------------------------------------------ the trash

void ChatServiceImpl::trash(Reply<std::vector<DeletedChat>> reply) {
    m_quick.post([this, reply = std::move(reply)] {
        auto all = m_database.chats().trash();
        if (all) std::erase_if(*all, [](const DeletedChat& each) { return isOneOff(each.chat); });
        reply(std::move(all));
    });
}

void ChatServiceImpl::removeForGood(ChatId id, Reply<void> reply) {
    m_quick.post([this, id, reply = std::move(reply)] {
        auto purged = m_database.chats().purgeChat(id);
        if (purged) forgetAttachments(id);
        reply(std::move(purged));
    });
}

// ---------------------------------------------------------------------------------- one-off chats

void ChatServiceImpl::forget(ChatId id, Reply<void> reply) {
    stop(id);
    m_quick.post([this, id, reply = std::move(reply)] { reply(forgetNow(id)); });
}

Result<void> ChatServiceImpl::forgetNow(ChatId id) {
    m_saved.forget(id);
    m_writer.post([this, id] { m_answerer.forget(id); });
    if (auto removed = m_database.chats().deleteChat(id); !removed) return removed;
    auto purged = m_database.chats().purgeChat(id);
    if (purged) forgetAttachments(id);
    return purged;
}

void ChatServiceImpl::forgetLeftOver() {
    const auto isGone = [](const Chat& chat) {
        const nlohmann::json& process = chat.settings[kOneOffKey];
        if (!process.is_number_integer() || process.get<pid_t>() <= 0) return true;
        const auto id = process.get<pid_t>();
        return id != ::getpid() && ::kill(id, 0) != 0 && errno == ESRCH;
    };
    std::vector<Chat> all = m_database.chats().chats().value_or(std::vector<Chat>{});
    // One that was killed between the two steps of forgetting.
    for (DeletedChat& each : m_database.chats().trash().value_or(std::vector<DeletedChat>{})) {
        all.push_back(std::move(each.chat));
    }
    for (const Chat& chat : all) {
        if (!isOneOff(chat) || !isGone(chat)) continue;
        if (const auto forgotten = forgetNow(chat.id); !forgotten) {
            log().warn("a one-off chat remains: {}", forgotten.error().detail);
        }
    }
}

}  // namespace conclave::services
