#include "storage/connections.h"

#include <sqlite3.h>

#include "base/log.h"
#include "storage/full_text.h"

namespace conclave::storage {
namespace {
constexpr std::size_t kMaxIdleReaders = 4;
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

Result<void> Connections::setDurability(Durability durability) {
    if (durability == m_durability) return {};
    auto set = m_writer->script(durability == Durability::Synced ? "PRAGMA synchronous = FULL"
                                                                 : "PRAGMA synchronous = NORMAL");
    if (set) m_durability = durability;
    return set;
}

}  // namespace conclave::storage
