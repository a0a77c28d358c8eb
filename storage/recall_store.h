// recall_store.h: saved questions and how search did on them, in their tables.
#pragma once

#include "storage/connections.h"
#include "storage/storage.h"

namespace conclave::storage {

class SqliteRecallStore final : public RecallStore {
public:
    /// `connections` must outlive the store.
    explicit SqliteRecallStore(Connections& connections) : m_connections(connections) {}

    Result<std::int64_t> add(const RecallQuestion& question) override;
    Result<std::vector<RecallQuestion>> questions() override;
    Result<void> remove(std::int64_t id) override;
    Result<void> addRun(const RecallRun& run) override;
    Result<std::vector<RecallRun>> runs(int limit) override;

private:
    Connections& m_connections;
};

}  // namespace conclave::storage
