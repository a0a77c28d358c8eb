// model_info.h: readModelInfo for a file that is open already.
#pragma once

#include "base/result.h"
#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

/// Errors: Unsupported (names the architecture), Corrupt (names the key).
[[nodiscard]] Result<ModelInfo> describeModel(const GgufFile& file);

}  // namespace conclave::engine
