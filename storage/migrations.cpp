#include "storage/migrations.h"

#include <sqlite3.h>

#include "base/log.h"

namespace conclave::storage {
namespace {

Result<std::int64_t> number(Connection& connection, std::string_view sql) {
    const auto found = connection.integer(sql);
    if (!found) return pass(found);
    return found->value_or(0);
}

Result<void> runScript(Connection& connection, int version, std::string_view script) {
    auto transaction = Transaction::begin(connection, Transaction::Kind::Write);
    if (!transaction) return pass(transaction);
    if (auto done = connection.script(script); !done) return done;
    const auto broken = number(connection, "SELECT count(*) FROM pragma_foreign_key_check");
    if (!broken) return pass(broken);
    if (*broken != 0) {
        return fail(ErrorCode::Corrupt, "moving the database to version " +
                                            std::to_string(version) + " would leave " +
                                            std::to_string(*broken) + " rows without their owner");
    }
    const std::string marks = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                              "; PRAGMA user_version = " + std::to_string(version);
    if (auto done = connection.script(marks); !done) return done;
    return transaction->commit();
}

}  // namespace

Result<int> schemaVersion(Connection& connection, const std::filesystem::path& path,
                          std::span<const std::string_view> scripts) {
    const auto application = number(connection, "PRAGMA application_id");
    if (!application) return pass(application);
    const auto version = number(connection, "PRAGMA user_version");
    if (!version) return pass(version);
    const auto nObjects = number(connection, "SELECT count(*) FROM sqlite_schema");
    if (!nObjects) return pass(nObjects);
    if (*nObjects == 0 && *application == 0 && *version == 0) return 0;
    if (*application != kApplicationId) {
        return fail(ErrorCode::InvalidArgument,
                    path.string() + " is a database of another program; it is left as it is");
    }
    if (*version > std::ssize(scripts)) {
        return fail(ErrorCode::TooNew,
                    path.string() + " was written by a newer Conclave (schema " +
                        std::to_string(*version) + ", this one knows " +
                        std::to_string(scripts.size()) +
                        "); it is left as it is: install that version, or restore an older backup");
    }
    if (*version < 1) return fail(ErrorCode::Corrupt, path.string() + " has no schema version");
    return static_cast<int>(*version);
}

Result<void> migrate(Connection& connection, int version,
                     std::span<const std::string_view> scripts) {
    // A script that makes a table anew must be able to drop the old one without its dependants
    // going too; runScript checks the keys instead.
    sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_ENABLE_FKEY, 0, nullptr);
    Result<void> done;
    for (int next = version; done && next < std::ssize(scripts); ++next) {
        done = runScript(connection, next + 1, scripts[static_cast<std::size_t>(next)]);
        if (done) log().info("database schema is at version {}", next + 1);
    }
    sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
    return done;
}

}  // namespace conclave::storage
