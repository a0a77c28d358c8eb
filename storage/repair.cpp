// Repair: what can still be read of a damaged database moves, table by table, into a new one.
#include <array>
#include <limits>
#include <set>
#include <string>

#include <sqlite3.h>

#include "base/log.h"
#include "storage/database.h"
#include "storage/full_text.h"
#include "storage/migrations.h"

namespace conclave::storage {
namespace {

struct SalvagedTable {
    std::string_view name;
    bool hasRowid;
};

/// Owners before what they own. Full text is no loss: it is built anew at the next open.
constexpr std::array kTables = {
    SalvagedTable{"meta", false},
    SalvagedTable{"setting", false},
    SalvagedTable{"folder", true},
    SalvagedTable{"chat", true},
    SalvagedTable{"message", true},
    SalvagedTable{"answer", true},
    SalvagedTable{"passage", true},
    SalvagedTable{"citation", true},
    SalvagedTable{"draft", true},
    SalvagedTable{"collection", true},
    SalvagedTable{"collection_root", false},
    SalvagedTable{"document", true},
    SalvagedTable{"page", true},
    SalvagedTable{"chunk", true},
    SalvagedTable{"embedder", true},
    SalvagedTable{"embedding", true},
    SalvagedTable{"recall_question", true},
    SalvagedTable{"recall_run", true},
};

/// What makes the salvaged rows a whole again.
constexpr std::string_view kMend = R"sql(
    INSERT INTO chat (id, title, created, updated)
        SELECT chat_id, '', min(created), max(created) FROM message
        WHERE chat_id NOT IN (SELECT id FROM chat) GROUP BY chat_id;
    -- A chat that lost its title is called by the first line of its first question.
    UPDATE chat SET title = ifnull((
        SELECT CASE WHEN length(line) > 60 THEN rtrim(substr(line, 1, 59)) || '…' ELSE line END
        FROM (SELECT rtrim(substr(asked, 1, instr(asked || char(10), char(10)) - 1),
                char(9, 13, 32)) AS line
            FROM (SELECT trim(text, char(9, 10, 13, 32)) AS asked FROM message
                WHERE chat_id = chat.id AND role = 'user' ORDER BY id LIMIT 1))), '')
        WHERE title = '';
    UPDATE chat SET folder_id = NULL WHERE folder_id NOT IN (SELECT id FROM folder);
    -- What followed a lost message follows the one before it.
    UPDATE message SET parent_id = (SELECT max(earlier.id) FROM message AS earlier
            WHERE earlier.chat_id = message.chat_id
            AND earlier.id < min(message.parent_id, message.id))
        WHERE parent_id >= id OR parent_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM message AS other
            WHERE other.id = message.parent_id AND other.chat_id = message.chat_id);
    UPDATE chat SET leaf_id = (SELECT max(id) FROM message WHERE chat_id = chat.id)
        WHERE ifnull(leaf_id, 0) NOT IN (SELECT id FROM message WHERE chat_id = chat.id);
    DELETE FROM draft WHERE chat_id NOT IN (SELECT id FROM chat);
    DELETE FROM answer WHERE message_id NOT IN (SELECT id FROM message);
    DELETE FROM passage WHERE message_id NOT IN (SELECT message_id FROM answer);
    DELETE FROM citation WHERE message_id NOT IN (SELECT message_id FROM answer);
    UPDATE passage SET document_id = NULL WHERE document_id NOT IN (SELECT id FROM document);

    INSERT INTO collection (id, name, created)
        SELECT collection_id, format('Recovered %d', collection_id), 0 FROM document
        WHERE collection_id NOT IN (SELECT id FROM collection) GROUP BY collection_id;
    DELETE FROM collection_root WHERE collection_id NOT IN (SELECT id FROM collection);
    DELETE FROM page WHERE document_id NOT IN (SELECT id FROM document);
    DELETE FROM chunk WHERE document_id NOT IN (SELECT id FROM document);
    UPDATE chunk SET collection_id =
            (SELECT collection_id FROM document WHERE id = chunk.document_id)
        WHERE collection_id <> (SELECT collection_id FROM document WHERE id = chunk.document_id);
    -- Vectors of another size than most belong to nothing that is left.
    DELETE FROM embedding WHERE (embedder_id, length(code)) NOT IN (
        SELECT embedder_id, size FROM (SELECT embedder_id, size, max(n) FROM (
            SELECT embedder_id, length(code) AS size, count(*) AS n FROM embedding GROUP BY 1, 2)
        GROUP BY embedder_id));
    -- A document that lost a part is read again from its file.
    UPDATE document SET state = 'pending', size_bytes = 0, modified_ns = 0, sha256 = '',
        n_pages = 0, n_chunks = 0 WHERE
        n_pages <> (SELECT count(*) FROM page WHERE document_id = document.id) OR
        n_chunks <> (SELECT count(*) FROM chunk WHERE document_id = document.id);
    DELETE FROM page WHERE document_id IN (SELECT id FROM document WHERE n_pages = 0);
    DELETE FROM chunk WHERE document_id IN (SELECT id FROM document WHERE n_chunks = 0);
    DELETE FROM embedding WHERE chunk_id NOT IN (SELECT id FROM chunk)
        OR embedder_id NOT IN (SELECT id FROM embedder);

    INSERT OR IGNORE INTO meta (key, value) VALUES ('analyzer_version', 0), ('generation', 0);
    UPDATE meta SET value = 0 WHERE key = 'analyzer_version';
    UPDATE meta SET value = value + 1 WHERE key = 'generation';
)sql";

/// Copies the rows of one table, passing over places that cannot be read.
class TableRescue {
public:
    TableRescue(Connection& source, Connection& target, const SalvagedTable& table)
        : m_source(source), m_target(target), m_table(table) {}

    /// Errors: of the target only.
    [[nodiscard]] Result<void> run() {
        if (auto made = readColumns(); !made) return made;
        if (!m_table.hasRowid) {
            // From both ends, towards the damage.
            if (auto done = copy("", 0); !done || m_sourceIsWhole) return done;
            m_wasDamaged = true;
            return copy(" ORDER BY 1 DESC", 0);
        }
        std::int64_t step = 1;
        while (true) {
            const std::int64_t before = m_lastRowid;
            if (auto done = copy(" WHERE rowid >= ?1 ORDER BY rowid", m_nextRowid); !done) {
                return done;
            }
            if (m_sourceIsWhole) return {};
            // Damage ahead: jump over it, farther each time that nothing comes.
            m_wasDamaged = true;
            step = m_lastRowid > before ? 1 : step * 2;
            constexpr std::int64_t kFarthest = std::int64_t{1} << 40;
            if (step > kFarthest || m_lastRowid == std::numeric_limits<std::int64_t>::max()) {
                return {};
            }
            m_nextRowid = m_lastRowid + 1 + step;
        }
    }

    [[nodiscard]] std::int64_t nRows() const { return m_nRows; }
    [[nodiscard]] bool wasDamaged() const { return m_wasDamaged; }

private:
    [[nodiscard]] Result<void> readColumns() {
        std::string names;
        std::string places;
        auto read = m_target.forEach(
            "SELECT name FROM pragma_table_info(?1)",
            [&](const Statement& row) {
                if (!names.empty()) names += ", ";
                names += row.view(0);
                places += (m_nColumns == 0 ? "?" : ", ?") + std::to_string(m_nColumns + 1);
                ++m_nColumns;
            },
            m_table.name);
        if (!read) return read;
        const std::string name(m_table.name);
        m_insert = "INSERT OR IGNORE INTO " + name + " (" + names + ") VALUES (" + places + ")";
        m_select = "SELECT " + names + (m_table.hasRowid ? ", rowid" : "") + " FROM " + name;
        return {};
    }

    [[nodiscard]] Result<void> copy(std::string_view rest, std::int64_t from) {
        Statement rows = m_source.statement(m_select + std::string(rest));
        if (m_table.hasRowid) rows.bind(1, from);
        while (true) {
            const auto row = rows.step();
            m_sourceIsWhole = row && !*row;
            if (!row || !*row) return {};
            if (m_table.hasRowid) m_lastRowid = rows.integer(m_nColumns);
            Statement insert = m_target.statement(m_insert);
            for (int column = 0; column < m_nColumns; ++column) {
                sqlite3_bind_value(insert.handle(), column + 1,
                                   sqlite3_column_value(rows.handle(), column));
            }
            const auto done = insert.run();
            if (done) {
                m_nRows += m_target.nChanged();
            } else if (done.error().code != ErrorCode::InvalidArgument) {
                return done;  // a row that breaks the schema's rules is lost; a full disk is not
            }
        }
    }

    Connection& m_source;
    Connection& m_target;
    const SalvagedTable& m_table;
    std::string m_select;
    std::string m_insert;
    int m_nColumns = 0;
    std::int64_t m_nextRowid = std::numeric_limits<std::int64_t>::min();
    std::int64_t m_lastRowid = 0;
    std::int64_t m_nRows = 0;
    bool m_sourceIsWhole = false;
    bool m_wasDamaged = false;
};

/// Damage inside of a text leaves rows that can be read and say something else: their documents are
/// taken for ones that lost a chunk.
Result<void> markWrongDocuments(Connection& db) {
    std::set<std::int64_t> wrong;
    const auto read = forEachWrongChunk(db, [&](std::int64_t document) { wrong.insert(document); });
    if (!read) return read;
    for (const std::int64_t document : wrong) {
        auto done = db.run("UPDATE document SET n_chunks = -1 WHERE id = ?1", document);
        if (!done) return done;
    }
    return {};
}

Result<void> rescue(Connection& source, Connection& target, const std::filesystem::path& path,
                    std::vector<Repaired::Loss>& losses) {
    sqlite3_db_config(target.handle(), SQLITE_DBCONFIG_ENABLE_FKEY, 0, nullptr);
    auto transaction = Transaction::begin(target, Transaction::Kind::Write);
    if (!transaction) return pass(transaction);
    if (auto done = target.run("DELETE FROM meta"); !done) return done;
    std::int64_t nRows = 0;
    for (const SalvagedTable& table : kTables) {
        TableRescue rows(source, target, table);
        if (auto done = rows.run(); !done) return done;
        nRows += rows.nRows();
        if (rows.wasDamaged()) losses.push_back({std::string(table.name), rows.nRows()});
        log().info("repair: {} rows of {}{}", rows.nRows(), table.name,
                   rows.wasDamaged() ? ", some could not be read" : "");
    }
    if (nRows == 0) {
        return fail(ErrorCode::Corrupt, "nothing can be read of " + path.string() +
                                            "; it is left as it is: restore a backup");
    }
    // Ids that were used once stay used.
    std::vector<std::pair<std::string, std::int64_t>> sequences;
    const auto read = source.forEach(
        "SELECT name, seq FROM sqlite_sequence",
        [&](const Statement& row) { sequences.emplace_back(row.text(0), row.integer(1)); });
    if (!read) log().info("repair: the counters of ids could not be read");
    for (const auto& [name, last] : sequences) {
        auto done =
            target.run("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", name, last);
        if (!done) return done;
    }
    if (auto done = markWrongDocuments(target); !done) return done;
    if (auto done = target.script(kMend); !done) return done;
    return transaction->commit();
}

Result<void> rescueInto(const std::filesystem::path& path, const std::filesystem::path& fresh,
                        std::vector<Repaired::Loss>& losses) {
    auto source = Connection::open(path, Connection::Access::Existing);
    if (!source) return pass(source);
    // The damaged file stays byte for byte, and a fault in the schema itself is passed over.
    sqlite3_db_config((*source)->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_db_config((*source)->handle(), SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
    sqlite3_db_config((*source)->handle(), SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, nullptr);
    const auto version = schemaVersion(**source, path, schemaScripts());
    if (!version) return pass(version);
    if (*version == 0) return fail(ErrorCode::Corrupt, path.string() + " is empty");

    auto target = Connection::open(fresh, Connection::Access::Write);
    if (!target) return pass(target);
    const auto nothing = std::make_shared<const Analyzer>([](std::string_view, const TermSink&) {});
    if (auto done = registerFullText(**target, nothing); !done) return done;
    const auto scripts = schemaScripts().first(static_cast<std::size_t>(*version));
    if (auto done = migrate(**target, 0, scripts); !done) return done;
    if (auto done = rescue(**source, **target, path, losses); !done) return done;
    const auto broken = (*target)->integer("SELECT count(*) FROM pragma_foreign_key_check");
    if (!broken) return pass(broken);
    if (*broken != 0) return fail(ErrorCode::Internal, "repair left rows without their owner");
    return quickCheck(**target, fresh);
}

}  // namespace

Result<Repaired> repairDatabase(const std::filesystem::path& path) {
    std::error_code problem;
    if (!std::filesystem::exists(path, problem)) {
        return fail(ErrorCode::NotFound, "there is no file " + path.string());
    }
    auto lock = FileLock::open(lockPath(path));
    if (!lock) return pass(lock);
    if (!lock->tryAlone()) {
        return fail(ErrorCode::Busy,
                    "another Conclave has " + path.string() + " open; close it and try again");
    }
    if (const auto good = checkHeader(path); !good) return pass(good);
    const auto fresh = unusedPath(path, ".repairing");
    const auto kept = unusedPath(path, ".damaged");
    Repaired repaired;
    auto done = rescueInto(path, fresh, repaired.losses);
    if (done) done = syncToDisk(fresh);
    if (done) done = replaceDatabase(path, fresh, kept);
    if (!done) {
        removeDatabase(fresh);
        return pass(done);
    }
    repaired.kept = kept;
    return repaired;
}

}  // namespace conclave::storage
