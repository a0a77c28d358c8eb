// python_value.h: literals of Python, which Llama writes as the arguments of a call.
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include "engine/tokenizer/output/call_cursor.h"

namespace conclave::engine {

/// KEY=VALUE, … up to and including the closing parenthesis, as an object. Values are texts in
/// either kind of quotation marks, numbers, True, False, None, lists, tuples and dictionaries, at
/// most 64 levels deep; anything else, such as an argument without a name, is none.
[[nodiscard]] std::optional<nlohmann::ordered_json> readPythonArguments(CallCursor& cursor);

}  // namespace conclave::engine
