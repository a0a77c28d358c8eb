// absence.h: the documents that say nothing of something, told from those that say or deny it.
#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include "app/services/survey/survey.h"
#include "app/services/survey/survey_report.h"

namespace conclave::services {

struct AbsenceAnswer {
    SurveyReport report;
    nlohmann::json account;
};

/// Reads every passage of the documents that are asked (asked.isDenied). A document says nothing of
/// it only if it was read whole and has none of the words, in any form, alone or in its headings,
/// and no word that is often used for them; those that deny it and those that have a part of it are
/// told apart, each with its sentence. `onProgress` (may be empty) gets how much was read, 0..1.
/// Errors: Cancelled, those of the database.
[[nodiscard]] Result<AbsenceAnswer> answerFromAbsence(
    storage::DocumentStore& store, const SurveyQuestion& asked,
    const std::vector<CollectionId>& collections, const std::stop_token& cancel, bool isChinese,
    const std::function<void(float)>& onProgress = {});

}  // namespace conclave::services
