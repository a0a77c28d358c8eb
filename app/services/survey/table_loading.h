// table_loading.h: all tables of collections, from spreadsheets and from between the paragraphs of
// documents.
#pragma once

#include <stop_token>
#include <vector>

#include "app/services/survey/table_rows.h"

namespace conclave::services {

/// Errors: Cancelled, those of the database. Reads the text of the documents; what is beyond the
/// 64 MB that can be looked through in a moment is left out.
[[nodiscard]] Result<std::vector<LoadedTable>> loadTables(
    storage::DocumentStore& store, const std::vector<CollectionId>& collections,
    const DocumentFilter& filter, const std::stop_token& cancel);

/// The chunk of a document that a place on a page begins in; 0: none.
[[nodiscard]] ChunkId chunkAt(const std::vector<Chunk>& chunks, const LoadedTable::Place& place);

/// The file of a table, and which one of the document it is.
[[nodiscard]] std::string shownTable(const LoadedTable& table);

}  // namespace conclave::services
