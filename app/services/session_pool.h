// session_pool.h: KV caches of the chats used last, so that a follow-up computes only what is new.
#pragma once

#include <list>
#include <memory>
#include <stop_token>
#include <vector>

#include "app/services/saved_sessions.h"
#include "app/services/services.h"

namespace conclave::services {

/// Used from the generation worker only. A session is saved once another chat has taken its turn,
/// or at the end, and restored when its chat comes back.
class SessionPool {
public:
    /// `options` are those of each session but for its adapters. `saved` must outlive the pool.
    SessionPool(engine::SessionOptions options, SavedSessions& saved)
        : m_options(std::move(options)), m_saved(saved) {}

    /// The chat's session with these adapters, or a new one; the pool keeps it. The ones used
    /// longest ago go first when there are too many or memory is short. Those of another model, or
    /// of the chat with another length of its context, are dropped.
    /// @param contextLength  at most the model's own is taken; 0: automatic
    /// @param cancel  ends what may take long: looking whether a saved session is of this model
    /// Errors: those of engine::Session::create.
    [[nodiscard]] Result<engine::Session*> take(ChatId chat,
                                                const std::shared_ptr<const engine::Model>& model,
                                                std::vector<engine::AdapterUse> adapters,
                                                int contextLength, const std::stop_token& cancel);

    /// Saves and drops all other sessions, so that this chat has their memory. False: there were
    /// none.
    bool dropOthers(ChatId chat);
    /// Drops the chat's session, unsaved.
    void forget(ChatId chat);
    /// Saves what is not saved yet, but for the chat that was used last. Takes as long as writing
    /// the files: to be called when nobody waits for an answer.
    void saveIdle();
    /// saveIdle, and the chat that was used last.
    void saveAll();

private:
    struct Entry {
        ChatId chat = 0;
        std::shared_ptr<const engine::Model> model;
        std::unique_ptr<engine::Session> session;
        int contextLength = 0;               ///< as it was asked for
        std::vector<engine::TokenId> saved;  ///< the tokens when it was saved or restored last
    };

    void save(Entry& entry);
    void dropOldest();

    engine::SessionOptions m_options;
    SavedSessions& m_saved;
    std::list<Entry> m_entries;  ///< used last first
};

}  // namespace conclave::services
