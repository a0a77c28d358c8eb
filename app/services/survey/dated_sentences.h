// dated_sentences.h: what a question that compares dates gets where they cannot be compared: the
// dates, uncompared.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/services/survey/survey_report.h"

namespace conclave::services {

struct DatedSentences {
    SurveyReport report;
    nlohmann::json account;
    bool isComplete = true;
};

/// Says that the dates were not compared, and lists those that stand in sentences that say what
/// is asked about, with these. Nothing is counted. None: the question compares no dates, or is not
/// one about everything. Errors: those of the database.
[[nodiscard]] Result<std::optional<DatedSentences>> datedSentencesFor(
    storage::Database& database, const std::string& question, bool isForced,
    const std::vector<CollectionId>& collections, const DocumentFilter& filter,
    const std::stop_token& cancel, const std::function<void(float)>& onProgress = {});

}  // namespace conclave::services
