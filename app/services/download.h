// download.h: fetches one file over the network: the only place in Conclave that does, and only
// when the user asks for a model. Wraps libcurl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"

namespace conclave::services {

struct DownloadJob {
    std::string url;               ///< http, https or file
    std::filesystem::path folder;  ///< the file gets the name that the URL ends in
    std::string sha256;            ///< expected, hex; empty: not checked
    /// Bytes done and total (0: unknown); false stops, and a later call goes on from there.
    std::function<bool(std::uint64_t, std::uint64_t)> progress;
};

/// Writes NAME.part and renames it when it is complete and has the right hash; goes on with a
/// NAME.part left by an earlier call if the server still has the same file. Returns the file.
/// Errors: InvalidArgument (the URL), Busy (NAME exists), Io (network or server), DiskFull,
/// Corrupt (wrong hash; what was loaded is removed), Cancelled.
[[nodiscard]] Result<std::filesystem::path> download(const DownloadJob& job);

}  // namespace conclave::services
