// input.h: files that options name.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace conclave::terminal {

/// The bytes of a file; "-" is standard input. Errors: NotFound, Io, InvalidArgument (a folder).
[[nodiscard]] Result<std::string> readFile(const std::string& path);

/// Tools to offer to a model, as OpenAI lists them: [{"type":"function","function":{"name",
/// "description","parameters"}}]. That list under "tools" and functions that stand by themselves
/// will do as well. Errors: those of readFile; InvalidArgument (names the entry and what is wrong).
[[nodiscard]] Result<nlohmann::ordered_json> readTools(const std::string& path);

/// A conversation as OpenAI lists it: [{"role","content"}], an assistant's with "tool_calls", what
/// they gave under the role "tool". Calls become what templates read: arguments as JSON, wrapped as
/// functions, with ids; calls as `generate --json` prints them will do. Errors: as readTools.
[[nodiscard]] Result<nlohmann::ordered_json> readMessages(const std::string& path);

}  // namespace conclave::terminal
