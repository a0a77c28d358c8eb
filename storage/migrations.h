// migrations.h: the schema's numbered steps.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "base/result.h"
#include "storage/connection.h"

namespace conclave::storage {

/// "Cncl" in the file's header says whose database it is.
inline constexpr int kApplicationId = 0x436e636c;

/// The files of storage/schema in order: number i brings version i to version i + 1.
[[nodiscard]] std::span<const std::string_view> schemaScripts();

/// How many scripts the file has seen; 0 for an empty file.
/// Errors: Corrupt (unreadable or no database), InvalidArgument (of another program), TooNew.
[[nodiscard]] Result<int> schemaVersion(Connection& connection, const std::filesystem::path& path,
                                        std::span<const std::string_view> scripts);

/// Runs the scripts that are still missing, each in a transaction that also checks the foreign
/// keys; a failure leaves the version before.
[[nodiscard]] Result<void> migrate(Connection& connection, int version,
                                   std::span<const std::string_view> scripts);

}  // namespace conclave::storage
