// services.h: what Conclave does, for the window, the terminal program and the server alike.
//
//   auto services = services::Services::start({});
//   (*services)->chats().send({.text = "How many nights may I book?"}, {
//       .onText = [](const std::string& all) { show(all); },
//       .onFinished = [](Result<Message> answer) { … }});
//
// A call returns at once and answers through its callback, on a service's thread and with values
// only; `wait` turns one into a plain result where blocking is right (terminal, tests). Text is
// UTF-8, positions are byte offsets.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "app/services/document_counts.h"
#include "app/services/document_filter.h"
#include "app/services/document_orders.h"
#include "app/services/evaluation.h"
#include "app/services/reading.h"
#include "base/places.h"
#include "base/result.h"
#include "engine/engine.h"
#include "retrieval/retrieval.h"
#include "storage/storage.h"

namespace conclave::services {

using storage::AnswerDetails;
using storage::Chat;
using storage::ChatId;
using storage::Chunk;
using storage::ChunkId;
using storage::Collection;
using storage::CollectionId;
using storage::DeletedChat;
using storage::Document;
using storage::DocumentId;
using storage::DocumentState;
using storage::Finding;
using storage::Folder;
using storage::FolderId;
using storage::isDatabaseDamage;
using storage::Message;
using storage::MessageHit;
using storage::MessageId;
using storage::MessageState;
using storage::Page;
using storage::Repaired;
using storage::Role;
using storage::StoredCitation;
using storage::StoredPassage;

template <typename T>
using Reply = std::function<void(Result<T>)>;

/// Runs `call(reply)` and waits for its reply.
///   Result<std::vector<Chat>> all = wait<std::vector<Chat>>([&](auto reply) { chats.list(reply);
///   });
template <typename T, typename Call>
[[nodiscard]] Result<T> wait(Call&& call) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    std::future<Result<T>> future = promise->get_future();
    std::forward<Call>(call)(
        Reply<T>([promise](Result<T> result) { promise->set_value(std::move(result)); }));
    try {
        return future.get();
    } catch (const std::future_error&) {  // what was to reply threw, and is in the log
        return fail(ErrorCode::OutOfMemory,
                    "the work ended without a result, most likely for want of memory; end other "
                    "programs or raise the limit (ulimit -v)");
    }
}

// ---------------------------------------------------------------------------------------- models

/// A LoRA adapter that every model is loaded with, see engine::LoraAdapter.
struct AdapterFile {
    std::filesystem::path file;
    float scale = 1.0f;
};

/// A model file that can be chosen.
struct ModelEntry {
    std::string name;  ///< display name: from the file's metadata, else the file's name
    std::filesystem::path file;
    engine::ModelInfo info;
    bool isEmbedded = false;  ///< the demonstration model that comes with Conclave
    std::string problem;      ///< why it cannot answer; empty: it can
    /// For search, not for answers.
    [[nodiscard]] bool searches() const { return info.isEmbedder || info.isReranker; }
};

/// The models that search.
struct SearchModels {
    std::string embedder;  ///< file of the chosen one; empty: the one that comes with Conclave
    std::string embedderId;
    bool isInUse = true;        ///< false while its vectors are made and those before it serve
    std::int64_t nToEmbed = 0;  ///< chunks that lack its vectors
    std::string reranker;       ///< file; empty: none
};

struct ModelStatus {
    enum class State { None, Loading, Ready, Failed } state = State::None;
    ModelEntry model;
    float progress = 0.0f;  ///< while Loading
    std::string error;      ///< when Failed: one sentence with the way forward
    /// While Loading and when Ready, of a model that is larger than the memory: one sentence that
    /// says what is read from the disk and how fast answers will be; else empty. Above it one that
    /// says why the model that was chosen does not answer, if another one does.
    std::string note;
    /// When Ready, of a model whose chat template is missing or reads no questions: turnsNote
    /// behind its name; else empty.
    std::string templateNote;

    /// Both, one below the other.
    [[nodiscard]] std::string notes() const {
        return note + (note.empty() || templateNote.empty() ? "" : "\n") + templateNote;
    }
};

/// Which models there are and which one is loaded. One chat model is loaded at a time, on first
/// use, and shared by all chats.
class ModelService {
public:
    virtual ~ModelService() = default;

    /// Every *.gguf below the models folder, the added files and folders (scanned in place, never
    /// copied) and the embedded one; unusable ones carry their problem.
    virtual void list(Reply<std::vector<ModelEntry>> reply) = 0;

    /// Makes a GGUF file, or every one in a folder, choosable where it is.
    virtual void add(const std::filesystem::path& fileOrFolder,
                     Reply<std::vector<ModelEntry>> reply) = 0;
    /// Forgets an added file or folder; deletes the file only from the models folder, and only
    /// then.
    virtual void remove(std::string_view nameOrFile, Reply<void> reply) = 0;

    /// The choice for new answers, by name or file; remembered. Loading starts at once.
    virtual void choose(std::string_view nameOrFile, Reply<ModelEntry> reply) = 0;
    [[nodiscard]] virtual ModelStatus status() const = 0;
    /// Called at each change of status(), on a service's thread. One listener; empty: none.
    virtual void onStatus(std::function<void(ModelStatus)> listener) = 0;

    /// Checks the header, the bounds of every tensor, that every weight is a finite number, and
    /// the hash. `progress` gets the share done, and returns false to stop.
    virtual void verify(const std::filesystem::path& file, std::function<bool(double)> progress,
                        Reply<std::vector<Finding>> reply) = 0;

    /// Downloads into the models folder, resuming a partial file; kept only if the hash matches.
    /// The one place of Conclave that uses the network, and only when the user asks.
    /// `progress` gets bytes done and total (0: unknown), returns false to stop (resumable).
    virtual void pull(const std::string& url, const std::string& sha256,
                      std::function<bool(std::uint64_t, std::uint64_t)> progress,
                      Reply<std::filesystem::path> reply) = 0;

    /// The file that loaded() would load, or that StartOptions::model names even if it only
    /// searches. Errors: NotFound.
    [[nodiscard]] virtual Result<std::filesystem::path> chosenFile() {
        return fail(ErrorCode::NotFound, "no model is chosen");
    }
    /// The chosen model, loaded (blocking). For the terminal's raw commands and the worker threads.
    [[nodiscard]] virtual Result<std::shared_ptr<const engine::Model>> loaded() = 0;
    /// Those in use, of the loaded model; none before it is loaded.
    [[nodiscard]] virtual std::vector<engine::AdapterUse> adapters() const { return {}; }
    /// StartOptions::adapters, or what useAdapters() put in their place.
    [[nodiscard]] virtual std::vector<AdapterFile> adapterFiles() const { return {}; }
    /// Answers from the next one on are computed with these, all added up. Errors: those of
    /// engine::LoraAdapter::load, by which nothing changes.
    // By value, as everywhere here: what overrides it keeps both.
    // NOLINTNEXTLINE(performance-unnecessary-value-param)
    virtual void useAdapters(std::vector<AdapterFile> /*files*/, Reply<void> reply) { reply({}); }
    /// The text embedder that comes with Conclave (blocking).
    [[nodiscard]] virtual Result<std::shared_ptr<const engine::TextEmbedder>> embedder() = 0;
};

// ----------------------------------------------------------------------------------- collections

/// The collection of Conclave's own guide, made at the first start.
inline constexpr std::string_view kGuideName = "Conclave Guide";

/// The setting with the languages in which text of pictures is recognised, "eng+chi_sim": pictures
/// and scanned pages are read by the program tesseract where it is installed. Absent or empty: off.
inline constexpr std::string_view kOcrSetting = "documents.ocr";

/// The setting with the share of all processors that reading documents may take, 1 to 100 percent.
/// Absent: all, while nobody else wants them; it always gives way to programs of usual priority.
inline constexpr std::string_view kIndexCpuSetting = "index.cpu";

/// The setting by which the window keeps CollectionService::pause() over its end: true or absent.
inline constexpr std::string_view kIndexPausedSetting = "index.paused";

/// Whether text in pictures can be and is recognised.
struct OcrState {
    bool isInstalled = false;            ///< the program tesseract is on this machine
    std::vector<std::string> languages;  ///< installed ones, as "eng", "chi_sim"
    std::string inUse;                   ///< value of kOcrSetting; empty: off
};

struct IndexProgress {
    CollectionId collection = 0;
    std::string collectionName;
    enum class State {
        Scanning,
        Reading,
        Done,
        Stopped,
        Paused,  ///< filesTotal wait, -1 if they are too many to be counted
        Failed
    } state = State::Scanning;
    int filesDone = 0;
    int filesTotal = 0;
    std::string currentFile;
    std::string error;     ///< when Failed
    bool isListed = true;  ///< false: of files that are attached to a message
};

struct IndexReport {
    CollectionId collection = 0;
    std::string name;
    int documents = 0;  ///< read, of all that were found
    int found = 0;
    int chunks = 0;  ///< in all of them
    int read = 0;    ///< read by this run
    int unchanged = 0;
    int removed = 0;
    std::vector<std::pair<std::filesystem::path, std::string>> failed;
    std::chrono::duration<double> time{};
    bool stopped = false;  ///< by the user; the next run goes on from here
};

struct SearchHit {
    int rank = 1;
    Chunk chunk;
    double score = 0.0;
    /// It has a word of the query, or a meaning near to it; else it is but the nearest there is.
    /// Not judged for SearchMode::Vector.
    bool isLikely = true;
};

struct SearchRequest {
    std::string query;
    std::vector<CollectionId> collections;  ///< empty: all
    retrieval::SearchMode mode = retrieval::SearchMode::Hybrid;
    int limit = 8;
    DocumentFilter filter{};
};

/// A document as the reader shows it.
struct DocumentView {
    Document document;
    std::vector<Page> pages;
};

/// A page of a PDF as it looks now, beside what was read from it.
struct PageView {
    enum class State {
        AsRead,    ///< at the marks it says what was read
        Unmarked,  ///< its text was recognised in pictures, so that no place of it is known
        Changed,   ///< the file says something else now; there is no picture
    } state = State::AsRead;
    retrieval::PagePicture picture;
};

/// Folders of documents that are kept indexed and can be asked.
class CollectionService {
public:
    virtual ~CollectionService() = default;

    virtual void list(Reply<std::vector<Collection>> reply) = 0;
    virtual void documents(CollectionId id, Reply<std::vector<Document>> reply) = 0;
    virtual void create(std::string_view name, Reply<CollectionId> reply) = 0;
    virtual void rename(CollectionId id, std::string_view name, Reply<void> reply) = 0;
    virtual void remove(CollectionId id, Reply<void> reply) = 0;
    /// Adds files or folders and indexes them.
    virtual void addPaths(CollectionId id, std::vector<std::filesystem::path> paths,
                          Reply<IndexReport> reply) = 0;
    /// Takes a root out with its documents; the files on disk are not touched.
    virtual void removePath(CollectionId id, const std::filesystem::path& path,
                            Reply<void> reply) = 0;

    /// Reads what is new or changed, by size, time and then hash; removes what is gone, unless its
    /// whole root is gone (then it is Unavailable). `retryFailed` reads failed ones again.
    virtual void update(CollectionId id, bool retryFailed, Reply<IndexReport> reply) = 0;
    /// update() of its collection that reads this document from its file whatever is known of it.
    virtual void readAgain(DocumentId id, Reply<IndexReport> reply) = 0;
    /// Takes a document out for good: its name goes into the .conclaveignore beside it, or, if the
    /// file itself was added, it is taken out as by removePath(). The file is not touched. Errors:
    /// NotFound, Io (the folder cannot be written to).
    virtual void leaveOut(DocumentId id, Reply<void> reply) = 0;
    /// Undoes leaveOut() of this file: takes the line out again, or adds the file itself, and has
    /// it read. Errors: Io (the .conclaveignore cannot be written).
    virtual void takeBack(CollectionId id, std::filesystem::path file, Reply<void> reply) = 0;
    /// update() for every collection; at start and when the window becomes active. From the first
    /// call on folders are watched, too, and a collection is updated when something in them
    /// changes. Each question looks for changed files as well.
    virtual void updateAll() = 0;
    /// Indexes files and folders for one use, as `ask --docs` does: into a collection of their own
    /// that is not listed and is found again (and only brought up to date) for the same paths.
    virtual void indexPaths(std::vector<std::filesystem::path> paths, Reply<IndexReport> reply) = 0;
    /// Stops running and queued updates of this collection after the current file.
    virtual void stop(CollectionId id) = 0;
    /// Reads nothing into listed collections until pause(false), which does what was left: updates
    /// end in the middle of the files at hand (IndexReport::stopped) and say how many wait
    /// (IndexProgress::State::Paused). Folders can be added and taken out meanwhile; what is
    /// attached to a message is read all the same.
    virtual void pause(bool isPaused) = 0;
    /// Progress of all updates, at most 10 a second each. One listener; empty: none.
    virtual void onProgress(std::function<void(IndexProgress)> listener) = 0;

    virtual void search(SearchRequest request, Reply<std::vector<SearchHit>> reply) = 0;
    virtual void open(DocumentId id, Reply<DocumentView> reply) = 0;
    /// Draws a page of a PDF and finds text of it there; one at a time, in the worker program.
    /// Errors: those of retrieval::Extractor::drawPage; NotFound also for a file that is gone.
    virtual void page(DocumentId id, retrieval::PageRequest request, Reply<PageView> reply) = 0;
};

// ----------------------------------------------------------------------------------------- chats

/// Per-chat choices; absent ones fall back to the model's and the application's defaults. Stored in
/// Chat::settings by toJson and fromJson.
struct ChatSettings {
    std::optional<std::string> systemPrompt;
    std::optional<std::vector<CollectionId>> collections;  ///< empty vector: no retrieval
    std::optional<engine::SamplerSettings> sampling;
    std::optional<int> maxTokens;
    /// What the documents do not say is not answered; neither is anything where there are none.
    bool onlyDocuments = false;
    /// "And the tenant?" is looked up with what the conversation makes of it
    /// (standaloneQuestion), else as it is written.
    bool readsFollowUps = true;
    DocumentFilter filter{};  ///< of what is in the collections
    /// Tokens that the model holds at a time, at most its own number; none: automatic.
    std::optional<int> contextLength = {};
    std::vector<std::string> stop = {};  ///< answers end before the first of these texts

    [[nodiscard]] nlohmann::json toJson() const;
    [[nodiscard]] static ChatSettings fromJson(const nlohmann::json& json);
};

struct ChatView {
    Chat chat;
    std::vector<Message> messages;  ///< the whole tree, parents first
    std::string draft;
    std::vector<std::filesystem::path> draftFiles;  ///< attached to the draft
};

/// The files that were sent with a question of this chat.
[[nodiscard]] std::vector<std::filesystem::path> attachmentsOf(const Chat& chat,
                                                               MessageId question);

struct AnswerStage {
    enum class Kind {
        Waiting,
        Searching,
        Surveying,  ///< reading whole collections
        LoadingModel,
        Reading,
        Writing
    } kind = Kind::Waiting;
    float progress = 0.0f;  ///< of Surveying, LoadingModel and Reading (prefill), 0..1
};

/// What happens during one answer, in this order; on a service's thread. Any may be empty.
struct AnswerEvents {
    /// Both rows exist in the database now; the answer is empty.
    std::function<void(Chat chat, std::optional<Message> question, Message answer)> onStarted;
    std::function<void(AnswerStage)> onStage;
    std::function<void(std::vector<StoredPassage>)> onPassages;
    /// The whole text so far, about 30 times a second, and tokens per second of decode.
    std::function<void(std::string text, double tokensPerSecond)> onText;
    /// The stored answer with its details; stopped answers are answers too. An error only if no
    /// answer could be stored or the model could not run (then the message is Failed with the
    /// text).
    std::function<void(Result<Message>)> onFinished;
};

/// AnswerDetails::finishReason of an answer that lists passages because no model could write one.
inline constexpr std::string_view kNoModelReason = "no_model";
/// The same, because the documents do not answer the question.
inline constexpr std::string_view kNothingFoundReason = "nothing_found";
/// The same, because no passage says what the demonstration model wrote.
inline constexpr std::string_view kUnsupportedReason = "unsupported";
/// A sentence of the documents is quoted, where the demonstration model found no words of its own,
/// or below the refusal of another small model. It is marked as a quotation in the text.
inline constexpr std::string_view kQuotedReason = "quoted";

/// AnswerDetails::finishReason of small talk that Conclave itself answers, in a language that the
/// demonstration model does not write.
inline constexpr std::string_view kSmallTalkReason = "small_talk";

/// Passages stand for an answer, for one of the reasons above.
[[nodiscard]] bool listsPassages(const AnswerDetails& details);

/// What the documents were asked instead of the words of a question that leans on the one before
/// it (ChatSettings::readsFollowUps); empty: those words.
[[nodiscard]] std::string searchedFor(const AnswerDetails& details);

/// The filter that the documents of this answer had to pass (ChatSettings::filter), if any.
[[nodiscard]] DocumentFilter confinedTo(const AnswerDetails& details);

/// What to know of a source before it is believed.
enum class SourceWarning {
    Orders,       ///< it gives orders to an assistant (document_orders.h)
    Unavailable,  ///< its file could not be reached when the answer was written
    Changed,      ///< its file had been changed since it was read
    Hidden,       ///< text that its readers do not see was left out of it
};
[[nodiscard]] std::vector<SourceWarning> warningsOf(const AnswerDetails& details,
                                                    const StoredPassage& passage);
/// A sentence about the source: "it gives …".
[[nodiscard]] std::string inWords(SourceWarning warning);

/// AnswerDetails::finishReason of an answer that was read from everything; `usage["survey"]` has
/// the account: {"documents", "passages", "documents_all", "passages_all", "skipped", "complete"}.
inline constexpr std::string_view kSurveyReason = "survey";

/// What was read for such an answer.
struct SurveyAccount {
    int nDocumentsRead = 0;
    int nDocuments = 0;  ///< to be read
    int nPassagesRead = 0;
    int nPassages = 0;
    int nSkipped = 0;        ///< documents that cannot be read, and copies
    bool isComplete = true;  ///< else the same question goes on from here
};
[[nodiscard]] std::optional<SurveyAccount> surveyAccountOf(const AnswerDetails& details);

/// How much of the collections answers a question.
enum class Scope {
    Automatic,   ///< everything if the wording asks for it (asksAboutEverything)
    Passages,    ///< the passages that fit best
    Everything,  ///< every passage: counts, lists, comparisons, summaries
};

/// "How many documents mention …", "list all …", "compare …", "which lease has the highest rent",
/// "总结全部文档": questions that a few passages cannot answer, by their wording. Cheap enough to
/// ask at each keystroke.
[[nodiscard]] bool asksAboutEverything(std::string_view question);

struct SendRequest {
    std::optional<ChatId> chat;  ///< none: a new chat, made by the send
    std::string text;
    ChatSettings settings;  ///< for a new chat; ignored otherwise (use changeSettings)
    /// The answer to this message is looked up in these alone; later ones also in them, until
    /// detach() ends that.
    std::vector<std::filesystem::path> attachments;
    bool retrieval = true;
    Scope scope = Scope::Automatic;
    /// What the tools gave that the chat's last answer asked for, in the order of its calls; the
    /// model reads them in the tools' role and goes on, and nothing is retrieved. `text` is shown.
    /// Another number of them than of calls is an error.
    std::vector<std::string> toolResults = {};
    /// A new chat that is not listed: whoever sends it takes it away by forget(), or else the next
    /// start of Conclave after the end of this process.
    bool isOneOff = false;
};

/// In AnswerDetails::usage: the number of the chat's oldest turns that the model was not given, for
/// want of room in its context.
inline constexpr const char* kDroppedTurnsKey = "dropped_turns";

struct ContextUse {
    int usedTokens = 0;          ///< by the last answer with its prompt, and by the draft
    int contextLength = 0;       ///< of a chat; 0: no model is loaded
    int modelContextLength = 0;  ///< what the model was made for
};

/// What a context of a chat takes of the memory.
struct ContextNeed {
    int contextLength = 0;       ///< tokens that the chat gets; 0: no model is loaded
    int modelContextLength = 0;  ///< what the model was made for, and the most that there is
    std::uint64_t bytes = 0;     ///< beside the model
    bool fits = true;            ///< in what is free now
    int longestContext = 0;      ///< tokens that would fit
};

class ChatService {
public:
    virtual ~ChatService() = default;

    virtual void list(Reply<std::vector<Chat>> reply) = 0;
    virtual void load(ChatId id, Reply<ChatView> reply) = 0;
    virtual void rename(ChatId id, std::string_view title, Reply<void> reply) = 0;
    virtual void pin(ChatId id, bool pinned, Reply<void> reply) = 0;
    virtual void move(ChatId id, std::optional<FolderId> folder, Reply<void> reply) = 0;
    virtual void changeSettings(ChatId id, const ChatSettings& settings, Reply<void> reply) = 0;
    /// To the trash; restore() undoes it.
    virtual void remove(ChatId id, Reply<void> reply) = 0;
    virtual void restore(ChatId id, Reply<void> reply) = 0;
    /// What restore() could bring back, latest first. After 30 days they are forgotten.
    virtual void trash(Reply<std::vector<DeletedChat>> reply) = 0;
    /// Forgets a chat of the trash for good, with what was read of its attachments.
    virtual void removeForGood(ChatId id, Reply<void> reply) = 0;
    /// remove() and removeForGood() in one: nothing of the chat stays.
    virtual void forget(ChatId id, Reply<void> reply) = 0;

    virtual void folders(Reply<std::vector<Folder>> reply) = 0;
    virtual void createFolder(std::string_view name, Reply<FolderId> reply) = 0;
    virtual void renameFolder(FolderId id, std::string_view name, Reply<void> reply) = 0;
    virtual void removeFolder(FolderId id, Reply<void> reply) = 0;

    virtual void search(std::string_view query, int limit,
                        Reply<std::vector<MessageHit>> reply) = 0;

    /// Saved in order, the last one wins; no reply, problems go to the log.
    virtual void saveDraft(std::optional<ChatId> chat, std::string_view text) = 0;
    virtual void draft(std::optional<ChatId> chat, Reply<std::string> reply) = 0;
    /// As saveDraft, for the files attached to what is not sent yet.
    virtual void saveDraftFiles(std::optional<ChatId> chat,
                                std::vector<std::filesystem::path> files) = 0;
    virtual void draftFiles(std::optional<ChatId> chat,
                            Reply<std::vector<std::filesystem::path>> reply) = 0;

    /// Files sent earlier in this chat in which its questions are still looked up.
    virtual void attached(ChatId id, Reply<std::vector<Document>> reply) = 0;
    /// From now on `file` is looked up in no more; messages keep saying that it was sent.
    virtual void detach(ChatId id, const std::filesystem::path& file, Reply<void> reply) = 0;

    /// Asks; answers of all chats share one worker and wait their turn.
    virtual void send(SendRequest request, AnswerEvents events) = 0;
    /// A further answer to the question that `answer` answers: a sibling branch.
    virtual void regenerate(MessageId answer, AnswerEvents events) = 0;
    /// The question again with another text: a sibling branch.
    virtual void edit(MessageId question, std::string text, AnswerEvents events) = 0;
    /// Ends the running or waiting answer of this chat within 100 ms; what is written stays.
    virtual void stop(ChatId id) = 0;
    /// Shows the branch that `leaf` ends.
    virtual void selectBranch(ChatId id, MessageId leaf, Reply<void> reply) = 0;

    /// Context taken by the shown branch with `draft` added.
    virtual void contextUse(std::optional<ChatId> chat, std::string draft,
                            Reply<ContextUse> reply) = 0;
    /// Of a chat whose settings say `contextLength`, with the loaded model.
    virtual void contextNeed(std::optional<int> contextLength, Reply<ContextNeed> reply) = 0;
};

// ---------------------------------------------------------------------------------------- recall

using storage::RecallQuestion;
using storage::RecallRun;

/// How search did on one saved question.
struct RecallResult {
    RecallQuestion question;
    int rank = 0;         ///< of the first passage that says the quote; 0: none of them
    std::string problem;  ///< why it could not be asked, as when its collection is gone
};

struct RecallReport {
    std::vector<RecallResult> results;
    int depth = 0;  ///< passages looked at for each
    RecallRun run;
    std::optional<RecallRun> before;  ///< the run before this one
};

// ------------------------------------------------------------------------------------------- all

struct StartOptions {
    std::optional<Places> places;  ///< none: findPlaces()
    std::string model;             ///< name or file; empty: the remembered one, else the best found
    std::vector<AdapterFile> adapters = {};  ///< for this run; a model that they do not fit fails
    int nThreads = 0;                        ///< 0: automatic
    /// Tokens of a context that memory is kept for where not all of a model fits; chats have theirs
    /// in ChatSettings. 0: automatic.
    int contextLength = 0;
    engine::KvTypes kvTypes = {};  ///< of chats; a model whose heads they do not fit fails
    int nExpertsUsed = 0;          ///< experts a token of chats, at most the model's own; 0: those
    bool speculates = false;       ///< chats guess ahead; the answers stay the same
    std::shared_ptr<const engine::Model> draft = nullptr;  ///< guesses, too, if given
    /// OpenAI's list of tools, offered to the model with every question; null: none. What it asks
    /// for is shown and never run.
    nlohmann::ordered_json tools = nullptr;
    std::uint64_t memoryBytes =
        0;                       ///< most that a model and its contexts may take; 0: what is free
    bool predicts = false;       ///< as engine::LoadOptions
    bool indexGuide = true;      ///< make the collection "Conclave Guide" at first start
    bool inMemory = false;       ///< keep nothing; for evaluations
    bool savesSessions = false;  ///< keep what was computed for chats, for the next start
};

/// The running application without its face. Destroying it stops the workers, then closes the
/// database.
class Services {
public:
    /// Errors: those of storage::Database::open and findPlaces.
    [[nodiscard]] static Result<std::unique_ptr<Services>> start(const StartOptions& options);

    virtual ~Services() = default;

    [[nodiscard]] virtual ChatService& chats() = 0;
    [[nodiscard]] virtual CollectionService& collections() = 0;
    [[nodiscard]] virtual ModelService& models() = 0;
    [[nodiscard]] virtual const Places& places() const = 0;
    [[nodiscard]] virtual retrieval::Extractor& extractor() = 0;

    /// The application's settings (window state, theme, …); saved at once.
    virtual void setting(std::string_view key, Reply<std::optional<nlohmann::json>> reply) = 0;
    virtual void setSetting(std::string_view key, const nlohmann::json& value) = 0;

    /// Saved questions with the passage that must be found, to see what a change of settings or
    /// model does to search.
    virtual void addRecall(const RecallQuestion& question, Reply<std::int64_t> reply) = 0;
    virtual void recallQuestions(Reply<std::vector<RecallQuestion>> reply) = 0;
    virtual void removeRecall(std::int64_t id, Reply<void> reply) = 0;
    /// Searches for every saved question, and keeps the score.
    virtual void runRecall(int depth, Reply<RecallReport> reply) = 0;

    virtual void searchModels(Reply<SearchModels> reply) = 0;
    /// Compares texts with this embedder from now on, by name or file; empty: the one that comes
    /// with Conclave. Its vectors are made for every chunk first, while search goes on with those
    /// in use; `progress` gets chunks done and all and returns false to stop, and the next start or
    /// choice goes on from there. Replies with the model's name.
    virtual void chooseEmbedder(std::string_view nameOrFile, std::function<bool(int, int)> progress,
                                Reply<std::string> reply) = 0;
    /// Puts the best passages of a search in the order of this model, by name or file; empty: of
    /// none.
    virtual void chooseReranker(std::string_view nameOrFile, Reply<std::string> reply) = 0;

    virtual void ocr(Reply<OcrState> reply) = 0;

    virtual void doctor(Reply<std::vector<Finding>> reply) = 0;
    virtual void backup(const std::filesystem::path& to, Reply<void> reply) = 0;
};

/// Puts a backup in the database's place; no Services may be running on it. Returns where the old
/// database is kept. Errors: those of storage::restoreDatabase.
[[nodiscard]] Result<std::filesystem::path> restoreBackup(const Places& places,
                                                          const std::filesystem::path& from);

/// Saves what can be read of a damaged database into a new one, as restoreBackup does.
[[nodiscard]] Result<Repaired> repair(const Places& places);

// -------------------------------------------------------------------------------- about a model

/// Sampling for a model when nobody chose another: as its file recommends.
[[nodiscard]] engine::SamplerSettings defaultSampling(const engine::ModelInfo& model);

/// "temp 0.6, top_k 20" of what the model's file recommends; empty: nothing.
[[nodiscard]] std::string recommendedSamplingText(const engine::ModelInfo& model);

/// One sentence, behind the model's name, about a model that answers and whose file has no chat
/// template: how turns are written instead, and what to think of it. Else empty.
[[nodiscard]] std::string chatTemplateNote(const engine::ModelInfo& model);

/// chatTemplateNote, or likewise one about a template that leaves out what the user says. Tries it.
[[nodiscard]] std::string turnsNote(const engine::Model& model);

/// True for the tiny models that come with Conclave to show that everything works: they answer from
/// passages only and know nothing themselves. Faces of the program say so.
[[nodiscard]] bool isDemonstration(const engine::ModelInfo& model);

/// {"prompt_tokens","completion_tokens","cached_tokens","prefill_tps","decode_tps","ttft_ms"}
[[nodiscard]] nlohmann::json usageToJson(const engine::Usage& usage);

/// What a model wrote after `prompt`, taken apart: {"tool_calls":[{"name","arguments"}]}, also
/// where it was offered no tools, the arguments as JSON if they are that and else as text; and
/// "reasoning_content" if it thought.
/// @param text   with control tokens if the model's marks are such (engine::ChatOutputParser)
/// @param tools  that it was offered; a list of none: nothing is known of their arguments
[[nodiscard]] nlohmann::json partsToJson(
    const engine::Model& model, std::span<const engine::TokenId> prompt, std::string_view text,
    const nlohmann::ordered_json& tools = nlohmann::ordered_json::array());

/// A call of a tool as chat templates read it: {"id","type":"function","function":{"name",
/// "arguments"}}, the arguments as JSON. OpenAI's form will do, and {"name","arguments"} alone; an
/// id is made of `index` where there is none. None: it names no function.
[[nodiscard]] std::optional<nlohmann::ordered_json> callForTemplate(
    const nlohmann::ordered_json& call, int index);

}  // namespace conclave::services
