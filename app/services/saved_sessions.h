// saved_sessions.h: KV caches of chats on the disk, so that an old chat goes on at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <span>
#include <stop_token>

#include "app/services/model_contents.h"
#include "app/services/services.h"

namespace conclave::services {

/// Files in a folder of the caches, which only the user can read: they tell what was said. A chat
/// has one for each kind of session (engine::Session::savedKind) that it had: a question to another
/// model, or with another type of cache, does not cost what was computed before.
/// They go when their chat goes, also into the trash; those used longest ago go when there are too
/// many bytes. Everything here may be lost at any time: it is only computed again. Thread-safe.
class SavedSessions {
public:
    static constexpr std::uint64_t kBudgetBytes = std::uint64_t{4} << 30u;

    /// @param folder  made when something is saved; empty: there is none
    /// @param saves   else files only go
    SavedSessions(std::filesystem::path folder, bool saves,
                  std::uint64_t budgetBytes = kBudgetBytes);

    /// Saves what is cached if computing it again would be noticed and it fits half the budget and
    /// a quarter of what is free on the disk.
    void save(ChatId chat, engine::Session& session);
    /// Takes over what was saved for the chat by such a session. A damaged file is deleted. False
    /// if there was nothing, or the model's files have other contents now; where only their times
    /// tell otherwise they are read, which may take seconds, once.
    bool restore(ChatId chat, engine::Session& session, const std::stop_token& cancel = {});
    /// To be called when nobody waits, for a session that may be saved later: learns its model's
    /// contents.
    void prepare(const engine::Session& session);

    /// Deletes the chat's files, and saves none from now on.
    void forget(ChatId chat);
    /// The chat is back from the trash.
    void remember(ChatId chat);
    /// Deletes all files but those of these chats, as when a chat was deleted by another program.
    void keepOnly(std::span<const ChatId> chats);

    struct Use {
        int nChats = 0;
        std::uint64_t bytes = 0;
    };
    [[nodiscard]] Use use() const;

private:
    [[nodiscard]] std::filesystem::path fileOf(ChatId chat, const engine::Session& session) const;
    /// Deletes the files used longest ago until the rest fits the budget.
    void trim() const;

    std::filesystem::path m_folder;
    bool m_saves;
    std::uint64_t m_budgetBytes;
    ModelContents m_contents;
    mutable std::mutex m_mutex;
    std::set<ChatId> m_forgotten;
};

}  // namespace conclave::services
