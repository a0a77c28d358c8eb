#include "storage/connection.h"

#include <cerrno>
#include <cstring>

#include <sqlite3.h>

#include "base/log.h"
#include "storage/journal_file.h"
#include "storage/storage.h"

namespace conclave::storage {
namespace {

ErrorCode codeOf(int status, int systemError) {
    switch (status & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return ErrorCode::Corrupt;
        case SQLITE_FULL: return ErrorCode::DiskFull;
        case SQLITE_IOERR:
            // SQLite reports a full disk in the middle of some writes as an I/O error only.
            return systemError == ENOSPC || systemError == EDQUOT || systemError == EFBIG
                       ? ErrorCode::DiskFull
                       : ErrorCode::Io;
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH: return ErrorCode::Io;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return ErrorCode::Busy;
        case SQLITE_NOMEM: return ErrorCode::OutOfMemory;
        case SQLITE_TOOBIG: return ErrorCode::LimitExceeded;
        case SQLITE_INTERRUPT: return ErrorCode::Cancelled;
        case SQLITE_CONSTRAINT: return ErrorCode::InvalidArgument;
        default: return ErrorCode::Internal;
    }
}

std::string_view adviceFor(ErrorCode code) {
    switch (code) {
        case ErrorCode::Corrupt:
            return "; the file is left as it is: restore a backup (conclave restore FILE) or "
                   "repair it (conclave doctor --repair)";
        case ErrorCode::DiskFull: return "; nothing was changed: make room and try again";
        case ErrorCode::Busy: return "; another program keeps writing to it: try again";
        default: return "";
    }
}

}  // namespace

bool isDatabaseDamage(const Error& error) {
    return error.code == ErrorCode::Corrupt && error.detail.ends_with(adviceFor(error.code));
}

Error sqliteError(sqlite3* handle, int status, std::string_view doing) {
    const int systemError = handle != nullptr ? sqlite3_system_errno(handle) : 0;
    const ErrorCode code = codeOf(status, systemError);
    std::string detail(doing);
    detail += ": ";
    detail += handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(status);
    const bool systemSpoke = (status & 0xff) == SQLITE_IOERR || (status & 0xff) == SQLITE_CANTOPEN;
    if (systemSpoke && systemError != 0) {
        detail += " (";
        detail += std::strerror(systemError);
        detail += ')';
    }
    detail += adviceFor(code);
    return {code, std::move(detail)};
}

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& path,
                                                     Access access) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    switch (access) {
        case Access::Write: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE; break;
        case Access::Existing: flags |= SQLITE_OPEN_READWRITE; break;
        case Access::ReadOnly: flags |= SQLITE_OPEN_READONLY; break;
    }
    const auto fileSystem = journalFileSystem();
    if (!fileSystem) return pass(fileSystem);
    sqlite3* handle = nullptr;
    const int status = sqlite3_open_v2(path.c_str(), &handle, flags, *fileSystem);
    // Owned from here on: a failed open leaves a handle too.
    auto connection = std::unique_ptr<Connection>(new Connection(handle, path.string()));
    if (status != SQLITE_OK) {
        return tl::unexpected(sqliteError(handle, status, "cannot open " + path.string()));
    }
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    return connection;
}

Connection::Connection(sqlite3* handle, std::string name)
    : m_handle(handle), m_name(std::move(name)) {}

Connection::~Connection() {
    for (const auto& [sql, statements] : m_idle) {
        for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
    }
    if (sqlite3_close(m_handle) != SQLITE_OK) {
        log().error("database connection closed with a statement still running");
    }
}

Statement Connection::prepare(std::string_view sql) {
    auto idle = m_idle.find(sql);
    if (idle == m_idle.end()) idle = m_idle.try_emplace(std::string(sql)).first;
    if (!idle->second.empty()) {
        sqlite3_stmt* statement = idle->second.back();
        idle->second.pop_back();
        return Statement(*this, *idle, statement);
    }
    sqlite3_stmt* statement = nullptr;
    const int status = sqlite3_prepare_v3(m_handle, sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (status != SQLITE_OK) return Statement(error(status, sql));
    return Statement(*this, *idle, statement);
}

Result<void> Connection::script(std::string_view sql) {
    const std::string text(sql);
    const int status = sqlite3_exec(m_handle, text.c_str(), nullptr, nullptr, nullptr);
    if (status != SQLITE_OK) return tl::unexpected(error(status, "script"));
    return {};
}

std::int64_t Connection::lastId() const { return sqlite3_last_insert_rowid(m_handle); }

std::int64_t Connection::nChanged() const { return sqlite3_changes64(m_handle); }

bool Connection::inTransaction() const { return sqlite3_get_autocommit(m_handle) == 0; }

Error Connection::error(int status, std::string_view sql) const {
    Error error = sqliteError(m_handle, status, m_name);
    // A statement's text holds no data of the user, which is bound.
    if (error.code == ErrorCode::Internal) error.detail += " in: " + std::string(sql);
    return error;
}

Result<Transaction> Transaction::begin(Connection& connection, Kind kind) {
    const auto begun = connection.run(kind == Kind::Write ? "BEGIN IMMEDIATE" : "BEGIN");
    if (!begun) return pass(begun);
    return Transaction(connection);
}

Transaction::~Transaction() {
    // After some failures SQLite has rolled back by itself.
    if (m_connection == nullptr || !m_connection->inTransaction()) return;
    if (const auto undone = m_connection->run("ROLLBACK"); !undone) {
        log().error("rollback failed: {}", undone.error().detail);
    }
}

Result<void> Transaction::commit() {
    const JournalCommit gathered;
    auto done = m_connection->run("COMMIT");
    if (done) m_connection = nullptr;
    return done;
}

Result<void> metOne(const Result<void>& done, const Connection& connection, Error otherwise) {
    if (!done) return done;
    if (connection.nChanged() == 0) return tl::unexpected(std::move(otherwise));
    return {};
}

}  // namespace conclave::storage
