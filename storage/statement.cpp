#include "storage/statement.h"

#include <utility>

#include <sqlite3.h>

#include "storage/connection.h"

namespace conclave::storage {
namespace {

/// What SQLite is told of a value's memory.
sqlite3_destructor_type freeing(Statement::Lives lives) {
    return lives == Statement::Lives::UntilRun ? SQLITE_STATIC : SQLITE_TRANSIENT;
}

}  // namespace

Statement::Statement(Error failure) : m_failure(std::move(failure)) {}

Statement::Statement(Connection& connection, IdleStatements::value_type& idle, sqlite3_stmt* handle)
    : m_connection(&connection), m_idle(&idle), m_handle(handle) {}

Statement::Statement(Statement&& other) noexcept
    : m_connection(other.m_connection),
      m_idle(other.m_idle),
      m_handle(std::exchange(other.m_handle, nullptr)),
      m_failure(std::move(other.m_failure)) {}

Statement::~Statement() {
    if (m_handle == nullptr) return;
    sqlite3_reset(m_handle);
    sqlite3_clear_bindings(m_handle);
    m_idle->second.push_back(m_handle);
}

void Statement::note(int status) {
    if (status != SQLITE_OK && !m_failure) m_failure = m_connection->error(status, m_idle->first);
}

void Statement::bindReal(int position, double value) {
    if (m_handle != nullptr) note(sqlite3_bind_double(m_handle, position, value));
}

void Statement::bindInteger(int position, std::int64_t value) {
    if (m_handle != nullptr) note(sqlite3_bind_int64(m_handle, position, value));
}

void Statement::bindText(int position, std::string_view value, Lives lives) {
    if (m_handle == nullptr) return;
    const char* data = value.data() != nullptr ? value.data() : "";  // a null pointer binds NULL
    note(sqlite3_bind_text64(m_handle, position, data, value.size(), freeing(lives), SQLITE_UTF8));
}

void Statement::bindBlob(int position, std::span<const std::byte> value, Lives lives) {
    if (m_handle == nullptr) return;
    if (value.empty()) {
        note(sqlite3_bind_zeroblob(m_handle, position, 0));
    } else {
        note(sqlite3_bind_blob64(m_handle, position, value.data(), value.size(), freeing(lives)));
    }
}

void Statement::bindPointer(int position, void* value, const char* type) {
    if (m_handle != nullptr) note(sqlite3_bind_pointer(m_handle, position, value, type, nullptr));
}

Result<bool> Statement::step() {
    if (m_failure) return tl::unexpected(*m_failure);
    const int status = sqlite3_step(m_handle);
    if (status == SQLITE_ROW) return true;
    if (status == SQLITE_DONE) return false;
    m_failure = m_connection->error(status, m_idle->first);
    return tl::unexpected(*m_failure);
}

Result<void> Statement::run() {
    while (true) {
        const auto row = step();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return {};
    }
}

bool Statement::isNull(int column) const {
    return sqlite3_column_type(m_handle, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(m_handle, column); }

std::optional<std::int64_t> Statement::optionalInteger(int column) const {
    if (isNull(column)) return std::nullopt;
    return integer(column);
}

double Statement::real(int column) const { return sqlite3_column_double(m_handle, column); }

std::string_view Statement::view(int column) const {
    const auto bytes = blob(column);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> Statement::blob(int column) const {
    // The text form of the pointer first: the count of bytes is then that of the same form.
    const void* data = sqlite3_column_type(m_handle, column) == SQLITE_BLOB
                           ? sqlite3_column_blob(m_handle, column)
                           : sqlite3_column_text(m_handle, column);
    const int nBytes = sqlite3_column_bytes(m_handle, column);
    return {static_cast<const std::byte*>(data), static_cast<std::size_t>(nBytes)};
}

}  // namespace conclave::storage
