// answer.h: one question from its row in the database to the stored answer: search, prompt,
// generation, checked citations.
#pragma once

#include <atomic>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "app/services/collection_service.h"
#include "app/services/conversation.h"
#include "app/services/library.h"
#include "app/services/model_service.h"
#include "app/services/services.h"
#include "app/services/session_pool.h"

namespace conclave::services {

/// An answer to be written; its rows exist in the database.
struct AnswerJob {
    Chat chat;
    Message question;
    Message answer;
    std::vector<std::filesystem::path> attachments;
    bool retrieval = true;
    AnswerEvents events;
    std::stop_source stop;
    std::atomic<bool> isTaken = false;  ///< by the worker, or by a stop before its turn
};

/// Used from the generation worker only. All arguments must outlive it.
class Answerer {
public:
    Answerer(storage::Database& database, Library& library, CollectionServiceImpl& collections,
             ModelServiceImpl& models, SavedSessions& saved, int contextLength, int nThreads);

    /// Writes the answer and stores it, also when it was stopped or failed. Errors: what kept an
    /// answer from being made or stored.
    [[nodiscard]] Result<Message> run(AnswerJob& job);

    /// Forgets what was computed for a chat.
    void forget(ChatId chat) { m_sessions.forget(chat); }
    /// Saves what was computed, for the next start. Also once the worker has ended.
    void saveSessions() { m_sessions.saveAll(); }

private:
    struct Sources {
        std::vector<StoredPassage> passages;  ///< best first
        bool wereSearched = false;
        bool keepsLast = false;  ///< the last turn's sources serve this question too
    };

    Result<Message> answer(AnswerJob& job);
    Result<Sources> findSources(AnswerJob& job, const ChatSettings& settings,
                                std::span<const PastTurn> history);
    Result<Sources> readAttachments(AnswerJob& job);
    Result<Message> write(AnswerJob& job, const ChatSettings& settings,
                          std::vector<PastTurn> history, Sources sources,
                          const std::shared_ptr<const engine::Model>& model);
    /// Passages instead of an answer, below `preface`, which says why.
    Result<Message> showPassages(AnswerJob& job, Sources sources, std::string preface);
    Result<Message> sayNothingFound(AnswerJob& job, const engine::ModelInfo& info);
    /// Random, made once for this database, so that prompts stay as they are in saved sessions.
    const std::string& sourcesSecret();
    /// Stores the final text and details and gives the message as stored.
    Result<Message> store(AnswerJob& job, const std::string& text, MessageState state,
                          const AnswerDetails& details);

    storage::Database& m_database;
    Library& m_library;
    CollectionServiceImpl& m_collections;
    ModelServiceImpl& m_models;
    SessionPool m_sessions;
    std::string m_sourcesSecret;
};

/// The hidden collection of a chat's attachments.
[[nodiscard]] std::string attachmentsName(ChatId chat);

}  // namespace conclave::services
