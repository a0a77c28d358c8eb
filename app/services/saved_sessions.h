// saved_sessions.h: KV caches of chats on the disk, so that an old chat goes on at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <span>

#include "app/services/services.h"

namespace conclave::services {

/// One file a chat in a folder of the caches, which only the user can read: it tells what was said.
/// So it goes when its chat goes, also into the trash; those used longest ago go when there are too
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
    /// Takes over what was saved for the chat. A file that does not fit is deleted: nothing will
    /// make it right. False if there was nothing.
    bool restore(ChatId chat, engine::Session& session);

    /// Deletes the chat's file, and saves none from now on.
    void forget(ChatId chat);
    /// The chat is back from the trash.
    void remember(ChatId chat);
    /// Deletes all files but those of these chats, as when a chat was deleted by another program.
    void keepOnly(std::span<const ChatId> chats);

    struct Use {
        int nFiles = 0;
        std::uint64_t bytes = 0;
    };
    [[nodiscard]] Use use() const;

private:
    [[nodiscard]] std::filesystem::path fileOf(ChatId chat) const;
    /// Deletes the files used longest ago until the rest fits the budget.
    void trim() const;

    std::filesystem::path m_folder;
    bool m_saves;
    std::uint64_t m_budgetBytes;
    mutable std::mutex m_mutex;
    std::set<ChatId> m_forgotten;
};

}  // namespace conclave::services
