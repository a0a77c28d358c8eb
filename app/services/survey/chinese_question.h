// chinese_question.h: the rules of survey_question.h for Chinese, where words have no spaces.
#pragma once

#include <string>
#include <string_view>

#include "app/services/survey/survey_question.h"

namespace conclave::services {

/// Sets what is asked, and takes out of `rest` what says no more than that. False: nothing about
/// everything.
[[nodiscard]] bool isChineseSurvey(std::string_view text, SurveyQuestion& asked, std::string& rest);

}  // namespace conclave::services
