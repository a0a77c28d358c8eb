// table_answer.h: asks the tables among the documents, and says what was asked and what it rests
// on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/services/survey/survey_report.h"
#include "app/services/survey/table_rows.h"

namespace conclave::services {

struct TableAnswer {
    SurveyReport report;
    nlohmann::json account;  ///< {"table", "rows", "sql", "documents", "passages", "complete"}
};

/// The answer that a query of one spreadsheet gives; none if the question is not one about rows
/// and numbers of any. Errors: those of the database.
[[nodiscard]] Result<std::optional<TableAnswer>> answerFromTables(
    storage::Database& database, const std::string& question,
    const std::vector<CollectionId>& collections);

}  // namespace conclave::services
