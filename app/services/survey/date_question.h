// date_question.h: a question that compares a date of each document with one that it names.
//
//   const auto asked = dateQuestionOf("Which contracts were signed before 5 March 2021?");
//   // place "contracts", date.role Signed, what "signed", days until 20210305
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/services/survey/date_cues.h"

namespace conclave::services {

struct DateQuestion {
    std::string place;  ///< kind of document: "contracts"; empty: all
    AskedDate date;
    std::string what;   ///< as the question says it: "signed"; empty: the documents' own dates
    std::string names;  ///< that the documents say somewhere: "Acme"
    DayRange days;
};

/// None for whatever else is asked, and where words are left that might change what is meant.
[[nodiscard]] std::optional<DateQuestion> dateQuestionOf(std::string_view question);

}  // namespace conclave::services
