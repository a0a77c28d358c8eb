// joint_answer.h: which documents say two things, one of them, or one and not the other, each with
// its evidence.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/services/survey/survey_report.h"

namespace conclave::services {

struct JointAnswer {
    SurveyReport report;
    nlohmann::json account;
};

/// What each document says of each of the subjects of jointQuestionOf, put together. A document
/// that has only a part of the words, or another word for them, is left to the reader where that
/// would decide. None if the question is no such one. `onProgress` (may be empty) gets how much was
/// read, 0..1. Errors: Cancelled, those of the database.
[[nodiscard]] Result<std::optional<JointAnswer>> answerFromJoint(
    storage::DocumentStore& store, const std::string& question,
    const std::vector<CollectionId>& collections, const DocumentFilter& filter,
    const std::stop_token& cancel, const std::function<void(float)>& onProgress = {});

}  // namespace conclave::services
