// record_answer.h: questions that the list of documents answers, without what they say: how many
// there are of a type, which were changed when, which is the newest or the largest.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/survey/survey_report.h"

namespace conclave::services {

struct RecordQuestion {
    enum class Kind { Count, List, Newest, Oldest, Largest, Smallest } kind = Kind::Count;
    std::string type;                  ///< as the answer says it: "PDF"; empty: all documents
    std::vector<std::string> endings;  ///< of file names: ".pdf"
    int nShown = 1;                    ///< of Newest and the like
    std::optional<std::chrono::sys_days> since;  ///< the first day on which it was changed, UTC
    std::optional<std::chrono::sys_days> until;  ///< the first day behind
    bool isOfNoun =
        false;  ///< "mails": what files are named or say counts where none is of the type
    bool isOfMessages = false;  ///< "mails", and no files of mail: a mailbox holds many
};

/// "How many PDF files are there?", "本周修改的文件有哪些？", "the newest document" on a day; none
/// where a word is left over.
[[nodiscard]] std::optional<RecordQuestion> recordQuestionOf(std::string_view question,
                                                             std::chrono::sys_days today);

struct RecordAnswer {
    SurveyReport report;
    nlohmann::json account;
};

/// None if the question is not one of this kind. Errors: those of the database.
[[nodiscard]] Result<std::optional<RecordAnswer>> answerFromRecords(
    storage::DocumentStore& store, const std::string& question,
    const std::vector<CollectionId>& collections, const DocumentFilter& filter,
    std::chrono::sys_days today);

}  // namespace conclave::services
