#include "engine/runtime/memory.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <limits>

namespace conclave::engine {
namespace {

constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

std::uint64_t fromMeminfo() {
    std::ifstream file("/proc/meminfo");
    std::string key;
    std::uint64_t kibibytes = 0;
    std::string unit;
    while (file >> key >> kibibytes) {
        std::getline(file, unit);
        if (key == "MemAvailable:") return kibibytes * 1024;
    }
    return kUnknown;
}

/// What the control group of a container leaves. Its file cache can be dropped, so it counts as
/// free, as in MemAvailable.
std::uint64_t fromControlGroup() {
    std::uint64_t limit = 0;
    std::uint64_t used = 0;
    std::ifstream("/sys/fs/cgroup/memory.max") >> limit;
    std::ifstream("/sys/fs/cgroup/memory.current") >> used;
    if (limit == 0 || used == 0) return kUnknown;
    std::ifstream statistics("/sys/fs/cgroup/memory.stat");
    std::string key;
    std::uint64_t value = 0;
    std::uint64_t cache = 0;
    while (statistics >> key >> value) {
        if (key == "active_file" || key == "inactive_file") cache += value;
    }
    return limit - std::min(limit, used - std::min(used, cache));
}

}  // namespace

std::uint64_t availableMemory() { return std::min(fromMeminfo(), fromControlGroup()); }

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
