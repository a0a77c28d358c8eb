// Keyword search in chunks: BM25 over the full-text index.
#include "storage/columns.h"
#include "storage/document_store.h"
#include "storage/full_text.h"

namespace conclave::storage {
namespace {

/// `sql` selects chunk and score.
template <typename... Values>
Result<std::vector<KeywordHit>> hitsOf(Connections& connections, std::string_view sql,
                                       const Values&... values) {
    return connections.read([&](Connection& db) -> Result<std::vector<KeywordHit>> {
        std::vector<KeywordHit> hits;
        const auto read = db.forEach(
            sql,
            [&](const Statement& row) {
                hits.push_back({.chunk = row.integer(0), .bm25 = row.real(1)});
            },
            values...);
        if (!read) return pass(read);
        return hits;
    });
}

}  // namespace

Result<std::vector<KeywordHit>> SqliteDocumentStore::keywordSearch(
    std::span<const std::string> terms, std::span<const CollectionId> collections, int limit) {
    const std::string match = anyOf(terms);
    if (match.empty() || limit < 1) return std::vector<KeywordHit>();
    // The plus signs keep SQLite from asking the index row by row.
    return hitsOf(m_connections,
                  "SELECT chunk_fts.rowid, conclave_bm25(chunk_fts) AS score "
                  "FROM chunk_fts CROSS JOIN chunk AS c ON c.id = +chunk_fts.rowid "
                  "WHERE chunk_fts MATCH ?1 AND c.collection_id IN "
                  "(SELECT id FROM collection WHERE deleted = 0 "
                  "AND (?2 = '[]' OR id IN (SELECT value FROM json_each(?2)))) "
                  "ORDER BY score DESC, chunk_fts.rowid LIMIT ?3",
                  match, listOf(collections), limit);
}

Result<std::vector<KeywordHit>> SqliteDocumentStore::keywordScores(
    std::span<const std::string> terms, std::span<const ChunkId> chunks) {
    const std::string match = anyOf(terms);
    if (match.empty() || chunks.empty()) return std::vector<KeywordHit>();
    return hitsOf(m_connections,
                  "SELECT rowid, conclave_bm25(chunk_fts) AS score FROM chunk_fts "
                  "WHERE chunk_fts MATCH ?1 AND +rowid IN (SELECT value FROM json_each(?2)) "
                  "ORDER BY score DESC, rowid",
                  match, listOf(chunks));
}

}  // namespace conclave::storage
