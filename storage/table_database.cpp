#include "storage/table_database.h"

#include <array>
#include <cstdint>
#include <set>

#include <sqlite3.h>

#include "storage/connection.h"

namespace conclave::storage {
namespace {

using Clock = std::chrono::steady_clock;

std::string quotedWith(std::string_view text, char mark) {
    std::string quoted(1, mark);
    for (const char c : text) {
        if (c == '\0') continue;  // would end the statement
        if (c == mark) quoted += mark;
        quoted += c;
    }
    return quoted += mark;
}

std::string_view typeName(Table::Column::Type type) {
    switch (type) {
        case Table::Column::Type::Integer: return "INTEGER";
        case Table::Column::Type::Real: return "REAL";
        default: return "TEXT";
    }
}

/// What a query may do: read the tables and call functions that touch nothing else.
int allowReading(void* /*unused*/, int action, const char* first, const char* second,
                 const char* /*database*/, const char* /*trigger*/) {
    switch (action) {
        case SQLITE_SELECT:
        case SQLITE_RECURSIVE: return SQLITE_OK;
        case SQLITE_READ:
            return first != nullptr && std::string_view(first).starts_with("sqlite_") ? SQLITE_DENY
                                                                                      : SQLITE_OK;
        case SQLITE_FUNCTION:
            return second != nullptr && std::string_view(second) == "load_extension" ? SQLITE_DENY
                                                                                     : SQLITE_OK;
        default: return SQLITE_DENY;
    }
}

struct Deadline {
    Clock::time_point at;
};

int isLate(void* deadline) {
    return Clock::now() >= static_cast<const Deadline*>(deadline)->at ? 1 : 0;
}

class SqliteTableDatabase final : public TableDatabase {
public:
    explicit SqliteTableDatabase(std::unique_ptr<Connection> connection)
        : m_connection(std::move(connection)) {
        // What a text from a spreadsheet may grow to inside one expression.
        constexpr int kMostBytes = 1 << 24;
        constexpr int kMostSqlBytes = 1 << 16;
        sqlite3_limit(m_connection->handle(), SQLITE_LIMIT_LENGTH, kMostBytes);
        sqlite3_limit(m_connection->handle(), SQLITE_LIMIT_ATTACHED, 0);
        m_queryBytes = kMostSqlBytes;
    }

    Result<void> add(const Table& table) override {
        if (auto fine = check(table); !fine) return fine;
        std::string create = "CREATE TABLE " + quotedName(table.name) + " (";
        std::string insert = "INSERT INTO " + quotedName(table.name) + " VALUES (";
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            const Table::Column& column = table.columns[i];
            create += (i > 0 ? ", " : "") + quotedName(column.name) + " ";
            create += typeName(column.type);
            insert += i > 0 ? ", ?" : "?";
        }
        if (auto done = m_connection->script(create + ")"); !done) return done;
        auto transaction = Transaction::begin(*m_connection, Transaction::Kind::Write);
        if (!transaction) return pass(transaction);
        const std::string sql = insert + ")";
        for (const std::vector<std::string>& row : table.rows) {
            Statement statement = m_connection->statement(sql);
            for (std::size_t i = 0; i < table.columns.size() && i < row.size(); ++i) {
                // The column's type turns the text of a number into the number.
                if (!row[i].empty()) statement.bind(static_cast<int>(i) + 1, row[i]);
            }
            if (auto done = statement.run(); !done) return done;
        }
        return transaction->commit();
    }

    Result<QueryResult> query(std::string_view sql, const QueryLimits& limits) override {
        sqlite3* const db = m_connection->handle();
        if (sql.size() > m_queryBytes) {
            return fail(ErrorCode::InvalidArgument, "the query is too long");
        }
        Deadline deadline{Clock::now() + limits.time};
        constexpr int kStepsBetween = 1000;
        sqlite3_set_authorizer(db, allowReading, nullptr);
        sqlite3_progress_handler(db, kStepsBetween, isLate, &deadline);
        auto result = run(sql, limits);
        sqlite3_progress_handler(db, 0, nullptr, nullptr);
        sqlite3_set_authorizer(db, nullptr, nullptr);
        if (!result && Clock::now() >= deadline.at) {
            return fail(ErrorCode::Timeout, "the query took longer than " +
                                                std::to_string(limits.time.count()) + " ms");
        }
        return result;
    }

private:
    Result<void> check(const Table& table) {
        constexpr std::size_t kMostColumns = 2000;  // SQLITE_MAX_COLUMN
        if (table.columns.empty() || table.columns.size() > kMostColumns) {
            return fail(ErrorCode::InvalidArgument,
                        "table " + table.name + " has " + std::to_string(table.columns.size()) +
                            " columns; 1 to " + std::to_string(kMostColumns) + " can be queried");
        }
        std::set<std::string> names;
        for (const Table::Column& column : table.columns) {
            std::string folded = column.name;
            for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
            if (folded.empty() || !names.insert(folded).second) {
                return fail(ErrorCode::InvalidArgument,
                            "table " + table.name + " has two columns \"" + column.name + "\"");
            }
        }
        return {};
    }

    Result<QueryResult> run(std::string_view sql, const QueryLimits& limits) {
        sqlite3* const db = m_connection->handle();
        sqlite3_stmt* raw = nullptr;
        const char* rest = nullptr;
        const int prepared =
            sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &raw, &rest);
        const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw,
                                                                              sqlite3_finalize);
        if (prepared != SQLITE_OK || raw == nullptr) {
            return fail(ErrorCode::InvalidArgument,
                        std::string("the query cannot be run: ") +
                            (prepared != SQLITE_OK ? sqlite3_errmsg(db) : "it is empty"));
        }
        const std::string_view behind = sql.substr(static_cast<std::size_t>(rest - sql.data()));
        if (behind.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
            return fail(ErrorCode::InvalidArgument, "only one statement can be run");
        }
        QueryResult result;
        const int nColumns = sqlite3_column_count(raw);
        for (int i = 0; i < nColumns; ++i) {
            const char* name = sqlite3_column_name(raw, i);
            result.columns.emplace_back(name != nullptr ? name : "");
        }
        while (true) {
            const int status = sqlite3_step(raw);
            if (status == SQLITE_DONE) return result;
            if (status != SQLITE_ROW) {
                return fail(ErrorCode::InvalidArgument,
                            std::string("the query failed: ") + sqlite3_errmsg(db));
            }
            if (result.rows.size() >= limits.rows) {
                result.isCut = true;
                return result;
            }
            std::vector<std::string>& row = result.rows.emplace_back();
            for (int i = 0; i < nColumns; ++i) {
                const void* text = sqlite3_column_text(raw, i);
                const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw, i));
                row.emplace_back(text != nullptr ? static_cast<const char*>(text) : "", size);
            }
        }
    }

    std::unique_ptr<Connection> m_connection;
    std::size_t m_queryBytes = 0;
};

}  // namespace

Result<std::unique_ptr<TableDatabase>> TableDatabase::create() {
    auto connection = Connection::open(":memory:", Connection::Access::Write);
    if (!connection) return pass(connection);
    return std::make_unique<SqliteTableDatabase>(std::move(*connection));
}

std::string quotedName(std::string_view name) { return quotedWith(name, '"'); }
std::string quotedText(std::string_view text) { return quotedWith(text, '\''); }

}  // namespace conclave::storage
