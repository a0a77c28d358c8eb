// side_by_side.h: what two documents say of the same things, as a table.
#pragma once

#include <string>
#include <vector>

#include "app/services/survey/survey_report.h"

namespace conclave::services {

/// What a document says of something that it names: "Rent: 900 EUR", "The deposit is 900 EUR", or
/// the first sentence below the heading "Deposit".
struct NamedStatement {
    std::string name;   ///< "Rent"
    std::string value;  ///< "900 EUR", or the sentence
    ChunkId chunk = 0;
    std::size_t startByte = 0;  ///< of the sentence or line, in the page's text
    std::size_t endByte = 0;
    std::string text;  ///< of it
};

[[nodiscard]] std::vector<NamedStatement> namedStatementsIn(const std::vector<Chunk>& chunks);

/// Adds a row for each thing that both documents say something of, each cell with its passage, and
/// below it what only one of them says. False, and nothing is added, where these are fewer than two
/// rows. `first` and `second` are the documents of the two sides. Errors: those of the database.
[[nodiscard]] Result<bool> tellSideBySide(storage::DocumentStore& store,
                                          const SurveyedDocument& first,
                                          const SurveyedDocument& second, ReportWriter& writer);

}  // namespace conclave::services
