// storage.h: everything Conclave must not lose, in one SQLite file: chats, documents, their
// chunks and embeddings, settings. The only SQL of the program is behind this header.
//
//   auto database = storage::Database::open(places.database(), {.analyzer = analyzer});
//   auto chat = (*database)->chats().createChat({.title = "Travel"});
//   auto question = (*database)->chats().addMessage({.chat = *chat, .role = Role::User, .text =
//   "…"});
//
// All calls are thread-safe and block on disk, so the window's thread makes none. Text is UTF-8,
// positions are byte offsets. Each call that changes something is one transaction: after a crash it
// has happened or it has not. Several programs may have one database open (the terminal beside the
// window): they take turns in writing and see what the others wrote.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "storage/table_database.h"

namespace conclave::storage {

using ChatId = std::int64_t;
using FolderId = std::int64_t;
using MessageId = std::int64_t;
using CollectionId = std::int64_t;
using DocumentId = std::int64_t;
using ChunkId = std::int64_t;
using Time = std::chrono::sys_time<std::chrono::milliseconds>;

// ----------------------------------------------------------------------------------------- chats

struct Folder {
    FolderId id = 0;
    std::string name{};
};

/// A conversation: a tree of messages and the leaf of the branch that is shown.
struct Chat {
    ChatId id = 0;
    std::string title{};  ///< empty: untitled, the window shows the first question
    std::optional<FolderId> folder{};
    bool pinned = false;
    std::optional<MessageId> leaf{};
    nlohmann::json settings = nlohmann::json::object();  ///< model, sampling, collections, …
    Time created{};
    Time updated{};
};

enum class Role { System, User, Assistant };

enum class MessageState {
    Complete,
    Streaming,    ///< being written now
    Stopped,      ///< the user stopped it
    Interrupted,  ///< was Streaming when the program ended; set when it is next opened alone
    Failed,       ///< `error` says why
};

/// A passage that was given to the model, kept with the answer so that it stays readable even when
/// its document changes or goes away.
struct StoredPassage {
    int number = 0;                        ///< the n of [n], from 1
    std::optional<DocumentId> document{};  ///< none once the document was removed
    std::string path{};
    std::string title{};
    std::string heading{};
    int page = 1;               ///< from 1
    std::size_t startByte = 0;  ///< in the page's text
    std::size_t endByte = 0;
    std::string text{};
    double score = 0.0;
};

/// One [n] in an answer, checked against its passage.
struct StoredCitation {
    std::size_t answerStart = 0;  ///< bytes of the "[n]" in the answer's text
    std::size_t answerEnd = 0;
    int passage = 0;             ///< StoredPassage::number
    std::size_t quoteStart = 0;  ///< bytes in the *page's* text: the aligned span
    std::size_t quoteEnd = 0;
    std::string quote{};
    bool supported = false;
};

/// How an answer came about: enough to show it, and to make it again.
struct AnswerDetails {
    std::string model{};  ///< display name
    std::string modelFile{};
    std::uint64_t seed = 0;
    nlohmann::json sampling = nlohmann::json::object();
    /// Counts and speeds as in `conclave ask`; "survey" and "tool_calls" where there are any.
    nlohmann::json usage = nlohmann::json::object();
    std::string finishReason{};
    std::string reasoning{};  ///< what the model thought before it answered
    std::vector<StoredPassage> passages{};
    std::vector<StoredCitation> citations{};
};

struct Message {
    MessageId id = 0;
    ChatId chat = 0;
    std::optional<MessageId> parent{};  ///< none: a first message; siblings are branches
    Role role = Role::User;
    std::string text{};
    MessageState state = MessageState::Complete;
    std::string error{};
    Time created{};
    std::optional<AnswerDetails> details{};  ///< of assistant messages, once known
};

struct NewChat {
    std::string title{};
    std::optional<FolderId> folder{};
    nlohmann::json settings = nlohmann::json::object();
};

struct NewMessage {
    ChatId chat = 0;
    std::optional<MessageId> parent{};
    Role role = Role::User;
    std::string text{};
    MessageState state = MessageState::Complete;
};

/// Fields that are set are changed.
struct ChatChange {
    std::optional<std::string> title{};
    std::optional<bool> pinned{};
    std::optional<std::optional<FolderId>> folder{};
    std::optional<nlohmann::json> settings{};
    std::optional<MessageId> leaf{};
};

/// A chat in the trash.
struct DeletedChat {
    Chat chat{};
    Time deleted{};
};

struct MessageHit {
    ChatId chat = 0;
    MessageId message = 0;
    std::string chatTitle{};
    std::string snippet{};  ///< around the first match; matches between U+E000 and U+E001
    Time created{};
};

class ChatStore {
public:
    virtual ~ChatStore() = default;

    [[nodiscard]] virtual Result<ChatId> createChat(const NewChat& chat) = 0;
    [[nodiscard]] virtual Result<Chat> chat(ChatId id) = 0;
    /// Pinned first, then newest first; deleted ones left out.
    [[nodiscard]] virtual Result<std::vector<Chat>> chats() = 0;
    [[nodiscard]] virtual Result<void> changeChat(ChatId id, const ChatChange& change) = 0;

    /// Moves the chat to the trash, from where restoreChat brings it back; purgeTrash forgets for
    /// good those deleted before `before`: their text is overwritten in the file.
    [[nodiscard]] virtual Result<void> deleteChat(ChatId id) = 0;
    [[nodiscard]] virtual Result<void> restoreChat(ChatId id) = 0;
    [[nodiscard]] virtual Result<int> purgeTrash(Time before) = 0;
    /// What restoreChat could bring back, latest first.
    [[nodiscard]] virtual Result<std::vector<DeletedChat>> trash() = 0;
    /// As purgeTrash, for one chat. Errors: NotFound (it is not in the trash).
    [[nodiscard]] virtual Result<void> purgeChat(ChatId id) = 0;

    [[nodiscard]] virtual Result<FolderId> createFolder(std::string_view name) = 0;
    [[nodiscard]] virtual Result<std::vector<Folder>> folders() = 0;
    [[nodiscard]] virtual Result<void> renameFolder(FolderId id, std::string_view name) = 0;
    /// Its chats stay, outside any folder.
    [[nodiscard]] virtual Result<void> deleteFolder(FolderId id) = 0;

    /// Adds a message and makes it the chat's leaf.
    /// Errors: NotFound, InvalidArgument (a parent of another chat).
    [[nodiscard]] virtual Result<MessageId> addMessage(const NewMessage& message) = 0;

    /// Replaces text and state, as while streaming: cheap, called up to 30 times a second.
    [[nodiscard]] virtual Result<void> updateMessage(MessageId id, std::string_view text,
                                                     MessageState state,
                                                     std::string_view error = {}) = 0;
    [[nodiscard]] virtual Result<void> setAnswerDetails(MessageId id,
                                                        const AnswerDetails& details) = 0;

    [[nodiscard]] virtual Result<Message> message(MessageId id) = 0;
    /// All messages of the chat, parents before children, oldest first.
    [[nodiscard]] virtual Result<std::vector<Message>> messages(ChatId chat) = 0;
    /// From the first message to `leaf`.
    [[nodiscard]] virtual Result<std::vector<Message>> branch(MessageId leaf) = 0;

    /// Messages with all words of `query` (as the analyzer sees them; the last may be a beginning),
    /// best first.
    [[nodiscard]] virtual Result<std::vector<MessageHit>> searchMessages(std::string_view query,
                                                                         int limit) = 0;

    /// What is typed but not sent; chat none: the new-chat page. An empty text removes it.
    [[nodiscard]] virtual Result<void> saveDraft(std::optional<ChatId> chat,
                                                 std::string_view text) = 0;
    [[nodiscard]] virtual Result<std::string> draft(std::optional<ChatId> chat) = 0;
};

// ------------------------------------------------------------------------------------- documents

struct Collection {
    CollectionId id = 0;
    std::string name{};
    std::vector<std::filesystem::path> roots{};  ///< files and folders it is made of
    int nDocuments = 0;                          ///< read: Ready
    int nFailed = 0;                             ///< could not be read: Failed and NeedsOcr
    int nChunks = 0;
    Time created{};
    int nPending = 0;      ///< wait to be read
    int nUnavailable = 0;  ///< their folder cannot be reached; what was read of them is kept

    /// All documents that were found in the roots.
    [[nodiscard]] int nFound() const { return nDocuments + nFailed + nPending + nUnavailable; }
};

enum class DocumentState {
    Pending,      ///< seen; nPages of it are read so far
    Ready,        ///< text, chunks and embeddings are in the database
    Failed,       ///< `error` says why; read again when the file changes or on retry
    NeedsOcr,     ///< no text on its pages
    Unavailable,  ///< its root cannot be reached; content is kept
};

struct Document {
    DocumentId id = 0;
    CollectionId collection = 0;
    std::filesystem::path path{};
    std::string title{};
    std::string mime{};
    DocumentState state = DocumentState::Pending;
    std::string error{};
    std::uint64_t sizeBytes = 0;
    std::int64_t modifiedNs = 0;  ///< the file's mtime
    std::string sha256{};         ///< of the content that was read, lower-case hex
    int nPages = 0;
    int nChunks = 0;
    std::vector<std::string> warnings{};
};

struct Page {
    int number = 1;
    std::string text{};
};

/// One chunk to store. Its text is pages[page].text from startByte to endByte.
struct NewChunk {
    int page = 1;
    std::size_t startByte = 0;
    std::size_t endByte = 0;
    std::string heading{};               ///< title and heading path: indexed, not part of the text
    std::vector<std::byte> embedding{};  ///< as the caller encodes it; empty: none
};

/// Everything read from one file, stored in one transaction.
struct DocumentContent {
    std::string title{};
    std::string mime{};
    std::string sha256{};
    std::uint64_t sizeBytes = 0;
    std::int64_t modifiedNs = 0;
    std::vector<std::string> warnings{};
    std::vector<Page> pages{};
    std::vector<NewChunk> chunks{};
    std::string embedder{};  ///< id of the model that made the embeddings
};

struct Chunk {
    ChunkId id = 0;
    DocumentId document = 0;
    CollectionId collection = 0;
    std::filesystem::path path{};
    std::string title{};
    std::string heading{};
    int page = 1;
    std::size_t startByte = 0;
    std::size_t endByte = 0;
    std::string text{};
};

/// What of SQLite's journal is worth bringing into the database.
enum class Journal {
    Long,  ///< in the midst of many changes
    Any,   ///< after the last of them
};

/// Where a chunk belongs.
struct ChunkPlace {
    ChunkId chunk = 0;
    DocumentId document = 0;
};

struct DocumentPath {
    DocumentId document = 0;
    CollectionId collection = 0;
    std::filesystem::path path{};
};

/// What a change of content means to a cache that was right at generation `generation` - 1.
struct ContentChange {
    std::vector<ChunkId> removed{};
    std::vector<ChunkId> added{};  ///< in the order given
    std::int64_t generation = 0;
};

/// A vector made for a chunk, as the caller encodes it; empty: its text has none.
struct EmbeddingDraft {
    ChunkId chunk = 0;
    std::vector<std::byte> code{};
};

class DocumentStore {
public:
    virtual ~DocumentStore() = default;

    /// Errors: InvalidArgument (empty or already used name).
    [[nodiscard]] virtual Result<CollectionId> createCollection(std::string_view name) = 0;
    [[nodiscard]] virtual Result<std::vector<Collection>> collections() = 0;
    [[nodiscard]] virtual Result<void> renameCollection(CollectionId id, std::string_view name) = 0;
    /// Gone at once for every other call; returns when its content is removed too.
    [[nodiscard]] virtual Result<void> deleteCollection(CollectionId id) = 0;
    [[nodiscard]] virtual Result<void> setRoots(CollectionId id,
                                                std::span<const std::filesystem::path> roots) = 0;

    [[nodiscard]] virtual Result<std::vector<Document>> documents(CollectionId collection) = 0;
    [[nodiscard]] virtual Result<Document> document(DocumentId id) = 0;

    /// Finds or adds the row of a file, Pending if new.
    [[nodiscard]] virtual Result<DocumentId> ensureDocument(CollectionId collection,
                                                            const std::filesystem::path& path) = 0;
    /// Adds rows, Pending, for those files that have none.
    [[nodiscard]] virtual Result<void> noteSeen(CollectionId collection,
                                                std::span<const std::filesystem::path> paths) = 0;
    /// Drafts of a file that is being read, kept until its content is stored: each says what the
    /// reader knows of the pages behind the draft before it, up to its `number`. `source` says of
    /// what content they are and how they were read, and those of another one are dropped. While
    /// the document is Pending, nPages says how far it is read.
    [[nodiscard]] virtual Result<std::vector<Page>> pageDrafts(CollectionId collection,
                                                               const std::filesystem::path& path,
                                                               std::string_view source) = 0;
    [[nodiscard]] virtual Result<void> keepPageDraft(CollectionId collection,
                                                     const std::filesystem::path& path,
                                                     std::string_view source, const Page& page) = 0;
    /// Replaces pages, chunks and embeddings and makes the document Ready.
    [[nodiscard]] virtual Result<ContentChange> storeContent(DocumentId id,
                                                             const DocumentContent& content) = 0;
    struct Stored {
        DocumentId id = 0;
        ContentChange change;
    };
    struct FileContent {
        const std::filesystem::path& path;
        const DocumentContent& content;
    };
    /// ensureDocument() and storeContent() of each file, in their order, as one change of the
    /// database: together they write far less than one by one. Either all are stored or none.
    [[nodiscard]] virtual Result<std::vector<Stored>> storeFiles(
        CollectionId collection, std::span<const FileContent> files) = 0;
    /// For whoever stores much, between two documents and with no lock held: what was written
    /// since is brought from the journal into the database while others write.
    virtual void foldJournal(Journal which) = 0;
    /// Records the new size and time of a file whose content is unchanged (same hash).
    [[nodiscard]] virtual Result<void> touchDocument(DocumentId id, std::uint64_t sizeBytes,
                                                     std::int64_t modifiedNs) = 0;
    /// For Failed and NeedsOcr size and time are kept too, so that an unchanged bad file is not
    /// read again at each scan. What was read of the document before stays and is found: a file
    /// that cannot be read now is no reason to forget it.
    [[nodiscard]] virtual Result<void> setDocumentState(DocumentId id, DocumentState state,
                                                        std::string_view error,
                                                        std::uint64_t sizeBytes = 0,
                                                        std::int64_t modifiedNs = 0) = 0;
    /// Renamed on disk: content and embeddings stay. A document that was at `path` is replaced.
    [[nodiscard]] virtual Result<ContentChange> moveDocument(DocumentId id,
                                                             const std::filesystem::path& path) = 0;
    [[nodiscard]] virtual Result<ContentChange> removeDocument(DocumentId id) = 0;

    [[nodiscard]] virtual Result<std::vector<Page>> pages(DocumentId id) = 0;
    /// In the order asked; unknown ids are left out.
    [[nodiscard]] virtual Result<std::vector<Chunk>> chunks(std::span<const ChunkId> ids) = 0;
    /// All chunks of a document, in reading order.
    [[nodiscard]] virtual Result<std::vector<Chunk>> chunksOf(DocumentId id) = 0;
    struct Surroundings {
        std::string page;           ///< the whole text
        std::size_t startByte = 0;  ///< of the chunk before the span, or of the span
        std::size_t endByte = 0;    ///< of the chunk behind it, or of the span
    };
    /// What stands around a span of a page. Errors: NotFound.
    [[nodiscard]] virtual Result<Surroundings> surroundings(DocumentId id, int page,
                                                            std::size_t startByte,
                                                            std::size_t endByte) = 0;

    /// All chunks, ascending; those of deleted collections left out. Reads no text.
    [[nodiscard]] virtual Result<std::vector<ChunkPlace>> chunkPlaces() = 0;
    [[nodiscard]] virtual Result<std::vector<DocumentPath>> documentPaths() = 0;
    /// Calls back in the order asked; unknown ids are left out.
    [[nodiscard]] virtual Result<void> forEachText(
        std::span<const ChunkId> ids,
        const std::function<void(ChunkId, std::string_view heading, std::string_view text)>&
            visit) = 0;

    /// Pieces of the keyword index, as whoever searches makes them; a new analyzer version forgets
    /// all. `known` (ascending) are passed over.
    [[nodiscard]] virtual Result<void> forEachKeywordSegment(
        std::span<const std::int64_t> known,
        const std::function<void(std::int64_t, std::span<const std::byte>)>& visit) = 0;
    /// Keeps new pieces in the place of others; gives the ids of the new ones.
    [[nodiscard]] virtual Result<std::vector<std::int64_t>> keepKeywordSegments(
        std::span<const std::span<const std::byte>> segments,
        std::span<const std::int64_t> obsolete) = 0;

    /// Calls back for every stored embedding of this embedder from chunk `from` on, in order.
    [[nodiscard]] virtual Result<void> forEachEmbedding(
        std::string_view embedder, ChunkId from,
        const std::function<void(ChunkId, std::span<const std::byte>)>& visit) = 0;

    /// True if some chunk has a vector of this embedder; empty: of any.
    [[nodiscard]] virtual Result<bool> hasEmbeddings(std::string_view embedder) = 0;
    /// Chunks without a vector or draft of this embedder.
    [[nodiscard]] virtual Result<std::int64_t> countToEmbed(std::string_view embedder) = 0;
    /// The first of them after chunk `after`, ascending.
    [[nodiscard]] virtual Result<std::vector<ChunkId>> chunksToEmbed(std::string_view embedder,
                                                                     ChunkId after, int limit) = 0;
    /// Keeps vectors beside those in use; forgets drafts of other embedders. Chunks that are gone
    /// are passed over.
    [[nodiscard]] virtual Result<void> storeDrafts(std::string_view embedder,
                                                   std::span<const EmbeddingDraft> drafts) = 0;
    /// Makes the drafts of this embedder the vectors in use, and forgets those of other embedders,
    /// all in one transaction. `added` are the chunks that got one, ascending.
    [[nodiscard]] virtual Result<ContentChange> useDrafts(std::string_view embedder) = 0;

    /// Grows with every change to chunks and paths: a cache built at one value is right while it
    /// stays.
    [[nodiscard]] virtual Result<std::int64_t> generation() = 0;
};

// -------------------------------------------------------------------------------------- settings

/// The application's own settings; values are JSON.
class SettingStore {
public:
    virtual ~SettingStore() = default;
    [[nodiscard]] virtual Result<std::optional<nlohmann::json>> get(std::string_view key) = 0;
    [[nodiscard]] virtual Result<void> set(std::string_view key, const nlohmann::json& value) = 0;
};

// ---------------------------------------------------------------------------------------- recall

/// A question, and words of the passage that a search for it must find.
struct RecallQuestion {
    std::int64_t id = 0;
    std::string question{};
    std::string quote{};
    std::string path{};        ///< of the document; empty: any
    std::string collection{};  ///< its name; empty: all
    Time created{};
};

/// How one run over all questions went.
struct RecallRun {
    std::int64_t id = 0;
    Time created{};
    nlohmann::json settings = nlohmann::json::object();  ///< what searched
    int nQuestions = 0;
    int nFound = 0;
    double mrr = 0.0;
};

/// Questions that somebody keeps to see whether search got better or worse.
class RecallStore {
public:
    virtual ~RecallStore() = default;
    /// Errors: InvalidArgument (no question, or no quote).
    [[nodiscard]] virtual Result<std::int64_t> add(const RecallQuestion& question) = 0;
    [[nodiscard]] virtual Result<std::vector<RecallQuestion>> questions() = 0;
    /// Errors: NotFound.
    [[nodiscard]] virtual Result<void> remove(std::int64_t id) = 0;
    [[nodiscard]] virtual Result<void> addRun(const RecallRun& run) = 0;
    /// Newest first.
    [[nodiscard]] virtual Result<std::vector<RecallRun>> runs(int limit) = 0;
};

// -------------------------------------------------------------------------------------- database

/// Receives one term of a text and where it stood; terms at one place may overlap (bigrams).
using TermSink =
    std::function<void(std::string_view term, std::size_t startByte, std::size_t endByte)>;
/// Splits text into index terms: the same function serves index and query.
using Analyzer = std::function<void(std::string_view text, const TermSink& sink)>;

struct OpenOptions {
    Analyzer analyzer{};
    int analyzerVersion = 1;  ///< a new value rebuilds the full-text indexes at the next open
    bool inMemory = false;    ///< for evaluations and tests; the path is ignored
};

/// One line of a doctor's report.
struct Finding {
    bool ok = true;
    std::string subject{};
    std::string detail{};
};

class Database {
public:
    /// Opens or creates; brings an older schema up to date after copying the file beside it.
    /// Never changes a file it cannot read. The first to open it finishes what an ended program
    /// left; for those who come while others have it open there is nothing to finish.
    /// Errors: TooNew, Corrupt (both say what to do), InvalidArgument (no analyzer, or a database
    /// of another program), Busy (open in another version of Conclave, or being repaired), Io,
    /// DiskFull.
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path,
                                                                const OpenOptions& options);

    virtual ~Database() = default;

    [[nodiscard]] virtual ChatStore& chats() = 0;
    [[nodiscard]] virtual DocumentStore& documents() = 0;
    [[nodiscard]] virtual SettingStore& settings() = 0;
    [[nodiscard]] virtual RecallStore& recall() = 0;

    /// Integrity of the file, foreign keys, full-text indexes and embeddings.
    [[nodiscard]] virtual Result<std::vector<Finding>> check() = 0;

    /// A consistent copy while in use, verified after writing; never overwrites.
    [[nodiscard]] virtual Result<void> backup(
        const std::filesystem::path& to,
        const std::function<bool(float fraction)>& progress = {}) = 0;
};

/// Replaces the database at `path` by the backup `from` after checking it; the old file is kept
/// beside it and its new name returned (empty if there was none). No Database may be open on
/// `path`. Errors: NotFound, Corrupt, TooNew, InvalidArgument (of another program), Busy, DiskFull.
[[nodiscard]] Result<std::filesystem::path> restoreDatabase(const std::filesystem::path& path,
                                                            const std::filesystem::path& from);

/// True if an error of an open Database says that its file is damaged: repairDatabase can help once
/// it is closed.
[[nodiscard]] bool isDatabaseDamage(const Error& error);

/// What a repair could do.
struct Repaired {
    struct Loss {
        std::string table{};
        std::int64_t nSaved = 0;  ///< rows; how many more there were cannot be told
    };
    std::filesystem::path kept{};  ///< the damaged file
    std::vector<Loss> losses{};    ///< tables of which not everything could be read
};

/// Saves what can be read of a damaged database into a new one at `path`; the damaged file is kept
/// beside it and its new name returned. Documents that lost a part become Pending, to be read
/// again; full text is built at the next open. No Database may be open on `path`.
/// Errors: NotFound, Corrupt (nothing can be read; the file is left alone), TooNew, Busy, DiskFull.
[[nodiscard]] Result<Repaired> repairDatabase(const std::filesystem::path& path);

}  // namespace conclave::storage
