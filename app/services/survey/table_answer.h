// table_answer.h: asks the tables among the documents, and says what was asked and what it rests
// on.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/services/survey/survey_report.h"
#include "app/services/survey/table_rows.h"
#include "app/services/survey/text_model.h"

namespace conclave::services {

struct TableAnswer {
    SurveyReport report;
    nlohmann::json account;  ///< {"table", "rows", "sql", "documents", "passages", "complete"}
    /// The question was understood, and the report says why nothing would be a right answer to it.
    bool isRefused = false;
    /// Refused because not all words fit the table: then they may be of a text.
    bool mayBeInText = false;
};

/// The answer that a query of one spreadsheet gives; none if the question is not one about rows
/// and numbers of any. Where the rule does not account for nearly every word of it, the model that
/// `reader` gives (empty: none) proposes the query, and the rule's stands if none of its runs.
/// A question that the rule refuses for a reason is not given to the model.
/// Errors: Cancelled, those of the database.
[[nodiscard]] Result<std::optional<TableAnswer>> answerFromTables(
    storage::Database& database, const std::string& question,
    const std::vector<CollectionId>& collections, const DocumentFilter& filter = {},
    const std::function<Result<TextModel*>()>& reader = {}, const std::stop_token& cancel = {});

}  // namespace conclave::services
