// database.h: the parts of an open database, and the steps of opening one.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "storage/chat_store.h"
#include "storage/connections.h"
#include "storage/document_store.h"
#include "storage/file_lock.h"
#include "storage/recall_store.h"
#include "storage/setting_store.h"
#include "storage/storage.h"

namespace conclave::storage {

/// The file whose lock says who uses the database at `path`.
[[nodiscard]] std::filesystem::path lockPath(const std::filesystem::path& path);

/// `path` with `ending`, numbered if that exists: "conclave.db.damaged", "conclave.db.damaged-2".
[[nodiscard]] std::filesystem::path unusedPath(const std::filesystem::path& path,
                                               std::string_view ending);

/// Looks at the file's size and first bytes without opening it as a database.
/// Errors: Corrupt with what is wrong. A missing file is fine.
[[nodiscard]] Result<void> checkHeader(const std::filesystem::path& path);

/// Brings the schema of `connection`, the file at `path`, up to date; a file with content is
/// copied first, to a name beside it. Nobody else may use the file.
[[nodiscard]] Result<void> bringUpToDate(Connection& connection, const std::filesystem::path& path,
                                         std::span<const std::string_view> scripts);

/// Copies the whole database that `source` has open into a new file, checked and on the disk when
/// it returns; a failure leaves no file.
[[nodiscard]] Result<void> copyDatabase(Connection& source, const std::filesystem::path& to,
                                        const std::function<bool(float fraction)>& progress);

/// Puts the complete database `fresh` in the place of the one at `path`; what was there goes to
/// `kept`. With its lock held alone.
[[nodiscard]] Result<void> replaceDatabase(const std::filesystem::path& path,
                                           const std::filesystem::path& fresh,
                                           const std::filesystem::path& kept);

/// Makes a file's content, or the names in a folder, durable.
[[nodiscard]] Result<void> syncToDisk(const std::filesystem::path& path);

/// SQLite's quick check, which needs no tokenizer. Errors: Corrupt, naming `path`.
[[nodiscard]] Result<void> quickCheck(Connection& db, const std::filesystem::path& path);

/// Calls `wrong` with the document of each chunk whose text is not the span of its page that it
/// says. Reads all texts once.
[[nodiscard]] Result<void> forEachWrongChunk(Connection& db,
                                             const std::function<void(std::int64_t)>& wrong);

/// Removes a file of ours that was not finished, with its journals.
void removeDatabase(const std::filesystem::path& path);

/// What Database::open makes.
class SqliteDatabase final : public Database {
public:
    /// `lock`: none in memory.
    SqliteDatabase(std::optional<FileLock> lock, std::filesystem::path path,
                   std::unique_ptr<Connection> writer, std::shared_ptr<const Analyzer> analyzer,
                   bool inMemory)
        : m_lock(std::move(lock)),
          m_connections(std::move(path), std::move(writer), std::move(analyzer), inMemory),
          m_chats(m_connections),
          m_documents(m_connections),
          m_settings(m_connections),
          m_recall(m_connections) {}

    ChatStore& chats() override { return m_chats; }
    SqliteDocumentStore& documents() override { return m_documents; }
    SettingStore& settings() override { return m_settings; }
    RecallStore& recall() override { return m_recall; }
    /// Goes on with deletions that an ended program left, in the background.
    void startSweeping();
    Result<std::vector<Finding>> check() override;
    Result<void> backup(const std::filesystem::path& to,
                        const std::function<bool(float fraction)>& progress) override;

private:
    std::optional<FileLock> m_lock;  // first in, last out
    Connections m_connections;
    SqliteChatStore m_chats;
    SqliteDocumentStore m_documents;
    SqliteSettingStore m_settings;
    SqliteRecallStore m_recall;
    std::jthread m_sweeper;  // last: stops before the others go
};

}  // namespace conclave::storage
