// answer_wording.h: what Conclave itself says in an answer, in the language of the question.
#pragma once

#include <string>
#include <string_view>

#include "app/services/document_filter.h"

namespace conclave::services {

/// What stands above passages that are shown instead of an answer, or alone if there are none.
/// Each is in Chinese if the question is.

/// No model can be used, for `reason`.
[[nodiscard]] std::string saysNoModel(std::string_view question, const std::string& reason);
/// The demonstration model does not know the question's language.
[[nodiscard]] std::string saysEnglishOnly(std::string_view question, const std::string& model,
                                          bool hasPassages);
/// The demonstration model wrote nothing that can be shown.
[[nodiscard]] std::string saysCouldNotAnswer(std::string_view question, const std::string& model,
                                             bool hasPassages);
/// The documents do not answer the question.
[[nodiscard]] std::string saysNotInDocuments(std::string_view question, bool hasPassages);

/// Before that, where a filter left documents out.
[[nodiscard]] std::string saysFiltered(std::string_view question, const DocumentFilter& filter);

/// The same, in a chat that answers from documents alone and has none.
[[nodiscard]] std::string saysNoDocuments(std::string_view question);

/// A sentence of the documents stands for an answer, marked as what it is. `isNearest`: it says
/// something else than is asked, as that a thing is to be done and not that it was.
[[nodiscard]] std::string saysQuote(std::string_view question, const std::string& quote,
                                    bool isNearest);
/// Below it: who did not write it.
[[nodiscard]] std::string saysQuoted(std::string_view question, const std::string& model);

/// Above an answer that a model gives without documents, since nothing was found in them.
[[nodiscard]] std::string saysFromModelAlone(std::string_view question);
/// Below an answer of which no passage says anything.
[[nodiscard]] std::string saysNothingSupports(std::string_view question);

}  // namespace conclave::services
