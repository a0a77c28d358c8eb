// changes.h: whether the files of a collection are still as they were read; reads none of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/result.h"
#include "storage/storage.h"

namespace conclave::services {

struct FileChanges {
    int nFiles = 0;           ///< new, changed, back again or gone
    std::uint64_t bytes = 0;  ///< of those that are there
};

/// A document's file beside what was read of it.
enum class FileState { AsRead, Changed, Gone };

/// By size and time: a stat.
[[nodiscard]] FileState fileStateOf(const storage::Document& document);

/// Compares the files below the collection's roots with `documents`, all of the collection, by size
/// and time, as updateCollection does: a stat a file. None if that takes until `deadline`.
/// @param excluded, withPictures  as scanFiles takes them
[[nodiscard]] std::optional<FileChanges> changesOf(
    const storage::Collection& collection, const std::vector<storage::Document>& documents,
    const std::vector<std::filesystem::path>& excluded, bool withPictures,
    std::chrono::steady_clock::time_point deadline);

}  // namespace conclave::services
