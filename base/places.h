// places.h: where Conclave keeps its files (XDG base directories), and where its own resources are.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace conclave {

/// The user's four folders. CONCLAVE_HOME=DIR puts all four under DIR (config, data, cache, state).
struct Places {
    std::filesystem::path config;
    std::filesystem::path data;   ///< the database conclave.db and models/
    std::filesystem::path cache;  ///< saved KV sessions; may be deleted at any time
    std::filesystem::path state;  ///< logs

    [[nodiscard]] std::filesystem::path database() const { return data / "conclave.db"; }
    [[nodiscard]] std::filesystem::path models() const { return data / "models"; }
    [[nodiscard]] std::filesystem::path logFile() const { return state / "conclave.log"; }
};

/// Reads the environment; the folders may not be there, nor be such as can be made.
[[nodiscard]] Places namePlaces();

/// The same, and makes the folders, readable by the user alone.
/// Errors: Io when a folder cannot be made.
[[nodiscard]] Result<Places> findPlaces();

/// The folder with models/ and guide/: CONCLAVE_RESOURCES, else ../share/conclave beside the
/// program's folder (installed), else the source tree that this build came from.
/// Errors: NotFound.
[[nodiscard]] Result<std::filesystem::path> findResources();

/// The folder of the running program; its worker programs are beside it.
[[nodiscard]] std::filesystem::path programFolder();

}  // namespace conclave
