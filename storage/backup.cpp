// Copies of a database: backup while in use, restore, and the swap of one file for another.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/log.h"
#include "storage/database.h"
#include "storage/full_text.h"
#include "storage/migrations.h"

namespace conclave::storage {
namespace {

constexpr int kPagesAtOnce = 256;  // 1 MiB between two calls of progress

std::filesystem::path beside(const std::filesystem::path& path, std::string_view ending) {
    std::filesystem::path result = path;
    result += ending;
    return result;
}

Error systemError(std::string_view doing, const std::filesystem::path& path) {
    const int problem = errno;
    const auto code = problem == ENOSPC || problem == EDQUOT ? ErrorCode::DiskFull : ErrorCode::Io;
    return {code, std::string(doing) + " " + path.string() + ": " + std::strerror(problem)};
}

std::filesystem::path folderOf(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// Renames without ever overwriting, where the file system can promise it.
Result<void> renameToNew(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
        return {};
    }
    if (errno == EINVAL || errno == ENOSYS) {
        std::error_code problem;
        if (std::filesystem::exists(to, problem)) {
            errno = EEXIST;
        } else if (::rename(from.c_str(), to.c_str()) == 0) {
            return {};
        }
    }
    if (errno == EEXIST) {
        return fail(ErrorCode::InvalidArgument, to.string() + " exists already");
    }
    return tl::unexpected(systemError("cannot create", to));
}

Result<void> copyPages(Connection& source, Connection& target,
                       const std::function<bool(float fraction)>& progress) {
    sqlite3_backup* copying = sqlite3_backup_init(target.handle(), "main", source.handle(), "main");
    if (copying == nullptr) {
        return tl::unexpected(target.error(sqlite3_extended_errcode(target.handle()), "backup"));
    }
    int status = SQLITE_OK;
    bool goOn = true;
    while (status == SQLITE_OK && goOn) {
        status = sqlite3_backup_step(copying, kPagesAtOnce);
        const int nPages = sqlite3_backup_pagecount(copying);
        const int nLeft = sqlite3_backup_remaining(copying);
        if (progress && nPages > 0) {
            goOn = progress(static_cast<float>(nPages - nLeft) / static_cast<float>(nPages));
        }
    }
    const int finished = sqlite3_backup_finish(copying);
    if (status == SQLITE_DONE && goOn) return {};
    if (!goOn) return fail(ErrorCode::Cancelled, "the copy was stopped; no file is left");
    return tl::unexpected(target.error(finished != SQLITE_OK ? finished : status, "backup"));
}

}  // namespace

Result<void> syncToDisk(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return tl::unexpected(systemError("cannot open", path));
    const int status = ::fsync(descriptor);
    const Error problem = status == 0 ? Error{} : systemError("cannot write", path);
    ::close(descriptor);
    // Some network folders cannot sync a folder; their files are as safe as they get.
    if (status != 0 && !std::filesystem::is_directory(path)) return tl::unexpected(problem);
    return {};
}

Result<void> quickCheck(Connection& db, const std::filesystem::path& path) {
    std::string problem;
    const auto read =
        db.forEach("PRAGMA quick_check(1)", [&](const Statement& row) { problem = row.text(0); });
    if (!read) return read;
    if (problem != "ok") {
        return fail(ErrorCode::Corrupt, path.string() + " is damaged: " + problem);
    }
    return {};
}

void removeDatabase(const std::filesystem::path& path) {
    std::error_code ignored;
    for (const std::string_view ending : {"", "-wal", "-shm", "-journal"}) {
        std::filesystem::remove(beside(path, ending), ignored);
    }
}

namespace {

Result<void> writeCopy(Connection& source, const std::filesystem::path& part,
                       const std::function<bool(float fraction)>& progress) {
    auto target = Connection::open(part, Connection::Access::Write);
    if (!target) return pass(target);
    // One state of the source from the first page to the last.
    const auto transaction = Transaction::begin(source, Transaction::Kind::Read);
    if (!transaction) return pass(transaction);
    if (const auto one = source.integer("SELECT count(*) FROM sqlite_schema"); !one) {
        return pass(one);
    }
    if (auto done = copyPages(source, **target, progress); !done) return done;
    return quickCheck(**target, part);
}

}  // namespace

Result<void> copyDatabase(Connection& source, const std::filesystem::path& to,
                          const std::function<bool(float fraction)>& progress) {
    std::error_code problem;
    if (std::filesystem::exists(to, problem)) {
        return fail(ErrorCode::InvalidArgument, to.string() + " exists already");
    }
    const auto part = unusedPath(to, ".part");
    auto done = writeCopy(source, part, progress);
    if (done) done = syncToDisk(part);
    if (done) done = renameToNew(part, to);
    if (done) done = syncToDisk(folderOf(to));
    if (!done) removeDatabase(part);
    return done;
}

Result<void> replaceDatabase(const std::filesystem::path& path, const std::filesystem::path& fresh,
                             const std::filesystem::path& kept) {
    // A journal left beside the new file would be read into it, so it moves out first.
    std::error_code problem;
    for (const std::string_view ending : {"-wal", "-journal"}) {
        const auto journal = beside(path, ending);
        if (!std::filesystem::exists(journal, problem)) continue;
        std::filesystem::rename(journal, beside(kept, ending), problem);
        if (problem) {
            return fail(ErrorCode::Io,
                        "cannot move " + journal.string() + ": " + problem.message());
        }
    }
    std::filesystem::remove(beside(path, "-shm"), problem);
    if (!std::filesystem::exists(path, problem)) {
        if (auto done = renameToNew(fresh, path); !done) return done;
        return syncToDisk(folderOf(path));
    }
    // The swap is one step: at no moment is there no database.
    if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) {
        if (auto done = renameToNew(fresh, kept); !done) return done;
    } else {
        if (auto done = renameToNew(path, kept); !done) return done;
        if (auto done = renameToNew(fresh, path); !done) {
            std::filesystem::rename(kept, path, problem);
            return done;
        }
    }
    return syncToDisk(folderOf(path));
}

Result<void> SqliteDatabase::backup(const std::filesystem::path& to,
                                    const std::function<bool(float fraction)>& progress) {
    // A connection of its own: a copy of a large database must not hold up a reader.
    if (m_connections.inMemory()) {
        return m_connections.read([&](Connection& db) { return copyDatabase(db, to, progress); });
    }
    auto source = Connection::open(m_connections.path(), Connection::Access::Existing);
    if (!source) return pass(source);
    return copyDatabase(**source, to, progress);
}

Result<std::filesystem::path> restoreDatabase(const std::filesystem::path& path,
                                              const std::filesystem::path& from) {
    std::error_code problem;
    if (!std::filesystem::exists(from, problem)) {
        return fail(ErrorCode::NotFound, "there is no file " + from.string());
    }
    if (std::filesystem::equivalent(from, path, problem)) {
        return fail(ErrorCode::InvalidArgument, "a database cannot be restored from itself");
    }
    std::filesystem::create_directories(folderOf(path), problem);
    auto lock = FileLock::open(lockPath(path));
    if (!lock) return pass(lock);
    if (!lock->tryAlone()) {
        return fail(ErrorCode::Busy,
                    "another Conclave has " + path.string() + " open; close it and try again");
    }
    if (const auto good = checkHeader(from); !good) return pass(good);
    auto source = Connection::open(from, Connection::Access::ReadOnly);
    if (!source) return pass(source);
    const auto version = schemaVersion(**source, from, schemaScripts());
    if (!version) return pass(version);
    if (*version == 0) return fail(ErrorCode::Corrupt, from.string() + " is empty");
    if (const auto good = quickCheck(**source, from); !good) return pass(good);

    const auto fresh = unusedPath(path, ".restoring");
    if (const auto done = copyDatabase(**source, fresh, {}); !done) return pass(done);
    const bool isFirst = !std::filesystem::exists(path, problem);
    const auto kept = isFirst ? std::filesystem::path() : unusedPath(path, ".replaced");
    if (const auto done = replaceDatabase(path, fresh, kept); !done) {
        removeDatabase(fresh);
        return pass(done);
    }
    return kept;
}

}  // namespace conclave::storage
