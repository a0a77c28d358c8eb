// log.h: one log for all of Conclave, through spdlog. Text of chats and documents is never logged.
//
//   log().info("indexed {} documents", n);
#pragma once

#include <filesystem>

#include <spdlog/spdlog.h>

namespace conclave {

/// Where the log goes. The level is CONCLAVE_LOG=debug|info|warn|error, else `info` in the file
/// and `warn` on stderr.
struct LogOptions {
    std::filesystem::path file;  ///< rotating, 3 x 2 MiB; empty: no file
    bool toStderr = true;
};

/// Called once at the start of a program; before it, log() writes warnings to stderr.
void startLog(const LogOptions& options);

/// The program's logger; thread-safe.
[[nodiscard]] spdlog::logger& log();

}  // namespace conclave
