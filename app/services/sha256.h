// sha256.h: content hashes, by OpenSSL's libcrypto (which libcurl brings along anyway).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace conclave::services {

/// SHA-256 of a file's content, 64 lower-case hex digits. `progress` gets the bytes read so far;
/// false ends it with Cancelled. Errors: NotFound, Io, Cancelled.
[[nodiscard]] Result<std::string> sha256OfFile(
    const std::filesystem::path& file, const std::function<bool(std::uint64_t)>& progress = {});

/// SHA-256 of a text, likewise.
[[nodiscard]] std::string sha256OfText(std::string_view text);

}  // namespace conclave::services
