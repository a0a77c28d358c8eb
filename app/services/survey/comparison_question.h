// comparison_question.h: the rules of survey_question.h for comparisons.
#pragma once

#include <string_view>

#include "app/services/survey/survey_question.h"

namespace conclave::services {

/// Sets what is compared: two sides, or what each of some documents says. `lower` is `text` in
/// lower case. False: no comparison.
[[nodiscard]] bool isComparison(std::string_view text, std::string_view lower,
                                SurveyQuestion& asked);

}  // namespace conclave::services
