// session_pool.h: KV caches of the chats used last, so that a follow-up computes only what is new.
#pragma once

#include <list>
#include <memory>

#include "app/services/services.h"

namespace conclave::services {

/// Used from the generation worker only.
class SessionPool {
public:
    /// As SessionOptions; 0: automatic.
    SessionPool(int contextLength, int nThreads)
        : m_contextLength(contextLength), m_nThreads(nThreads) {}

    /// The chat's session, or a new one; the pool keeps it. The ones used longest ago go first
    /// when there are too many or memory is short. Those of another model are dropped.
    /// Errors: those of engine::Session::create.
    [[nodiscard]] Result<engine::Session*> take(ChatId chat,
                                                const std::shared_ptr<const engine::Model>& model);

private:
    struct Entry {
        ChatId chat = 0;
        std::shared_ptr<const engine::Model> model;
        std::unique_ptr<engine::Session> session;
    };

    int m_contextLength;
    int m_nThreads;
    std::list<Entry> m_entries;  ///< used last first
};

}  // namespace conclave::services
