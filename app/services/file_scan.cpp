#include "app/services/file_scan.h"

#include <algorithm>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include <sys/stat.h>

#include "retrieval/retrieval.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

using FileId = std::pair<dev_t, ino_t>;

class Scanner {
public:
    Scanner(const std::vector<fs::path>& excluded, const std::function<bool()>& keepGoing)
        : m_keepGoing(keepGoing) {
        for (const fs::path& folder : excluded) {
            struct stat status {};
            if (::stat(folder.c_str(), &status) == 0) {
                m_entered.insert({status.st_dev, status.st_ino});
            }
        }
    }

    /// False when the caller wants to stop.
    bool visit(const fs::path& path, bool isRoot) {
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) {
            // A link to nowhere inside a folder is nothing; a missing root may be a disk that is
            // not plugged in.
            if (isRoot) m_scan.unreachable.push_back(path);
            return true;
        }
        if (S_ISDIR(status.st_mode)) return visitFolder(path, {status.st_dev, status.st_ino});
        if (S_ISREG(status.st_mode) && (isRoot || retrieval::isReadable(path))) {
            if (m_files.insert({status.st_dev, status.st_ino}).second) addFile(path, status);
        }
        return true;
    }

    Scan take() {
        std::sort(m_scan.files.begin(), m_scan.files.end(),
                  [](const ScannedFile& a, const ScannedFile& b) { return a.path < b.path; });
        return std::move(m_scan);
    }

private:
    bool visitFolder(const fs::path& folder, FileId id) {
        if (!m_keepGoing()) return false;
        if (!m_entered.insert(id).second) return true;  // entered before, or Conclave's own
        std::error_code problem;
        std::vector<fs::path> entries;
        for (fs::directory_iterator it(folder, problem), end; !problem && it != end;
             it.increment(problem)) {
            entries.push_back(it->path());
        }
        if (problem) m_scan.unreachable.push_back(folder);
        std::sort(entries.begin(), entries.end());
        return std::all_of(entries.begin(), entries.end(), [this](const fs::path& entry) {
            return entry.filename().native().starts_with('.') || visit(entry, false);
        });
    }

    void addFile(const fs::path& path, const struct stat& status) {
        constexpr std::int64_t kNanoseconds = 1'000'000'000;
        m_scan.files.push_back({path, static_cast<std::uint64_t>(status.st_size),
                                status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec});
    }

    const std::function<bool()>& m_keepGoing;
    std::set<FileId> m_entered;
    std::set<FileId> m_files;
    Scan m_scan;
};

}  // namespace

Result<Scan> scanFiles(const std::vector<fs::path>& roots, const std::vector<fs::path>& excluded,
                       const std::function<bool()>& keepGoing) {
    Scanner scanner(excluded, keepGoing);
    for (const fs::path& root : roots) {
        if (!scanner.visit(root, true)) return fail(ErrorCode::Cancelled, "stopped while scanning");
    }
    return scanner.take();
}

bool isWithin(const fs::path& path, const fs::path& folder) {
    const auto [inFolder, inPath] =
        std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
    return inFolder == folder.end();
}

fs::path tidyPath(const fs::path& path) {
    std::error_code ignored;
    fs::path tidy = fs::absolute(path, ignored).lexically_normal();
    if (!tidy.has_filename() && tidy.has_parent_path() && tidy != tidy.root_path()) {
        tidy = tidy.parent_path();
    }
    return tidy;
}

}  // namespace conclave::services
