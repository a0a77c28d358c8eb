// connection.h: one SQLite connection with its prepared statements.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/statement.h"

struct sqlite3;

namespace conclave::storage {

/// How long a write waits for another program, which may be storing a large document.
inline constexpr int kBusyMilliseconds = 30'000;

/// What a failed SQLite call means to the caller; `doing` names the file or statement.
[[nodiscard]] Error sqliteError(sqlite3* handle, int status, std::string_view doing);

/// Passes on a failure of one type as another.
template <typename T>
[[nodiscard]] tl::unexpected<Error> pass(const Result<T>& failed) {
    return tl::unexpected(failed.error());
}

/// Used by one thread at a time; Connections sees to that.
class Connection {
public:
    enum class Access {
        Write,     ///< creates the file if there is none
        Existing,  ///< writes, but never creates
        ReadOnly,  ///< does not touch the file
    };

    /// Opens with foreign keys and a wait of some seconds for other processes.
    /// `path` ":memory:" is a database of this connection alone.
    [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& path,
                                                                  Access access);

    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    /// `values` are bound in order, and copied.
    template <typename... Values>
    [[nodiscard]] Statement statement(std::string_view sql, const Values&... values) {
        Statement statement = prepare(sql);
        int position = 0;
        (statement.bind(++position, values), ...);
        return statement;
    }

    template <typename... Values>
    [[nodiscard]] Result<void> run(std::string_view sql, const Values&... values) {
        Statement statement = prepare(sql);
        int position = 0;
        (statement.bind(++position, values, Statement::Lives::UntilRun), ...);
        return statement.run();
    }

    /// The first column of the first row; none without a row or for NULL.
    template <typename... Values>
    [[nodiscard]] Result<std::optional<std::int64_t>> integer(std::string_view sql,
                                                              const Values&... values) {
        Statement found = statement(sql, values...);
        const auto row = found.step();
        if (!row) return pass(row);
        if (!*row) return std::nullopt;
        return found.optionalInteger(0);
    }

    /// Calls `visit(const Statement& row)` for each row.
    template <typename Visit, typename... Values>
    [[nodiscard]] Result<void> forEach(std::string_view sql, Visit&& visit,
                                       const Values&... values) {
        Statement found = statement(sql, values...);
        while (true) {
            const auto row = found.step();
            if (!row) return pass(row);
            if (!*row) return {};
            visit(std::as_const(found));
        }
    }

    /// Several statements without values, as a schema script.
    [[nodiscard]] Result<void> script(std::string_view sql);

    [[nodiscard]] std::int64_t lastId() const;
    /// Rows changed by the last INSERT, UPDATE or DELETE, those of triggers left out.
    [[nodiscard]] std::int64_t nChanged() const;
    [[nodiscard]] bool inTransaction() const;

    [[nodiscard]] Error error(int status, std::string_view sql) const;
    [[nodiscard]] sqlite3* handle() const { return m_handle; }

private:
    friend class Statement;

    Connection(sqlite3* handle, std::string name);
    [[nodiscard]] Statement prepare(std::string_view sql);

    sqlite3* m_handle;
    std::string m_name;
    IdleStatements m_idle;
};

/// A transaction that is rolled back unless it is committed.
class Transaction {
public:
    enum class Kind { Read, Write };

    [[nodiscard]] static Result<Transaction> begin(Connection& connection, Kind kind);
    Transaction(Transaction&& other) noexcept
        : m_connection(std::exchange(other.m_connection, nullptr)) {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

    [[nodiscard]] Result<void> commit();

private:
    explicit Transaction(Connection& connection) : m_connection(&connection) {}
    Connection* m_connection;
};

/// The result `done` of a change that must have met a row: `otherwise` if it met none.
[[nodiscard]] Result<void> metOne(const Result<void>& done, const Connection& connection,
                                  Error otherwise);

}  // namespace conclave::storage
