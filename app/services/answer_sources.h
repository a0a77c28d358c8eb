// answer_sources.h: the passages that an answer may rest on.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/services/answer_job.h"
#include "app/services/collection_service.h"
#include "app/services/conversation.h"
#include "app/services/library.h"

namespace conclave::services {

inline constexpr int kAnswerSearchDepth = 16;  ///< hits looked at for one answer

/// A hit as an answer keeps it, not yet numbered.
[[nodiscard]] StoredPassage storedPassage(const SearchHit& hit);

struct AnswerSources {
    std::vector<StoredPassage> passages;  ///< best first
    bool wereSearched = false;
    std::string query;           ///< what for; for attachments none
    bool keepsLast = false;      ///< the last turn's sources serve this question too
    double answerability = 1.0;  ///< of the question, by the best of them
    double threshold = 0.0;      ///< that the collections taught: below it they have no answer
};

/// Used from the generation worker only. All arguments must outlive it.
class SourceFinder {
public:
    SourceFinder(storage::Database& database, Library& library, CollectionServiceImpl& collections)
        : m_database(database), m_library(library), m_collections(collections) {}

    /// The collections that this question is asked of.
    [[nodiscard]] Result<std::vector<CollectionId>> collectionsOf(const AnswerJob& job,
                                                                  const ChatSettings& settings);
    /// Has files read that changed since they were, see CollectionServiceImpl::bringUpToDate.
    [[nodiscard]] Result<void> bringUpToDate(const AnswerJob& job, const ChatSettings& settings);
    /// Searches where the question needs it; attachments are read and searched alone. Errors: an
    /// attachment that cannot be read (names it), Cancelled, those of the database.
    [[nodiscard]] Result<AnswerSources> find(const AnswerJob& job, const ChatSettings& settings,
                                             std::span<const PastTurn> history);

    /// A passage as the whole of its page, and with the chunks beside it; for a passage that is not
    /// in the database as it was found, nothing.
    [[nodiscard]] std::vector<StoredPassage> widerOf(const StoredPassage& passage);

private:
    Result<AnswerSources> readAttachments(const AnswerJob& job);

    storage::Database& m_database;
    Library& m_library;
    CollectionServiceImpl& m_collections;
};

/// The hidden collection of a chat's attachments.
[[nodiscard]] std::string attachmentsName(ChatId chat);

}  // namespace conclave::services
