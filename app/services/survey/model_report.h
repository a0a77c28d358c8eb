// model_report.h: what a model found while it read everything, as a text with its evidence.
#pragma once

#include <stop_token>
#include <string>

#include "app/services/survey/model_survey.h"
#include "app/services/survey/survey_report.h"

namespace conclave::services {

/// Counts and lists are made of the findings themselves; summaries and comparisons the model writes
/// over them, and where nothing of what it writes is in the passages, the findings are listed.
/// Findings that their passages do not confirm stand apart and are not counted. Errors: Cancelled,
/// those of the model and the database.
[[nodiscard]] Result<SurveyReport> reportModelSurvey(storage::DocumentStore& store,
                                                     const SurveyQuestion& asked,
                                                     const std::string& question,
                                                     const SurveyFindings& findings,
                                                     TextModel& model, bool isChinese,
                                                     const std::stop_token& cancel);

}  // namespace conclave::services
