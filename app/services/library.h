// library.h: the searchable documents: the database's chunks and, in step with them, the indexes of
// words and vectors in memory. All changes to documents' content and paths go through here.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

/// Gives the text embedder, loading it at the first call.
using EmbedderSource = std::function<Result<std::shared_ptr<const engine::TextEmbedder>>()>;

/// Gives the reranker that is chosen, or null.
using RerankerSource = std::function<std::shared_ptr<const engine::Reranker>()>;

class EngineEmbedder;

/// A document ready to be stored and found.
struct PreparedDocument {
    storage::DocumentContent content{};
    std::vector<retrieval::ChunkTerms> terms{};  ///< of content.chunks
};

struct PreparedFile {
    std::filesystem::path path{};
    PreparedDocument document{};
};

/// Thread-safe. The database is the truth; the indexes are caches that carry its generation. A
/// search never waits for another thread's change, but for the first load.
class Library {
public:
    Library(storage::DocumentStore& store, EmbedderSource embedderSource);
    ~Library();

    /// Loads the indexes, so that the first search need not.
    [[nodiscard]] Result<void> load();

    /// The best chunks for the request; its collections are taken as they are, so none given finds
    /// nothing. Without an embedder keywords alone decide.
    [[nodiscard]] Result<std::vector<SearchHit>> search(const SearchRequest& request);

    /// How well each hit fits by itself, which the fused score cannot tell as it is relative.
    struct Fit {
        bool hasKeyword = false;
        /// The same, but of a Chinese word more than one of its characters: 住宿 is not in 记住.
        bool hasWholeWord = false;
        double cosine = 0.0;
        /// Without a word of the question a passage counts only if it is near in meaning, as when
        /// question and document are in different languages.
        [[nodiscard]] bool isLikely() const { return hasKeyword || cosine >= kLeastCosine; }

        static constexpr double kLeastCosine = 0.45;
    };
    [[nodiscard]] Result<std::vector<Fit>> fit(std::string_view query,
                                               std::span<const SearchHit> hits);

    /// How much of a question the best of some passages says, 0..1: the share of its terms that are
    /// in one passage, each by its rarity; its BM25 against the most that the question could reach;
    /// and for a small part how alike both are as a whole.
    [[nodiscard]] Result<double> answerability(std::string_view query,
                                               std::span<const SearchHit> hits);

    /// From now on the best few of a search are put in this model's order.
    void setReranker(RerankerSource source);

    /// Chunks, embeds and analyzes an extracted document; sha256, size and time are left to the
    /// caller. With an embedder that takes long, vectors are left to embedMissing. `pause` (may be
    /// empty) is called every millisecond or so.
    [[nodiscard]] PreparedDocument prepare(retrieval::ExtractedDocument extracted,
                                           const std::function<void()>& pause = {});
    /// The same from a document in the database, under another title perhaps. None where only the
    /// file can tell what it would be: the title may be one of its headings, too.
    [[nodiscard]] Result<std::optional<PreparedDocument>> prepareCopy(
        const Document& document, const std::string& title,
        const std::function<void()>& pause = {});

    [[nodiscard]] Result<void> store(DocumentId id, const PreparedDocument& document);
    /// Several by their paths as one change of the database; documents are added that are new.
    [[nodiscard]] Result<std::vector<DocumentId>> storeFiles(CollectionId collection,
                                                             std::span<const PreparedFile> files);
    [[nodiscard]] Result<void> moveDocument(DocumentId id, const std::filesystem::path& path);
    [[nodiscard]] Result<void> removeDocument(DocumentId id);
    [[nodiscard]] Result<void> removeCollection(CollectionId id);
    /// What a run that stores much calls between two changes, holding no lock: while others go on
    /// storing, the journal is folded in if it is long, and the index kept if much of it is new.
    [[nodiscard]] Result<void> keepDuringRun();
    /// Keeps what the next start would have to make again, if that is much: for the end of a run.
    [[nodiscard]] Result<void> keepIndex();

    /// Id of the embedder in use; empty: none.
    [[nodiscard]] std::string embedderId();
    /// Makes the vectors that chunks lack, unless another thread is at it; what is made is used at
    /// once. `progress` gets chunks done
    /// and all, and returns false to stop.
    /// Errors: Cancelled (what is made stays), and those of the database.
    [[nodiscard]] Result<void> embedMissing(const std::function<bool(int, int)>& progress = {});
    /// Makes vectors by another embedder for every chunk, beside those in use, and then uses them.
    /// Stopped or killed, the next call goes on from there. Errors: as embedMissing.
    [[nodiscard]] Result<void> switchEmbedder(std::shared_ptr<const engine::TextEmbedder> embedder,
                                              const std::function<bool(int, int)>& progress = {});

    /// Changes when documents would be chunked otherwise: they must be read again.
    [[nodiscard]] std::string pipelineId();

    struct Size {
        int nChunks = 0;        ///< in the database
        int nIndexed = 0;       ///< in the keyword index
        int nVectors = 0;       ///< in memory
        std::size_t bytes = 0;  ///< of both indexes
    };
    [[nodiscard]] Result<Size> size();

private:
    class Texts;
    using EmbeddingProgress = std::function<bool(int nMore)>;

    /// An embedder and the vectors that it made.
    struct Meaning {
        std::shared_ptr<const EngineEmbedder> embedder;
        std::shared_ptr<retrieval::VectorIndex> vectors;
    };
    /// Those in use; null where there is no embedder (said once in the log).
    Meaning meaning();
    void setMeaning(Meaning meaning);
    Result<void> useEmbedder(const std::shared_ptr<const EngineEmbedder>& embedder,
                             const std::function<bool(int, int)>& progress);
    Result<int> makeDrafts(const EngineEmbedder& embedder, int limit,
                           const EmbeddingProgress& progress);
    Result<void> takeDrafts(const std::shared_ptr<const EngineEmbedder>& embedder);
    /// Of the best, so many are read by the reranker.
    static constexpr int kReranked = 20;
    Result<void> rerank(std::string_view query, std::vector<retrieval::ScoredChunk>& hits);
    /// Terms and vectors of content.chunks.
    void describe(PreparedDocument& prepared, const std::function<void()>& pause);
    /// Brings the indexes up to date if somebody else changed the database.
    Result<void> refresh();
    Result<void> reload();
    Result<void> readPlaces(std::vector<storage::ChunkPlace>& chunks);
    Result<void> indexChunks(const std::vector<storage::ChunkPlace>& fresh);
    Result<void> analyzeChunks(std::span<const storage::ChunkPlace> chunks);
    Result<void> readVectors(const EngineEmbedder& embedder, retrieval::VectorIndex& vectors,
                             const std::vector<storage::ChunkPlace>& fresh);
    /// What a change of our own means to the indexes; `place`: where the document is now, none for
    /// one that is gone.
    Result<void> follow(const storage::ContentChange& change, DocumentId id,
                        const std::optional<retrieval::DocumentPlace>& place,
                        const PreparedDocument* document);
    Result<std::optional<retrieval::DocumentPlace>> placeOf(DocumentId id);
    Result<void> keep();

    storage::DocumentStore& m_store;
    EmbedderSource m_embedderSource;
    std::unique_ptr<Texts> m_texts;

    RerankerSource m_rerankerSource;

    std::once_flag m_meaningOnce;
    std::mutex m_embeddingMutex;  ///< held while vectors are made
    std::mutex m_meaningMutex;
    Meaning m_meaning;  ///< changed while both mutexes are held, or before anything else

    retrieval::KeywordIndex m_keywords;

    std::mutex m_keepingMutex;  ///< held while a run keeps what it has; taken before m_mutex
    std::mutex m_mutex;         ///< one change at a time; guards what follows
    std::unordered_map<DocumentId, retrieval::DocumentPlace> m_places;
    std::vector<std::int64_t> m_knownSegments;  ///< kept ones that were read or written; ascending
    std::int64_t m_generation = -1;             ///< the database's, when the indexes were right
    /// Chunks that the kept segments lack or have too many.
    std::atomic<std::size_t> m_nUnkept = 0;
    std::atomic<bool> m_isLoaded = false;
};

}  // namespace conclave::services
