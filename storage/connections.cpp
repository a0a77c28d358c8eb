#include "storage/connections.h"

#include <sqlite3.h>

#include "base/log.h"
#include "storage/full_text.h"

namespace conclave::storage {
namespace {
constexpr std::size_t kMaxIdleReaders = 4;

/// Folding a journal in waits for the disk twice: at 4 MiB an import waits all the time.
constexpr std::int64_t kLongJournal = std::int64_t{32} << 20U;
/// The one who commits folds it in, and the next writers wait.
constexpr int kTooLong = 3;  // times kLongJournal
constexpr std::int64_t kUsualPage = 4096;

}  // namespace

Connections::Connections(std::filesystem::path path, std::unique_ptr<Connection> writer,
                         std::shared_ptr<const Analyzer> analyzer, bool inMemory)
    : m_path(std::move(path)),
      m_analyzer(std::move(analyzer)),
      m_inMemory(inMemory),
      m_writer(std::move(writer)) {
    const auto pageBytes = m_writer->integer("PRAGMA page_size");
    const std::int64_t bytes = pageBytes ? pageBytes->value_or(kUsualPage) : kUsualPage;
    m_longJournal = static_cast<int>(kLongJournal / bytes);
    if (!m_inMemory) sqlite3_wal_hook(m_writer->handle(), &Connections::noteCommit, this);
}

int Connections::noteCommit(void* self, sqlite3* writer, const char* schema, int nPages) {
    auto& connections = *static_cast<Connections*>(self);
    connections.m_journalPages = nPages;
    if (nPages < kTooLong * connections.m_longJournal) return SQLITE_OK;
    // As SQLite's own hook: what cannot be folded in now, because of a reader, is later.
    sqlite3_wal_checkpoint_v2(writer, schema, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    return SQLITE_OK;
}

Result<std::unique_ptr<Connection>> Connections::takeReader() {
    {
        const std::scoped_lock lock(m_readersMutex);
        if (!m_idleReaders.empty()) {
            auto reader = std::move(m_idleReaders.back());
            m_idleReaders.pop_back();
            return reader;
        }
    }
    auto reader = Connection::open(m_path, Connection::Access::Existing);
    if (!reader) return reader;
    if (const auto set = (*reader)->script("PRAGMA query_only = ON"); !set) return pass(set);
    if (const auto set = (*reader)->script(kCacheSize); !set) return pass(set);
    if (const auto set = registerFullText(**reader, m_analyzer); !set) return pass(set);
    return reader;
}

void Connections::returnReader(std::unique_ptr<Connection> reader) {
    const std::scoped_lock lock(m_readersMutex);
    if (m_idleReaders.size() < kMaxIdleReaders) m_idleReaders.push_back(std::move(reader));
}

void Connections::emptyJournal() {
    if (m_inMemory) return;
    const std::scoped_lock lock(m_writerMutex);
    // Waiting for a reader of another program is not worth it.
    sqlite3_busy_timeout(m_writer->handle(), 0);
    const auto done = m_writer->run("PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_busy_timeout(m_writer->handle(), kBusyMilliseconds);
    if (!done) log().debug("the journal was not emptied: {}", done.error().detail);
}

void Connections::foldJournal(Journal which) {
    constexpr int kFewPages = 256;
    constexpr int kMostRounds = 4;
    const std::unique_lock alone(m_foldingMutex, std::try_to_lock);
    const int nLeast = which == Journal::Long ? m_longJournal : 1;
    if (m_inMemory || !alone.owns_lock() || m_journalPages < nLeast) return;
    const auto folder = Connection::open(m_path, Connection::Access::Existing);
    if (!folder) return;
    // A connection that has read nothing does not know of the journal and folds nothing, in
    // silence.
    if (!(*folder)->integer("PRAGMA schema_version")) return;
    const auto fold = [&](int& nFolded) {
        return sqlite3_wal_checkpoint_v2((*folder)->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                         nullptr, &nFolded) == SQLITE_OK;
    };
    // What others write meanwhile is left for the next round. The journal begins anew only once
    // nothing is left: in the last round, a short one, writers wait.
    int folded = 0;
    for (int round = 0; round < kMostRounds && fold(folded); ++round) {
        if (m_journalPages - folded < kFewPages) break;
    }
    const std::scoped_lock lock(m_writerMutex);
    if (fold(folded)) m_journalPages = m_journalPages - folded;
}

Result<void> Connections::setDurability(Durability durability) {
    if (durability == m_durability) return {};
    auto set = m_writer->script(durability == Durability::Synced ? "PRAGMA synchronous = FULL"
                                                                 : "PRAGMA synchronous = NORMAL");
    if (set) m_durability = durability;
    return set;
}

}  // namespace conclave::storage
