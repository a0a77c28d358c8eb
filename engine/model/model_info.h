// model_info.h: readModelInfo for a file that is open already.
#pragma once

#include "base/result.h"
#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

/// GgufFile::open() for a model. Of a damaged file whose architecture is unknown the error tells
/// that: a whole copy of it would not help.
[[nodiscard]] Result<GgufFile> openModelFile(const std::filesystem::path& path);

/// Errors: Unsupported (names the architecture), Corrupt (names the key).
[[nodiscard]] Result<ModelInfo> describeModel(const GgufFile& file);

}  // namespace conclave::engine
