#include "app/services/file_scan.h"

#include <algorithm>
#include <deque>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include <sys/stat.h>

#include "app/services/ignore_rules.h"
#include "base/log.h"
#include "retrieval/retrieval.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

/// See ScannedFile::modifiedNs. Programs set the time of the content back, but nobody that of the
/// attributes, so that it is mixed into what is smaller than a second.
std::int64_t stampOf(const timespec& content, const timespec& attributes) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    constexpr std::uint64_t kOdd = 0x9E37'79B9'7F4A'7C15;  // 2^64 over the golden ratio
    const auto small = static_cast<std::uint64_t>(content.tv_nsec);
    const auto other = static_cast<std::uint64_t>(attributes.tv_sec) * std::uint64_t{kSecond} +
                       static_cast<std::uint64_t>(attributes.tv_nsec);
    const std::uint64_t mixed = (small + other * kOdd) * kOdd;
    return content.tv_sec * kSecond + static_cast<std::int64_t>((mixed >> 32U) % kSecond);
}

using FileId = std::pair<dev_t, ino_t>;

class Scanner {
public:
    Scanner(const std::vector<fs::path>& roots, const std::vector<fs::path>& excluded,
            const std::function<bool()>& keepGoing, bool withPictures)
        : m_keepGoing(keepGoing), m_withPictures(withPictures) {
        for (const fs::path& root : roots) {
            std::error_code problem;
            if (fs::path real = fs::canonical(root, problem); !problem) {
                m_realRoots.push_back(std::move(real));
            }
        }
        for (const fs::path& folder : excluded) {
            struct stat status {};
            if (::stat(folder.c_str(), &status) == 0) {
                m_entered.insert({status.st_dev, status.st_ino});
            }
        }
    }

    /// False when the caller wants to stop.
    bool visit(const fs::path& path, bool isRoot, bool isLink = false) {
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) {
            // A link to nowhere inside a folder is nothing; a missing root may be a disk that is
            // not plugged in.
            if (isRoot) m_scan.unreachable.push_back(path);
            return true;
        }
        if (!isRoot && isIgnored(path, S_ISDIR(status.st_mode))) return true;
        if (isRoot) enterRoot(path);
        if (isLink && S_ISDIR(status.st_mode) && leadsAbove(path)) return true;
        if (isLink && (S_ISDIR(status.st_mode) || isWanted(path)) && leadsOut(path)) {
            if (!m_entered.contains({status.st_dev, status.st_ino})) {
                m_scan.leadingOut.push_back(path);
            }
            return true;
        }
        if (S_ISDIR(status.st_mode)) return visitFolder(path, {status.st_dev, status.st_ino});
        if (S_ISREG(status.st_mode) && (isRoot || isWanted(path))) {
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
    [[nodiscard]] bool isWanted(const fs::path& path) const {
        return retrieval::isReadable(path) || (m_withPictures && retrieval::isPicture(path));
    }

    void enterRoot(const fs::path& path) {
        std::error_code ignored;
        m_root = path;
        m_realRoot = fs::canonical(path, ignored);
    }

    /// A link to the root or a folder around it would bring in what the person did not choose.
    [[nodiscard]] bool leadsAbove(const fs::path& path) const {
        std::error_code problem;
        const fs::path target = fs::canonical(path, problem);
        return !problem && isWithin(m_realRoot, target);
    }

    /// What is elsewhere was not chosen, be it a stranger's or a system's file.
    [[nodiscard]] bool leadsOut(const fs::path& path) const {
        std::error_code problem;
        const fs::path target = fs::canonical(path, problem);
        return problem ||
               std::none_of(m_realRoots.begin(), m_realRoots.end(),
                            [&](const fs::path& root) { return isWithin(target, root); });
    }

    bool visitFolder(const fs::path& folder, FileId id) {
        if (!m_keepGoing()) return false;
        if (!m_entered.insert(id).second) return true;  // entered before, or Conclave's own
        std::error_code problem;
        std::vector<std::pair<fs::path, bool>> entries;  // with whether it is a link
        for (fs::directory_iterator it(folder, problem), end; !problem && it != end;
             it.increment(problem)) {
            std::error_code ignored;
            entries.emplace_back(it->path(), it->is_symlink(ignored));
        }
        noteIdentity(folder, id);
        // Of an empty root nothing is known either: a disk that is not plugged in leaves its mount
        // point, and that must not cost what was read from it.
        if (problem || (entries.empty() && folder == m_root)) {
            m_scan.unreachable.push_back(folder);
        }
        std::sort(entries.begin(), entries.end());
        IgnoreRules rules = readRules(folder);
        const bool hasRules = !rules.isEmpty();
        if (hasRules) m_rules.emplace_front(folder, std::move(rules));
        const bool goesOn = std::all_of(entries.begin(), entries.end(), [this](const auto& entry) {
            const auto& [path, isLink] = entry;
            return path.filename().native().starts_with('.') || visit(path, false, isLink);
        });
        if (hasRules) m_rules.pop_front();
        return goesOn;
    }

    void noteIdentity(const fs::path& folder, FileId id) {
        if (folder == m_root) {
            m_rootDevice = id.first;
            m_scan.identities[m_root.string()] =
                std::to_string(id.first) + ":" + std::to_string(id.second);
        } else if (id.first != m_rootDevice) {
            m_scan.identities[m_root.string()].clear();
        }
    }

    static IgnoreRules readRules(const fs::path& folder) {
        constexpr std::uintmax_t kLargest = std::uintmax_t{1} << 20;
        const fs::path path = folder / kIgnoreFileName;
        std::error_code problem;
        if (!fs::is_regular_file(path, problem)) return {};
        const std::uintmax_t size = fs::file_size(path, problem);
        if (problem || size > kLargest) {
            log().warn("left unread: {} is too large or cannot be read", kIgnoreFileName);
            return {};
        }
        std::ifstream stream(path, std::ios::binary);
        return IgnoreRules::parse(std::string(std::istreambuf_iterator<char>(stream), {}));
    }

    /// By the rules of the folder that is nearest and says anything about it.
    [[nodiscard]] bool isIgnored(const fs::path& path, bool isFolder) const {
        for (const auto& [base, rules] : m_rules) {
            const std::string& folder = base.native();
            const std::size_t length = folder.size() + (folder.ends_with('/') ? 0 : 1);
            const auto verdict =
                rules.judge(std::string_view(path.native()).substr(length), isFolder);
            if (verdict != IgnoreRules::Verdict::None) {
                return verdict == IgnoreRules::Verdict::Ignored;
            }
        }
        return false;
    }

    void addFile(const fs::path& path, const struct stat& status) {
        m_scan.files.push_back({path, static_cast<std::uint64_t>(status.st_size),
                                stampOf(status.st_mtim, status.st_ctim)});
    }

    const std::function<bool()>& m_keepGoing;
    bool m_withPictures;
    fs::path m_root;  ///< the one at hand, as it was named
    fs::path m_realRoot;
    dev_t m_rootDevice = 0;
    std::vector<fs::path> m_realRoots;
    std::set<FileId> m_entered;
    std::set<FileId> m_files;
    /// Of the folders that are open now, innermost first.
    std::deque<std::pair<fs::path, IgnoreRules>> m_rules;
    Scan m_scan;
};

}  // namespace

Result<Scan> scanFiles(const std::vector<fs::path>& roots, const std::vector<fs::path>& excluded,
                       const std::function<bool()>& keepGoing, bool withPictures) {
    Scanner scanner(roots, excluded, keepGoing, withPictures);
    for (const fs::path& root : roots) {
        if (!scanner.visit(root, true)) return fail(ErrorCode::Cancelled, "stopped while scanning");
    }
    return scanner.take();
}

void recognizeEmptied(Scan& scan, const std::map<std::string, std::string>& identities) {
    std::erase_if(scan.unreachable, [&](const fs::path& root) {
        std::error_code problem;
        const auto now = scan.identities.find(root.string());
        const auto before = identities.find(root.string());
        return now != scan.identities.end() && before != identities.end() && !now->second.empty() &&
               now->second == before->second && fs::is_empty(root, problem) && !problem;
    });
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
