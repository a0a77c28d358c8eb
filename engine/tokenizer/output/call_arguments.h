// call_arguments.h: what every way to write a call of a tool has in common.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/engine.h"

namespace conclave::engine {

using CallJson = nlohmann::ordered_json;
using Calls = std::vector<ToolCall>;

[[nodiscard]] std::string_view trimmedText(std::string_view text);

/// What a model writes is UTF-8, but a byte that is not must not throw.
[[nodiscard]] std::string jsonText(const CallJson& value);

/// Names of functions have no spaces; what has is prose.
[[nodiscard]] bool isFunctionName(std::string_view text);

/// Adds one call, or a list of them, each {"name" or "tool_name", "arguments" or "parameters",
/// "id"?} or that under "function". False if it is something else.
[[nodiscard]] bool addCalls(std::string_view json, Calls& calls);

/// The same of {"NAME": {…}}.
[[nodiscard]] bool addNamedCalls(std::string_view json, Calls& calls);

/// An argument that was written without quotes: JSON, or a list or dictionary of Python, if it
/// reads so and is not declared a text.
/// @param tools  the request's (OpenAI's form, or null)
[[nodiscard]] CallJson argumentOf(const CallJson& tools, std::string_view function,
                                  const std::string& key, std::string_view written);

/// Without the line ends that frame a value on lines of its own.
[[nodiscard]] std::string_view withoutFrame(std::string_view text);

}  // namespace conclave::engine
