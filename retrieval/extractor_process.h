// extractor_process.h: runs the worker program once, within limits.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {

/// Errors: NotFound, Io (it cannot be opened, or is not a regular file).
[[nodiscard]] Result<void> checkFile(const std::filesystem::path& path);

/// What the worker writes to its standard output, given `arguments` besides those for its limits;
/// `input` becomes its standard input and stays open here. `about` is named in errors.
/// Errors: Io, Corrupt (it failed), Timeout, LimitExceeded, Cancelled.
/// What the worker hands over before its answer (draft_frames.h) goes to `options.onDraft`.
/// With `many` the program stays and forks a process for each call by this thread until the thread
/// ends: most of the time that a short file takes is the program's start.
[[nodiscard]] Result<std::string> runLimited(const std::filesystem::path& worker,
                                             const std::vector<std::string>& arguments, int input,
                                             const ExtractOptions& options,
                                             const std::filesystem::path& about, bool many = false);

/// An open file in memory that holds `bytes` and is read from its beginning; the caller closes it.
/// Errors: Io.
[[nodiscard]] Result<int> fileInMemory(std::string_view bytes);

}  // namespace conclave::retrieval
