// model_table_query.h: a question about rows and numbers as SQL that a model proposes and a
// read-only database checks.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "app/services/survey/table_rows.h"
#include "app/services/survey/text_model.h"

namespace conclave::services {

/// A query that ran.
struct ProposedQuery {
    std::string sql;
    storage::QueryResult result;
    /// The rows of its only table that its conditions choose; none if the query is not so simple.
    std::optional<std::size_t> table;
    std::vector<std::string> rowids;
};

/// Rows of "SELECT … FROM table WHERE …": the same conditions with rowid chosen instead. None for
/// joins, several SELECTs and other tables. `table` gets the name as it stands there.
[[nodiscard]] std::optional<std::string> rowsQueryOf(std::string_view sql, std::string& table);

/// Asks the model for one SELECT over the tables, and once more with SQLite's message if it does
/// not run. None where the model sees no answer in the tables, or nothing that it proposes runs:
/// then the rule may still know one. Errors: Cancelled, those of the model.
[[nodiscard]] Result<std::optional<ProposedQuery>> proposeQuery(const std::string& question,
                                                                std::span<const LoadedTable> tables,
                                                                storage::TableDatabase& database,
                                                                TextModel& model,
                                                                const std::stop_token& cancel);

}  // namespace conclave::services
