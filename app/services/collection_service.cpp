#include "app/services/collection_service.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <optional>
#include <set>
#include <utility>

#include "app/services/changes.h"
#include "app/services/file_scan.h"
#include "app/services/ignore_rules.h"
#include "app/services/indexer.h"
#include "base/log.h"

namespace conclave::services {
namespace fs = std::filesystem;

namespace {}  // namespace

CollectionServiceImpl::CollectionServiceImpl(storage::Database& database, Library& library,
                                             const retrieval::Extractor& extractor,
                                             std::vector<fs::path> excluded, Worker& quick)
    : m_database(database),
      m_library(library),
      m_extractor(extractor),
      m_excluded(std::move(excluded)),
      m_quick(quick) {}

CollectionServiceImpl::~CollectionServiceImpl() { finish(); }

void CollectionServiceImpl::finish() {
    {
        const std::lock_guard lock(m_mutex);
        m_isFinished = true;
        for (auto& [id, source] : m_running) source.request_stop();
    }
    {
        const std::lock_guard lock(m_watchMutex);
        m_watch.reset();
    }
    m_painter.finish();
    m_indexer.finish();
    m_searcher.finish();
}

void CollectionServiceImpl::list(Reply<std::vector<Collection>> reply) {
    m_quick.post([this, reply = std::move(reply)] {
        auto all = m_database.documents().collections();
        if (all) std::erase_if(*all, isHidden);
        reply(std::move(all));
    });
}

void CollectionServiceImpl::documents(CollectionId id, Reply<std::vector<Document>> reply) {
    m_quick.post(
        [this, id, reply = std::move(reply)] { reply(m_database.documents().documents(id)); });
}

void CollectionServiceImpl::create(std::string_view name, Reply<CollectionId> reply) {
    m_quick.post([this, name = std::string(name), reply = std::move(reply)] {
        if (name.starts_with(kHiddenPrefix)) {
            reply(fail(ErrorCode::InvalidArgument, "this name cannot be used for a collection"));
            return;
        }
        reply(m_database.documents().createCollection(name));
    });
}

void CollectionServiceImpl::rename(CollectionId id, std::string_view name, Reply<void> reply) {
    m_quick.post([this, id, name = std::string(name), reply = std::move(reply)] {
        reply(m_database.documents().renameCollection(id, name));
    });
}

void CollectionServiceImpl::remove(CollectionId id, Reply<void> reply) {
    stop(id);
    // After the running update has seen the stop, so that it does not work on rows that vanish.
    m_indexer.post([this, id, reply = std::move(reply)] {
        reply(m_library.removeCollection(id));
        watchFolders();
    });
}

void CollectionServiceImpl::addPaths(CollectionId id, std::vector<fs::path> paths,
                                     Reply<IndexReport> reply) {
    postIndexing(
        id,
        [this, id, paths = std::move(paths)](const std::stop_token& cancel) {
            return indexNow(id, paths, cancel);
        },
        std::move(reply));
}

void CollectionServiceImpl::removePath(CollectionId id, const fs::path& path, Reply<void> reply) {
    m_indexer.post([this, id, path = tidyPath(path), reply = std::move(reply)] {
        auto roots = rootsOf(id);
        if (!roots) return reply(tl::unexpected(roots.error()));
        if (std::erase(*roots, path) == 0) {
            return reply(
                fail(ErrorCode::NotFound, path.string() + " is not a folder of this collection"));
        }
        if (auto set = m_database.documents().setRoots(id, *roots); !set) return reply(set);
        watchFolders();
        // An update would drop them, too, but may be paused.
        const auto documents = m_database.documents().documents(id);
        if (!documents) return reply(tl::unexpected(documents.error()));
        for (const Document& document : *documents) {
            const bool isElsewhere =
                std::any_of(roots->begin(), roots->end(),
                            [&](const fs::path& root) { return isWithin(document.path, root); });
            if (isElsewhere) continue;
            if (auto removed = m_library.removeDocument(document.id); !removed) {
                return reply(removed);
            }
        }
        const auto updated = run(id, false, m_indexer.stopToken());
        reply(updated ? Result<void>{} : tl::unexpected(updated.error()));
    });
}

void CollectionServiceImpl::update(CollectionId id, bool retryFailed, Reply<IndexReport> reply) {
    postIndexing(
        id,
        [this, id, retryFailed](const std::stop_token& cancel) {
            return run(id, retryFailed, cancel);
        },
        std::move(reply));
}

void CollectionServiceImpl::readAgain(DocumentId id, Reply<IndexReport> reply) {
    m_quick.post([this, id, reply = std::move(reply)]() mutable {
        const auto document = m_database.documents().document(id);
        if (!document) return reply(tl::unexpected(document.error()));
        const CollectionId collection = document->collection;
        postIndexing(
            collection,
            [this, id, collection](const std::stop_token& cancel) {
                return run(collection, false, cancel, id);
            },
            std::move(reply));
    });
}

void CollectionServiceImpl::leaveOut(DocumentId id, Reply<void> reply) {
    m_indexer.post([this, id, reply = std::move(reply)] {
        const auto document = m_database.documents().document(id);
        if (!document) return reply(tl::unexpected(document.error()));
        auto roots = rootsOf(document->collection);
        if (!roots) return reply(tl::unexpected(roots.error()));
        const fs::path path = document->path;
        const auto done = std::erase(*roots, path) > 0
                              ? m_database.documents().setRoots(document->collection, *roots)
                              : addToIgnored(path);
        reply(done ? m_library.removeDocument(id) : done);
    });
}

void CollectionServiceImpl::takeBack(CollectionId id, fs::path file, Reply<void> reply) {
    m_indexer.post([this, id, file = std::move(file), reply = std::move(reply)] {
        const auto wasIgnored = takeFromIgnored(file);
        if (!wasIgnored) return reply(tl::unexpected(wasIgnored.error()));
        if (!*wasIgnored) {
            auto roots = rootsOf(id);
            if (!roots) return reply(tl::unexpected(roots.error()));
            if (std::find(roots->begin(), roots->end(), file) == roots->end()) {
                roots->push_back(file);
            }
            const auto done = m_database.documents().setRoots(id, *roots);
            if (!done) return reply(done);
        }
        updateInBackground(id);
        reply({});
    });
}

void CollectionServiceImpl::updateAll() {
    m_quick.post([this] {
        const auto ids = visible();
        if (!ids) {
            log().warn("collections cannot be updated: {}", ids.error().detail);
            return;
        }
        {
            const std::scoped_lock lock(m_watchMutex, m_mutex);
            if (!m_watch && !m_isFinished) {
                m_watch = std::make_unique<FolderWatch>(
                    m_excluded, [this](CollectionId id) { updateInBackground(id); });
            }
        }
        watchFolders();
        for (const CollectionId id : *ids) updateInBackground(id);
    });
}

void CollectionServiceImpl::watchFolders() {
    const std::lock_guard lock(m_watchMutex);
    if (!m_watch) return;
    const auto all = m_database.documents().collections();
    if (!all) return;
    FolderWatch::Roots roots;
    for (const Collection& collection : *all) {
        if (!isHidden(collection)) roots.emplace(collection.id, collection.roots);
    }
    m_watch->watch(std::move(roots));
}

void CollectionServiceImpl::updateInBackground(CollectionId id) {
    {
        // The window asks each time it becomes active: one waiting update is enough.
        const std::lock_guard lock(m_mutex);
        if (!m_waitingForUpdateAll.insert(id).second) return;
    }
    postIndexing(
        id,
        [this, id](const std::stop_token& cancel) {
            {
                const std::lock_guard lock(m_mutex);
                m_waitingForUpdateAll.erase(id);
            }
            return run(id, false, cancel);
        },
        [](const Result<IndexReport>& result) {
            if (!result) log().warn("an update failed: {}", result.error().detail);
        });
}

void CollectionServiceImpl::bringUpToDate(const std::vector<CollectionId>& ids,
                                          const std::stop_token& cancel) {
    using Clock = std::chrono::steady_clock;
    constexpr auto kLooking = std::chrono::milliseconds(100);
    constexpr int kMostLookedAt = 20'000;  // documents
    constexpr int kFew = 20;
    constexpr std::uint64_t kFewBytes = std::uint64_t{32} << 20u;
    constexpr auto kPatience = std::chrono::seconds(10);
    constexpr auto kPatienceBehindOthers = std::chrono::seconds(2);
    constexpr auto kPoll = std::chrono::milliseconds(5);
    if (pauseToken().stop_requested()) return;
    const Clock::time_point begin = Clock::now();
    const auto all = m_database.documents().collections();
    const auto ocr = ocrLanguages();
    if (!all || !ocr) return;
    const bool withPictures = !ocr->empty();
    std::vector<std::future<void>> updates;
    int nLookedAt = 0;
    Clock::duration patience = kPatience;
    for (const Collection& collection : *all) {
        if (std::find(ids.begin(), ids.end(), collection.id) == ids.end()) continue;
        nLookedAt += collection.nDocuments;
        std::optional<FileChanges> changes;
        if (nLookedAt <= kMostLookedAt) {
            if (const auto known = m_database.documents().documents(collection.id)) {
                changes = changesOf(collection, *known, m_excluded, withPictures, begin + kLooking);
            }
        }
        if (changes && changes->nFiles == 0) continue;
        if (!changes || changes->nFiles > kFew || changes->bytes > kFewBytes) {
            updateInBackground(collection.id);
            continue;
        }
        {
            const std::lock_guard lock(m_mutex);
            if (!m_running.empty() && updates.empty()) patience = kPatienceBehindOthers;
        }
        auto done = std::make_shared<std::promise<void>>();
        updates.push_back(done->get_future());
        update(collection.id, false, [done](const Result<IndexReport>& result) {
            if (!result) log().warn("an update failed: {}", result.error().detail);
            done->set_value();
        });
    }
    for (const std::future<void>& update : updates) {
        while (update.wait_for(kPoll) != std::future_status::ready) {
            if (cancel.stop_requested() || Clock::now() > begin + patience) return;
        }
    }
}

void CollectionServiceImpl::stop(CollectionId id) {
    const std::lock_guard lock(m_mutex);
    const auto [first, last] = m_running.equal_range(id);
    for (auto it = first; it != last; ++it) it->second.request_stop();
}

void CollectionServiceImpl::pause(bool isPaused) {
    {
        const std::lock_guard lock(m_mutex);
        if (m_pause.stop_requested() == isPaused) return;
        if (isPaused) {
            m_pause.request_stop();
        } else {
            m_pause = std::stop_source();
        }
    }
    updateAll();
}

std::stop_token CollectionServiceImpl::pauseToken() {
    const std::lock_guard lock(m_mutex);
    return m_pause.get_token();
}

void CollectionServiceImpl::tellWaiting(const Collection& collection) {
    constexpr auto kLooking = std::chrono::seconds(2);
    IndexProgress progress;
    progress.collection = collection.id;
    progress.collectionName = collection.name;
    progress.state = IndexProgress::State::Paused;
    progress.filesTotal = -1;
    const auto known = m_database.documents().documents(collection.id);
    const auto ocr = ocrLanguages();
    if (known && ocr) {
        const auto changes = changesOf(collection, *known, m_excluded, !ocr->empty(),
                                       std::chrono::steady_clock::now() + kLooking);
        if (changes) progress.filesTotal = changes->nFiles;
    }
    tell(progress);
}

void CollectionServiceImpl::tell(const IndexProgress& progress) {
    IndexProgress told = progress;
    told.isListed = !told.collectionName.starts_with(kHiddenPrefix);
    const std::lock_guard lock(m_listenerMutex);
    if (m_listener) m_listener(std::move(told));
}

void CollectionServiceImpl::onProgress(std::function<void(IndexProgress)> listener) {
    const std::lock_guard lock(m_listenerMutex);
    m_listener = std::move(listener);
}

void CollectionServiceImpl::indexPaths(std::vector<fs::path> paths, Reply<IndexReport> reply) {
    std::set<fs::path> tidy;
    for (const fs::path& path : paths) tidy.insert(tidyPath(path));
    std::string name(kHiddenPrefix);
    name += "docs";
    for (const fs::path& path : tidy) name.append("\n").append(path.string());
    m_quick.post([this, name, paths = std::move(paths), reply = std::move(reply)]() mutable {
        const auto id = ensure(name);
        if (!id) return reply(tl::unexpected(id.error()));
        addPaths(*id, std::move(paths), std::move(reply));
    });
}

void CollectionServiceImpl::search(SearchRequest request, Reply<std::vector<SearchHit>> reply) {
    m_searcher.post([this, request = std::move(request), reply = std::move(reply)]() mutable {
        if (request.collections.empty()) {
            auto all = visible();
            if (!all) return reply(tl::unexpected(all.error()));
            request.collections = std::move(*all);
        }
        auto hits = m_library.search(request);
        if (hits && request.mode != retrieval::SearchMode::Vector) {
            const auto fits = m_library.fit(request.query, *hits);
            if (!fits) return reply(tl::unexpected(fits.error()));
            for (std::size_t i = 0; i < hits->size(); ++i) {
                const bool isNear = request.mode == retrieval::SearchMode::Hybrid &&
                                    (*fits)[i].cosine >= Library::Fit::kLeastCosine;
                (*hits)[i].isLikely = (*fits)[i].hasWholeWord || isNear;
            }
        }
        reply(std::move(hits));
    });
}

void CollectionServiceImpl::open(DocumentId id, Reply<DocumentView> reply) {
    m_quick.post([this, id, reply = std::move(reply)] {
        auto document = m_database.documents().document(id);
        if (!document) return reply(tl::unexpected(document.error()));
        auto pages = m_database.documents().pages(id);
        if (!pages) return reply(tl::unexpected(pages.error()));
        reply(DocumentView{std::move(*document), std::move(*pages)});
    });
}

void CollectionServiceImpl::page(DocumentId id, retrieval::PageRequest request,
                                 Reply<PageView> reply) {
    m_painter.post([this, id, request = std::move(request), reply = std::move(reply)] {
        reply(drawPage(id, request));
    });
}

Result<PageView> CollectionServiceImpl::drawPage(DocumentId id,
                                                 const retrieval::PageRequest& request) {
    constexpr auto kPatience = std::chrono::seconds(20);
    auto document = m_database.documents().document(id);
    if (!document) return tl::unexpected(document.error());
    retrieval::ExtractOptions options;
    options.timeLimit = kPatience;
    options.cancel = m_painter.stopToken();
    options.many = true;
    auto picture = m_extractor.drawPage(document->path, request, options);
    if (!picture) return tl::unexpected(picture.error());
    PageView view{.state = PageView::State::AsRead, .picture = std::move(*picture)};
    if (request.marks.empty()) return view;
    const auto pages = m_database.documents().pages(id);
    if (!pages) return tl::unexpected(pages.error());
    const auto page = std::find_if(pages->begin(), pages->end(), [&](const Page& candidate) {
        return candidate.number == request.page;
    });
    const auto saysTheSame = [&](std::size_t i) {
        const auto [start, end] = request.marks[i];
        return start <= end && end <= page->text.size() &&
               page->text.compare(start, end - start, view.picture.texts[i]) == 0;
    };
    bool isAsRead = page != pages->end();
    for (std::size_t i = 0; isAsRead && i < request.marks.size(); ++i) isAsRead = saysTheSame(i);
    if (isAsRead) return view;
    view.picture.boxes.clear();
    if (fileStateOf(*document) == FileState::AsRead) {
        view.state = PageView::State::Unmarked;
        return view;
    }
    return PageView{.state = PageView::State::Changed, .picture = {}};
}

Result<std::vector<CollectionId>> CollectionServiceImpl::visible() {
    const auto all = m_database.documents().collections();
    if (!all) return tl::unexpected(all.error());
    std::vector<CollectionId> ids;
    for (const Collection& collection : *all) {
        if (!isHidden(collection)) ids.push_back(collection.id);
    }
    return ids;
}

Result<std::optional<CollectionId>> CollectionServiceImpl::find(std::string_view name) {
    const auto all = m_database.documents().collections();
    if (!all) return tl::unexpected(all.error());
    for (const Collection& collection : *all) {
        if (collection.name == name) return collection.id;
    }
    return std::nullopt;
}

Result<CollectionId> CollectionServiceImpl::ensure(const std::string& name) {
    const auto found = find(name);
    if (!found) return tl::unexpected(found.error());
    if (*found) return **found;
    return m_database.documents().createCollection(name);
}

Result<IndexReport> CollectionServiceImpl::indexNow(CollectionId id,
                                                    const std::vector<fs::path>& paths,
                                                    const std::stop_token& cancel) {
    if (auto added = addRoots(id, paths); !added) return tl::unexpected(added.error());
    watchFolders();
    return run(id, false, cancel);
}

Result<Collection> CollectionServiceImpl::byId(CollectionId id) {
    auto all = m_database.documents().collections();
    if (!all) return tl::unexpected(all.error());
    for (Collection& collection : *all) {
        if (collection.id == id) return std::move(collection);
    }
    return fail(ErrorCode::NotFound, "there is no such collection");
}

Result<std::vector<fs::path>> CollectionServiceImpl::rootsOf(CollectionId id) {
    auto collection = byId(id);
    if (!collection) return tl::unexpected(collection.error());
    return std::move(collection->roots);
}

Result<std::string> CollectionServiceImpl::ocrLanguages() {
    const auto ocr = m_database.settings().get(kOcrSetting);
    if (!ocr) return tl::unexpected(ocr.error());
    return ocr->has_value() && (*ocr)->is_string() ? (*ocr)->get<std::string>() : std::string();
}

Result<void> CollectionServiceImpl::addRoots(CollectionId id, const std::vector<fs::path>& paths) {
    auto roots = rootsOf(id);
    if (!roots) return tl::unexpected(roots.error());
    for (const fs::path& given : paths) {
        const fs::path path = tidyPath(given);
        std::error_code ignored;
        if (!fs::exists(path, ignored)) {
            return fail(ErrorCode::NotFound, "there is no file or folder " + path.string());
        }
        const bool isCovered = std::any_of(roots->begin(), roots->end(), [&](const fs::path& root) {
            return isWithin(path, root);
        });
        if (isCovered) continue;
        std::erase_if(*roots, [&](const fs::path& root) { return isWithin(root, path); });
        roots->push_back(path);
    }
    return m_database.documents().setRoots(id, *roots);
}

Result<IndexReport> CollectionServiceImpl::run(CollectionId id, bool retryFailed,
                                               const std::stop_token& cancel, DocumentId again) {
    const auto collection = byId(id);
    if (!collection) return tl::unexpected(collection.error());
    const std::stop_token paused = isHidden(*collection) ? std::stop_token() : pauseToken();
    if (paused.stop_requested()) {
        tellWaiting(*collection);
        IndexReport report;
        report.collection = id;
        report.name = collection->name;
        report.documents = collection->nDocuments;
        report.found = collection->nFound();
        report.chunks = collection->nChunks;
        report.stopped = true;
        return report;
    }
    std::stop_source end;
    const std::stop_callback onCancel(cancel, [&] { end.request_stop(); });
    const std::stop_callback onPause(paused, [&] { end.request_stop(); });
    IndexJob job{.collection = id,
                 .retryFailed = retryFailed,
                 .again = again,
                 .excluded = m_excluded,
                 .ocrLanguages = {},
                 .cpuPercent = 100,
                 .draftEvery = IndexJob{}.draftEvery,
                 .onProgress = {},
                 .cancel = end.get_token()};
    auto ocr = ocrLanguages();
    if (!ocr) return tl::unexpected(ocr.error());
    job.ocrLanguages = std::move(*ocr);
    const auto budget = m_database.settings().get(kIndexCpuSetting);
    if (!budget) return tl::unexpected(budget.error());
    if (budget->has_value() && (*budget)->is_number_integer()) {
        job.cpuPercent = std::clamp((*budget)->get<int>(), 1, 100);
    }
    job.onProgress = [this](const IndexProgress& progress) { tell(progress); };
    auto report = updateCollection(m_database, m_library, m_extractor, job);
    if (report && report->stopped && paused.stop_requested()) tellWaiting(*collection);
    if (!report || report->stopped) return report;
    // What an embedder that takes long was not kept waiting for.
    IndexProgress progress;
    progress.collection = id;
    progress.collectionName = report->name;
    progress.state = IndexProgress::State::Reading;
    progress.currentFile = "vectors";
    const auto embedded = m_library.embedMissing([&](int nDone, int nAll) {
        progress.filesDone = nDone;
        progress.filesTotal = nAll;
        job.onProgress(progress);
        return !job.cancel.stop_requested();
    });
    progress.state = IndexProgress::State::Done;
    if (progress.filesTotal > 0) job.onProgress(progress);
    if (!embedded) {
        if (embedded.error().code != ErrorCode::Cancelled) return tl::unexpected(embedded.error());
        if (paused.stop_requested()) tellWaiting(*collection);
        report->stopped = true;
    }
    return report;
}

void CollectionServiceImpl::postIndexing(CollectionId id,
                                         std::function<Result<IndexReport>(std::stop_token)> work,
                                         Reply<IndexReport> reply) {
    std::stop_source source;
    std::multimap<CollectionId, std::stop_source>::iterator entry;
    {
        const std::lock_guard lock(m_mutex);
        entry = m_running.emplace(id, source);
    }
    m_indexer.post([this, entry, source, work = std::move(work), reply = std::move(reply)] {
        Result<IndexReport> result = [&] { return work(source.get_token()); }();
        {
            const std::lock_guard lock(m_mutex);
            m_running.erase(entry);
        }
        if (reply) reply(std::move(result));
    });
}

}  // namespace conclave::services
