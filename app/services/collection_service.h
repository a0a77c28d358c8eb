// collection_service.h: keeps folders of documents indexed.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>

#include "app/services/folder_watch.h"
#include "app/services/library.h"
#include "app/services/services.h"
#include "app/services/worker.h"

namespace conclave::services {

/// Collections that Conclave keeps for itself (attachments, `ask --docs`) begin with this: they are
/// searched only when named, and not listed.
inline constexpr std::string_view kHiddenPrefix = "\x01";

[[nodiscard]] inline bool isHidden(const Collection& collection) {
    return collection.name.starts_with(kHiddenPrefix);
}

class CollectionServiceImpl final : public CollectionService {
public:
    /// All must outlive the service. `quick` runs the short calls.
    CollectionServiceImpl(storage::Database& database, Library& library,
                          const retrieval::Extractor& extractor,
                          std::vector<std::filesystem::path> excluded, Worker& quick);
    ~CollectionServiceImpl() override;

    void list(Reply<std::vector<Collection>> reply) override;
    void documents(CollectionId id, Reply<std::vector<Document>> reply) override;
    void create(std::string_view name, Reply<CollectionId> reply) override;
    void rename(CollectionId id, std::string_view name, Reply<void> reply) override;
    void remove(CollectionId id, Reply<void> reply) override;
    void addPaths(CollectionId id, std::vector<std::filesystem::path> paths,
                  Reply<IndexReport> reply) override;
    void removePath(CollectionId id, const std::filesystem::path& path, Reply<void> reply) override;
    void update(CollectionId id, bool retryFailed, Reply<IndexReport> reply) override;
    void readAgain(DocumentId id, Reply<IndexReport> reply) override;
    void leaveOut(DocumentId id, Reply<void> reply) override;
    void takeBack(CollectionId id, std::filesystem::path file, Reply<void> reply) override;
    void updateAll() override;
    void stop(CollectionId id) override;
    void pause(bool isPaused) override;
    void onProgress(std::function<void(IndexProgress)> listener) override;
    void indexPaths(std::vector<std::filesystem::path> paths, Reply<IndexReport> reply) override;
    void search(SearchRequest request, Reply<std::vector<SearchHit>> reply) override;
    void open(DocumentId id, Reply<DocumentView> reply) override;
    void page(DocumentId id, retrieval::PageRequest request, Reply<PageView> reply) override;

    /// Ids of the collections that are listed.
    [[nodiscard]] Result<std::vector<CollectionId>> visible();
    /// The collection of this name, hidden or not, if there is one.
    [[nodiscard]] Result<std::optional<CollectionId>> find(std::string_view name);
    /// The collection of this name, made if there is none.
    [[nodiscard]] Result<CollectionId> ensure(const std::string& name);
    /// Adds roots (see addPaths) and updates, on the calling thread and without waiting for other
    /// updates: for a collection that nobody else changes.
    [[nodiscard]] Result<IndexReport> indexNow(CollectionId id,
                                               const std::vector<std::filesystem::path>& paths,
                                               const std::stop_token& cancel);

    /// Before a question to these collections: looks for files that changed since they were read.
    /// A few are read first, which is waited for a while; after more the answer does not wait, but
    /// an update begins. Blocking, about a stat for each file; nothing happens on any error.
    void bringUpToDate(const std::vector<CollectionId>& ids, const std::stop_token& cancel);

    /// Stops the work under way and refuses more.
    void finish();

private:
    Result<PageView> drawPage(DocumentId id, const retrieval::PageRequest& request);
    Result<void> addRoots(CollectionId id, const std::vector<std::filesystem::path>& paths);
    Result<Collection> byId(CollectionId id);
    Result<std::vector<std::filesystem::path>> rootsOf(CollectionId id);
    /// The setting kOcrSetting; empty: no text is recognised in pictures.
    Result<std::string> ocrLanguages();
    [[nodiscard]] std::stop_token pauseToken();
    /// Reports how much waits while nothing is read.
    void tellWaiting(const Collection& collection);
    void tell(const IndexProgress& progress);
    /// Has m_watch look at the folders that the collections have now, if there is one.
    void watchFolders();
    /// Updates that nobody waits for; one at a time for a collection.
    void updateInBackground(CollectionId id);
    Result<IndexReport> run(CollectionId id, bool retryFailed, const std::stop_token& cancel,
                            DocumentId again = 0);
    /// Posts work on a collection that stop() ends.
    void postIndexing(CollectionId id, std::function<Result<IndexReport>(std::stop_token)> work,
                      Reply<IndexReport> reply);

    storage::Database& m_database;
    Library& m_library;
    const retrieval::Extractor& m_extractor;
    std::vector<std::filesystem::path> m_excluded;
    Worker& m_quick;

    std::recursive_mutex
        m_listenerMutex;  ///< held while the listener runs: once changed, it is over
    std::function<void(IndexProgress)> m_listener;

    std::mutex m_mutex;                                       ///< guards the four below
    std::multimap<CollectionId, std::stop_source> m_running;  ///< and waiting
    std::set<CollectionId> m_waitingForUpdateAll;
    std::stop_source m_pause;  ///< requested while nothing is to be read
    bool m_isFinished = false;

    std::mutex m_watchMutex;               ///< guards the one below; never taken with m_mutex held
    std::unique_ptr<FolderWatch> m_watch;  ///< from the first updateAll() on

    Worker m_searcher{Worker::AtEnd::Drop};
    Worker m_indexer{Worker::AtEnd::Drop};  ///< one update at a time
    Worker m_painter{Worker::AtEnd::Drop};  ///< keeps a worker program waiting for the next page
};

}  // namespace conclave::services
