#include "tests/ui/support/scripted_services.h"

#include <algorithm>

namespace conclave::ui::test {

using namespace services;

namespace {

storage::Time now() {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
}

}  // namespace

Thread::Thread()
    : m_thread([this] {
          for (;;) {
              std::function<void()> work;
              {
                  std::unique_lock lock(m_mutex);
                  m_wake.wait(lock, [this] { return m_end || !m_work.empty(); });
                  if (m_work.empty()) return;
                  work = std::move(m_work.front());
                  m_work.pop_front();
              }
              work();
          }
      }) {}

Thread::~Thread() {
    {
        const std::scoped_lock lock(m_mutex);
        m_end = true;
    }
    m_wake.notify_all();
    m_thread.join();
}

void Thread::run(std::function<void()> work) {
    {
        const std::scoped_lock lock(m_mutex);
        m_work.push_back(std::move(work));
    }
    m_wake.notify_all();
}

ScriptedServices::ScriptedServices() {
    const auto base = std::filesystem::temp_directory_path() / "conclave-scripted";
    m_places = {base / "config", base / "data", base / "cache", base / "state"};
    ModelEntry tiny;
    tiny.name = "Conclave Tiny 20M";
    tiny.file = "conclave-tiny-20M-Q8_0.gguf";
    tiny.isEmbedded = true;
    tiny.info.fileType = "Q8_0";
    tiny.info.nParameters = 20'400'000;
    tiny.info.nActiveParameters = 6'600'000;
    tiny.info.nExperts = 16;
    tiny.info.fileBytes = 23'600'000;
    models_.push_back(tiny);
    m_status.model = tiny;
    m_status.state = ModelStatus::State::Ready;
}

ScriptedServices::~ScriptedServices() { m_stop = true; }

// -------------------------------------------------------------------------------- making content

Message ScriptedServices::makeMessage(ChatId chat, Role role, const std::string& text,
                                      std::optional<MessageId> parent) {
    Message message;
    message.id = m_nextId++;
    message.chat = chat;
    message.role = role;
    message.text = text;
    message.parent = parent;
    message.created = now();
    m_messages[message.id] = message;
    m_chats[chat].leaf = message.id;
    return message;
}

ChatId ScriptedServices::addChat(const std::string& title, int daysAgo, bool pinned) {
    const std::scoped_lock lock(mutex);
    Chat chat;
    chat.id = m_nextId++;
    chat.title = title;
    chat.pinned = pinned;
    chat.created = chat.updated = now() - std::chrono::hours(24 * daysAgo);
    m_chats[chat.id] = chat;
    return chat.id;
}

MessageId ScriptedServices::addMessage(ChatId chat, Role role, const std::string& text,
                                       std::optional<MessageId> parent) {
    const std::scoped_lock lock(mutex);
    if (!parent) parent = m_chats[chat].leaf;
    return makeMessage(chat, role, text, parent).id;
}

void ScriptedServices::setDetails(MessageId id, const AnswerDetails& details) {
    const std::scoped_lock lock(mutex);
    m_messages[id].details = details;
}

void ScriptedServices::setState(MessageId id, MessageState state, const std::string& error) {
    const std::scoped_lock lock(mutex);
    m_messages[id].state = state;
    m_messages[id].error = error;
}

CollectionId ScriptedServices::addCollection(const std::string& name, int nDocuments, int nChunks,
                                             int nFailed) {
    const std::scoped_lock lock(mutex);
    Collection collection;
    collection.id = m_nextId++;
    collection.name = name;
    collection.nDocuments = nDocuments;
    collection.nChunks = nChunks;
    collection.nFailed = nFailed;
    collection.roots = {"/home/ada/Documents/" + name};
    m_collections[collection.id] = collection;
    return collection.id;
}

DocumentId ScriptedServices::addDocument(CollectionId collection, const std::string& path,
                                         std::vector<std::string> pages, DocumentState state,
                                         const std::string& error) {
    const std::scoped_lock lock(mutex);
    DocumentView view;
    view.document.id = m_nextId++;
    view.document.collection = collection;
    view.document.path = path;
    view.document.title = std::filesystem::path(path).filename().string();
    view.document.state = state;
    view.document.error = error;
    for (std::size_t i = 0; i < pages.size(); ++i)
        view.pages.push_back({static_cast<int>(i) + 1, pages[i]});
    view.document.nPages = static_cast<int>(pages.size());
    // Those that were read or failed are counted by addCollection().
    if (state == DocumentState::Pending) ++m_collections[collection].nPending;
    if (state == DocumentState::Unavailable) ++m_collections[collection].nUnavailable;
    m_documents[view.document.id] = view;
    return view.document.id;
}

void ScriptedServices::setHash(DocumentId id, const std::string& sha256) {
    const std::scoped_lock lock(mutex);
    m_documents[id].document.sha256 = sha256;
}

void ScriptedServices::sendProgress(const IndexProgress& progress) {
    m_replies.run([this, progress] {
        std::function<void(IndexProgress)> listener;
        {
            const std::scoped_lock lock(mutex);
            listener = m_onProgress;
        }
        if (listener) listener(progress);
    });
}

void ScriptedServices::setModelStatus(const ModelStatus& status) {
    const std::scoped_lock lock(mutex);
    m_status = status;
    m_replies.run([this, status] {
        std::function<void(ModelStatus)> listener;
        {
            const std::scoped_lock inner(mutex);
            listener = m_onStatus;
        }
        if (listener) listener(status);
    });
}

// -------------------------------------------------------------------------------- Services

retrieval::Extractor& ScriptedServices::extractor() {
    CONCLAVE_CHECK(!"the window reads no files itself");
    std::abort();
}

void ScriptedServices::setting(std::string_view key, Reply<std::optional<nlohmann::json>> reply) {
    m_replies.run([this, key = std::string(key), reply] {
        std::optional<nlohmann::json> value;
        {
            const std::scoped_lock lock(mutex);
            if (settings.contains(key)) value = settings[key];
        }
        reply(value);
    });
}

void ScriptedServices::setSetting(std::string_view key, const nlohmann::json& value) {
    const std::scoped_lock lock(mutex);
    settings[std::string(key)] = value;
}

void ScriptedServices::searchModels(Reply<services::SearchModels> reply) {
    reply(services::SearchModels{});
}
void ScriptedServices::chooseEmbedder(std::string_view, std::function<bool(int, int)>,
                                      Reply<std::string> reply) {
    reply(fail(ErrorCode::NotFound, "no model in tests"));
}
void ScriptedServices::chooseReranker(std::string_view, Reply<std::string> reply) {
    reply(fail(ErrorCode::NotFound, "no model in tests"));
}

void ScriptedServices::ocr(Reply<OcrState> reply) {
    m_replies.run([this, reply] {
        OcrState state;
        {
            const std::scoped_lock lock(mutex);
            state = ocrState;
            const auto inUse = settings.find(std::string(kOcrSetting));
            if (inUse != settings.end()) state.inUse = inUse->second.get<std::string>();
        }
        reply(state);
    });
}

void ScriptedServices::updateAll() {
    const std::scoped_lock lock(mutex);
    ++nUpdatesOfAll;
}

void ScriptedServices::pause(bool paused) {
    const std::scoped_lock lock(mutex);
    isPaused = paused;
}

void ScriptedServices::addRecall(const RecallQuestion& question, Reply<std::int64_t> reply) {
    m_replies.run([this, question, reply] {
        std::int64_t id = 0;
        {
            const std::scoped_lock lock(mutex);
            id = m_nextId++;
            recallKept.push_back(question);
            recallKept.back().id = id;
        }
        reply(id);
    });
}

void ScriptedServices::recallQuestions(Reply<std::vector<RecallQuestion>> reply) {
    m_replies.run([this, reply] {
        std::vector<RecallQuestion> all;
        {
            const std::scoped_lock lock(mutex);
            all = recallKept;
        }
        reply(all);
    });
}

void ScriptedServices::removeRecall(std::int64_t id, Reply<void> reply) {
    m_replies.run([this, id, reply] {
        {
            const std::scoped_lock lock(mutex);
            std::erase_if(recallKept, [id](const RecallQuestion& each) { return each.id == id; });
        }
        reply({});
    });
}

void ScriptedServices::runRecall(int depth, Reply<RecallReport> reply) {
    m_replies.run([this, depth, reply] {
        RecallReport report;
        report.depth = depth;
        {
            const std::scoped_lock lock(mutex);
            for (std::size_t i = 0; i < recallKept.size(); ++i) {
                const int rank = i < recallRanks.size() ? recallRanks[i] : 0;
                report.results.push_back({recallKept[i], rank, {}});
                report.run.nFound += rank > 0 ? 1 : 0;
            }
        }
        report.run.nQuestions = static_cast<int>(report.results.size());
        reply(report);
    });
}

void ScriptedServices::doctor(Reply<std::vector<Finding>> reply) { reply(std::vector<Finding>{}); }
void ScriptedServices::backup(const std::filesystem::path&, Reply<void> reply) { reply({}); }

// --------------------------------------------------------------------------------
// CollectionService

void ScriptedServices::list(Reply<std::vector<Collection>> reply) {
    m_replies.run([this, reply] {
        std::vector<Collection> all;
        {
            const std::scoped_lock lock(mutex);
            for (const auto& [id, collection] : m_collections) all.push_back(collection);
        }
        reply(all);
    });
}

void ScriptedServices::documents(CollectionId id, Reply<std::vector<Document>> reply) {
    m_replies.run([this, id, reply] {
        std::vector<Document> all;
        {
            const std::scoped_lock lock(mutex);
            for (const auto& [key, view] : m_documents) {
                if (view.document.collection == id) all.push_back(view.document);
            }
        }
        reply(all);
    });
}

void ScriptedServices::create(std::string_view name, Reply<CollectionId> reply) {
    const CollectionId id = addCollection(std::string(name), 0, 0, 0);
    m_replies.run([id, reply] { reply(id); });
}

void ScriptedServices::addPaths(CollectionId id, std::vector<std::filesystem::path> paths,
                                Reply<IndexReport> reply) {
    m_replies.run([this, id, paths, reply] {
        IndexReport report;
        report.collection = id;
        {
            const std::scoped_lock lock(mutex);
            m_collections[id].nDocuments += static_cast<int>(paths.size());
            report.documents = m_collections[id].nDocuments;
        }
        reply(report);
    });
}

void ScriptedServices::indexPaths(std::vector<std::filesystem::path>, Reply<IndexReport> reply) {
    reply(IndexReport{});
}

void ScriptedServices::removePath(CollectionId, const std::filesystem::path&, Reply<void> reply) {
    reply({});
}
void ScriptedServices::update(CollectionId id, bool, Reply<IndexReport> reply) {
    addPaths(id, {}, std::move(reply));
}

void ScriptedServices::readAgain(services::DocumentId id, Reply<IndexReport> reply) {
    {
        const std::scoped_lock lock(mutex);
        readAgainAsked.push_back(id);
    }
    reply(IndexReport{});
}
void ScriptedServices::leaveOut(services::DocumentId id, Reply<void> reply) {
    {
        const std::scoped_lock lock(mutex);
        leftOut.push_back(id);
    }
    reply({});
}
void ScriptedServices::takeBack(CollectionId, std::filesystem::path file, Reply<void> reply) {
    {
        const std::scoped_lock lock(mutex);
        takenBack.push_back(std::move(file));
    }
    reply({});
}

void ScriptedServices::onProgress(std::function<void(IndexProgress)> listener) {
    const std::scoped_lock lock(mutex);
    m_onProgress = std::move(listener);
}

void ScriptedServices::search(SearchRequest, Reply<std::vector<SearchHit>> reply) {
    reply(std::vector<SearchHit>{});
}

void ScriptedServices::open(DocumentId id, Reply<DocumentView> reply) {
    m_replies.run([this, id, reply] {
        std::optional<DocumentView> view;
        {
            const std::scoped_lock lock(mutex);
            if (m_documents.contains(id)) view = m_documents[id];
            if (view && drawing) view->document.mime = "application/pdf";
        }
        if (view) {
            reply(*view);
        } else {
            reply(fail(ErrorCode::NotFound, "document " + std::to_string(id)));
        }
    });
}

void ScriptedServices::page(DocumentId, retrieval::PageRequest request, Reply<PageView> reply) {
    m_replies.run([this, request = std::move(request), reply] {
        const std::scoped_lock lock(mutex);
        asked.push_back(request);
        reply(drawing ? drawing(request) : fail(ErrorCode::Unsupported, "no pages here"));
    });
}

// -------------------------------------------------------------------------------- ModelService

void ScriptedServices::list(Reply<std::vector<ModelEntry>> reply) {
    m_replies.run([this, reply] { reply(models_); });
}

void ScriptedServices::add(const std::filesystem::path& file,
                           Reply<std::vector<ModelEntry>> reply) {
    m_replies.run([this, file, reply] {
        ModelEntry entry;
        entry.name = file.stem().string();
        entry.file = file;
        addedModels.push_back(file);
        models_.push_back(entry);
        reply(models_);
    });
}

void ScriptedServices::remove(std::string_view, Reply<void> reply) { reply({}); }

void ScriptedServices::choose(std::string_view nameOrFile, Reply<ModelEntry> reply) {
    m_replies.run([this, name = std::string(nameOrFile), reply] {
        for (const ModelEntry& entry : models_) {
            if (entry.file != name && entry.name != name) continue;
            setModelStatus({ModelStatus::State::Ready, entry, 1.0f, {}, {}, {}});
            reply(entry);
            return;
        }
        reply(fail(ErrorCode::NotFound, name));
    });
}

ModelStatus ScriptedServices::status() const { return m_status; }

void ScriptedServices::onStatus(std::function<void(ModelStatus)> listener) {
    const std::scoped_lock lock(mutex);
    m_onStatus = std::move(listener);
}

void ScriptedServices::verify(const std::filesystem::path&, std::function<bool(double)>,
                              Reply<std::vector<Finding>> reply) {
    reply(std::vector<Finding>{});
}

void ScriptedServices::pull(const std::string&, const std::string&,
                            std::function<bool(std::uint64_t, std::uint64_t)>,
                            Reply<std::filesystem::path> reply) {
    reply(fail(ErrorCode::Unsupported, "no network in tests"));
}

Result<std::shared_ptr<const engine::Model>> ScriptedServices::loaded() {
    return fail(ErrorCode::NotFound, "no model in tests");
}
Result<std::shared_ptr<const engine::TextEmbedder>> ScriptedServices::embedder() {
    return fail(ErrorCode::NotFound, "no model in tests");
}

}  // namespace conclave::ui::test
