// folder_watch.h: tells when files below the folders of collections change.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "storage/storage.h"

namespace conclave::services {

/// Watches folders and all below them through inotify, on a thread of its own. A folder that is
/// made or moved there is watched at once, with what is in it. Where that is impossible (a network
/// drive, more folders than the system allows to watch) nothing is told, and who wants to know must
/// look.
class FolderWatch {
public:
    using Roots = std::map<storage::CollectionId, std::vector<std::filesystem::path>>;
    /// Gets a collection of which some file changed, on the watching thread.
    using OnChange = std::function<void(storage::CollectionId)>;

    /// Nothing below `excluded` counts.
    FolderWatch(std::vector<std::filesystem::path> excluded, OnChange onChange);
    FolderWatch(const FolderWatch&) = delete;
    FolderWatch& operator=(const FolderWatch&) = delete;
    ~FolderWatch();

    /// Watches these folders and files instead of those before. Returns at once; a folder that is
    /// not there is looked for at the next call.
    void watch(Roots roots);

    /// Ends the thread; nothing is told afterwards.
    void finish();

private:
    class Tree;
    void run(const std::stop_token& stop);

    std::vector<std::filesystem::path> m_excluded;
    OnChange m_onChange;
    int m_wake = -1;  ///< an eventfd that ends the waiting

    std::mutex m_mutex;  ///< guards the two below
    Roots m_wanted;
    bool m_isNew = false;

    std::jthread m_thread;  ///< last: it uses the members above
};

}  // namespace conclave::services
