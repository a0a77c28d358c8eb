// python_value.h: literals of Python, which Llama writes as the arguments of a call.
#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "engine/tokenizer/output/call_cursor.h"

namespace conclave::engine {

/// KEY=VALUE, … up to and including the closing parenthesis, as an object. Values are texts in
/// either kind of quotation marks, numbers, True, False, None, lists, tuples and dictionaries, at
/// most 64 levels deep; anything else, such as an argument without a name, is none. A quotation
/// mark that nothing follows which may follow a value is part of the text, as some templates write
/// texts that hold one.
[[nodiscard]] std::optional<nlohmann::ordered_json> readPythonArguments(CallCursor& cursor);

/// All of `text` as one list, dictionary or text.
[[nodiscard]] std::optional<nlohmann::ordered_json> readPythonValue(std::string_view text);

}  // namespace conclave::engine
