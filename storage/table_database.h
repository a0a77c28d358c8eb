// table_database.h: spreadsheets as tables of a private database that any SQL may read.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::storage {

/// A table to ask questions of. Cells are text; numbers of Integer and Real columns are written
/// with a point and no separators; an empty cell is NULL.
struct Table {
    struct Column {
        enum class Type { Text, Integer, Real } type = Type::Text;
        std::string name{};
    };
    std::string name{};
    std::vector<Column> columns{};
    std::vector<std::vector<std::string>> rows{};
};

struct QueryLimits {
    std::chrono::milliseconds time{2000};
    std::size_t rows = 200;
};

struct QueryResult {
    std::vector<std::string> columns{};
    std::vector<std::vector<std::string>> rows{};  ///< NULL is empty
    bool isCut = false;                            ///< there were more rows
};

/// Tables in a database of their own, in memory and apart from everything else, that SQL from
/// anywhere may read: nothing can be changed, attached or read but these tables.
/// Used by one thread at a time.
class TableDatabase {
public:
    [[nodiscard]] static Result<std::unique_ptr<TableDatabase>> create();
    virtual ~TableDatabase() = default;

    /// Each row gets its place, from 1, as `rowid`.
    /// Errors: InvalidArgument (no or equal column names, a name that is taken, more than 2000
    /// columns).
    [[nodiscard]] virtual Result<void> add(const Table& table) = 0;
    /// One SELECT. Errors: InvalidArgument (SQLite's message, or what is not allowed), Timeout.
    [[nodiscard]] virtual Result<QueryResult> query(std::string_view sql,
                                                    const QueryLimits& limits) = 0;
};

/// A name in SQL, in double quotes.
[[nodiscard]] std::string quotedName(std::string_view name);
/// A text in SQL, in single quotes.
[[nodiscard]] std::string quotedText(std::string_view text);

}  // namespace conclave::storage
