#include "storage/recall_store.h"

#include "storage/columns.h"

namespace conclave::storage {

Result<std::int64_t> SqliteRecallStore::add(const RecallQuestion& question) {
    if (question.question.empty() || question.quote.empty()) {
        return fail(ErrorCode::InvalidArgument,
                    "a saved question needs words of the passage that must be found");
    }
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<std::int64_t> {
        const auto done = db.run(
            "INSERT INTO recall_question (question, quote, path, collection, created) "
            "VALUES (?1, ?2, ?3, ?4, ?5)",
            question.question, question.quote, question.path, question.collection, columnOf(now()));
        if (!done) return pass(done);
        return db.lastId();
    });
}

Result<std::vector<RecallQuestion>> SqliteRecallStore::questions() {
    return m_connections.read([&](Connection& db) -> Result<std::vector<RecallQuestion>> {
        std::vector<RecallQuestion> questions;
        const auto read = db.forEach(
            "SELECT id, question, quote, path, collection, created FROM recall_question "
            "ORDER BY id",
            [&](const Statement& row) {
                questions.push_back({.id = row.integer(0),
                                     .question = row.text(1),
                                     .quote = row.text(2),
                                     .path = row.text(3),
                                     .collection = row.text(4),
                                     .created = timeOf(row.integer(5))});
            });
        if (!read) return pass(read);
        return questions;
    });
}

Result<void> SqliteRecallStore::remove(std::int64_t id) {
    return m_connections.write(Durability::Synced, [&](Connection& db) -> Result<void> {
        if (auto done = db.run("DELETE FROM recall_question WHERE id = ?1", id); !done) return done;
        if (db.nChanged() == 1) return {};
        return fail(ErrorCode::NotFound, "there is no saved question " + std::to_string(id) +
                                             "; `conclave recall list` shows them");
    });
}

Result<void> SqliteRecallStore::addRun(const RecallRun& run) {
    return m_connections.write(Durability::Synced, [&](Connection& db) {
        return db.run(
            "INSERT INTO recall_run (created, settings, n_questions, n_found, mrr) "
            "VALUES (?1, ?2, ?3, ?4, ?5)",
            columnOf(now()), columnOf(run.settings), run.nQuestions, run.nFound, run.mrr);
    });
}

Result<std::vector<RecallRun>> SqliteRecallStore::runs(int limit) {
    return m_connections.read([&](Connection& db) -> Result<std::vector<RecallRun>> {
        std::vector<RecallRun> runs;
        const auto read = db.forEach(
            "SELECT id, created, settings, n_questions, n_found, mrr FROM recall_run "
            "ORDER BY id DESC LIMIT ?1",
            [&](const Statement& row) {
                runs.push_back({.id = row.integer(0),
                                .created = timeOf(row.integer(1)),
                                .settings = jsonOf(row.view(2)),
                                .nQuestions = row.small(3),
                                .nFound = row.small(4),
                                .mrr = row.real(5)});
            },
            limit);
        if (!read) return pass(read);
        return runs;
    });
}

}  // namespace conclave::storage
