// Vectors that are made beside those in use.
#include "storage/document_store.h"

namespace conclave::storage {
namespace {

/// Chunks of collections that are not deleted, without a vector or draft of embedder ?1.
constexpr std::string_view kWithout =
    " FROM chunk WHERE collection_id IN (SELECT id FROM collection WHERE deleted = 0) "
    "AND NOT EXISTS (SELECT 1 FROM embedding AS e WHERE e.chunk_id = chunk.id AND e.embedder_id = "
    "(SELECT id FROM embedder WHERE name = ?1)) "
    "AND NOT EXISTS (SELECT 1 FROM embedding_draft AS d WHERE d.chunk_id = chunk.id AND "
    "d.embedder_id = (SELECT id FROM embedder WHERE name = ?1))";

}  // namespace

Result<bool> SqliteDocumentStore::hasEmbeddings(std::string_view embedder) {
    return m_connections.read([&](Connection& db) -> Result<bool> {
        const auto found = embedder.empty()
                               ? db.integer("SELECT EXISTS (SELECT 1 FROM embedding)")
                               : db.integer(
                                     "SELECT EXISTS (SELECT 1 FROM embedding WHERE embedder_id = "
                                     "(SELECT id FROM embedder WHERE name = ?1))",
                                     embedder);
        if (!found) return pass(found);
        return found->value_or(0) != 0;
    });
}

Result<std::int64_t> SqliteDocumentStore::countToEmbed(std::string_view embedder) {
    return m_connections.read([&](Connection& db) -> Result<std::int64_t> {
        const auto found = db.integer("SELECT count(*)" + std::string(kWithout), embedder);
        if (!found) return pass(found);
        return found->value_or(0);
    });
}

Result<std::vector<ChunkId>> SqliteDocumentStore::chunksToEmbed(std::string_view embedder,
                                                                ChunkId after, int limit) {
    return m_connections.read([&](Connection& db) -> Result<std::vector<ChunkId>> {
        std::vector<ChunkId> ids;
        const auto read = db.forEach(
            "SELECT id" + std::string(kWithout) + " AND id > ?2 ORDER BY id LIMIT ?3",
            [&](const Statement& row) { ids.push_back(row.integer(0)); }, embedder, after, limit);
        if (!read) return pass(read);
        return ids;
    });
}

Result<void> SqliteDocumentStore::storeDrafts(std::string_view embedder,
                                              std::span<const EmbeddingDraft> drafts) {
    return m_connections.write(Durability::Batched, [&](Connection& db) -> Result<void> {
        auto done = db.run("INSERT INTO embedder (name) VALUES (?1) ON CONFLICT (name) DO NOTHING",
                           embedder);
        if (!done) return done;
        done = db.run(
            "DELETE FROM embedding_draft WHERE embedder_id <> "
            "(SELECT id FROM embedder WHERE name = ?1)",
            embedder);
        for (std::size_t i = 0; done && i < drafts.size(); ++i) {
            // A chunk that was removed meanwhile is passed over.
            done = db.run(
                "INSERT OR REPLACE INTO embedding_draft (chunk_id, embedder_id, code) "
                "SELECT c.id, e.id, ?3 FROM chunk AS c, embedder AS e "
                "WHERE c.id = ?2 AND e.name = ?1",
                embedder, drafts[i].chunk, drafts[i].code);
        }
        return done;
    });
}

Result<ContentChange> SqliteDocumentStore::useDrafts(std::string_view embedder) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<ContentChange> {
        const auto known = db.integer("SELECT id FROM embedder WHERE name = ?1", embedder);
        if (!known) return pass(known);
        const std::int64_t id = known->value_or(0);
        ContentChange change;
        auto done = db.forEach(
            "SELECT chunk_id FROM embedding_draft WHERE embedder_id = ?1 AND length(code) > 0 "
            "ORDER BY chunk_id",
            [&](const Statement& row) { change.added.push_back(row.integer(0)); }, id);
        if (done) done = db.run("DELETE FROM embedding WHERE embedder_id <> ?1", id);
        if (done) {
            done = db.run(
                "INSERT OR REPLACE INTO embedding (chunk_id, embedder_id, code) "
                "SELECT chunk_id, embedder_id, code FROM embedding_draft "
                "WHERE embedder_id = ?1 AND length(code) > 0",
                id);
        }
        // Those without a vector stay, so that they are not tried again.
        if (done) {
            done = db.run("DELETE FROM embedding_draft WHERE embedder_id <> ?1 OR length(code) > 0",
                          id);
        }
        if (done) done = db.run("UPDATE meta SET value = value + 1 WHERE key = 'generation'");
        if (!done) return pass(done);
        const auto generation = db.integer("SELECT value FROM meta WHERE key = 'generation'");
        if (!generation) return pass(generation);
        change.generation = generation->value_or(0);
        return change;
    });
}

}  // namespace conclave::storage
