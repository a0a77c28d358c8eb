// runner_tools.h: what engine_runner and peer_runner measure alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <sys/resource.h>

namespace conclave::bench {

using Clock = std::chrono::steady_clock;

inline double secondsSince(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Processor time of all threads of this program so far.
inline double ownCpuSeconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

inline double residentMebibytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind("VmRSS:", 0) == 0) return std::stod(line.substr(6)) / 1024.0;
    }
    return 0.0;
}

/// Tokens without meaning, the same for every engine.
inline std::vector<std::int32_t> someTokens(int count, int vocabularySize, std::uint32_t seed = 1) {
    std::vector<std::int32_t> tokens;
    std::uint32_t state = seed;
    for (int i = 0; i < count; ++i) {
        state = state * 1664525U + 1013904223U;
        tokens.push_back(
            static_cast<std::int32_t>((state >> 8U) % static_cast<std::uint32_t>(vocabularySize)));
    }
    return tokens;
}

}  // namespace conclave::bench
