// statement.h: one prepared SQL statement, borrowed from its connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

struct sqlite3_stmt;

namespace conclave::storage {

class Connection;

/// By their SQL, those that are prepared and not in use.
using IdleStatements = std::map<std::string, std::vector<sqlite3_stmt*>, std::less<>>;

/// Binds by position from 1, reads columns from 0. What goes wrong in preparing or binding is kept
/// and comes back from step(), so that a call reads as one line. Goes back to its connection's
/// cache when it ends, and must end before the connection does.
class Statement {
public:
    /// Of a statement that could not be prepared.
    explicit Statement(Error failure);
    Statement(Connection& connection, IdleStatements::value_type& idle, sqlite3_stmt* handle);
    Statement(Statement&& other) noexcept;
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    Statement& operator=(Statement&&) = delete;
    ~Statement();

    /// Whether a value lives until the statement has run; if not it is copied.
    enum class Lives { No, UntilRun };

    template <typename Value>
    void bind(int position, const Value& value, Lives lives = Lives::No) {
        if constexpr (std::is_floating_point_v<Value>) {
            bindReal(position, value);
        } else if constexpr (std::is_integral_v<Value>) {
            bindInteger(position, static_cast<std::int64_t>(value));
        } else if constexpr (std::is_same_v<Value, std::filesystem::path>) {
            bindText(position, value.native(), lives);
        } else if constexpr (std::is_convertible_v<const Value&, std::string_view>) {
            bindText(position, value, lives);
        } else {
            bindBlob(position, value, lives);
        }
    }
    template <typename Value>
    void bind(int position, const std::optional<Value>& value, Lives lives = Lives::No) {
        if (value) bind(position, *value, lives);  // unbound is NULL
    }
    /// `value` must live as long as the statement; read in SQL as a table-valued pointer.
    void bindPointer(int position, void* value, const char* type);

    /// Runs to the next row. True: there is one.
    [[nodiscard]] Result<bool> step();
    /// Runs to the end and passes over rows.
    [[nodiscard]] Result<void> run();

    [[nodiscard]] bool isNull(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] int small(int column) const { return static_cast<int>(integer(column)); }
    [[nodiscard]] std::size_t size(int column) const {
        return static_cast<std::size_t>(integer(column));
    }
    [[nodiscard]] bool flag(int column) const { return integer(column) != 0; }
    [[nodiscard]] std::optional<std::int64_t> optionalInteger(int column) const;
    [[nodiscard]] double real(int column) const;
    /// Valid until the next step.
    [[nodiscard]] std::string_view view(int column) const;
    [[nodiscard]] std::string text(int column) const { return std::string(view(column)); }
    /// Valid until the next step.
    [[nodiscard]] std::span<const std::byte> blob(int column) const;

    [[nodiscard]] sqlite3_stmt* handle() const { return m_handle; }

private:
    void bindReal(int position, double value);
    void bindInteger(int position, std::int64_t value);
    void bindText(int position, std::string_view value, Lives lives);
    void bindBlob(int position, std::span<const std::byte> value, Lives lives);
    void note(int status);

    Connection* m_connection = nullptr;
    IdleStatements::value_type* m_idle = nullptr;  ///< of its text
    sqlite3_stmt* m_handle = nullptr;
    std::optional<Error> m_failure;
};

}  // namespace conclave::storage
