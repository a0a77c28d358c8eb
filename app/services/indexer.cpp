#include "app/services/indexer.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "app/services/answerability.h"
#include "app/services/cpu_budget.h"
#include "app/services/file_scan.h"
#include "app/services/sha256.h"
#include "app/services/store_queue.h"
#include "base/async.h"
#include "base/log.h"
#include "base/threads.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

/// The title of a document that has none of its own; as the extractor gives it.
std::string titleByName(const fs::path& path) {
    const std::string stem = path.stem().string();
    return stem.empty() ? path.filename().string() : stem;
}

/// The title that the same content has under another name.
std::string titleUnder(const Document& document, const fs::path& path) {
    return document.title == titleByName(document.path) ? titleByName(path) : document.title;
}

/// All of a file that may be plain text, so that it is read once, for its hash and its words; none
/// for others, and for one that is changing or cannot be read.
std::optional<std::string> wholeText(const ScannedFile& file) {
    if (!retrieval::mayBePlainText(file.path, file.sizeBytes)) return std::nullopt;
    std::ifstream stream(file.path, std::ios::binary);
    std::string bytes(static_cast<std::size_t>(file.sizeBytes), '\0');
    stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!stream || stream.peek() != std::ifstream::traits_type::eof()) return std::nullopt;
    return bytes;
}

/// The reader may give a quarter of its memory to the file itself, and refuses a larger one by its
/// size alone.
bool isLikelyTooLarge(const ScannedFile& file) {
    return file.sizeBytes > retrieval::ExtractOptions{}.memoryLimitBytes / 4;
}

/// Why a file could not be read, for lists where its name stands already.
std::string withoutName(const std::string& reason, const fs::path& path) {
    const std::string name = path.filename().string() + " ";
    return reason.starts_with(name) ? "it " + reason.substr(name.size()) : reason;
}

bool isPdfName(const fs::path& path) {
    const std::string extension = path.extension().string();
    return extension == ".pdf" || extension == ".PDF";
}

/// How a file is read depends on its name's extension.
bool areReadAlike(const fs::path& a, const fs::path& b) { return a.extension() == b.extension(); }

/// One run over one collection.
class Run {
public:
    Run(storage::Database& database, Library& library, const retrieval::Extractor& extractor,
        const IndexJob& job)
        : m_database(database),
          m_store(database.documents()),
          m_library(library),
          m_extractor(extractor),
          m_job(job) {}

    Result<IndexReport> execute() {
        const Clock::time_point start = Clock::now();
        Result<void> done = prepare();
        if (done) done = readAll();
        if (done) done = dropGone();
        if (done) reportAllRead();
        // A stopped run keeps what it has, too. Learning searches meanwhile, where no limit is set,
        // and does not wait for the disk: how the index is cut into pieces changes no result.
        const bool isLimited = m_job.cpuPercent < 100;
        const bool isComplete = done.has_value();
        const auto keep = [this, isComplete] {
            const CpuBudget polite(m_job.cpuPercent, 1);
            const Result<void> remembered = isComplete ? remember() : Result<void>();
            const Result<void> kept = m_library.keepIndex();
            return remembered ? kept : remembered;
        };
        auto keeping = isLimited ? std::async(std::launch::deferred, keep) : asyncOrLater(keep);
        if (isLimited) keeping.wait();
        const Result<void> learned = done ? learn() : Result<void>();
        if (auto kept = keeping.get(); done && !kept) done = kept;
        if (!done && done.error().code != ErrorCode::Cancelled) {
            m_progress.error = done.error().detail;
            report(IndexProgress::State::Failed, {});
            return tl::unexpected(done.error());
        }
        m_report.stopped = !done;
        Result<void> ended = count();
        if (ended) ended = learned;
        if (!ended) {
            // Who shows progress must hear of every end.
            m_progress.error = ended.error().detail;
            report(IndexProgress::State::Failed, {});
            return tl::unexpected(ended.error());
        }
        m_report.time = Clock::now() - start;
        report(m_report.stopped ? IndexProgress::State::Stopped : IndexProgress::State::Done, {});
        return m_report;
    }

private:
    struct ToRead {
        ScannedFile file;
        std::optional<Document> known;
    };

    [[nodiscard]] bool isStopped() const { return m_job.cancel.stop_requested(); }

    Result<void> prepare() {
        auto found = find();
        if (!found) return tl::unexpected(found.error());
        m_roots = found->roots;
        m_report.collection = m_progress.collection = found->id;
        m_report.name = m_progress.collectionName = found->name;
        report(IndexProgress::State::Scanning, {});

        const auto remembered = m_database.settings().get(pipelineKey());
        if (!remembered) return tl::unexpected(remembered.error());
        m_readAgain = remembered->has_value() && !isPipeline(**remembered);

        const auto ocrBefore = m_database.settings().get(ocrKey());
        if (!ocrBefore) return tl::unexpected(ocrBefore.error());
        m_recognizesAgain = !m_job.ocrLanguages.empty() &&
                            ocrBefore->value_or(nlohmann::json()) != m_job.ocrLanguages;

        auto scan = scanFiles(
            m_roots, m_job.excluded, [this] { return !isStopped(); }, !m_job.ocrLanguages.empty());
        if (!scan) return tl::unexpected(scan.error());
        const auto known = m_database.settings().get(rootsKey());
        if (!known) return tl::unexpected(known.error());
        std::map<std::string, std::string> before;
        if (const nlohmann::json kept = known->value_or(nlohmann::json()); kept.is_object()) {
            for (const auto& [root, identity] : kept.items()) {
                if (identity.is_string()) before[root] = identity.get<std::string>();
            }
        }
        recognizeEmptied(*scan, before);
        m_unreachable = std::move(scan->unreachable);
        m_identities = std::move(scan->identities);
        for (const fs::path& root : m_unreachable) {
            // What it was before is what it must be again.
            const auto earlier = before.find(root.string());
            m_identities.erase(root.string());
            if (earlier != before.end()) m_identities.insert(*earlier);
        }
        for (const fs::path& link : scan->leadingOut) {
            m_report.failed.emplace_back(
                link,
                "skipped: a link that leads out of the collection's folders; add what it "
                "leads to if it is to be read");
        }
        for (const fs::path& folder : m_unreachable) {
            std::error_code problem;
            if (fs::exists(folder, problem) && !fs::is_empty(folder, problem)) {
                m_report.failed.emplace_back(folder, "the folder cannot be read");
            } else if (problem) {
                m_report.failed.emplace_back(folder, problem.message());
            }
        }

        auto documents = m_store.documents(m_job.collection);
        if (!documents) return tl::unexpected(documents.error());
        for (Document& document : *documents) {
            const fs::path path = document.path;
            m_gone.emplace(path, std::move(document));
        }
        return sortOut(std::move(scan->files));
    }

    Result<Collection> find() {
        auto collections = m_store.collections();
        if (!collections) return tl::unexpected(collections.error());
        for (Collection& collection : *collections) {
            if (collection.id == m_job.collection) return std::move(collection);
        }
        return fail(ErrorCode::NotFound, "this collection was removed");
    }

    /// Leaves in m_toRead what must be looked into and in m_gone what no file stands for.
    Result<void> sortOut(std::vector<ScannedFile> files) {
        for (ScannedFile& file : files) {
            const auto known = m_gone.find(file.path);
            if (known == m_gone.end()) {
                m_toRead.push_back({std::move(file), std::nullopt});
                continue;
            }
            Document document = std::move(known->second);
            m_gone.erase(known);
            if (document.state == DocumentState::Pending && document.sha256.empty()) {
                // Seen by a run that ended before it was read: it may still be one that was moved.
                m_toRead.push_back({std::move(file), std::nullopt});
                continue;
            }
            const bool isSame = document.sizeBytes == file.sizeBytes &&
                                document.modifiedNs == file.modifiedNs && !m_readAgain &&
                                document.id != m_job.again;
            const bool isBad = document.state == DocumentState::Failed ||
                               document.state == DocumentState::NeedsOcr;
            if (!isSame || document.state == DocumentState::Pending ||
                (isBad && m_job.retryFailed) ||
                (document.state == DocumentState::NeedsOcr && m_recognizesAgain)) {
                m_toRead.push_back({std::move(file), std::move(document)});
            } else if (isBad) {
                m_report.failed.emplace_back(document.path, document.error);
            } else {
                if (document.state == DocumentState::Unavailable) {
                    // Content that was never read has no hash.
                    if (document.sha256.empty()) {
                        m_toRead.push_back({std::move(file), std::move(document)});
                        continue;
                    }
                    auto back = m_store.setDocumentState(document.id, DocumentState::Ready, {},
                                                         file.sizeBytes, file.modifiedNs);
                    if (!back) return back;
                }
                m_contents.try_emplace(document.sha256, document.id);
                ++m_report.unchanged;
            }
        }
        return {};
    }

    Result<void> readAll() {
        m_progress.filesTotal = static_cast<int>(m_toRead.size());
        report(IndexProgress::State::Reading, {});
        std::vector<fs::path> fresh;
        for (const ToRead& item : m_toRead) {
            if (!item.known) fresh.push_back(item.file.path);
        }
        // Every thread is about to wait for the embedder.
        const bool isWorthIt = fresh.size() > 1;
        const auto load = [this] { return m_library.embedderId(); };
        const auto loading =
            isWorthIt ? asyncOrLater(load) : std::async(std::launch::deferred, load);
        if (auto seen = m_store.noteSeen(m_job.collection, fresh); !seen) return seen;
        while (!m_toRead.empty()) {
            readOnThreads();
            if (m_failure) return tl::unexpected(*m_failure);
            if (isStopped()) return fail(ErrorCode::Cancelled, "stopped");
            m_toRead = std::exchange(m_later, {});
        }
        return {};
    }

    void readOnThreads() {
        m_next = 0;
        // Without a limit one more than run at once: there is always one that waits for the disk or
        // a lock.
        constexpr int kAll = 100;
        const int nAtOnce = threadsWithin(m_job.cpuPercent);
        const int nThreads = m_job.cpuPercent >= kAll ? nAtOnce + 1 : nAtOnce;
        const auto work = [this, nAtOnce] {
            CpuBudget budget(m_job.cpuPercent, nAtOnce);
            while (!isStopped() && !hasFailed()) {
                const std::size_t index = m_next.fetch_add(1);
                if (index >= m_toRead.size()) break;
                const ToRead& item = m_toRead[index];
                report(IndexProgress::State::Reading, item.file.path.filename().string());
                const auto done = readOne(item, budget);
                if (!done) noteFailure(done.error());
                if (!done || *done) {
                    const std::lock_guard lock(m_mutex);
                    ++m_progress.filesDone;
                }
                if (auto stored = storeReady(StoreQueue::When::IfMany); !stored)
                    noteFailure(stored.error());
                budget.keep(m_job.cancel);
            }
            // Of a stopped run, too: it was read.
            if (auto stored = storeReady(StoreQueue::When::All); !stored)
                noteFailure(stored.error());
        };
        std::vector<std::jthread> threads;
        const std::size_t nUseful = std::min(m_toRead.size(), static_cast<std::size_t>(nThreads));
        const auto safely = [&] {  // nothing may leave a thread
            try {
                work();
            } catch (const std::bad_alloc&) {
                noteFailure({ErrorCode::OutOfMemory,
                             "there is not enough memory to read documents; end other programs or "
                             "raise the limit (ulimit -v)"});
            }
        };
        const int nStarted =
            startThreads(threads, static_cast<int>(nUseful), [&](int) { return safely; });
        if (nStarted == 0) safely();
    }

    /// One file; false: it is ready to be stored, or waits for another one of the same content. An
    /// error is one of the database: the run ends.
    Result<bool> readOne(const ToRead& item, CpuBudget& budget) {
        const fs::path& path = item.file.path;
        if (const auto refused = refusedForSize(item.file)) return record(item, *refused);
        std::optional<std::string> text = wholeText(item.file);
        auto hash = text ? Result<std::string>(sha256OfText(*text))
                         : sha256OfFile(path, [this](std::uint64_t) { return !isStopped(); });
        if (!hash) {
            return hash.error().code == ErrorCode::Cancelled ? true : record(item, hash.error());
        }
        const bool isAgain = item.known && item.known->id == m_job.again;
        if (!m_readAgain && !isAgain) {
            if (item.known && item.known->sha256 == *hash && hasContent(*item.known)) {
                return finished(touch(item.known->id, item.file));
            }
            if (!item.known) {
                if (const std::optional<Document> moved = takeMoved(*hash, item.file.sizeBytes)) {
                    return follow(item, *moved, budget);
                }
            }
        }
        const std::optional<DocumentId> like = isAgain ? std::nullopt : claim(*hash);
        if (like == kBeingRead) {
            const std::lock_guard lock(m_mutex);
            m_later.push_back(item);
            return false;
        }
        if (like) {
            const auto copied = copy(*like, item, *hash, budget);
            if (!copied) return tl::unexpected(copied.error());
            if (*copied) return false;
        }
        const auto isDone = readContent(item, *hash, budget, std::move(text));
        if (!isDone || *isDone) settle(*hash, std::nullopt);
        return isDone;
    }

    /// Why a file is too large to be read, asked before it is hashed, which takes longer the larger
    /// it is; none: it may be read.
    [[nodiscard]] std::optional<Error> refusedForSize(const ScannedFile& file) const {
        if (!isLikelyTooLarge(file)) return std::nullopt;
        auto extracted =
            m_extractor.extract(file.path, {.password = {}, .cancel = m_job.cancel, .many = true});
        if (extracted || extracted.error().code != ErrorCode::LimitExceeded) return std::nullopt;
        return std::move(extracted.error());
    }

    /// From the file itself, or from `text`, which is all of it; false: it is ready to be stored.
    Result<bool> readContent(const ToRead& item, const std::string& hash, CpuBudget& budget,
                             std::optional<std::string> text = {}) {
        const fs::path& path = item.file.path;
        if (auto plain = text ? retrieval::readPlainText(path, *text) : std::nullopt) {
            keep(item, hash, m_library.prepare(std::move(*plain), pauses(budget)));
            return false;
        }
        // That may take long, and what is ready should not wait for it.
        if (auto stored = storeReady(StoreQueue::When::Now); !stored)
            return tl::unexpected(stored.error());
        retrieval::ExtractOptions options{.password = {},
                                          .cancel = m_job.cancel,
                                          .ocrLanguages = m_job.ocrLanguages,
                                          .many = true};
        Result<void> kept;
        if (auto resumed = resumeInside(item, hash, options, kept); !resumed) {
            return tl::unexpected(resumed.error());
        }
        const Clock::time_point begin = Clock::now();
        auto extracted = m_extractor.extract(path, options);
        budget.charge(Clock::now() - begin);
        if (!kept) return tl::unexpected(kept.error());
        if (!extracted) {
            if (extracted.error().code == ErrorCode::Cancelled) return true;
            return record(item, extracted.error());
        }
        keep(item, hash, m_library.prepare(std::move(*extracted), pauses(budget)));
        return false;
    }

    /// What is read of a long PDF is kept every second, and of a scan after each page, as that
    /// takes about as long as reading a hundred with text: after the end of the program the next
    /// run goes on behind it. `kept` tells why that failed.
    Result<void> resumeInside(const ToRead& item, const std::string& hash,
                              retrieval::ExtractOptions& options, Result<void>& kept) {
        const fs::path& path = item.file.path;
        const auto keeper = [this, &path, &kept](const std::string& source) {
            return [this, &path, &kept, source](int lastPage, const std::string& draft) {
                kept = m_store.keepPageDraft(m_job.collection, path, source, {lastPage, draft});
                return kept.has_value();
            };
        };
        if (!m_job.ocrLanguages.empty()) {
            const std::string source = hash + "/" + m_job.ocrLanguages;
            auto before = draftsOf(path, source);
            if (!before) return tl::unexpected(before.error());
            options.recognizedBefore = std::move(*before);
            options.onRecognized = keeper(source);
            // Its pages are known to have no text, and only one of the two is kept.
            if (!options.recognizedBefore.empty()) return {};
        }
        if (!isPdfName(path)) return {};
        const std::string source = hash + "/text/" + m_library.pipelineId();
        auto before = draftsOf(path, source);
        if (!before) return tl::unexpected(before.error());
        options.draftsBefore = std::move(*before);
        options.onDraft = keeper(source);
        options.draftEvery = m_job.draftEvery;
        return {};
    }

    Result<std::vector<std::string>> draftsOf(const fs::path& path, const std::string& source) {
        auto pages = m_store.pageDrafts(m_job.collection, path, source);
        if (!pages) return tl::unexpected(pages.error());
        std::vector<std::string> drafts;
        for (storage::Page& page : *pages) drafts.push_back(std::move(page.text));
        return drafts;
    }

    /// Puts a document among those that are ready to be stored.
    void keep(const ToRead& item, const std::string& hash, PreparedDocument prepared) {
        storage::DocumentContent& content = prepared.content;
        content.sha256 = hash;
        content.sizeBytes = item.file.sizeBytes;
        content.modifiedNs = item.file.modifiedNs;
        m_ready.add({item.file.path, std::move(prepared)});
    }

    Result<void> storeReady(StoreQueue::When when) {
        const auto write = [this](const std::vector<PreparedFile>& files) { return store(files); };
        while (true) {
            const auto stored = m_ready.store(when, write);
            if (!stored) return tl::unexpected(stored.error());
            if (!*stored) return {};
            if (auto kept = m_library.keepDuringRun(); !kept) return kept;
            if (when != StoreQueue::When::All) return {};
        }
    }

    Result<void> store(const std::vector<PreparedFile>& files) {
        const auto ids = m_library.storeFiles(m_job.collection, files);
        if (!ids) return tl::unexpected(ids.error());
        for (std::size_t i = 0; i < files.size(); ++i) {
            settle(files[i].document.content.sha256, (*ids)[i]);
        }
        const std::lock_guard lock(m_mutex);
        m_report.read += static_cast<int>(files.size());
        m_progress.filesDone += static_cast<int>(files.size());
        return {};
    }

    /// From a document of the same content, without opening the file again, ready to be stored.
    /// False: the file must be read.
    Result<bool> copy(DocumentId from, const ToRead& item, const std::string& hash,
                      CpuBudget& budget) {
        const auto like = m_store.document(from);
        if (!like || like->sha256 != hash || like->state != DocumentState::Ready ||
            !areReadAlike(like->path, item.file.path)) {
            return false;
        }
        auto prepared =
            m_library.prepareCopy(*like, titleUnder(*like, item.file.path), pauses(budget));
        if (!prepared) return tl::unexpected(prepared.error());
        if (!*prepared) return false;
        keep(item, hash, std::move(**prepared));
        return true;
    }

    /// A document whose file was renamed. What it is called may stand in every chunk's heading.
    Result<bool> follow(const ToRead& item, const Document& moved, CpuBudget& budget) {
        const fs::path& path = item.file.path;
        const std::string title = titleUnder(moved, path);
        const bool isSame = title == moved.title && areReadAlike(moved.path, path);
        std::optional<PreparedDocument> content;
        if (!isSame && areReadAlike(moved.path, path)) {
            auto prepared = m_library.prepareCopy(moved, title, pauses(budget));
            if (!prepared) return tl::unexpected(prepared.error());
            content = std::move(*prepared);
        }
        if (auto renamed = m_library.moveDocument(moved.id, path); !renamed) {
            return tl::unexpected(renamed.error());
        }
        if (!isSame && !content) return readContent(item, moved.sha256, budget);
        if (content) {
            content->content.sha256 = moved.sha256;
            if (auto stored = m_library.store(moved.id, *content); !stored) {
                return tl::unexpected(stored.error());
            }
        }
        settle(moved.sha256, moved.id);
        return finished(touch(moved.id, item.file));
    }

    template <typename T>
    static Result<bool> finished(const Result<T>& result) {
        if (!result) return tl::unexpected(result.error());
        return true;
    }

    [[nodiscard]] std::function<void()> pauses(CpuBudget& budget) const {
        return [this, &budget] { budget.keep(m_job.cancel); };
    }

    static constexpr DocumentId kBeingRead = 0;

    /// A document with this content, or kBeingRead; none: the caller is the first, and settles it.
    std::optional<DocumentId> claim(const std::string& hash) {
        const std::lock_guard lock(m_mutex);
        const auto [known, isNew] = m_contents.try_emplace(hash, kBeingRead);
        return isNew ? std::nullopt : std::optional(known->second);
    }

    void settle(const std::string& hash, std::optional<DocumentId> document) {
        const std::lock_guard lock(m_mutex);
        if (document) {
            m_contents[hash] = *document;
        } else {
            m_contents.erase(hash);
        }
    }

    static bool hasContent(const Document& document) {
        return document.state == DocumentState::Ready ||
               document.state == DocumentState::Unavailable;
    }

    /// Same content as before, perhaps under another name or time.
    Result<void> touch(DocumentId id, const ScannedFile& file) {
        if (auto touched = m_store.touchDocument(id, file.sizeBytes, file.modifiedNs); !touched) {
            return touched;
        }
        auto ready =
            m_store.setDocumentState(id, DocumentState::Ready, {}, file.sizeBytes, file.modifiedNs);
        if (!ready) return ready;
        const std::lock_guard lock(m_mutex);
        ++m_report.unchanged;
        return {};
    }

    /// A document whose file is gone and had this very content: the file was renamed.
    std::optional<Document> takeMoved(const std::string& hash, std::uint64_t sizeBytes) {
        const std::lock_guard lock(m_mutex);
        const auto moved = std::find_if(m_gone.begin(), m_gone.end(), [&](const auto& entry) {
            const Document& document = entry.second;
            return document.sha256 == hash && document.sizeBytes == sizeBytes &&
                   hasContent(document) && !isUnreachable(document.path);
        });
        if (moved == m_gone.end()) return std::nullopt;
        Document document = std::move(moved->second);
        m_gone.erase(moved);
        return document;
    }

    /// Keeps why a file could not be read; what an earlier version of it said is dropped.
    Result<bool> record(const ToRead& item, const Error& error) {
        const auto id = m_store.ensureDocument(m_job.collection, item.file.path);
        if (!id) return tl::unexpected(id.error());
        if (item.known && hasContent(*item.known)) {
            if (auto emptied = m_library.store(*id, {}); !emptied) return finished(emptied);
        }
        const DocumentState state =
            error.code == ErrorCode::NeedsOcr ? DocumentState::NeedsOcr : DocumentState::Failed;
        const std::string reason = withoutName(error.detail, item.file.path);
        log().info("a document could not be read: {}", errorName(error.code));
        auto set =
            m_store.setDocumentState(*id, state, reason, item.file.sizeBytes, item.file.modifiedNs);
        if (!set) return finished(set);
        const std::lock_guard lock(m_mutex);
        m_report.failed.emplace_back(item.file.path, reason);
        return true;
    }

    [[nodiscard]] bool isUnreachable(const fs::path& path) const {
        return std::any_of(m_unreachable.begin(), m_unreachable.end(),
                           [&](const fs::path& folder) { return isWithin(path, folder); });
    }

    Result<void> dropGone() {
        for (const auto& [path, document] : m_gone) {
            if (!isUnreachable(path)) {
                if (auto removed = m_library.removeDocument(document.id); !removed) return removed;
                ++m_report.removed;
            } else if (document.state != DocumentState::Unavailable) {
                auto set = m_store.setDocumentState(document.id, DocumentState::Unavailable,
                                                    "its folder cannot be reached",
                                                    document.sizeBytes, document.modifiedNs);
                if (!set) return set;
            }
        }
        return {};
    }

    Result<void> remember() {
        if (m_recognizesAgain) {
            if (auto set = m_database.settings().set(ocrKey(), m_job.ocrLanguages); !set) {
                return set;
            }
        }
        if (auto set = m_database.settings().set(rootsKey(), m_identities); !set) return set;
        return m_database.settings().set(pipelineKey(), m_library.pipelineId());
    }

    /// From which fit on its passages answer a question.
    Result<void> learn() {
        auto now = find();
        if (!now) return tl::unexpected(now.error());
        return keepThreshold(m_database, m_library, *now, threadsWithin(m_job.cpuPercent));
    }

    Result<void> count() {
        auto now = find();
        if (!now) return tl::unexpected(now.error());
        m_report.documents = now->nDocuments;
        m_report.found = now->nFound();
        m_report.chunks = now->nChunks;
        return {};
    }

    /// Older versions wrote the embedder before it, as "NAME/2".
    [[nodiscard]] bool isPipeline(const nlohmann::json& remembered) {
        if (!remembered.is_string()) return false;
        const std::string text = remembered.get<std::string>();
        return text.substr(text.rfind('/') + 1) == m_library.pipelineId();
    }

    [[nodiscard]] std::string pipelineKey() const {
        return "index.pipeline." + std::to_string(m_job.collection);
    }

    [[nodiscard]] std::string rootsKey() const {
        return "index.roots." + std::to_string(m_job.collection);
    }

    [[nodiscard]] std::string ocrKey() const {
        return "index.ocr." + std::to_string(m_job.collection);
    }

    bool hasFailed() {
        const std::lock_guard lock(m_mutex);
        return m_failure.has_value();
    }

    void noteFailure(const Error& error) {
        const std::lock_guard lock(m_mutex);
        if (!m_failure) m_failure = error;
    }

    /// What follows the last file may take a while, and is no reading.
    void reportAllRead() {
        if (!m_job.onProgress || m_progress.filesTotal == 0) return;
        m_progress.filesDone = m_progress.filesTotal;
        m_progress.currentFile.clear();
        m_job.onProgress(m_progress);
    }

    /// At most 10 a second, but every change of state.
    void report(IndexProgress::State state, const std::string& file) {
        if (!m_job.onProgress) return;
        IndexProgress progress;
        {
            const std::lock_guard lock(m_mutex);
            constexpr auto kPause = std::chrono::milliseconds(100);
            const Clock::time_point now = Clock::now();
            if (state == m_progress.state && now - m_lastReport < kPause) return;
            m_lastReport = now;
            m_progress.state = state;
            m_progress.currentFile = file;
            progress = m_progress;
        }
        m_job.onProgress(progress);
    }

    storage::Database& m_database;
    storage::DocumentStore& m_store;
    Library& m_library;
    const retrieval::Extractor& m_extractor;
    const IndexJob& m_job;

    std::vector<fs::path> m_roots;
    std::vector<fs::path> m_unreachable;
    std::map<std::string, std::string> m_identities;  ///< of the roots
    std::vector<ToRead> m_toRead;
    bool m_readAgain = false;
    bool m_recognizesAgain = false;  ///< pages without text, in other languages than before
    std::atomic<std::size_t> m_next = 0;
    StoreQueue m_ready;

    std::mutex m_mutex;  ///< guards what follows while files are read
    std::map<fs::path, Document> m_gone;
    std::unordered_map<std::string, DocumentId> m_contents;  ///< by hash; or kBeingRead
    std::vector<ToRead> m_later;                             ///< their content was being read
    IndexReport m_report;
    IndexProgress m_progress;
    Clock::time_point m_lastReport;
    std::optional<Error> m_failure;
};

}  // namespace

Result<IndexReport> updateCollection(storage::Database& database, Library& library,
                                     const retrieval::Extractor& extractor, const IndexJob& job) {
    return Run(database, library, extractor, job).execute();
}

}  // namespace conclave::services
