#include "base/places.h"

#include <cstdlib>
#include <string>
#include <system_error>

namespace conclave {
namespace fs = std::filesystem;
namespace {

fs::path fromEnvironment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? fs::path(value) : fs::path();
}

/// The XDG specification ignores relative paths in its variables.
fs::path xdgFolder(const char* variable, const char* underHome) {
    fs::path base = fromEnvironment(variable);
    if (!base.is_absolute()) base = fromEnvironment("HOME") / underHome;
    return base / "conclave";
}

}  // namespace

Places namePlaces() {
    if (const fs::path home = fromEnvironment("CONCLAVE_HOME"); !home.empty()) {
        std::error_code ignored;
        const fs::path root = fs::absolute(home, ignored);
        return {root / "config", root / "data", root / "cache", root / "state"};
    }
    return {xdgFolder("XDG_CONFIG_HOME", ".config"), xdgFolder("XDG_DATA_HOME", ".local/share"),
            xdgFolder("XDG_CACHE_HOME", ".cache"), xdgFolder("XDG_STATE_HOME", ".local/state")};
}

Result<Places> findPlaces() {
    Places places = namePlaces();
    for (const fs::path& folder :
         {places.config, places.data, places.models(), places.cache, places.state}) {
        std::error_code problem;
        const bool made = fs::create_directories(folder, problem);
        if (problem) {
            return fail(ErrorCode::Io, "cannot make the folder " + folder.string() + ": " +
                                           problem.message() +
                                           " (set CONCLAVE_HOME to a folder you can write to)");
        }
        if (made) fs::permissions(folder, fs::perms::owner_all, problem);
    }
    return places;
}

Result<fs::path> findResources() {
    const fs::path candidates[] = {fromEnvironment("CONCLAVE_RESOURCES"),
                                   programFolder() / "../share/conclave",
                                   CONCLAVE_SOURCE_RESOURCES};
    for (const fs::path& candidate : candidates) {
        std::error_code ignored;
        if (!candidate.empty() && fs::is_directory(candidate / "guide", ignored)) {
            return fs::weakly_canonical(candidate, ignored);
        }
    }
    return fail(ErrorCode::NotFound,
                "Conclave's resources (guide and embedded model) are missing; reinstall it, or set "
                "CONCLAVE_RESOURCES to the folder resources/ of its source");
}

fs::path programFolder() {
    std::error_code ignored;
    return fs::read_symlink("/proc/self/exe", ignored).parent_path();
}

}  // namespace conclave
