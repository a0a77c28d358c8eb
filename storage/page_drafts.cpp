// Documents that are seen and not read yet, and pages of one that is being read.
#include "storage/columns.h"
#include "storage/document_store.h"

namespace conclave::storage {

Result<void> SqliteDocumentStore::noteSeen(CollectionId collection,
                                           std::span<const std::filesystem::path> paths) {
    if (paths.empty()) return {};
    return m_connections.write(Durability::Batched, [&](Connection& db) -> Result<void> {
        Result<void> done;
        for (std::size_t i = 0; done && i < paths.size(); ++i) {
            done = db.run(
                "INSERT INTO document (collection_id, path) "
                "SELECT id, ?2 FROM collection WHERE id = ?1 AND deleted = 0 "
                "ON CONFLICT (collection_id, path) DO NOTHING",
                collection, paths[i]);
        }
        return done;
    });
}

Result<std::vector<Page>> SqliteDocumentStore::pageDrafts(CollectionId collection,
                                                          const std::filesystem::path& path,
                                                          std::string_view source) {
    return m_connections.read([&](Connection& db) -> Result<std::vector<Page>> {
        std::vector<Page> pages;
        const auto read = db.forEach(
            "SELECT p.number, p.text FROM page_draft AS p JOIN document AS d "
            "ON d.id = p.document_id WHERE d.collection_id = ?1 AND d.path = ?2 "
            "AND p.source = ?3 ORDER BY p.number",
            [&](const Statement& row) {
                pages.push_back({.number = row.small(0), .text = row.text(1)});
            },
            collection, path, source);
        if (!read) return pass(read);
        return pages;
    });
}

Result<void> SqliteDocumentStore::keepPageDraft(CollectionId collection,
                                                const std::filesystem::path& path,
                                                std::string_view source, const Page& page) {
    return m_connections.write(Durability::Batched, [&](Connection& db) -> Result<void> {
        const auto document = db.integer(
            "SELECT id FROM document WHERE collection_id = ?1 AND path = ?2", collection, path);
        if (!document) return pass(document);
        if (!*document) return {};  // removed meanwhile
        auto done = db.run("DELETE FROM page_draft WHERE document_id = ?1 AND source <> ?2",
                           **document, source);
        if (done) {
            done = db.run(
                "INSERT OR REPLACE INTO page_draft (document_id, number, source, text) "
                "VALUES (?1, ?2, ?3, ?4)",
                **document, page.number, source, page.text);
        }
        return done;
    });
}

}  // namespace conclave::storage
