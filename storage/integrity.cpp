// The doctor's look at a database.
#include <unordered_map>

#include "storage/columns.h"
#include "storage/database.h"

namespace conclave::storage {
namespace {

constexpr int kShownProblems = 5;

/// A finding from a query that lists problems, one a row.
template <typename... Values>
Finding problemsOf(Connection& db, std::string subject, std::string_view allWell,
                   std::string_view sql, const Values&... values) {
    Finding finding{.ok = true, .subject = std::move(subject), .detail = {}};
    int nProblems = 0;
    const auto read = db.forEach(
        sql,
        [&](const Statement& row) {
            if (++nProblems > kShownProblems) return;
            if (!finding.detail.empty()) finding.detail += "; ";
            finding.detail += row.view(0);
        },
        values...);
    if (nProblems > kShownProblems) {
        finding.detail += "; and " + std::to_string(nProblems - kShownProblems) + " more";
    }
    if (!read) {
        if (!finding.detail.empty()) finding.detail += "; ";
        finding.detail += read.error().detail;
    }
    finding.ok = read && nProblems == 0;
    if (finding.ok) finding.detail = allWell;
    return finding;
}

Finding checkPages(Connection& db) {
    return problemsOf(db, "file", "all pages are sound",
                      "SELECT integrity_check FROM pragma_integrity_check "
                      "WHERE integrity_check <> 'ok'");
}

Finding checkReferences(Connection& db) {
    return problemsOf(db, "references", "every row has its owner",
                      "SELECT format('row %d of %s names a missing row of %s', rowid, \"table\", "
                      "parent) FROM pragma_foreign_key_check");
}

Finding checkFullText(Connection& db, std::string subject, std::string_view sql) {
    // FTS5's own check, with the content: an error is the answer.
    const auto done = db.run(sql);
    if (done) return {.ok = true, .subject = std::move(subject), .detail = "agrees with its texts"};
    return {.ok = false, .subject = std::move(subject), .detail = done.error().detail};
}

Finding checkChats(Connection& db) {
    return problemsOf(
        db, "chats", "every message has its place",
        "SELECT format('message %d of chat %d follows one of another chat', m.id, m.chat_id) "
        "FROM message AS m JOIN message AS p ON p.id = m.parent_id WHERE p.chat_id <> m.chat_id "
        "UNION ALL SELECT format('message %d comes before the one it follows', id) "
        "FROM message WHERE parent_id >= id "
        "UNION ALL SELECT format('chat %d shows a message of another chat', c.id) "
        "FROM chat AS c JOIN message AS m ON m.id = c.leaf_id WHERE m.chat_id <> c.id");
}

Finding checkDocuments(Connection& db) {
    return problemsOf(
        db, "documents", "every document has its pages and chunks",
        "SELECT format('document %d should have %d pages and %d chunks', d.id, d.n_pages, "
        "d.n_chunks) FROM document AS d JOIN collection AS c ON c.id = d.collection_id "
        "WHERE c.deleted = 0 AND "
        "(d.n_pages <> (SELECT count(*) FROM page WHERE document_id = d.id) OR "
        "d.n_chunks <> (SELECT count(*) FROM chunk WHERE document_id = d.id)) "
        "UNION ALL SELECT format('chunk %d is in another collection than its document', c.id) "
        "FROM chunk AS c JOIN document AS d ON d.id = c.document_id "
        "WHERE c.collection_id <> d.collection_id");
}

Finding checkChunks(Connection& db) {
    std::int64_t nWrong = 0;
    const auto read = forEachWrongChunk(db, [&](std::int64_t) { ++nWrong; });
    if (!read) return {.ok = false, .subject = "chunks", .detail = read.error().detail};
    if (nWrong == 0) {
        return {.ok = true, .subject = "chunks", .detail = "all agree with their pages"};
    }
    return {.ok = false,
            .subject = "chunks",
            .detail = std::to_string(nWrong) + " differ from their pages"};
}

Finding checkEmbeddings(Connection& db) {
    Finding finding = problemsOf(
        db, "embeddings", "",
        "SELECT format('those of %s have %d sizes', b.name, count(DISTINCT length(e.code))) "
        "FROM embedding AS e JOIN embedder AS b ON b.id = e.embedder_id "
        "GROUP BY b.id HAVING count(DISTINCT length(e.code)) > 1");
    if (!finding.ok) return finding;
    const auto nChunks = db.integer("SELECT count(*) FROM chunk");
    const auto nEmbeddings = db.integer("SELECT count(*) FROM embedding");
    if (!nChunks || !nEmbeddings) {
        finding.ok = false;
        finding.detail = "cannot be counted";
    } else {
        finding.detail = std::to_string(nEmbeddings->value_or(0)) + " for " +
                         std::to_string(nChunks->value_or(0)) + " chunks";
    }
    return finding;
}

}  // namespace

Result<void> forEachWrongChunk(Connection& db, const std::function<void(std::int64_t)>& wrong) {
    std::int64_t shownPage = 0;
    std::string pageText;
    return db.forEach(
        "SELECT p.rowid, c.start_byte, c.end_byte, c.text, "
        "CASE WHEN c.id = (SELECT min(id) FROM chunk AS o WHERE o.document_id = c.document_id "
        "AND o.page = c.page) THEN p.text END, c.document_id "
        "FROM chunk AS c LEFT JOIN page AS p ON p.document_id = c.document_id "
        "AND p.number = c.page ORDER BY c.document_id, c.page, c.id",
        [&](const Statement& row) {
            if (!row.isNull(4)) {
                shownPage = row.integer(0);
                pageText = row.text(4);
            }
            const std::size_t start = row.size(1);
            const std::size_t end = row.size(2);
            const bool agrees =
                !row.isNull(0) && row.integer(0) == shownPage && start < end &&
                end <= pageText.size() &&
                row.view(3) == std::string_view(pageText).substr(start, end - start);
            if (!agrees) wrong(row.integer(5));
        });
}

Result<std::vector<Finding>> SqliteDatabase::check() {
    using Findings = Result<std::vector<Finding>>;
    auto findings = m_connections.read([](Connection& db) -> Findings {
        return std::vector{checkPages(db),     checkReferences(db), checkChats(db),
                           checkDocuments(db), checkChunks(db),     checkEmbeddings(db)};
    });
    if (!findings) return findings;
    // To FTS5 its check is an insertion. A failed one is rolled back; the finding stays.
    const auto fullText = m_connections.write(Durability::Batched, [&](Connection& db) {
        findings->push_back(checkFullText(
            db, "full text of chats",
            "INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)"));
        return Result<void>();
    });
    if (!fullText) {
        findings->push_back(
            {.ok = false, .subject = "full text", .detail = fullText.error().detail});
    }
    return findings;
}

}  // namespace conclave::storage
