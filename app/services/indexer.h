// indexer.h: brings one collection's documents up to date with its files.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>

#include "app/services/library.h"
#include "app/services/services.h"

namespace conclave::services {

struct IndexJob {
    CollectionId collection = 0;
    bool retryFailed = false;
    DocumentId again = 0;                         ///< read from its file whatever is known of it
    std::vector<std::filesystem::path> excluded;  ///< Conclave's own folders
    std::string ocrLanguages;                     ///< see ExtractOptions; empty: no OCR
    int cpuPercent = 100;                         ///< of all processors; see CpuBudget
    std::chrono::milliseconds draftEvery{1000};   ///< see ExtractOptions
    std::function<void(IndexProgress)> onProgress;
    std::stop_token cancel;  ///< seen between files, and while one is read
};

/// Compares files with documents by size and time, then by hash: reads new and changed ones, those
/// of equal content once, follows renamed ones, removes those gone. A run that is stopped or killed
/// loses the files being read at that moment, but of a PDF at most its last second (of a scan, its
/// last page); the next one goes on. Errors: NotFound (no such
/// collection), DiskFull and other failures of the database. A file that cannot be read is no error
/// but an entry in `failed`.
[[nodiscard]] Result<IndexReport> updateCollection(storage::Database& database, Library& library,
                                                   const retrieval::Extractor& extractor,
                                                   const IndexJob& job);

}  // namespace conclave::services
