// denial_question.h: the wording of questions which documents do NOT say something, and of those
// which have it, so that one that denies it is none of them.
#pragma once

#include <string>
#include <string_view>

#include "app/services/survey/survey_question.h"

namespace conclave::services {

/// "Which contracts do not mention a deposit?", "没有提到押金的合同有几份？": sets what is asked of
/// which documents, and isDenied. False for whatever else, so that a denial of another thing ("are
/// not signed") stays none. `lower` is `text` in lower case.
[[nodiscard]] bool isDenialAsked(std::string_view text, std::string_view lower,
                                 SurveyQuestion& asked);

/// What documents are to have, without the verb of having, which no text need say: "penalty" of
/// "agree a penalty", "违约金" of "约定了违约金". `had` as it is where nothing else is left.
[[nodiscard]] std::string withoutHaving(std::string_view had);

/// Documents are asked for that have something, and not those that mention it: one that says that
/// there is none is not one of them.
[[nodiscard]] bool isHavingAsked(std::string_view text);

}  // namespace conclave::services
