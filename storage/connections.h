// connections.h: one writer and as many readers as threads read at once.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/connection.h"
#include "storage/storage.h"

namespace conclave::storage {

/// How sure a change must be before the call returns. Either survives the end of the program at
/// any moment; after a power cut the last Batched ones may be missing.
enum class Durability {
    Batched,  ///< left to the system: what is written often or can be made again
    Synced,   ///< waits for the disk: what the user said and got
};

/// In KiB: the inner pages of a large full-text index and what a search reads of it.
inline constexpr std::string_view kCacheSize = "PRAGMA cache_size = -8192";

/// Thread-safe. In memory there is one connection for both, since another would see another
/// database.
class Connections {
public:
    /// @param writer  open, with the schema and full text in place
    Connections(std::filesystem::path path, std::unique_ptr<Connection> writer,
                std::shared_ptr<const Analyzer> analyzer, bool inMemory);

    /// Runs `body(Connection&)`, which returns a Result, on one state of the database. The body may
    /// call back into other reads and writes.
    template <typename Body>
    [[nodiscard]] std::invoke_result_t<Body, Connection&> read(Body&& body) {
        if (m_inMemory) {
            const std::scoped_lock lock(m_writerMutex);
            return body(*m_writer);
        }
        auto reader = takeReader();
        if (!reader) return pass(reader);
        const ReaderLease lease(*this, std::move(*reader));
        // The end of the transaction rolls back nothing: it only read.
        const auto transaction = Transaction::begin(lease.connection(), Transaction::Kind::Read);
        if (!transaction) return pass(transaction);
        return body(lease.connection());
    }

    /// Runs `body(Connection&)` as one transaction, committed if its Result holds a value.
    template <typename Body>
    [[nodiscard]] std::invoke_result_t<Body, Connection&> write(Durability durability,
                                                                Body&& body) {
        const std::scoped_lock lock(m_writerMutex);
        if (const auto set = setDurability(durability); !set) return pass(set);
        auto transaction = Transaction::begin(*m_writer, Transaction::Kind::Write);
        if (!transaction) return pass(transaction);
        auto result = body(*m_writer);
        if (!result) return result;
        if (const auto done = transaction->commit(); !done) return pass(done);
        return result;
    }

    /// Folds the journal into the file and empties it, if no other reader or program needs it now;
    /// otherwise that comes later by itself.
    void emptyJournal();

    /// Folds such a journal into the file while others write and read; nothing if another thread is
    /// at it. What a thread that stores much calls while it holds no lock.
    void foldJournal(Journal which);

    [[nodiscard]] const Analyzer& analyzer() const { return *m_analyzer; }
    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
    [[nodiscard]] bool inMemory() const { return m_inMemory; }

private:
    /// A reader that goes back to the idle ones.
    class ReaderLease {
    public:
        ReaderLease(Connections& owner, std::unique_ptr<Connection> connection)
            : m_owner(owner), m_connection(std::move(connection)) {}
        ReaderLease(const ReaderLease&) = delete;
        ReaderLease& operator=(const ReaderLease&) = delete;
        ~ReaderLease() { m_owner.returnReader(std::move(m_connection)); }
        [[nodiscard]] Connection& connection() const { return *m_connection; }

    private:
        Connections& m_owner;
        std::unique_ptr<Connection> m_connection;
    };

    [[nodiscard]] Result<std::unique_ptr<Connection>> takeReader();
    void returnReader(std::unique_ptr<Connection> reader);
    [[nodiscard]] Result<void> setDurability(Durability durability);
    /// SQLite's hook: a commit left `nPages` in the journal.
    static int noteCommit(void* self, sqlite3* writer, const char* schema, int nPages);

    std::filesystem::path m_path;
    std::shared_ptr<const Analyzer> m_analyzer;
    bool m_inMemory;
    std::recursive_mutex m_writerMutex;  // recursive for reads in memory that call back
    std::unique_ptr<Connection> m_writer;
    Durability m_durability = Durability::Batched;
    std::atomic<int> m_journalPages = 0;  ///< after the last commit
    int m_longJournal = 0;                ///< pages from which on foldJournal() folds it
    std::mutex m_foldingMutex;
    std::mutex m_readersMutex;
    std::vector<std::unique_ptr<Connection>> m_idleReaders;
};

}  // namespace conclave::storage
