#include "app/services/model_contents.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/threads.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

std::uint64_t machineMemory() {
    return static_cast<std::uint64_t>(std::max(::sysconf(_SC_PHYS_PAGES), 0L)) *
           static_cast<std::uint64_t>(std::max(::sysconf(_SC_PAGESIZE), 0L));
}

}  // namespace

ModelContents::ModelContents(fs::path file) : m_file(std::move(file)) {}

ModelContents::~ModelContents() = default;

void ModelContents::learn(const engine::ModelFiles& files) {
    constexpr std::uint64_t kSmall = std::uint64_t{256} << 20U;  // some 50 ms
    if (m_file.empty() || files.bytes > machineMemory() / 2 || contentsIn(files.state)) return;
    if (files.bytes <= kSmall) {
        readAll(files, {});
        return;
    }
    const std::lock_guard lock(m_behindMutex);
    if (m_stateBehind == files.state) return;
    m_behind.clear();  // ends a reading of other files
    m_stateBehind = files.state;
    startThreads(m_behind, 1, [&](int) {
        return [this, files](const std::stop_token& stop) {
            constexpr int kNiceness = 19;
            ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNiceness);
            readAll(files, stop);
        };
    });
}

bool ModelContents::hadSame(std::uint64_t earlierState, const engine::ModelFiles& files,
                            const std::stop_token& cancel) {
    const auto earlier = contentsIn(earlierState);
    if (!earlier) return false;
    auto now = contentsIn(files.state);
    if (!now) now = readAll(files, cancel);
    return now == earlier;
}

std::optional<std::uint64_t> ModelContents::readAll(const engine::ModelFiles& files,
                                                    const std::stop_token& cancel) {
    const auto contents = engine::hashContents(files, cancel);
    if (!contents) {
        log().info("the contents of a model were not learnt: {}", contents.error().detail);
        return std::nullopt;
    }
    remember({files.state, *contents});
    return *contents;
}

/// Lines of two numbers, the latest last. Whatever is damaged is only not known.
std::vector<ModelContents::Known> ModelContents::read() const {
    std::vector<Known> all;
    std::ifstream file(m_file);
    Known known;
    while (file >> std::hex >> known.state >> known.contents) all.push_back(known);
    return all;
}

std::optional<std::uint64_t> ModelContents::contentsIn(std::uint64_t state) const {
    const std::lock_guard lock(m_mutex);
    for (const Known& known : read()) {
        if (known.state == state) return known.contents;
    }
    return std::nullopt;
}

void ModelContents::remember(const Known& known) {
    constexpr std::size_t kMost = 64;
    const std::lock_guard lock(m_mutex);
    std::vector<Known> all = read();
    std::erase_if(all, [&](const Known& each) { return each.state == known.state; });
    if (all.size() >= kMost) {
        all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(kMost - 1));
    }
    all.push_back(known);
    std::error_code problem;
    fs::create_directories(m_file.parent_path(), problem);
    const fs::path partial = m_file.string() + ".partial";
    {
        std::ofstream file(partial, std::ios::trunc);
        for (const Known& each : all) {
            std::array<char, 40> line{};
            std::snprintf(line.data(), line.size(), "%016llx %016llx\n",
                          static_cast<unsigned long long>(each.state),
                          static_cast<unsigned long long>(each.contents));
            file << line.data();
        }
        if (!file.flush()) return;
    }
    fs::rename(partial, m_file, problem);
    if (problem) log().info("{} cannot be written: {}", m_file.string(), problem.message());
}

}  // namespace conclave::services
