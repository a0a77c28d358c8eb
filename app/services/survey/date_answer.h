// date_answer.h: compares a date of each document with one of the question.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/services/survey/survey_report.h"

namespace conclave::services {

struct DateAnswer {
    SurveyReport report;
    nlohmann::json account;
};

/// Reads every passage of the documents that are asked for the dates that dateQuestionOf takes, and
/// tells which documents give one within the bound, which another, which none, and which give
/// several that disagree, one that can be read in two ways, or one that may not be theirs. None if
/// the question is no such one, or no document gives such a date. `onProgress` (may be empty) gets
/// how much was read, 0..1. Errors: Cancelled, those of the database.
[[nodiscard]] Result<std::optional<DateAnswer>> answerFromDates(
    storage::DocumentStore& store, const std::string& question,
    const std::vector<CollectionId>& collections, const DocumentFilter& filter,
    const std::stop_token& cancel, const std::function<void(float)>& onProgress = {});

}  // namespace conclave::services
