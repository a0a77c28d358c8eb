// Opening a database: who is there already, is the file ours and readable, what is left to do.
#include "storage/database.h"

#include <array>
#include <fstream>
#include <string>
#include <system_error>

#include <sqlite3.h>

#include "base/log.h"
#include "storage/columns.h"
#include "storage/full_text.h"
#include "storage/migrations.h"

namespace conclave::storage {
namespace {

constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr std::chrono::milliseconds kLockWait{10'000};

Error inUse(const std::filesystem::path& path, std::string_view why) {
    return {ErrorCode::Busy, "another Conclave has " + path.string() + " open " + std::string(why) +
                                 "; close it and try again"};
}

std::filesystem::path withEnding(const std::filesystem::path& path, std::string_view ending) {
    std::filesystem::path result = path;
    result += ending;
    return result;
}

/// WAL: readers and the writer do not wait for each other, and a crash loses nothing committed.
Result<void> useWal(Connection& db) {
    Statement asked = db.statement("PRAGMA journal_mode = WAL");
    const auto row = asked.step();
    if (!row) return pass(row);
    if (!*row || asked.view(0) != "wal") {
        return fail(ErrorCode::Io, "the database's folder does not allow shared memory files");
    }
    // When it is folded in Connections decides. After a large one the journal shrinks again.
    return db.script("PRAGMA journal_size_limit = 67108864");
}

/// Builds the full-text index anew, and forgets kept pieces of the keyword index, if their terms
/// were made by another version of the analyzer.
Result<void> rebuildFullText(Connection& db, int analyzerVersion) {
    const auto built = db.integer("SELECT value FROM meta WHERE key = 'analyzer_version'");
    if (!built) return pass(built);
    if (*built == analyzerVersion) return {};
    auto transaction = Transaction::begin(db, Transaction::Kind::Write);
    if (!transaction) return pass(transaction);
    for (const std::string_view sql :
         {"DELETE FROM keyword_segment",
          "INSERT INTO message_fts (message_fts) VALUES ('rebuild')"}) {
        if (auto done = db.run(sql); !done) return done;
    }
    auto done =
        db.run("UPDATE meta SET value = ?1 WHERE key = 'analyzer_version'", analyzerVersion);
    if (!done) return done;
    return transaction->commit();
}

Result<void> markInterrupted(Connection& db) {
    const auto done = db.run("UPDATE message SET state = 'interrupted' WHERE state = 'streaming'");
    if (done && db.nChanged() > 0) {
        log().warn("answers interrupted when the program last ended: {}", db.nChanged());
    }
    return done;
}

/// For a second program beside a living one: nothing is left to do, or it cannot be done now.
Result<void> checkReady(Connection& db, const std::filesystem::path& path, int analyzerVersion) {
    const auto version = schemaVersion(db, path, schemaScripts());
    if (!version) return pass(version);
    const auto built = *version == std::ssize(schemaScripts())
                           ? db.integer("SELECT value FROM meta WHERE key = 'analyzer_version'")
                           : Result<std::optional<std::int64_t>>(std::nullopt);
    if (!built) return pass(built);
    if (*built != analyzerVersion) return tl::unexpected(inUse(path, "in another version"));
    return {};
}

Result<std::unique_ptr<Connection>> openWriter(const std::filesystem::path& path,
                                               const std::shared_ptr<const Analyzer>& analyzer) {
    auto writer = Connection::open(path, Connection::Access::Write);
    if (!writer) return writer;
    // Until the file is known to be one we can use, closing it must not fold the journal into it.
    sqlite3_db_config((*writer)->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    if (const auto done = registerFullText(**writer, analyzer); !done) return pass(done);
    if (const auto known = schemaVersion(**writer, path, schemaScripts()); !known) {
        return pass(known);
    }
    sqlite3_db_config((*writer)->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    if (const auto done = (*writer)->script("PRAGMA synchronous = NORMAL"); !done) {
        return pass(done);
    }
    if (const auto done = (*writer)->script(kCacheSize); !done) return pass(done);
    // What the user deletes is overwritten, not only unlinked.
    if (const auto done = (*writer)->script("PRAGMA secure_delete = ON"); !done) {
        return pass(done);
    }
    return writer;
}

Result<std::unique_ptr<Database>> openInMemory(const OpenOptions& options,
                                               std::shared_ptr<const Analyzer> analyzer) {
    auto writer = openWriter(":memory:", analyzer);
    if (!writer) return pass(writer);
    if (auto done = migrate(**writer, 0, schemaScripts()); !done) return pass(done);
    if (auto done = rebuildFullText(**writer, options.analyzerVersion); !done) return pass(done);
    return std::make_unique<SqliteDatabase>(std::nullopt, ":memory:", std::move(*writer),
                                            std::move(analyzer), true);
}

}  // namespace

std::filesystem::path lockPath(const std::filesystem::path& path) {
    return withEnding(path, ".lock");
}

std::filesystem::path unusedPath(const std::filesystem::path& path, std::string_view ending) {
    std::filesystem::path result = withEnding(path, ending);
    std::error_code ignored;
    for (int n = 2; std::filesystem::exists(result, ignored); ++n) {
        result = withEnding(path, std::string(ending) + "-" + std::to_string(n));
    }
    return result;
}

Result<void> checkHeader(const std::filesystem::path& path) {
    std::error_code problem;
    if (!std::filesystem::exists(path, problem)) return {};
    if (!std::filesystem::is_regular_file(path, problem)) {
        return fail(ErrorCode::Io, path.string() + " is not a regular file");
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(ErrorCode::Io, "cannot read " + path.string());
    std::array<char, kMagic.size()> start{};
    file.read(start.data(), start.size());
    if (file.gcount() == 0) {
        // SQLite takes an empty file for a new database and deletes a journal beside it.
        const auto journal = withEnding(path, "-wal");
        if (std::filesystem::exists(journal, problem) &&
            std::filesystem::file_size(journal, problem) > 0) {
            return fail(ErrorCode::Corrupt,
                        path.string() +
                            " is empty, but its journal is not; both are left as they "
                            "are: restore a backup");
        }
        return {};
    }
    if (std::string_view(start.data(), start.size()) != kMagic) {
        return fail(ErrorCode::Corrupt, path.string() +
                                            " is damaged or no database; it is left "
                                            "as it is: restore a backup (conclave restore FILE) or "
                                            "repair it (conclave doctor --repair)");
    }
    return {};
}

Result<void> bringUpToDate(Connection& connection, const std::filesystem::path& path,
                           std::span<const std::string_view> scripts) {
    const auto version = schemaVersion(connection, path, scripts);
    if (!version) return pass(version);
    if (*version == std::ssize(scripts)) return {};
    if (*version > 0) {
        const auto copy = unusedPath(path, ".v" + std::to_string(*version));
        if (auto done = copyDatabase(connection, copy, {}); !done) return done;
        log().info("copied the database to {} before changing its schema", copy.string());
    }
    return migrate(connection, *version, scripts);
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path,
                                                 const OpenOptions& options) {
    if (!options.analyzer) {
        return fail(ErrorCode::InvalidArgument, "a database cannot be opened without an analyzer");
    }
    auto analyzer = std::make_shared<const Analyzer>(options.analyzer);
    if (options.inMemory) return openInMemory(options, std::move(analyzer));

    std::error_code problem;
    std::filesystem::create_directories(path.parent_path(), problem);
    auto lock = FileLock::open(lockPath(path));
    if (!lock) return pass(lock);
    const bool alone = lock->tryAlone();
    if (!alone && !lock->share(kLockWait)) return tl::unexpected(inUse(path, "for maintenance"));

    if (const auto good = checkHeader(path); !good) return pass(good);
    auto writer = openWriter(path, analyzer);
    if (!writer) return pass(writer);
    Connection& db = **writer;
    if (!alone) {
        if (const auto ready = checkReady(db, path, options.analyzerVersion); !ready) {
            return pass(ready);
        }
    }
    if (const auto done = useWal(db); !done) return pass(done);
    if (alone) {
        if (const auto done = bringUpToDate(db, path, schemaScripts()); !done) return pass(done);
        if (const auto done = rebuildFullText(db, options.analyzerVersion); !done) {
            return pass(done);
        }
        if (const auto done = markInterrupted(db); !done) return pass(done);
        if (!lock->share(kLockWait)) return tl::unexpected(inUse(path, "for maintenance"));
    }
    auto database = std::make_unique<SqliteDatabase>(std::move(*lock), path, std::move(*writer),
                                                     std::move(analyzer), false);
    if (alone) database->startSweeping();
    return database;
}

void SqliteDatabase::startSweeping() {
    const auto waiting = m_connections.read(
        [](Connection& db) { return db.integer("SELECT id FROM collection WHERE deleted = 1"); });
    if (!waiting || !*waiting) return;
    m_sweeper = std::jthread([this](const std::stop_token& stop) {
        if (const auto done = m_documents.sweepDeleted(stop); !done) {
            log().error("removing a deleted collection: {}", done.error().detail);
        }
    });
}

}  // namespace conclave::storage
