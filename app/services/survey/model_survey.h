// model_survey.h: a model reads every passage for a question about all of them, a batch at a time,
// and what it found is put together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/services/survey/survey.h"
#include "app/services/survey/text_model.h"

namespace conclave::services {

/// What of a batch counts for the question, as the model said it.
struct BatchFinding {
    int passage = 0;  ///< from 1
    std::string text;
};

/// Lines "[n] text"; others, and numbers that no passage has, are passed over.
[[nodiscard]] std::vector<BatchFinding> parseFindings(std::string_view answer, int nPassages);

/// Reads as runSurvey does, with progress, being stopped and going on as there; the place is kept
/// after each batch. An item's text is the model's line; its span is what the passage says of it,
/// or the whole passage with isConfirmed false. Errors: those of the database and the model.
[[nodiscard]] Result<SurveyFindings> runModelSurvey(storage::Database& database,
                                                    const SurveyQuestion& asked,
                                                    const std::string& question,
                                                    const std::vector<CollectionId>& collections,
                                                    TextModel& model, const SurveyHooks& hooks);

/// The findings put into words by the model, over their numbered evidence "[n]": in groups first if
/// they are too many for one task. Errors: those of the model.
[[nodiscard]] Result<std::string> reduceFindings(const std::string& question,
                                                 const std::vector<BatchFinding>& findings,
                                                 TextModel& model, const std::stop_token& cancel);

}  // namespace conclave::services
