// What the indexes in memory are made of: places, texts, embeddings, and kept pieces of the keyword
// index.
#include <algorithm>

#include "storage/document_store.h"

namespace conclave::storage {

Result<std::vector<ChunkPlace>> SqliteDocumentStore::chunkPlaces() {
    return m_connections.read([&](Connection& db) -> Result<std::vector<ChunkPlace>> {
        std::vector<ChunkPlace> places;
        // From the small index: the table would bring every chunk's text from the disk.
        const auto read = db.forEach(
            "SELECT id, document_id FROM chunk INDEXED BY chunk_by_document WHERE document_id IN "
            "(SELECT d.id FROM document AS d JOIN collection AS c ON c.id = d.collection_id "
            "WHERE c.deleted = 0)",
            [&](const Statement& row) {
                places.push_back({row.integer(0), row.integer(1)});
            });
        if (!read) return pass(read);
        std::sort(places.begin(), places.end(),
                  [](const ChunkPlace& a, const ChunkPlace& b) { return a.chunk < b.chunk; });
        return places;
    });
}

Result<std::vector<DocumentPath>> SqliteDocumentStore::documentPaths() {
    return m_connections.read([&](Connection& db) -> Result<std::vector<DocumentPath>> {
        std::vector<DocumentPath> documents;
        const auto read = db.forEach(
            "SELECT d.id, d.collection_id, d.path FROM document AS d "
            "JOIN collection AS c ON c.id = d.collection_id WHERE c.deleted = 0 ORDER BY d.id",
            [&](const Statement& row) {
                documents.push_back({row.integer(0), row.integer(1), row.text(2)});
            });
        if (!read) return pass(read);
        return documents;
    });
}

Result<void> SqliteDocumentStore::forEachText(
    std::span<const ChunkId> ids,
    const std::function<void(ChunkId, std::string_view, std::string_view)>& visit) {
    return m_connections.read([&](Connection& db) -> Result<void> {
        for (const ChunkId id : ids) {
            auto read = db.forEach(
                "SELECT heading, text FROM chunk WHERE id = ?1",
                [&](const Statement& row) { visit(id, row.view(0), row.view(1)); }, id);
            if (!read) return read;
        }
        return {};
    });
}

Result<void> SqliteDocumentStore::forEachKeywordSegment(
    std::span<const std::int64_t> known,
    const std::function<void(std::int64_t, std::span<const std::byte>)>& visit) {
    return m_connections.read([&](Connection& db) -> Result<void> {
        std::vector<std::int64_t> ids;
        auto read = db.forEach("SELECT id FROM keyword_segment ORDER BY id",
                               [&](const Statement& row) { ids.push_back(row.integer(0)); });
        if (!read) return read;
        for (const std::int64_t id : ids) {
            if (std::binary_search(known.begin(), known.end(), id)) continue;
            read = db.forEach(
                "SELECT bytes FROM keyword_segment WHERE id = ?1",
                [&](const Statement& row) { visit(id, row.blob(0)); }, id);
            if (!read) return read;
        }
        return {};
    });
}

Result<std::vector<std::int64_t>> SqliteDocumentStore::keepKeywordSegments(
    std::span<const std::span<const std::byte>> segments, std::span<const std::int64_t> obsolete) {
    using Ids = Result<std::vector<std::int64_t>>;
    return m_connections.write(Durability::Batched, [&](Connection& db) -> Ids {
        for (const std::int64_t id : obsolete) {
            const auto done = db.run("DELETE FROM keyword_segment WHERE id = ?1", id);
            if (!done) return pass(done);
        }
        std::vector<std::int64_t> ids;
        for (const std::span<const std::byte> bytes : segments) {
            const auto done = db.run("INSERT INTO keyword_segment (bytes) VALUES (?1)", bytes);
            if (!done) return pass(done);
            ids.push_back(db.lastId());
        }
        return ids;
    });
}

Result<void> SqliteDocumentStore::forEachEmbedding(
    std::string_view embedder, ChunkId from,
    const std::function<void(ChunkId, std::span<const std::byte>)>& visit) {
    return m_connections.read([&](Connection& db) {
        return db.forEach(
            "SELECT chunk_id, code FROM embedding WHERE chunk_id >= ?2 AND "
            "embedder_id = (SELECT id FROM embedder WHERE name = ?1) ORDER BY chunk_id",
            [&](const Statement& row) { visit(row.integer(0), row.blob(1)); }, embedder, from);
    });
}

Result<std::int64_t> SqliteDocumentStore::generation() {
    return m_connections.read([&](Connection& db) -> Result<std::int64_t> {
        const auto found = db.integer("SELECT value FROM meta WHERE key = 'generation'");
        if (!found) return pass(found);
        return found->value_or(0);
    });
}

}  // namespace conclave::storage
