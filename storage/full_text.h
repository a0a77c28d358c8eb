// full_text.h: what FTS5 needs from us on every connection: the tokenizer `conclave` and the
// ranking function conclave_bm25.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "storage/connection.h"
#include "storage/storage.h"

namespace conclave::storage {

/// Registers both. Terms that begin no later than the one before share its position (FTS5's
/// colocated tokens), so that overlapping terms do not make a text look longer.
[[nodiscard]] Result<void> registerFullText(Connection& connection,
                                            std::shared_ptr<const Analyzer> analyzer);

/// An FTS5 query for rows with all of `terms`, which are ready-made and mean themselves, the last
/// of them as a beginning if `prefix`; empty if no term can be asked for.
[[nodiscard]] std::string allOf(std::span<const std::string> terms, bool prefix);

}  // namespace conclave::storage
