#include "app/services/survey/table_loading.h"

#include <algorithm>
#include <iterator>

#include "app/services/survey/document_tables.h"
#include "app/services/survey/survey_report.h"

namespace conclave::services {
namespace {

/// Larger sheets, and more text, are not looked through in a moment.
constexpr std::uint64_t kMostTableBytes = std::uint64_t{64} << 20U;

}  // namespace

Result<std::vector<LoadedTable>> loadTables(storage::DocumentStore& store,
                                            const std::vector<CollectionId>& collections,
                                            const DocumentFilter& filter,
                                            const std::stop_token& cancel) {
    std::vector<LoadedTable> tables;
    std::uint64_t nTextBytes = 0;
    for (const CollectionId collection : collections) {
        const auto documents = store.documents(collection);
        if (!documents) return tl::unexpected(documents.error());
        for (const Document& document : *documents) {
            if (cancel.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
            const bool isSheet = isSpreadsheet(document);
            if (document.nChunks == 0 || document.sizeBytes > kMostTableBytes ||
                !filter.holds(document) || (!isSheet && !mayHoldTables(document))) {
                continue;
            }
            if (!isSheet && nTextBytes > kMostTableBytes) continue;
            const auto pages = store.pages(document.id);
            if (!pages) return tl::unexpected(pages.error());
            if (!isSheet) {
                for (const Page& page : *pages) nTextBytes += page.text.size();
            }
            auto found = isSheet ? tablesOf(document, *pages) : documentTablesOf(document, *pages);
            if (isSheet && found.empty()) found = plainTablesOf(document, *pages);
            std::move(found.begin(), found.end(), std::back_inserter(tables));
        }
    }
    return tables;
}

ChunkId chunkAt(const std::vector<Chunk>& chunks, const LoadedTable::Place& place) {
    for (const Chunk& chunk : chunks) {
        if (chunk.page == place.page && chunk.startByte <= place.startByte &&
            place.startByte < chunk.endByte) {
            return chunk.id;
        }
    }
    return 0;
}

std::string shownTable(const LoadedTable& table) {
    const std::string file = shownName(table.path);
    return table.number == 0 ? file : file + " (" + std::to_string(table.number) + ")";
}

}  // namespace conclave::services
