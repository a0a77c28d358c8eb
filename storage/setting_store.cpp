#include "storage/setting_store.h"

#include "storage/columns.h"

namespace conclave::storage {

Result<std::optional<nlohmann::json>> SqliteSettingStore::get(std::string_view key) {
    using Found = Result<std::optional<nlohmann::json>>;
    return m_connections.read([&](Connection& db) -> Found {
        Statement found = db.statement("SELECT value FROM setting WHERE key = ?1", key);
        const auto row = found.step();
        if (!row) return pass(row);
        if (!*row) return std::nullopt;
        return std::optional<nlohmann::json>(jsonOf(found.view(0)));
    });
}

Result<void> SqliteSettingStore::set(std::string_view key, const nlohmann::json& value) {
    return m_connections.write(Durability::Synced, [&](Connection& db) {
        return db.run(
            "INSERT INTO setting (key, value) VALUES (?1, ?2) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key, columnOf(value));
    });
}

}  // namespace conclave::storage
