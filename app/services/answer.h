// answer.h: one question from its row in the database to the stored answer: search, prompt,
// generation, checked citations.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/services/answer_job.h"
#include "app/services/answer_sources.h"
#include "app/services/conversation.h"
#include "app/services/model_service.h"
#include "app/services/quoted_answer.h"
#include "app/services/session_pool.h"
#include "app/services/survey/surveyor.h"

namespace conclave::services {

/// Used from the generation worker only. All borrowed arguments must outlive it.
class Answerer {
public:
    Answerer(storage::Database& database, Library& library, CollectionServiceImpl& collections,
             ModelServiceImpl& models, SavedSessions& saved, engine::SessionOptions sessions,
             bool speculates, nlohmann::ordered_json tools);

    /// Writes the answer and stores it, also when it was stopped or failed. Errors: what kept an
    /// answer from being made or stored.
    [[nodiscard]] Result<Message> run(AnswerJob& job);

    /// Tokens of the context that a chat with these settings would get now. Any thread may ask.
    [[nodiscard]] int contextFor(const engine::Model& model, const ChatSettings& settings) const;
    /// What it would take. Any thread may ask.
    [[nodiscard]] ContextNeed needOf(const engine::Model& model,
                                     const ChatSettings& settings) const;

    /// Forgets what was computed for a chat.
    void forget(ChatId chat) { m_sessions.forget(chat); }
    /// Saves what was computed for chats that are not in use.
    void saveIdleSessions() { m_sessions.saveIdle(); }
    /// Saves what was computed, for the next start. Also once the worker has ended.
    void saveSessions() { m_sessions.saveAll(); }

private:
    Result<Message> answer(AnswerJob& job);
    /// An answer from everything; none if the question is none about everything.
    Result<std::optional<Message>> survey(AnswerJob& job, const ChatSettings& settings);
    Result<Message> write(AnswerJob& job, const ChatSettings& settings,
                          std::vector<PastTurn> history, AnswerSources sources,
                          const std::shared_ptr<const engine::Model>& model);
    /// Passages instead of an answer, below `preface`, which says why.
    Result<Message> showPassages(AnswerJob& job, std::vector<StoredPassage> passages,
                                 std::string preface, std::string_view reason);
    /// The same, with the details of what was tried.
    Result<Message> listInstead(AnswerJob& job, std::string preface, AnswerDetails details);
    /// A sentence that says what is asked, where the demonstration model did not; none if none
    /// does. `note` stands below it; none: the usual one.
    std::optional<Result<Message>> quoteInstead(AnswerJob& job,
                                                std::span<const StoredPassage> passages,
                                                AnswerDetails details, std::string note = {});
    /// The same where it is asked how to do something, and the demonstration model copied another
    /// sentence than the one that begins with "To do it, …".
    std::optional<Result<Message>> instructInstead(AnswerJob& job, const std::string& text,
                                                   std::span<const StoredPassage> passages,
                                                   AnswerDetails details);
    /// The same below the refusal of another small model, whose words stay.
    std::optional<Result<Message>> quoteBelow(AnswerJob& job, const std::string& text,
                                              AnswerDetails details);
    Result<Message> storeQuote(AnswerJob& job, std::string text, QuotedAnswer quoted,
                               AnswerDetails details, std::string_view note);
    /// Random, made once for this database, so that prompts stay as they are in saved sessions.
    const std::string& sourcesSecret();
    /// Stores the final text and details and gives the message as stored.
    Result<Message> store(AnswerJob& job, const std::string& text, MessageState state,
                          AnswerDetails details);

    storage::Database& m_database;
    ModelServiceImpl& m_models;
    SourceFinder m_sources;
    Surveyor m_surveyor;
    engine::SessionOptions m_sessionOptions;
    bool m_speculates;               ///< whether answers are guessed ahead
    nlohmann::ordered_json m_tools;  ///< offered with every question; null: none
    SessionPool m_sessions;
    std::string m_sourcesSecret;
};

}  // namespace conclave::services
