#include "storage/journal_file.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <sqlite3.h>

#include "storage/connection.h"

namespace conclave::storage {
namespace {

constexpr const char* kName = "conclave";
thread_local bool tIsCommitting = false;
constexpr std::size_t kPiece = std::size_t{64} << 10U;
/// SQLite's own file system takes no more at once, and never is asked to.
constexpr std::size_t kLargestWrite = (std::size_t{128} << 10U) - 1;

// Each frame of the journal is a header and a page (sqlite.org/fileformat2.html, section 4.1). Its
// bytes 4 to 7 are not all zero in the last one of a transaction.
constexpr int kFrameHeaderBytes = 24;
constexpr std::size_t kLastMark = 4;

bool isOfLastFrame(const std::byte* header) {
    return std::any_of(header + kLastMark, header + 2 * kLastMark,
                       [](std::byte b) { return b != std::byte{}; });
}

/// Frames that follow one another, not yet written. Whatever is not a header behind the last write,
/// or what follows such a header, is written at once.
class Gathered {
public:
    explicit Gathered(sqlite3_file* file) : m_file(file) {}

    int write(const void* data, int nBytes, sqlite3_int64 offset) {
        const auto* bytes = static_cast<const std::byte*>(data);
        const bool isHeader = nBytes == kFrameHeaderBytes;
        const bool isGathered =
            tIsCommitting && offset == m_end && (isHeader || m_afterHeader) && makeRoom(nBytes);
        const bool isEnd = m_afterLastHeader && !isHeader;
        m_afterHeader = isHeader;
        m_afterLastHeader = isHeader && isOfLastFrame(bytes);
        if (!isGathered) {
            const int status = flush();
            m_end = offset + nBytes;
            return status == SQLITE_OK ? m_file->pMethods->xWrite(m_file, data, nBytes, offset)
                                       : status;
        }
        m_bytes.insert(m_bytes.end(), bytes, bytes + nBytes);
        m_end = offset + nBytes;
        return isEnd || m_bytes.size() >= kPiece ? flush() : SQLITE_OK;
    }

    /// What cannot be written is dropped: SQLite rolls its transaction back.
    int flush() {
        int status = SQLITE_OK;
        for (std::size_t done = 0; done < m_bytes.size() && status == SQLITE_OK;
             done += kLargestWrite) {
            const std::size_t nBytes = std::min(m_bytes.size() - done, kLargestWrite);
            const auto nLeft = static_cast<sqlite3_int64>(m_bytes.size() - done);
            status = m_file->pMethods->xWrite(m_file, m_bytes.data() + done,
                                              static_cast<int>(nBytes), m_end - nLeft);
        }
        m_bytes.clear();
        return status;
    }

private:
    /// False: there is no memory.
    bool makeRoom(int nBytes) {
        try {
            m_bytes.reserve(
                std::max(2 * kPiece, m_bytes.size() + static_cast<std::size_t>(nBytes)));
        } catch (const std::bad_alloc&) {
            return false;
        }
        return true;
    }

    sqlite3_file* m_file;
    std::vector<std::byte> m_bytes;
    sqlite3_int64 m_end = -1;        ///< of the last write, gathered or not
    bool m_afterHeader = false;      ///< it was a frame's header
    bool m_afterLastHeader = false;  ///< of a transaction's last frame
};

/// Lies in memory that SQLite gives, before the file it stands for.
struct JournalFile {
    sqlite3_file base;
    Gathered* gathered;
    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

/// Calls `call(real file)` once nothing is left to be written.
template <typename Call>
int afterFlush(sqlite3_file* file, const Call& call) {
    auto* const journal = reinterpret_cast<JournalFile*>(file);
    const int status = journal->gathered->flush();
    return status == SQLITE_OK ? call(journal->real()) : status;
}

int closeJournal(sqlite3_file* file) {
    auto* const journal = reinterpret_cast<JournalFile*>(file);
    delete journal->gathered;  // nothing is left in it after a commit
    return journal->real()->pMethods->xClose(journal->real());
}
int readJournal(sqlite3_file* file, void* data, int nBytes, sqlite3_int64 offset) {
    return afterFlush(file, [=](sqlite3_file* real) {
        return real->pMethods->xRead(real, data, nBytes, offset);
    });
}
int writeJournal(sqlite3_file* file, const void* data, int nBytes, sqlite3_int64 offset) {
    return reinterpret_cast<JournalFile*>(file)->gathered->write(data, nBytes, offset);
}
int truncateJournal(sqlite3_file* file, sqlite3_int64 size) {
    return afterFlush(file,
                      [=](sqlite3_file* real) { return real->pMethods->xTruncate(real, size); });
}
int syncJournal(sqlite3_file* file, int flags) {
    return afterFlush(file, [=](sqlite3_file* real) { return real->pMethods->xSync(real, flags); });
}
int sizeOfJournal(sqlite3_file* file, sqlite3_int64* size) {
    return afterFlush(file,
                      [=](sqlite3_file* real) { return real->pMethods->xFileSize(real, size); });
}
int lockJournal(sqlite3_file* file, int level) {
    return afterFlush(file, [=](sqlite3_file* real) { return real->pMethods->xLock(real, level); });
}
int unlockJournal(sqlite3_file* file, int level) {
    return afterFlush(file,
                      [=](sqlite3_file* real) { return real->pMethods->xUnlock(real, level); });
}
int isJournalReserved(sqlite3_file* file, int* isReserved) {
    return afterFlush(file, [=](sqlite3_file* real) {
        return real->pMethods->xCheckReservedLock(real, isReserved);
    });
}
int controlJournal(sqlite3_file* file, int what, void* argument) {
    return afterFlush(file, [=](sqlite3_file* real) {
        return real->pMethods->xFileControl(real, what, argument);
    });
}
int sectorOfJournal(sqlite3_file* file) {
    auto* const real = reinterpret_cast<JournalFile*>(file)->real();
    return real->pMethods->xSectorSize(real);
}
int traitsOfJournal(sqlite3_file* file) {
    auto* const real = reinterpret_cast<JournalFile*>(file)->real();
    return real->pMethods->xDeviceCharacteristics(real);
}

/// Of version 1, without shared memory and mapped pages, which belong to the database's own file.
constexpr sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = closeJournal,
    .xRead = readJournal,
    .xWrite = writeJournal,
    .xTruncate = truncateJournal,
    .xSync = syncJournal,
    .xFileSize = sizeOfJournal,
    .xLock = lockJournal,
    .xUnlock = unlockJournal,
    .xCheckReservedLock = isJournalReserved,
    .xFileControl = controlJournal,
    .xSectorSize = sectorOfJournal,
    .xDeviceCharacteristics = traitsOfJournal,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

sqlite3_vfs* usual() {
    static sqlite3_vfs* const found = sqlite3_vfs_find(nullptr);
    return found;
}

int openFile(sqlite3_vfs* /*ours*/, const char* name, sqlite3_file* file, int flags,
             int* outFlags) {
    if ((flags & SQLITE_OPEN_WAL) == 0) {
        return usual()->xOpen(usual(), name, file, flags, outFlags);
    }
    auto* const journal = new (file) JournalFile{};
    const int status = usual()->xOpen(usual(), name, journal->real(), flags, outFlags);
    if (status != SQLITE_OK) {
        // One that was opened in part is closed by SQLite through the methods it finds.
        if (journal->real()->pMethods != nullptr) {
            journal->real()->pMethods->xClose(journal->real());
        }
        return status;
    }
    journal->gathered = new (std::nothrow) Gathered(journal->real());
    if (journal->gathered == nullptr) {
        journal->real()->pMethods->xClose(journal->real());
        return SQLITE_NOMEM;
    }
    journal->base.pMethods = &kMethods;
    return SQLITE_OK;
}

}  // namespace

JournalCommit::JournalCommit() { tIsCommitting = true; }
JournalCommit::~JournalCommit() { tIsCommitting = false; }

Result<const char*> journalFileSystem() {
    static const int status = [] {
        // Nobody asks how much memory SQLite has, and counting it takes a lock each time. Refused
        // if SQLite is in use already, which does no harm.
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        if (usual() == nullptr) return SQLITE_ERROR;
        static sqlite3_vfs ours = *usual();
        ours.zName = kName;
        ours.pNext = nullptr;
        ours.szOsFile += static_cast<int>(sizeof(JournalFile));
        ours.xOpen = openFile;
        return sqlite3_vfs_register(&ours, 0);
    }();
    if (status != SQLITE_OK) {
        return tl::unexpected(sqliteError(nullptr, status, "cannot add a file system to SQLite"));
    }
    return kName;
}

}  // namespace conclave::storage
