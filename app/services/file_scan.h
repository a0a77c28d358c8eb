// file_scan.h: which files a collection's folders hold now.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace conclave::services {

struct ScannedFile {
    std::filesystem::path path;
    std::uint64_t sizeBytes = 0;
    /// The second of the last change of its content, and below it a mark of the times of content
    /// and attributes, which differs after every change.
    std::int64_t modifiedNs = 0;
};

struct Scan {
    std::vector<ScannedFile> files;  ///< by path, each file once
    /// Roots and folders that could not be read, and empty roots: nothing is known about what is or
    /// was below them.
    std::vector<std::filesystem::path> unreachable;
    /// Links that lead out of all roots; they are not followed.
    std::vector<std::filesystem::path> leadingOut;
    /// Which folder each root is, by device and number; empty if other devices are mounted below
    /// it.
    std::map<std::string, std::string> identities;
};

/// An empty root that is the very folder that it was in `identities`, of an earlier scan, is
/// reachable: its files were deleted. Else a disk may not be plugged in.
void recognizeEmptied(Scan& scan, const std::map<std::string, std::string>& identities);

/// The readable documents below `roots`: named files whatever their type, folders by
/// retrieval::isReadable, and isPicture if `withPictures`. Hidden entries are left out; links are
/// followed as far as they lead to what is below a root, and each folder is entered once. Nothing
/// below `excluded` (Conclave's own folders) is looked at, nor what the .conclaveignore of a folder
/// on the way down from its root leaves out (ignore_rules.h). `keepGoing` is asked at each folder.
/// Errors: Cancelled.
[[nodiscard]] Result<Scan> scanFiles(const std::vector<std::filesystem::path>& roots,
                                     const std::vector<std::filesystem::path>& excluded,
                                     const std::function<bool()>& keepGoing,
                                     bool withPictures = false);

/// True if `path` is `folder` or below it. Both absolute and lexically normal.
[[nodiscard]] bool isWithin(const std::filesystem::path& path, const std::filesystem::path& folder);

/// Absolute and lexically normal, without a trailing slash; links are kept as the user named them.
[[nodiscard]] std::filesystem::path tidyPath(const std::filesystem::path& path);

}  // namespace conclave::services
