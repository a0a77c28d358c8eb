#include "app/services/model_catalog.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <new>
#include <regex>
#include <set>
#include <system_error>

#include "app/services/file_scan.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

bool equalsIgnoringCase(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

bool isModelFile(const fs::path& path) {
    if (!equalsIgnoringCase(path.extension().native(), ".gguf")) return false;
    // Only the first part of a split file stands for the model.
    static const std::regex kLaterPart(R"(-(\d{5})-of-\d{5}\.gguf$)", std::regex::icase);
    std::smatch match;
    const std::string name = path.filename().string();
    return !std::regex_search(name, match, kLaterPart) || match[1] == "00001";
}

/// Model files at or below `place`, by path.
std::vector<fs::path> modelFiles(const fs::path& place) {
    std::error_code problem;
    std::vector<fs::path> files;
    if (fs::is_regular_file(place, problem)) {
        files.push_back(place);
    } else if (fs::is_directory(place, problem)) {
        constexpr auto kOptions = fs::directory_options::skip_permission_denied |
                                  fs::directory_options::follow_directory_symlink;
        constexpr int kDeepest = 8;  // also ends loops of links
        fs::recursive_directory_iterator it(place, kOptions, problem);
        for (const fs::recursive_directory_iterator end; !problem && it != end;
             it.increment(problem)) {
            if (it.depth() >= kDeepest) it.disable_recursion_pending();
            std::error_code ignored;
            if (isModelFile(it->path()) && it->is_regular_file(ignored)) {
                files.push_back(it->path());
            }
        }
    }
    // A folder that could not be listed for that is not empty.
    if (problem == std::errc::not_enough_memory) throw std::bad_alloc();
    std::sort(files.begin(), files.end());
    return files;
}

std::uint64_t machineMemoryBytes() {
    std::ifstream file("/proc/meminfo");
    std::string key;
    std::string unit;
    std::uint64_t kibibytes = 0;
    while (file >> key >> kibibytes) {
        std::getline(file, unit);
        if (key == "MemTotal:") return kibibytes * 1024;
    }
    return 0;
}

}  // namespace

ModelCatalog::ModelCatalog(fs::path resources) : m_resources(std::move(resources)) {}

ModelEntry ModelCatalog::look(const fs::path& file, bool isEmbedded) {
    const std::lock_guard lock(m_mutex);
    std::error_code ignored;
    const std::uint64_t size = fs::file_size(file, ignored);
    const fs::file_time_type modified = fs::last_write_time(file, ignored);
    auto known = m_known.find(file);
    if (known == m_known.end() || known->second.sizeBytes != size ||
        known->second.modified != modified) {
        known = m_known.insert_or_assign(file, Known{size, modified, engine::readModelInfo(file)})
                    .first;
    }
    const Result<engine::ModelInfo>& info = known->second.info;
    ModelEntry entry{.name = file.stem().string(),
                     .file = file,
                     .info = info ? *info : engine::ModelInfo{},
                     .isEmbedded = isEmbedded,
                     .problem = info ? std::string() : info.error().detail};
    if (info && !info->name.empty()) entry.name = info->name;
    if (info && info->isEmbedder) {
        entry.problem = "this is a text embedder for search, not a model that can answer";
    }
    if (info && info->isReranker) {
        entry.problem = "this is a reranker for search, not a model that can answer";
    }
    return entry;
}

std::vector<ModelEntry> ModelCatalog::list(std::span<const fs::path> places) {
    std::vector<ModelEntry> models;
    std::set<fs::path> seen;
    const auto addAll = [&](const fs::path& place, bool isEmbedded) {
        for (const fs::path& file : modelFiles(place)) {
            std::error_code ignored;
            if (!seen.insert(fs::weakly_canonical(file, ignored)).second) continue;
            ModelEntry entry = look(file, isEmbedded);
            if (isEmbedded && entry.info.isEmbedder) continue;
            models.push_back(std::move(entry));
        }
    };
    for (const fs::path& place : places) addAll(place, false);
    if (!m_resources.empty()) addAll(m_resources, true);
    return models;
}

Result<fs::path> ModelCatalog::embedderFile() {
    if (!m_resources.empty()) {
        for (const fs::path& file : modelFiles(m_resources)) {
            if (look(file, true).info.isEmbedder) return file;
        }
    }
    return fail(ErrorCode::NotFound,
                "the text embedder that comes with Conclave is missing; reinstall Conclave, or set "
                "CONCLAVE_RESOURCES to the folder resources/ of its source");
}

const ModelEntry* findModel(std::span<const ModelEntry> models, std::string_view nameOrFile) {
    const fs::path path = tidyPath(fs::path(nameOrFile));
    const auto firstWhere = [&](auto fits) -> const ModelEntry* {
        const auto found = std::find_if(models.begin(), models.end(), fits);
        return found != models.end() ? &*found : nullptr;
    };
    if (const auto* byPath = firstWhere([&](const auto& m) { return m.file == path; })) {
        return byPath;
    }
    if (const auto* byName =
            firstWhere([&](const auto& m) { return equalsIgnoringCase(m.name, nameOrFile); })) {
        return byName;
    }
    return firstWhere([&](const auto& m) {
        return equalsIgnoringCase(m.file.filename().native(), nameOrFile) ||
               equalsIgnoringCase(m.file.stem().native(), nameOrFile);
    });
}

const ModelEntry* bestModel(std::span<const ModelEntry> models) {
    // Room for the context, the documents' vectors and what else the person runs.
    const std::uint64_t limit = machineMemoryBytes() / 10 * 6;
    const ModelEntry* best = nullptr;
    for (const ModelEntry& model : models) {
        if (!model.problem.empty()) continue;
        if (!model.isEmbedded && model.info.fileBytes > limit) continue;
        const auto rank = [](const ModelEntry& m) {
            return std::pair(!m.isEmbedded, m.info.fileBytes);
        };
        if (best == nullptr || rank(model) > rank(*best)) best = &model;
    }
    return best;
}

}  // namespace conclave::services
