// joint_question.h: which documents say two things, one of them, or one and not the other.
//
//   const auto asked = jointQuestionOf("Which contracts require both a deposit and a penalty?");
//   // joined Both, subjects {"deposit", "penalty"}, place "contracts"
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/survey/survey_question.h"

namespace conclave::services {

struct JointQuestion {
    enum class Joined {
        All,        ///< "both … and …"
        Any,        ///< "either … or …"
        OnlyFirst,  ///< "… but no …": two subjects
        None,       ///< "neither … nor …"
    } joined = Joined::All;
    std::vector<SurveyQuestion> subjects;  ///< two to four, of the same place
};

/// None for whatever else is asked, and where words are left that might change what is meant. "And"
/// between names ("Smith and Sons") joins nothing.
[[nodiscard]] std::optional<JointQuestion> jointQuestionOf(std::string_view question);

}  // namespace conclave::services
