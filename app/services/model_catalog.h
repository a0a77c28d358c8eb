// model_catalog.h: which model files there are. Files are looked at where they lie, never copied.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

/// Finds *.gguf files; remembers what a header said as long as the file is unchanged.
class ModelCatalog {
public:
    /// `resources`: the folder of the models that come with Conclave; may be empty.
    explicit ModelCatalog(std::filesystem::path resources);

    /// Chat models below `places` (files or folders) and the embedded one, each file once; of a
    /// split model its first part. What cannot be used carries its problem.
    [[nodiscard]] std::vector<ModelEntry> list(std::span<const std::filesystem::path> places);

    /// One file, with its problem if it has one.
    [[nodiscard]] ModelEntry look(const std::filesystem::path& file, bool isEmbedded = false);

    /// The bundled text embedder. Errors: NotFound.
    [[nodiscard]] Result<std::filesystem::path> embedderFile();

private:
    struct Known {
        std::uint64_t sizeBytes = 0;
        std::filesystem::file_time_type modified;
        Result<engine::ModelInfo> info;
    };

    std::filesystem::path m_resources;
    std::mutex m_mutex;
    std::map<std::filesystem::path, Known> m_known;
};

/// The entry that a person means: by path, then display name, then file name with or without
/// `.gguf`, letters' case aside. Null if none fits.
[[nodiscard]] const ModelEntry* findModel(std::span<const ModelEntry> models,
                                          std::string_view nameOrFile);

/// The one to start with when nothing was chosen: the largest that fits well in this machine's
/// memory, else the embedded one. Null if none can be used.
[[nodiscard]] const ModelEntry* bestModel(std::span<const ModelEntry> models);

}  // namespace conclave::services
