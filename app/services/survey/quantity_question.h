// quantity_question.h: a question that takes one number, or date, of each document.
//
//   const auto asked = quantityQuestionOf("Which lease has the second highest rent?");
//   // kind Greatest, nth 2, subject "rent", place "lease"
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/services/survey/amounts.h"

namespace conclave::services {

struct QuantityQuestion {
    enum class Kind {
        Greatest,
        Least,
        Median,
        Average,
        Sum,
        Above,  ///< how many, or which, are above a bound
        Below,
    } kind = Kind::Greatest;
    int nth = 1;           ///< of Greatest and Least: "second highest"
    int nShown = 1;        ///< "the three highest"
    std::string subject;   ///< what the number is of; empty: only where dates are asked for
    std::string head;      ///< the word of it that the number stands next to
    std::string place;     ///< kind of document: "lease"; empty: all
    bool ofDates = false;  ///< "earliest", "latest"
    Amount bound;          ///< of Above and Below
    bool isInclusive = false;
    bool isCounted = false;  ///< how many there are is asked
    /// Documents, or all of something, are named: else only sums, shares and dates are taken, of
    /// which a question of one fact has no second one.
    bool isOfAll = false;
};

/// None for whatever else is asked, and where words are left that might change what is meant.
[[nodiscard]] std::optional<QuantityQuestion> quantityQuestionOf(std::string_view question);

}  // namespace conclave::services
