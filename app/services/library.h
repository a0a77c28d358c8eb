// library.h: the searchable documents: the database's chunks and, in step with them, their vectors
// in memory. All changes to documents' content go through here.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "app/services/services.h"

namespace conclave::services {

/// Gives the text embedder, loading it at the first call.
using EmbedderSource = std::function<Result<std::shared_ptr<const engine::TextEmbedder>>()>;

/// Thread-safe.
class Library {
public:
    Library(storage::DocumentStore& store, EmbedderSource embedderSource);
    ~Library();

    /// The best chunks for the request; its collections are taken as they are, so none given finds
    /// nothing. Without an embedder keywords alone decide.
    [[nodiscard]] Result<std::vector<SearchHit>> search(const SearchRequest& request);

    /// How well each hit fits by itself, which the fused score cannot tell as it is relative.
    struct Fit {
        bool hasKeyword = false;
        double cosine = 0.0;
    };
    [[nodiscard]] Result<std::vector<Fit>> fit(std::string_view query,
                                               std::span<const SearchHit> hits);

    /// Chunks and embeds an extracted document; sha256, size and time are left to the caller.
    [[nodiscard]] storage::DocumentContent prepare(retrieval::ExtractedDocument extracted);

    [[nodiscard]] Result<void> store(DocumentId id, const storage::DocumentContent& content);
    [[nodiscard]] Result<void> removeDocument(DocumentId id);
    [[nodiscard]] Result<void> removeCollection(CollectionId id);

    /// Changes when documents would be chunked or embedded otherwise: they must be read again.
    [[nodiscard]] std::string pipelineId();

    /// Chunks in the database without a vector in memory; for the doctor.
    [[nodiscard]] Result<std::pair<int, int>> countChunksAndVectors();

private:
    class Keywords;
    class EngineEmbedder;

    /// The embedder, or null where there is none (said once in the log).
    const retrieval::Embedder* embedder();
    /// Brings the vectors up to date if another program changed the database.
    Result<void> refresh();
    Result<void> reload();

    storage::DocumentStore& m_store;
    EmbedderSource m_embedderSource;
    std::unique_ptr<Keywords> m_keywords;

    std::once_flag m_embedderOnce;
    std::unique_ptr<EngineEmbedder> m_embedder;

    std::mutex m_mutex;  ///< one change of vectors at a time; guards the two below
    std::unique_ptr<retrieval::VectorIndex> m_vectors;
    std::int64_t m_generation = -1;  ///< the database's, when m_vectors were right
};

}  // namespace conclave::services
