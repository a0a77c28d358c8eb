// model_file.h: what can be said of model files beyond engine.h's ModelInfo: adapters, parts, and
// whether they are still the same.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
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

/// The files of a loaded model, by which saved sessions know it again.
struct ModelFiles {
    std::vector<std::filesystem::path> paths;  ///< all parts
    /// Of inodes, sizes and times as the files were opened: another one once something is written,
    /// but also once a file is only touched, copied or moved.
    std::uint64_t state = 0;
    std::uint64_t bytes = 0;  ///< of all parts
};

/// A hash of every byte of the files, which reads all of them.
/// Errors: Io if one of them cannot be read, or is in another state than it was opened in;
/// Cancelled.
[[nodiscard]] Result<std::uint64_t> hashContents(const ModelFiles& files,
                                                 const std::stop_token& cancel = {});

}  // namespace conclave::engine
