// Keyword search in chunks: BM25 over the full-text index.
#include <algorithm>
#include <optional>

#include "storage/columns.h"
#include "storage/document_store.h"
#include "storage/full_text.h"

namespace conclave::storage {
namespace {

constexpr std::string_view kSearchAll =
    "SELECT rowid, conclave_bm25(chunk_fts) AS score FROM chunk_fts WHERE chunk_fts MATCH ?1 "
    "ORDER BY score DESC, rowid LIMIT ?2";

/// The index on collections is small and stays in memory; the chunks themselves would not. The
/// plus sign keeps SQLite from asking the full text once for each chunk.
constexpr std::string_view kSearchChosen =
    "SELECT rowid, conclave_bm25(chunk_fts) AS score FROM chunk_fts WHERE chunk_fts MATCH ?1 "
    "AND EXISTS (SELECT 1 FROM chunk AS c INDEXED BY chunk_by_collection "
    "WHERE c.id = +chunk_fts.rowid AND c.collection_id IN (SELECT value FROM json_each(?3))) "
    "ORDER BY score DESC, rowid LIMIT ?2";

/// `sql` selects chunk and score.
template <typename... Values>
Result<std::vector<KeywordHit>> hitsOf(Connection& db, std::string_view sql,
                                       const Values&... values) {
    std::vector<KeywordHit> hits;
    const auto read = db.forEach(
        sql,
        [&](const Statement& row) {
            hits.push_back({.chunk = row.integer(0), .bm25 = row.real(1)});
        },
        values...);
    if (!read) return pass(read);
    return hits;
}

/// Those of `asked` (empty: of all) that are there; none if that is every collection that has
/// chunks, so that nothing needs to be filtered.
Result<std::optional<std::vector<CollectionId>>> chosenCollections(
    Connection& db, std::span<const CollectionId> asked) {
    std::vector<CollectionId> chosen;
    bool isAll = true;
    const auto read = db.forEach("SELECT id, deleted FROM collection", [&](const Statement& row) {
        const bool isAsked =
            asked.empty() || std::find(asked.begin(), asked.end(), row.integer(0)) != asked.end();
        if (isAsked && !row.flag(1)) {
            chosen.push_back(row.integer(0));
        } else {
            isAll = false;
        }
    });
    if (!read) return pass(read);
    if (isAll) return std::nullopt;
    return std::optional(std::move(chosen));
}

}  // namespace

Result<std::vector<KeywordHit>> SqliteDocumentStore::keywordSearch(
    std::span<const std::string> terms, std::span<const CollectionId> collections, int limit) {
    const std::string match = anyOf(terms);
    if (match.empty() || limit < 1) return std::vector<KeywordHit>();
    return m_connections.read([&](Connection& db) -> Result<std::vector<KeywordHit>> {
        const auto chosen = chosenCollections(db, collections);
        if (!chosen) return pass(chosen);
        if (!*chosen) return hitsOf(db, kSearchAll, match, limit);
        return hitsOf(db, kSearchChosen, match, limit, listOf(**chosen));
    });
}

Result<std::vector<KeywordHit>> SqliteDocumentStore::keywordScores(
    std::span<const std::string> terms, std::span<const ChunkId> chunks) {
    const std::string match = anyOf(terms);
    if (match.empty() || chunks.empty()) return std::vector<KeywordHit>();
    // The plus sign keeps SQLite from asking the index once for each chunk.
    return m_connections.read([&](Connection& db) {
        return hitsOf(db,
                      "SELECT rowid, conclave_bm25(chunk_fts) AS score FROM chunk_fts "
                      "WHERE chunk_fts MATCH ?1 AND +rowid IN (SELECT value FROM json_each(?2)) "
                      "ORDER BY score DESC, rowid",
                      match, listOf(chunks));
    });
}

}  // namespace conclave::storage
