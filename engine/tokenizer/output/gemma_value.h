// gemma_value.h: the arguments of a call as Gemma writes them, {key:<|"|>text<|"|>,other:[1,2]}.
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include "engine/tokenizer/output/call_cursor.h"

namespace conclave::engine {

/// The value at the cursor, which moves behind it; nothing if there is none, or not yet.
[[nodiscard]] std::optional<nlohmann::ordered_json> readGemmaValue(CallCursor& cursor,
                                                                   int depth = 0);

}  // namespace conclave::engine
