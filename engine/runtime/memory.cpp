#include "engine/runtime/memory.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string_view>

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace conclave::engine {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

std::uint64_t fromMeminfo(const fs::path& root) {
    std::ifstream file(root / "proc/meminfo");
    std::string key;
    std::uint64_t kibibytes = 0;
    std::string unit;
    while (file >> key >> kibibytes) {
        std::getline(file, unit);
        if (key == "MemAvailable:") return kibibytes * 1024;
    }
    return kUnlimited;
}

/// How the two versions of control groups name the same things.
struct GroupFiles {
    std::string_view limit, used, activeCache, inactiveCache;
};
constexpr GroupFiles kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                  "total_active_file", "total_inactive_file"};
constexpr GroupFiles kVersion2 = {"memory.max", "memory.current", "active_file", "inactive_file"};

/// What one group leaves. Its file cache can be dropped, so it counts as free, as in MemAvailable.
std::uint64_t fromGroup(const fs::path& folder, const GroupFiles& names) {
    std::uint64_t limit = 0;
    std::uint64_t used = 0;
    if (!(std::ifstream(folder / names.limit) >> limit)) return kUnlimited;  // "max", or no group
    if (!(std::ifstream(folder / names.used) >> used)) return kUnlimited;
    std::ifstream statistics(folder / "memory.stat");
    std::string key;
    std::uint64_t value = 0;
    std::uint64_t cache = 0;
    while (statistics >> key >> value) {
        if (key == names.activeCache || key == names.inactiveCache) cache += value;
    }
    return limit - std::min(limit, used - std::min(used, cache));
}

/// The group at `path` and those above it, up to the mounted one.
std::uint64_t fromGroups(const fs::path& mount, fs::path path, const GroupFiles& names) {
    std::uint64_t least = fromGroup(mount, names);
    // In a container the path may be the host's, and none of its folders be here.
    for (path = path.relative_path(); !path.empty(); path = path.parent_path()) {
        least = std::min(least, fromGroup(mount / path, names));
    }
    return least;
}

/// Lines of /proc/self/cgroup are NUMBER:CONTROLLERS:PATH; version 2 has no controllers there.
std::uint64_t fromControlGroups(const fs::path& root) {
    const fs::path mount = root / "sys/fs/cgroup";
    std::uint64_t least = kUnlimited;
    std::ifstream file(root / "proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const fs::path path = line.substr(second + 1);
        if (controllers == ",,") {
            least = std::min(least, fromGroups(mount, path, kVersion2));
        } else if (controllers.find(",memory,") != std::string::npos) {
            least = std::min(least, fromGroups(mount / "memory", path, kVersion1));
        }
    }
    return least;
}

std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
    return a > kUnlimited - b ? kUnlimited : a + b;
}

/// What the limits of the process leave of address space and of its own data.
std::uint64_t fromLimits() {
    rlimit space{};
    rlimit data{};
    ::getrlimit(RLIMIT_AS, &space);
    ::getrlimit(RLIMIT_DATA, &data);
    if (space.rlim_cur == RLIM_INFINITY && data.rlim_cur == RLIM_INFINITY) return kUnlimited;
    // Pages: all, resident, shared, text, unused, data.
    std::array<std::uint64_t, 6> pages{};
    std::ifstream file("/proc/self/statm");
    for (std::uint64_t& each : pages) file >> each;
    const auto pageBytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const auto left = [&](rlim_t limit, std::uint64_t nPages) {
        return limit == RLIM_INFINITY ? kUnlimited : limit - std::min(limit, nPages * pageBytes);
    };
    return std::min(left(space.rlim_cur, pages[0]), left(data.rlim_cur, pages[5]));
}

}  // namespace

std::uint64_t availableMemory(const OwnMemory& own, const fs::path& root) {
    const std::uint64_t inMemory = std::min(fromMeminfo(root), fromControlGroups(root));
    return std::min(plus(inMemory, own.writtenBytes), plus(fromLimits(), own.reservedBytes));
}

bool isProcessLimited() { return fromLimits() != kUnlimited; }

std::uint64_t limitedBytesOfThreads(int nThreads) {
    if (!isProcessLimited()) return 0;
    pthread_attr_t attributes;
    std::size_t stackBytes = 0;
    if (::pthread_attr_init(&attributes) != 0) return 0;
    ::pthread_attr_getstacksize(&attributes, &stackBytes);
    ::pthread_attr_destroy(&attributes);
    return static_cast<std::uint64_t>(nThreads) * stackBytes;
}

void saveAddressSpace() {
#ifdef M_ARENA_MAX
    if (isProcessLimited()) ::mallopt(M_ARENA_MAX, 1);
#endif
}

std::string sizeText(std::uint64_t bytes) {
    constexpr double kMebibyte = 1 << 20;
    constexpr double kGibibyte = 1 << 30;
    std::array<char, 32> text{};
    const auto value = static_cast<double>(bytes);
    if (value >= kGibibyte) {
        std::snprintf(text.data(), text.size(), "%.1f GiB", value / kGibibyte);
    } else {
        std::snprintf(text.data(), text.size(), "%.0f MiB", std::max(1.0, value / kMebibyte));
    }
    return text.data();
}

}  // namespace conclave::engine
