#include "app/services/folder_watch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "app/services/file_scan.h"
#include "base/log.h"
#include "retrieval/retrieval.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

using storage::CollectionId;
using WatchClock = std::chrono::steady_clock;

/// A program that saves a file, or copies many, is not told of until it has paused for so long, ...
constexpr auto kQuiet = std::chrono::milliseconds(300);
/// ... but not later than this.
constexpr auto kLatest = std::chrono::seconds(5);

bool isHiddenName(const fs::path& path) { return path.filename().native().starts_with('.'); }

/// Whether a file of this name may make a difference to a collection.
bool mayMatter(const fs::path& path) {
    if (path.filename() == ".conclaveignore") return true;
    return !isHiddenName(path) && (retrieval::isReadable(path) || retrieval::isPicture(path));
}

}  // namespace

/// The watched folders, and which collections have changed.
class FolderWatch::Tree {
public:
    explicit Tree(const std::vector<fs::path>& excluded)
        : m_excluded(excluded), m_inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    ~Tree() {
        if (m_inotify >= 0) ::close(m_inotify);
    }

    [[nodiscard]] int descriptor() const { return m_inotify; }

    void setRoots(Roots roots, const std::stop_token& stop) {
        m_roots = std::move(roots);
        const auto isNeeded = [this](const fs::path& folder) {
            return std::any_of(m_roots.begin(), m_roots.end(), [&](const auto& entry) {
                return std::any_of(
                    entry.second.begin(), entry.second.end(), [&](const fs::path& root) {
                        return isWithin(folder, root) || root.parent_path() == folder;
                    });
            });
        };
        forgetIf([&](const fs::path& folder) { return !isNeeded(folder); });
        for (const auto& [collection, paths] : m_roots) {
            for (const fs::path& root : paths) {
                // Of a file its folder, as most programs save by putting a new file in its place;
                // the folder above tells when a root is moved there, too.
                static_cast<void>(watchFolder(root.parent_path()));
                // What happened before it was watched is not told.
                if (watchBelow(root, stop)) noteChange(collection);
            }
        }
    }

    /// Takes what has happened from the system.
    void readEvents(const std::stop_token& stop) {
        alignas(inotify_event) std::array<char, 64 * (sizeof(inotify_event) + NAME_MAX + 1)> buffer;
        ssize_t n = 0;
        while ((n = ::read(m_inotify, buffer.data(), buffer.size())) > 0) {
            for (const char* at = buffer.data(); at < buffer.data() + n;) {
                const auto* event = reinterpret_cast<const inotify_event*>(at);
                handle(*event, stop);
                at += sizeof(inotify_event) + event->len;
            }
        }
    }

    /// How long to wait for more; none: nothing has changed.
    [[nodiscard]] std::optional<std::chrono::milliseconds> patience() const {
        if (m_changed.empty()) return std::nullopt;
        const auto due = std::min(m_last + kQuiet, m_first + kLatest);
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - WatchClock::now());
        return std::max(left, std::chrono::milliseconds(0));
    }

    [[nodiscard]] std::set<CollectionId> takeChanged() { return std::exchange(m_changed, {}); }

private:
    [[nodiscard]] bool isExcluded(const fs::path& path) const {
        return std::any_of(m_excluded.begin(), m_excluded.end(),
                           [&](const fs::path& folder) { return isWithin(path, folder); });
    }

    /// True if it was not watched before.
    [[nodiscard]] bool watchFolder(const fs::path& folder) {
        constexpr std::uint32_t kEvents = IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM |
                                          IN_MOVED_TO | IN_DELETE | IN_ONLYDIR;
        const int id = ::inotify_add_watch(m_inotify, folder.c_str(), kEvents);
        if (id >= 0) return m_folders.insert_or_assign(id, folder).second;
        if (errno == ENOSPC && !std::exchange(m_isFull, true)) {
            log().warn(
                "more folders than the system allows to watch (fs.inotify.max_user_watches)");
        }
        return false;
    }

    /// A folder before what is in it: what comes into it meanwhile is told, and looked at again.
    /// True if one of them was not watched before.
    bool watchBelow(const fs::path& top, const std::stop_token& stop) {
        bool hasNew = false;
        std::vector<fs::path> waiting{top};
        while (!waiting.empty() && !stop.stop_requested() && !m_isFull) {
            const fs::path folder = std::move(waiting.back());
            waiting.pop_back();
            std::error_code problem;
            if (isExcluded(folder) || !fs::is_directory(folder, problem)) continue;
            if (watchFolder(folder)) hasNew = true;
            for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
                 entry.increment(problem)) {
                std::error_code unknown;
                if (!isHiddenName(entry->path()) && !entry->is_symlink(unknown) &&
                    entry->is_directory(unknown)) {
                    waiting.push_back(entry->path());
                }
            }
        }
        return hasNew;
    }

    template <typename Test>
    void forgetIf(const Test& test) {
        std::erase_if(m_folders, [&](const auto& entry) {
            if (!test(entry.second)) return false;
            ::inotify_rm_watch(m_inotify, entry.first);
            m_isFull = false;
            return true;
        });
    }

    void handle(const inotify_event& event, const std::stop_token& stop) {
        if ((event.mask & IN_Q_OVERFLOW) != 0U) {  // nobody knows what was missed
            for (const auto& [collection, paths] : m_roots) noteChange(collection);
            setRoots(m_roots, stop);
            return;
        }
        if ((event.mask & IN_IGNORED) != 0U) {
            m_folders.erase(event.wd);
            return;
        }
        const auto folder = m_folders.find(event.wd);
        if (folder == m_folders.end() || event.len == 0) return;
        const fs::path path = folder->second / &event.name[0];
        const bool isRoot = std::any_of(m_roots.begin(), m_roots.end(), [&](const auto& entry) {
            return std::find(entry.second.begin(), entry.second.end(), path) != entry.second.end();
        });
        if (isExcluded(path)) return;
        if ((event.mask & IN_ISDIR) != 0U) {
            if ((event.mask & IN_ATTRIB) != 0U || (isHiddenName(path) && !isRoot)) return;
            const bool isThere = (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0U;
            if (isThere && isBelowRoot(path)) watchBelow(path, stop);
            if (!isThere) forgetIf([&](const fs::path& each) { return isWithin(each, path); });
        } else if (!isRoot && ((event.mask & IN_CREATE) != 0U || !mayMatter(path))) {
            return;  // of a new file, its end is told
        }
        for (const auto& [collection, paths] : m_roots) {
            const auto holds = [&](const fs::path& root) { return isWithin(path, root); };
            if (std::any_of(paths.begin(), paths.end(), holds)) noteChange(collection);
        }
    }

    [[nodiscard]] bool isBelowRoot(const fs::path& path) const {
        return std::any_of(m_roots.begin(), m_roots.end(), [&](const auto& entry) {
            return std::any_of(entry.second.begin(), entry.second.end(),
                               [&](const fs::path& root) { return isWithin(path, root); });
        });
    }

    void noteChange(CollectionId collection) {
        m_last = WatchClock::now();
        if (m_changed.empty()) m_first = m_last;
        m_changed.insert(collection);
    }

    const std::vector<fs::path>& m_excluded;
    int m_inotify;
    Roots m_roots;
    std::unordered_map<int, fs::path> m_folders;  ///< by watch
    bool m_isFull = false;
    std::set<CollectionId> m_changed;
    WatchClock::time_point m_first;  ///< of the changes that are not told yet
    WatchClock::time_point m_last;
};

FolderWatch::FolderWatch(std::vector<fs::path> excluded, OnChange onChange)
    : m_excluded(std::move(excluded)),
      m_onChange(std::move(onChange)),
      m_wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      m_thread([this](const std::stop_token& stop) { run(stop); }) {}

FolderWatch::~FolderWatch() {
    finish();
    if (m_wake >= 0) ::close(m_wake);
}

void FolderWatch::finish() {
    if (!m_thread.joinable()) return;
    m_thread.request_stop();
    static_cast<void>(::eventfd_write(m_wake, 1));
    m_thread.join();
}

void FolderWatch::watch(Roots roots) {
    {
        const std::lock_guard lock(m_mutex);
        m_wanted = std::move(roots);
        m_isNew = true;
    }
    static_cast<void>(::eventfd_write(m_wake, 1));
}

void FolderWatch::run(const std::stop_token& stop) {
    Tree tree(m_excluded);
    if (tree.descriptor() < 0 || m_wake < 0) {
        log().warn("folders cannot be watched: {}", std::strerror(errno));
        return;
    }
    while (!stop.stop_requested()) {
        std::array<pollfd, 2> watched{{{tree.descriptor(), POLLIN, 0}, {m_wake, POLLIN, 0}}};
        const auto patience = tree.patience();
        ::poll(watched.data(), watched.size(), patience ? static_cast<int>(patience->count()) : -1);
        eventfd_t ignored = 0;
        static_cast<void>(::eventfd_read(m_wake, &ignored));
        std::optional<Roots> roots;
        {
            const std::lock_guard lock(m_mutex);
            if (std::exchange(m_isNew, false)) roots = std::move(m_wanted);
        }
        if (roots) tree.setRoots(std::move(*roots), stop);
        tree.readEvents(stop);
        if (tree.patience() != std::chrono::milliseconds(0)) continue;
        for (const CollectionId collection : tree.takeChanged()) {
            if (!stop.stop_requested()) m_onChange(collection);
        }
    }
}

}  // namespace conclave::services
