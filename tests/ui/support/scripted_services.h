// scripted_services.h: the services with answers from a script, in memory, on a thread of their own
// as the real ones. For tests of the window only.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "app/services/services.h"

namespace conclave::ui::test {

/// What the next answers say.
struct Script {
    std::string answer = "The answer.";
    std::vector<services::StoredPassage> passages;
    std::vector<services::StoredCitation> citations;
    std::chrono::milliseconds perStep{2};
    std::size_t bytesPerStep = 12;
    bool fails = false;
    std::string error = "The model file is gone. Choose another model.";
};

/// Runs what it is given, in order, on one thread.
class Thread {
public:
    Thread();
    ~Thread();
    void run(std::function<void()> work);

private:
    std::mutex m_mutex;
    std::condition_variable m_wake;
    std::deque<std::function<void()>> m_work;
    bool m_end = false;
    std::thread m_thread;
};

class ScriptedServices : public services::Services,
                         private services::ChatService,
                         private services::CollectionService,
                         private services::ModelService {
public:
    ScriptedServices();
    ~ScriptedServices() override;

    Script script;  ///< set before asking

    // What tests look at; call from the test's thread after the replies have come.
    std::vector<services::SendRequest> sent;
    std::map<std::int64_t, std::string> drafts;  ///< 0: the page for a new chat
    std::map<std::int64_t, std::vector<std::filesystem::path>> draftedFiles;
    std::map<services::ChatId, std::vector<services::Document>> attachedFiles;
    services::OcrState ocrState;  ///< but inUse, which is a setting
    std::vector<services::DocumentId> readAgainAsked;
    std::vector<services::DocumentId> leftOut;
    std::vector<std::filesystem::path> takenBack;
    /// Of a model, the bytes for one token; no model is loaded if it has no context.
    services::ContextNeed contextNeeded{0, 8192, 1000, true, 4096};
    std::vector<services::RecallQuestion> recallKept;
    std::vector<int> recallRanks;                 ///< of recallKept; 0 or missing: not found
    int nUpdatesOfAll = 0;                        ///< calls of updateAll()
    bool isPaused = false;                        ///< as pause() said last
    std::optional<services::MessageId> measured;  ///< leaf that was stored at the last contextUse()
    std::optional<Error> sendError;               ///< what storing a question fails with
    std::optional<Error> listError;               ///< what asking for the chats fails with
    std::map<std::string, nlohmann::json> settings;
    /// Draws pages of documents in place of a worker; they are PDFs then.
    std::function<Result<services::PageView>(const retrieval::PageRequest&)> drawing;
    std::vector<retrieval::PageRequest> asked;  ///< of it
    std::mutex mutex;

    services::ChatId addChat(const std::string& title, int daysAgo, bool pinned = false);
    services::MessageId addMessage(services::ChatId chat, services::Role role,
                                   const std::string& text,
                                   std::optional<services::MessageId> parent = {});
    void setDetails(services::MessageId id, const services::AnswerDetails& details);
    void setState(services::MessageId id, services::MessageState state, const std::string& error);
    services::CollectionId addCollection(const std::string& name, int nDocuments, int nChunks,
                                         int nFailed);
    services::DocumentId addDocument(services::CollectionId collection, const std::string& path,
                                     std::vector<std::string> pages,
                                     services::DocumentState state = services::DocumentState::Ready,
                                     const std::string& error = {});
    void setHash(services::DocumentId id, const std::string& sha256);
    void sendProgress(const services::IndexProgress& progress);
    void setModelStatus(const services::ModelStatus& status);
    std::vector<services::ModelEntry> models_;
    std::vector<std::filesystem::path> addedModels;

    services::ChatService& chats() override { return *this; }
    services::CollectionService& collections() override { return *this; }
    services::ModelService& models() override { return *this; }
    const Places& places() const override { return m_places; }
    retrieval::Extractor& extractor() override;
    void setting(std::string_view key,
                 services::Reply<std::optional<nlohmann::json>> reply) override;
    void setSetting(std::string_view key, const nlohmann::json& value) override;
    void addRecall(const services::RecallQuestion& question,
                   services::Reply<std::int64_t> reply) override;
    void recallQuestions(services::Reply<std::vector<services::RecallQuestion>> reply) override;
    void removeRecall(std::int64_t id, services::Reply<void> reply) override;
    void runRecall(int depth, services::Reply<services::RecallReport> reply) override;
    void searchModels(services::Reply<services::SearchModels> reply) override;
    void chooseEmbedder(std::string_view nameOrFile, std::function<bool(int, int)> progress,
                        services::Reply<std::string> reply) override;
    void chooseReranker(std::string_view nameOrFile, services::Reply<std::string> reply) override;
    void ocr(services::Reply<services::OcrState> reply) override;
    void doctor(services::Reply<std::vector<services::Finding>> reply) override;
    void backup(const std::filesystem::path& to, services::Reply<void> reply) override;

private:
    // ChatService
    void list(services::Reply<std::vector<services::Chat>> reply) override;
    void load(services::ChatId id, services::Reply<services::ChatView> reply) override;
    void rename(services::ChatId id, std::string_view title, services::Reply<void> reply) override;
    void pin(services::ChatId id, bool pinned, services::Reply<void> reply) override;
    void move(services::ChatId id, std::optional<services::FolderId> folder,
              services::Reply<void> reply) override;
    void changeSettings(services::ChatId id, const services::ChatSettings& next,
                        services::Reply<void> reply) override;
    void remove(services::ChatId id, services::Reply<void> reply) override;
    void restore(services::ChatId id, services::Reply<void> reply) override;
    void trash(services::Reply<std::vector<services::DeletedChat>> reply) override;
    void removeForGood(services::ChatId id, services::Reply<void> reply) override;
    void forget(services::ChatId id, services::Reply<void> reply) override {
        removeForGood(id, std::move(reply));
    }
    void folders(services::Reply<std::vector<services::Folder>> reply) override;
    void createFolder(std::string_view name, services::Reply<services::FolderId> reply) override;
    void renameFolder(services::FolderId id, std::string_view name,
                      services::Reply<void> reply) override;
    void removeFolder(services::FolderId id, services::Reply<void> reply) override;
    void search(std::string_view query, int limit,
                services::Reply<std::vector<services::MessageHit>> reply) override;
    void saveDraft(std::optional<services::ChatId> chat, std::string_view text) override;
    void draft(std::optional<services::ChatId> chat, services::Reply<std::string> reply) override;
    void saveDraftFiles(std::optional<services::ChatId> chat,
                        std::vector<std::filesystem::path> files) override;
    void draftFiles(std::optional<services::ChatId> chat,
                    services::Reply<std::vector<std::filesystem::path>> reply) override;
    void attached(services::ChatId id,
                  services::Reply<std::vector<services::Document>> reply) override;
    void detach(services::ChatId id, const std::filesystem::path& file,
                services::Reply<void> reply) override;
    void send(services::SendRequest request, services::AnswerEvents events) override;
    void regenerate(services::MessageId id, services::AnswerEvents events) override;
    void edit(services::MessageId id, std::string text, services::AnswerEvents events) override;
    void stop(services::ChatId id) override;
    void selectBranch(services::ChatId id, services::MessageId leaf,
                      services::Reply<void> reply) override;
    void contextUse(std::optional<services::ChatId> chat, std::string draft,
                    services::Reply<services::ContextUse> reply) override;
    void contextNeed(std::optional<int> contextLength,
                     services::Reply<services::ContextNeed> reply) override;
    // CollectionService; rename and remove are shared with ChatService, whose ids differ
    void list(services::Reply<std::vector<services::Collection>> reply) override;
    void documents(services::CollectionId id,
                   services::Reply<std::vector<services::Document>> reply) override;
    void create(std::string_view name, services::Reply<services::CollectionId> reply) override;
    void addPaths(services::CollectionId id, std::vector<std::filesystem::path> paths,
                  services::Reply<services::IndexReport> reply) override;
    void indexPaths(std::vector<std::filesystem::path> paths,
                    services::Reply<services::IndexReport> reply) override;
    void removePath(services::CollectionId id, const std::filesystem::path& path,
                    services::Reply<void> reply) override;
    void update(services::CollectionId id, bool retryFailed,
                services::Reply<services::IndexReport> reply) override;
    void readAgain(services::DocumentId id, services::Reply<services::IndexReport> reply) override;
    void leaveOut(services::DocumentId id, services::Reply<void> reply) override;
    void takeBack(services::CollectionId id, std::filesystem::path file,
                  services::Reply<void> reply) override;
    void updateAll() override;
    void pause(bool paused) override;
    void onProgress(std::function<void(services::IndexProgress)> listener) override;
    void search(services::SearchRequest request,
                services::Reply<std::vector<services::SearchHit>> reply) override;
    void open(services::DocumentId id, services::Reply<services::DocumentView> reply) override;
    void page(services::DocumentId id, retrieval::PageRequest request,
              services::Reply<services::PageView> reply) override;
    // ModelService
    void list(services::Reply<std::vector<services::ModelEntry>> reply) override;
    void add(const std::filesystem::path& fileOrFolder,
             services::Reply<std::vector<services::ModelEntry>> reply) override;
    void remove(std::string_view nameOrFile, services::Reply<void> reply) override;
    void choose(std::string_view nameOrFile, services::Reply<services::ModelEntry> reply) override;
    services::ModelStatus status() const override;
    void onStatus(std::function<void(services::ModelStatus)> listener) override;
    void verify(const std::filesystem::path& file, std::function<bool(double)> progress,
                services::Reply<std::vector<services::Finding>> reply) override;
    void pull(const std::string& url, const std::string& sha256,
              std::function<bool(std::uint64_t, std::uint64_t)> progress,
              services::Reply<std::filesystem::path> reply) override;
    Result<std::shared_ptr<const engine::Model>> loaded() override;
    Result<std::shared_ptr<const engine::TextEmbedder>> embedder() override;

    void answer(services::ChatId chat, const std::optional<services::Message>& question,
                services::MessageId parent, const services::AnswerEvents& events);
    services::Message makeMessage(services::ChatId chat, services::Role role,
                                  const std::string& text,
                                  std::optional<services::MessageId> parent);

    Places m_places;
    std::int64_t m_nextId = 1;
    std::map<services::ChatId, services::Chat> m_chats;
    std::map<services::ChatId, services::Chat> m_trash;
    std::map<services::MessageId, services::Message> m_messages;
    std::map<services::CollectionId, services::Collection> m_collections;
    std::map<services::DocumentId, services::DocumentView> m_documents;
    services::ModelStatus m_status;
    std::function<void(services::IndexProgress)> m_onProgress;
    std::function<void(services::ModelStatus)> m_onStatus;
    std::atomic<bool> m_stop{false};
    Thread m_replies;
    Thread m_generation;
};

}  // namespace conclave::ui::test
