// table_comparison.h: two things that a table names, side by side.
#pragma once

#include <optional>
#include <stop_token>
#include <vector>

#include "app/services/survey/survey_question.h"
#include "app/services/survey/table_answer.h"

namespace conclave::services {

/// "Compare PX-200 and PX-300": what each table that has both tells of them, where both are a cell
/// of one column and one row each, or the names of two columns. With `asked.compared` ("the price
/// of …") only the columns called so. None where no table has both. Errors: Cancelled, those of
/// the database.
[[nodiscard]] Result<std::optional<TableAnswer>> compareInTables(
    storage::DocumentStore& store, const SurveyQuestion& asked,
    const std::vector<CollectionId>& collections, bool isChinese, const std::stop_token& cancel);

}  // namespace conclave::services
