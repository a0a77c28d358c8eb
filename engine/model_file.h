// model_file.h: what can be said of model files beyond engine.h's ModelInfo: adapters, and parts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace conclave::engine {

/// What the file of a LoRA adapter says of itself; LoraAdapter loads it for a model.
struct AdapterInfo {
    std::string name;
    std::string architecture;  ///< of the models that it is for
    std::string fileType;      ///< main weight type, as F16
    std::uint64_t fileBytes = 0;
    std::uint64_t nParameters = 0;
    int rank = 0;      ///< the largest there is
    int nTensors = 0;  ///< of a model, that it changes
};

/// Reads and checks an adapter file's header and tensor table; nullopt: the file is none.
/// Errors: Corrupt and Unsupported, in files that are adapters; both name the tensor or key.
[[nodiscard]] Result<std::optional<AdapterInfo>> readAdapterInfo(const std::filesystem::path& path);

/// The files that a model lies in, first one first: all parts of a split one, of which `path` may
/// be any (NAME-00001-of-00003.gguf); else `path`. Goes by the name alone.
[[nodiscard]] std::vector<std::filesystem::path> modelFileParts(const std::filesystem::path& path);

}  // namespace conclave::engine
