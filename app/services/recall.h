// recall.h: scores search on the questions that somebody saved.
#pragma once

#include "app/services/library.h"
#include "app/services/services.h"

namespace conclave::services {

/// Searches for every saved question and keeps the score of the run in the database.
/// Errors: those of the database and of searching.
[[nodiscard]] Result<RecallReport> scoreRecall(storage::Database& database, Library& library,
                                               int depth);

}  // namespace conclave::services
