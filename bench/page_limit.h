// page_limit.h: a memory limit on this process for measurements, where no control group can be
// made.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace conclave::bench {

/// Bytes of a file.
struct FileRange {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};

/// Drops what the system's cache holds of a file, as far as nobody has it mapped.
inline void dropFromCache(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    ::fdatasync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
}

/// Keeps the process's resident memory below a limit, as a control group's memory limit would, by
/// taking mapped pages of a file away, from its mapping and from the system's cache. The ranges
/// given may go, in turns: those that a model reads at random. All others stay, which the system
/// could not promise; so a program that relies on paging fares no worse under this than under the
/// system's own limit.
class PageLimit {
public:
    PageLimit(const std::string& path, std::vector<FileRange> ranges, std::uint64_t limitBytes)
        : m_ranges(std::move(ranges)),
          m_limitBytes(limitBytes),
          m_file(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        findMappings(path);
        if (!m_ranges.empty() && !m_mappings.empty()) {
            m_thread = std::jthread([this](const std::stop_token& stop) { watch(stop); });
        }
    }
    ~PageLimit() {
        if (m_thread.joinable()) {
            m_thread.request_stop();
            m_thread.join();
        }
        if (m_file >= 0) ::close(m_file);
    }
    PageLimit(const PageLimit&) = delete;
    PageLimit& operator=(const PageLimit&) = delete;

private:
    struct Mapping {
        std::uintptr_t begin = 0;
        FileRange range;
    };

    /// Lines are BEGIN-END FLAGS OFFSET DEVICE INODE PATH, in hexadecimal.
    void findMappings(const std::string& path) {
        std::ifstream maps("/proc/self/maps");
        for (std::string line; std::getline(maps, line);) {
            if (line.size() < path.size() ||
                line.compare(line.size() - path.size(), path.size(), path) != 0) {
                continue;
            }
            std::istringstream words(line);
            std::uintptr_t begin = 0;
            std::uintptr_t end = 0;
            std::uint64_t offset = 0;
            char dash = 0;
            std::string flags;
            words >> std::hex >> begin >> dash >> end >> flags >> offset;
            m_mappings.push_back({begin, {offset, end - begin}});
        }
    }

    static std::uint64_t residentBytes() {
        std::uint64_t all = 0;
        std::uint64_t resident = 0;
        std::ifstream("/proc/self/statm") >> all >> resident;
        return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }

    void watch(const std::stop_token& stop) {
        constexpr auto kPause = std::chrono::milliseconds(1);
        while (!stop.stop_requested()) {
            std::this_thread::sleep_for(kPause);
            // A whole turn without getting below the limit: the rest is not ours to take.
            for (std::size_t i = 0; i < m_ranges.size() && residentBytes() > m_limitBytes; ++i) {
                evict(m_ranges[m_next++ % m_ranges.size()]);
            }
        }
    }

    void evict(const FileRange& range) const {
        constexpr std::uint64_t kPage = 4096;
        const std::uint64_t first = (range.offset + kPage - 1) / kPage * kPage;
        const std::uint64_t last = (range.offset + range.bytes) / kPage * kPage;
        for (const Mapping& mapping : m_mappings) {
            const std::uint64_t from = std::max(first, mapping.range.offset);
            const std::uint64_t to = std::min(last, mapping.range.offset + mapping.range.bytes);
            if (from >= to) continue;
            ::madvise(reinterpret_cast<void*>(mapping.begin + (from - mapping.range.offset)),
                      to - from, MADV_DONTNEED);
        }
        ::posix_fadvise(m_file, static_cast<off_t>(first), static_cast<off_t>(last - first),
                        POSIX_FADV_DONTNEED);
    }

    std::vector<FileRange> m_ranges;
    std::uint64_t m_limitBytes;
    int m_file;
    std::vector<Mapping> m_mappings;
    std::size_t m_next = 0;
    std::jthread m_thread;
};

}  // namespace conclave::bench
