#include "storage/document_store.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"
#include "storage/columns.h"

namespace conclave::storage {
namespace {

// A transaction that deletes so many takes about 30 ms: a streaming answer can wait for that.
constexpr int kSweptAtOnce = 500;

Error noCollection(CollectionId id) {
    return {ErrorCode::NotFound, "there is no collection " + std::to_string(id)};
}
Error noDocument(DocumentId id) {
    return {ErrorCode::NotFound, "there is no document " + std::to_string(id)};
}

Result<std::int64_t> bumpGeneration(Connection& db) {
    const auto done = db.run("UPDATE meta SET value = value + 1 WHERE key = 'generation'");
    if (!done) return pass(done);
    const auto now = db.integer("SELECT value FROM meta WHERE key = 'generation'");
    if (!now) return pass(now);
    return now->value_or(0);
}

Result<std::vector<ChunkId>> chunkIdsOf(Connection& db, DocumentId id) {
    std::vector<ChunkId> ids;
    const auto read = db.forEach(
        "SELECT id FROM chunk WHERE document_id = ?1 ORDER BY id",
        [&](const Statement& row) { ids.push_back(row.integer(0)); }, id);
    if (!read) return pass(read);
    return ids;
}

Result<ContentChange> changed(Connection& db, std::vector<ChunkId> removed,
                              std::vector<ChunkId> added) {
    return bumpGeneration(db).map([&](std::int64_t generation) {
        return ContentChange{std::move(removed), std::move(added), generation};
    });
}

Result<void> checkName(Connection& db, CollectionId self, std::string_view name) {
    if (name.empty()) return fail(ErrorCode::InvalidArgument, "a collection needs a name");
    const auto used = db.integer(
        "SELECT id FROM collection WHERE name = ?1 AND deleted = 0 AND id <> ?2", name, self);
    if (!used) return pass(used);
    if (*used) {
        return fail(ErrorCode::InvalidArgument,
                    "there is a collection \"" + std::string(name) + "\" already");
    }
    return {};
}

Result<void> checkCollection(Connection& db, CollectionId id) {
    const auto found = db.integer("SELECT id FROM collection WHERE id = ?1 AND deleted = 0", id);
    if (!found) return pass(found);
    if (!*found) return tl::unexpected(noCollection(id));
    return {};
}

constexpr std::string_view kDocumentColumns =
    "SELECT id, collection_id, path, title, mime, state, error, size_bytes, modified_ns, sha256, "
    "CASE state WHEN 'pending' THEN "
    "(SELECT coalesce(max(number), 0) FROM page_draft WHERE document_id = document.id) "
    "ELSE n_pages END, "
    "n_chunks, warnings FROM document ";

Document documentOf(const Statement& row) {
    Document document;
    document.id = row.integer(0);
    document.collection = row.integer(1);
    document.path = row.text(2);
    document.title = row.text(3);
    document.mime = row.text(4);
    document.state = enumOf<DocumentState>(kDocumentStateNames, row.view(5));
    document.error = row.text(6);
    document.sizeBytes = row.size(7);
    document.modifiedNs = row.integer(8);
    document.sha256 = row.text(9);
    document.nPages = row.small(10);
    document.nChunks = row.small(11);
    const nlohmann::json warnings = jsonOf(row.view(12));
    for (const auto& warning : warnings) {
        if (warning.is_string()) document.warnings.push_back(warning.get<std::string>());
    }
    return document;
}

constexpr std::string_view kChunkColumns =
    "SELECT c.id, c.document_id, c.collection_id, d.path, d.title, c.heading, c.page, "
    "c.start_byte, c.end_byte, c.text FROM chunk AS c JOIN document AS d ON d.id = c.document_id ";

Chunk chunkOf(const Statement& row) {
    Chunk chunk;
    chunk.id = row.integer(0);
    chunk.document = row.integer(1);
    chunk.collection = row.integer(2);
    chunk.path = row.text(3);
    chunk.title = row.text(4);
    chunk.heading = row.text(5);
    chunk.page = row.small(6);
    chunk.startByte = row.size(7);
    chunk.endByte = row.size(8);
    chunk.text = row.text(9);
    return chunk;
}

/// The text of a chunk; none if its span is not one of the pages.
std::optional<std::string_view> textOf(const NewChunk& chunk,
                                       const std::unordered_map<int, std::string_view>& pages) {
    const auto page = pages.find(chunk.page);
    if (page == pages.end() || chunk.startByte >= chunk.endByte ||
        chunk.endByte > page->second.size()) {
        return std::nullopt;
    }
    return page->second.substr(chunk.startByte, chunk.endByte - chunk.startByte);
}

Result<std::int64_t> embedderId(Connection& db, std::string_view name) {
    const auto added =
        db.run("INSERT INTO embedder (name) VALUES (?1) ON CONFLICT (name) DO NOTHING", name);
    if (!added) return pass(added);
    const auto found = db.integer("SELECT id FROM embedder WHERE name = ?1", name);
    if (!found) return pass(found);
    return found->value_or(0);
}

Result<void> storePages(Connection& db, DocumentId id, std::span<const Page> pages) {
    auto dropped = db.run("DELETE FROM page_draft WHERE document_id = ?1", id);
    if (!dropped) return dropped;
    if (auto done = db.run("DELETE FROM page WHERE document_id = ?1", id); !done) return done;
    for (const Page& page : pages) {
        auto done = db.run("INSERT INTO page (document_id, number, text) VALUES (?1, ?2, ?3)", id,
                           page.number, page.text);
        if (!done) return done;
    }
    return {};
}

/// Gives the ids of the new chunks.
Result<std::vector<ChunkId>> storeChunks(Connection& db, DocumentId id, CollectionId collection,
                                         const DocumentContent& content) {
    std::vector<ChunkId> added;
    if (auto done = db.run("DELETE FROM chunk WHERE document_id = ?1", id); !done) {
        return pass(done);
    }
    std::unordered_map<int, std::string_view> pages;
    for (const Page& page : content.pages) pages.emplace(page.number, page.text);
    std::optional<std::int64_t> embedder;
    for (const NewChunk& chunk : content.chunks) {
        const auto text = textOf(chunk, pages);
        if (!text) {
            return fail(ErrorCode::InvalidArgument,
                        "chunk at bytes " + std::to_string(chunk.startByte) + " to " +
                            std::to_string(chunk.endByte) + " of page " +
                            std::to_string(chunk.page) + " lies outside its document");
        }
        auto done = db.run(
            "INSERT INTO chunk (document_id, collection_id, page, start_byte, end_byte, heading, "
            "text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            id, collection, chunk.page, chunk.startByte, chunk.endByte, chunk.heading, *text);
        if (!done) return pass(done);
        added.push_back(db.lastId());
        if (chunk.embedding.empty()) continue;
        if (!embedder) {
            const auto known = embedderId(db, content.embedder);
            if (!known) return pass(known);
            embedder = *known;
        }
        done = db.run("INSERT INTO embedding (chunk_id, embedder_id, code) VALUES (?1, ?2, ?3)",
                      added.back(), *embedder, chunk.embedding);
        if (!done) return pass(done);
    }
    return added;
}

Result<DocumentId> ensureRow(Connection& db, CollectionId collection,
                             const std::filesystem::path& path) {
    if (const auto found = checkCollection(db, collection); !found) return pass(found);
    const auto known = db.integer("SELECT id FROM document WHERE collection_id = ?1 AND path = ?2",
                                  collection, path);
    if (!known) return pass(known);
    if (*known) return **known;
    const auto done =
        db.run("INSERT INTO document (collection_id, path) VALUES (?1, ?2)", collection, path);
    if (!done) return pass(done);
    return db.lastId();
}

/// Replaces all that a document says.
Result<ContentChange> storeAll(Connection& db, DocumentId id, const DocumentContent& content) {
    const auto collection = db.integer("SELECT collection_id FROM document WHERE id = ?1", id);
    if (!collection) return pass(collection);
    if (!*collection) return tl::unexpected(noDocument(id));
    auto removed = chunkIdsOf(db, id);
    if (!removed) return pass(removed);
    auto added = storeChunks(db, id, **collection, content);
    if (!added) return pass(added);
    if (auto done = storePages(db, id, content.pages); !done) return pass(done);
    const auto done = db.run(
        "UPDATE document SET title = ?2, mime = ?3, state = 'ready', error = '', "
        "size_bytes = ?4, modified_ns = ?5, sha256 = ?6, n_pages = ?7, n_chunks = ?8, "
        "warnings = ?9 WHERE id = ?1",
        id, content.title, content.mime, content.sizeBytes, content.modifiedNs, content.sha256,
        content.pages.size(), content.chunks.size(), columnOf(nlohmann::json(content.warnings)));
    if (!done) return pass(done);
    return changed(db, std::move(*removed), std::move(*added));
}

/// One step of removing deleted collections, the many small things first. False: all is done.
Result<bool> sweepSome(Connection& db) {
    for (const std::string_view sql :
         {"DELETE FROM chunk WHERE id IN (SELECT id FROM chunk WHERE collection_id IN "
          "(SELECT id FROM collection WHERE deleted = 1) LIMIT ?1)",
          "DELETE FROM document WHERE id IN (SELECT id FROM document WHERE collection_id IN "
          "(SELECT id FROM collection WHERE deleted = 1) LIMIT ?1)"}) {
        if (const auto done = db.run(sql, kSweptAtOnce); !done) return pass(done);
        if (db.nChanged() > 0) return true;
    }
    if (const auto done = db.run("DELETE FROM collection WHERE deleted = 1"); !done) {
        return pass(done);
    }
    return false;
}

}  // namespace

// ----------------------------------------------------------------------------------- collections

Result<CollectionId> SqliteDocumentStore::createCollection(std::string_view name) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<CollectionId> {
        if (const auto good = checkName(db, 0, name); !good) return pass(good);
        const auto done =
            db.run("INSERT INTO collection (name, created) VALUES (?1, ?2)", name, columnOf(now()));
        if (!done) return pass(done);
        return db.lastId();
    });
}

Result<std::vector<Collection>> SqliteDocumentStore::collections() {
    using Found = Result<std::vector<Collection>>;
    return m_connections.read([&](Connection& db) -> Found {
        std::vector<Collection> collections;
        auto read = db.forEach(
            "SELECT c.id, c.name, c.created, count(d.id) FILTER (WHERE d.state = 'ready'), "
            "count(d.id) FILTER (WHERE d.state IN ('failed', 'needs_ocr')), "
            "ifnull(sum(d.n_chunks), 0), count(d.id) FILTER (WHERE d.state = 'pending'), "
            "count(d.id) FILTER (WHERE d.state = 'unavailable') FROM collection AS c "
            "LEFT JOIN document AS d ON d.collection_id = c.id WHERE c.deleted = 0 "
            "GROUP BY c.id ORDER BY c.name COLLATE NOCASE, c.id",
            [&](const Statement& row) {
                Collection& collection = collections.emplace_back();
                collection.id = row.integer(0);
                collection.name = row.text(1);
                collection.created = timeOf(row.integer(2));
                collection.nDocuments = row.small(3);
                collection.nFailed = row.small(4);
                collection.nChunks = row.small(5);
                collection.nPending = row.small(6);
                collection.nUnavailable = row.small(7);
            });
        if (!read) return pass(read);
        for (Collection& collection : collections) {
            read = db.forEach(
                "SELECT path FROM collection_root WHERE collection_id = ?1 ORDER BY place",
                [&](const Statement& row) { collection.roots.emplace_back(row.text(0)); },
                collection.id);
            if (!read) return pass(read);
        }
        return collections;
    });
}

Result<void> SqliteDocumentStore::renameCollection(CollectionId id, std::string_view name) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<void> {
        if (auto found = checkCollection(db, id); !found) return found;
        if (auto good = checkName(db, id, name); !good) return good;
        return db.run("UPDATE collection SET name = ?2 WHERE id = ?1", id, name);
    });
}

Result<void> SqliteDocumentStore::deleteCollection(CollectionId id) {
    auto hidden = m_connections.write(Durability::Synced, [&](Connection& db) -> Result<void> {
        if (auto found = checkCollection(db, id); !found) return found;
        if (auto done = db.run("UPDATE collection SET deleted = 1 WHERE id = ?1", id); !done) {
            return done;
        }
        const auto bumped = bumpGeneration(db);
        return bumped ? Result<void>() : pass(bumped);
    });
    if (!hidden) return hidden;
    return sweepDeleted({});
}

Result<void> SqliteDocumentStore::sweepDeleted(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const auto more = m_connections.write(
            Durability::Batched, [&](Connection& db) -> Result<bool> { return sweepSome(db); });
        if (!more) return pass(more);
        if (!*more) break;
    }
    return {};
}

Result<void> SqliteDocumentStore::setRoots(CollectionId id,
                                           std::span<const std::filesystem::path> roots) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<void> {
        if (auto found = checkCollection(db, id); !found) return found;
        auto done = db.run("DELETE FROM collection_root WHERE collection_id = ?1", id);
        int place = 0;
        for (const std::filesystem::path& root : roots) {
            if (!done) return done;
            done = db.run(
                "INSERT INTO collection_root (collection_id, place, path) VALUES (?1, ?2, ?3)", id,
                place++, root);
        }
        return done;
    });
}

// ------------------------------------------------------------------------------------- documents

Result<std::vector<Document>> SqliteDocumentStore::documents(CollectionId collection) {
    using Found = Result<std::vector<Document>>;
    return m_connections.read([&](Connection& db) -> Found {
        if (const auto found = checkCollection(db, collection); !found) return pass(found);
        std::vector<Document> documents;
        const auto read = db.forEach(
            std::string(kDocumentColumns) + "WHERE collection_id = ?1 ORDER BY path",
            [&](const Statement& row) { documents.push_back(documentOf(row)); }, collection);
        if (!read) return pass(read);
        return documents;
    });
}

Result<Document> SqliteDocumentStore::document(DocumentId id) {
    return m_connections.read([&](Connection& db) -> Result<Document> {
        Statement found = db.statement(std::string(kDocumentColumns) + "WHERE id = ?1", id);
        const auto row = found.step();
        if (!row) return pass(row);
        if (!*row) return tl::unexpected(noDocument(id));
        return documentOf(found);
    });
}

Result<DocumentId> SqliteDocumentStore::ensureDocument(CollectionId collection,
                                                       const std::filesystem::path& path) {
    return m_connections.write(Durability::Batched,
                               [&](Connection& db) { return ensureRow(db, collection, path); });
}

Result<ContentChange> SqliteDocumentStore::storeContent(DocumentId id,
                                                        const DocumentContent& content) {
    return m_connections.write(Durability::Batched,
                               [&](Connection& db) { return storeAll(db, id, content); });
}

Result<std::vector<DocumentStore::Stored>> SqliteDocumentStore::storeFiles(
    CollectionId collection, std::span<const FileContent> files) {
    using All = Result<std::vector<Stored>>;
    return m_connections.write(Durability::Batched, [&](Connection& db) -> All {
        std::vector<Stored> stored;
        for (const FileContent& file : files) {
            const auto id = ensureRow(db, collection, file.path);
            if (!id) return pass(id);
            auto change = storeAll(db, *id, file.content);
            if (!change) return pass(change);
            stored.push_back({*id, std::move(*change)});
        }
        return stored;
    });
}

Result<void> SqliteDocumentStore::touchDocument(DocumentId id, std::uint64_t sizeBytes,
                                                std::int64_t modifiedNs) {
    return m_connections.write(Durability::Batched, [&](Connection& db) -> Result<void> {
        return metOne(db.run("UPDATE document SET size_bytes = ?2, modified_ns = ?3 WHERE id = ?1",
                             id, sizeBytes, modifiedNs),
                      db, noDocument(id));
    });
}

Result<void> SqliteDocumentStore::setDocumentState(DocumentId id, DocumentState state,
                                                   std::string_view error, std::uint64_t sizeBytes,
                                                   std::int64_t modifiedNs) {
    const bool wasRead = state == DocumentState::Failed || state == DocumentState::NeedsOcr;
    return m_connections.write(Durability::Batched, [&](Connection& db) -> Result<void> {
        auto done = metOne(db.run("UPDATE document SET state = ?2, error = ?3 WHERE id = ?1", id,
                                  nameOf(state), error),
                           db, noDocument(id));
        if (!done || !wasRead) return done;
        return db.run("UPDATE document SET size_bytes = ?2, modified_ns = ?3 WHERE id = ?1", id,
                      sizeBytes, modifiedNs);
    });
}

Result<ContentChange> SqliteDocumentStore::moveDocument(DocumentId id,
                                                        const std::filesystem::path& path) {
    return m_connections.write(Durability::Batched, [&](Connection& db) -> Result<ContentChange> {
        const auto collection = db.integer("SELECT collection_id FROM document WHERE id = ?1", id);
        if (!collection) return pass(collection);
        if (!*collection) return tl::unexpected(noDocument(id));
        // A file renamed over another one replaces it.
        const auto replaced = db.integer(
            "SELECT id FROM document WHERE collection_id = ?1 AND path = ?2 AND id <> ?3",
            **collection, path, id);
        if (!replaced) return pass(replaced);
        std::vector<ChunkId> removed;
        if (*replaced) {
            auto chunks = chunkIdsOf(db, **replaced);
            if (!chunks) return pass(chunks);
            removed = std::move(*chunks);
            const auto done = db.run("DELETE FROM document WHERE id = ?1", **replaced);
            if (!done) return pass(done);
        }
        const auto done = db.run("UPDATE document SET path = ?2 WHERE id = ?1", id, path);
        if (!done) return pass(done);
        return changed(db, std::move(removed), {});
    });
}

Result<ContentChange> SqliteDocumentStore::removeDocument(DocumentId id) {
    return m_connections.write(Durability::Batched, [&](Connection& db) -> Result<ContentChange> {
        auto removed = chunkIdsOf(db, id);
        if (!removed) return pass(removed);
        const auto done =
            metOne(db.run("DELETE FROM document WHERE id = ?1", id), db, noDocument(id));
        if (!done) return pass(done);
        return changed(db, std::move(*removed), {});
    });
}

// ----------------------------------------------------------------------------------------- content

Result<std::vector<Page>> SqliteDocumentStore::pages(DocumentId id) {
    return m_connections.read([&](Connection& db) -> Result<std::vector<Page>> {
        const auto found = db.integer("SELECT id FROM document WHERE id = ?1", id);
        if (!found) return pass(found);
        if (!*found) return tl::unexpected(noDocument(id));
        std::vector<Page> pages;
        const auto read = db.forEach(
            "SELECT number, text FROM page WHERE document_id = ?1 ORDER BY number",
            [&](const Statement& row) {
                pages.push_back({.number = row.small(0), .text = row.text(1)});
            },
            id);
        if (!read) return pass(read);
        return pages;
    });
}

Result<std::vector<Chunk>> SqliteDocumentStore::chunks(std::span<const ChunkId> ids) {
    return m_connections.read([&](Connection& db) -> Result<std::vector<Chunk>> {
        std::vector<Chunk> chunks;
        for (const ChunkId id : ids) {
            const auto read = db.forEach(
                std::string(kChunkColumns) + "WHERE c.id = ?1",
                [&](const Statement& row) { chunks.push_back(chunkOf(row)); }, id);
            if (!read) return pass(read);
        }
        return chunks;
    });
}

Result<std::vector<Chunk>> SqliteDocumentStore::chunksOf(DocumentId id) {
    return m_connections.read([&](Connection& db) -> Result<std::vector<Chunk>> {
        const auto found = db.integer("SELECT id FROM document WHERE id = ?1", id);
        if (!found) return pass(found);
        if (!*found) return tl::unexpected(noDocument(id));
        std::vector<Chunk> chunks;
        const auto read = db.forEach(
            std::string(kChunkColumns) + "WHERE c.document_id = ?1 ORDER BY c.id",
            [&](const Statement& row) { chunks.push_back(chunkOf(row)); }, id);
        if (!read) return pass(read);
        return chunks;
    });
}

Result<DocumentStore::Surroundings> SqliteDocumentStore::surroundings(DocumentId id, int page,
                                                                      std::size_t startByte,
                                                                      std::size_t endByte) {
    return m_connections.read([&](Connection& db) -> Result<Surroundings> {
        std::optional<Surroundings> found;
        const auto read = db.forEach(
            "SELECT text FROM page WHERE document_id = ?1 AND number = ?2",
            [&](const Statement& row) {
                found = Surroundings{row.text(0), startByte, endByte};
            },
            id, page);
        if (!read) return pass(read);
        if (!found || endByte > found->page.size()) return tl::unexpected(noDocument(id));
        const auto start = static_cast<std::int64_t>(startByte);
        const auto end = static_cast<std::int64_t>(endByte);
        const auto before = db.integer(
            "SELECT max(start_byte) FROM chunk WHERE document_id = ?1 AND page = ?2 AND "
            "start_byte < ?3 HAVING max(start_byte) IS NOT NULL",
            id, page, start);
        if (!before) return pass(before);
        if (*before) found->startByte = static_cast<std::size_t>(**before);
        const auto behind = db.integer(
            "SELECT min(end_byte) FROM chunk WHERE document_id = ?1 AND page = ?2 AND "
            "end_byte > ?3 HAVING min(end_byte) IS NOT NULL",
            id, page, end);
        if (!behind) return pass(behind);
        if (*behind) found->endByte = static_cast<std::size_t>(**behind);
        return std::move(*found);
    });
}

}  // namespace conclave::storage
