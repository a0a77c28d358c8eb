// journal_file.h: the journal as SQLite writes it, in fewer and larger pieces.
#pragma once

#include "base/result.h"

namespace conclave::storage {

/// The file system (sqlite3_vfs) through which connections open their database. It is SQLite's own,
/// but that it gathers what a commit writes to the journal (see JournalCommit): SQLite writes each
/// page there as two pieces, one of 24 bytes, and here they become pieces of 64 KiB. All are
/// written when the transaction's last page is, so that others see, and the end of the program
/// leaves, what they always did. Errors: Internal, if SQLite refuses it.
[[nodiscard]] Result<const char*> journalFileSystem();

/// Lives while this thread commits a transaction. At other times, as when a transaction is too
/// large for memory, pages are written one by one: those of one that is rolled back must not wait
/// until another program has written its own in their place.
class JournalCommit {
public:
    JournalCommit();
    JournalCommit(const JournalCommit&) = delete;
    JournalCommit& operator=(const JournalCommit&) = delete;
    ~JournalCommit();
};

}  // namespace conclave::storage
