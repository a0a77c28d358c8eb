// quantity_answer.h: takes a number of each document, with its evidence, and compares them.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/services/survey/quantity_question.h"
#include "app/services/survey/survey.h"
#include "app/services/survey/survey_report.h"

namespace conclave::services {

struct QuantityAnswer {
    SurveyReport report;
    nlohmann::json account;
};

/// Reads every passage of the documents that are asked. None unless two documents at least say
/// such a number; where one of them says several, or in another unit, the numbers are listed and
/// nothing is computed. `onProgress` (may be empty) gets how much was read, 0..1. Errors:
/// Cancelled, those of the database.
[[nodiscard]] Result<std::optional<QuantityAnswer>> answerFromQuantities(
    storage::DocumentStore& store, const std::string& question,
    const std::vector<CollectionId>& collections, const DocumentFilter& filter,
    const std::stop_token& cancel, const std::function<void(float)>& onProgress = {});

}  // namespace conclave::services
