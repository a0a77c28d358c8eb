// setting_store.h: the application's settings in their table.
#pragma once

#include "storage/connections.h"
#include "storage/storage.h"

namespace conclave::storage {

class SqliteSettingStore final : public SettingStore {
public:
    /// `connections` must outlive the store.
    explicit SqliteSettingStore(Connections& connections) : m_connections(connections) {}

    Result<std::optional<nlohmann::json>> get(std::string_view key) override;
    Result<void> set(std::string_view key, const nlohmann::json& value) override;

private:
    Connections& m_connections;
};

}  // namespace conclave::storage
