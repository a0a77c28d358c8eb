// gguf_parser.h: one part of a GGUF file, from bytes to metadata and tensor table.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

using GgufValue = std::variant<std::int64_t, double, bool, std::string_view, GgufArray>;
using GgufMetadata = std::map<std::string, GgufValue, std::less<>>;

struct GgufPart {
    GgufMetadata metadata;
    std::vector<RawMetadata> rawMetadata;
    std::vector<TensorInfo> tensors;
};

/// @param bytes  the whole part; strings and tensor data of the result borrow from it
/// Errors: Corrupt (names the field), Unsupported (version, byte order, nested arrays).
[[nodiscard]] Result<GgufPart> parseGgufPart(std::span<const std::byte> bytes);

/// The metadata up to where the part ends or cannot be read on.
/// @param bytes  as parseGgufPart()
[[nodiscard]] GgufMetadata readableMetadata(std::span<const std::byte> bytes);

/// A name from a file, shortened and made printable, for an error message.
[[nodiscard]] std::string showName(std::string_view name);

}  // namespace conclave::engine
