// document_store.h: collections, documents, their text, chunks and embeddings in their tables.
#pragma once

#include <stop_token>

#include "storage/connections.h"
#include "storage/storage.h"

namespace conclave::storage {

class SqliteDocumentStore final : public DocumentStore {
public:
    /// `connections` must outlive the store.
    explicit SqliteDocumentStore(Connections& connections) : m_connections(connections) {}

    Result<CollectionId> createCollection(std::string_view name) override;
    Result<std::vector<Collection>> collections() override;
    Result<void> renameCollection(CollectionId id, std::string_view name) override;
    Result<void> deleteCollection(CollectionId id) override;
    Result<void> setRoots(CollectionId id, std::span<const std::filesystem::path> roots) override;

    Result<std::vector<Document>> documents(CollectionId collection) override;
    Result<Document> document(DocumentId id) override;
    Result<DocumentId> ensureDocument(CollectionId collection,
                                      const std::filesystem::path& path) override;
    Result<void> noteSeen(CollectionId collection,
                          std::span<const std::filesystem::path> paths) override;
    Result<std::vector<Page>> pageDrafts(CollectionId collection, const std::filesystem::path& path,
                                         std::string_view source) override;
    Result<void> keepPageDraft(CollectionId collection, const std::filesystem::path& path,
                               std::string_view source, const Page& page) override;
    Result<ContentChange> storeContent(DocumentId id, const DocumentContent& content) override;
    Result<std::vector<Stored>> storeFiles(CollectionId collection,
                                           std::span<const FileContent> files) override;
    void foldJournal(Journal which) override { m_connections.foldJournal(which); }
    Result<void> touchDocument(DocumentId id, std::uint64_t sizeBytes,
                               std::int64_t modifiedNs) override;
    Result<void> setDocumentState(DocumentId id, DocumentState state, std::string_view error,
                                  std::uint64_t sizeBytes, std::int64_t modifiedNs) override;
    Result<ContentChange> moveDocument(DocumentId id, const std::filesystem::path& path) override;
    Result<ContentChange> removeDocument(DocumentId id) override;

    Result<std::vector<Page>> pages(DocumentId id) override;
    Result<std::vector<Chunk>> chunks(std::span<const ChunkId> ids) override;
    Result<std::vector<Chunk>> chunksOf(DocumentId id) override;
    Result<Surroundings> surroundings(DocumentId id, int page, std::size_t startByte,
                                      std::size_t endByte) override;

    Result<std::vector<ChunkPlace>> chunkPlaces() override;
    Result<std::vector<DocumentPath>> documentPaths() override;
    Result<void> forEachText(
        std::span<const ChunkId> ids,
        const std::function<void(ChunkId, std::string_view, std::string_view)>& visit) override;
    Result<void> forEachKeywordSegment(
        std::span<const std::int64_t> known,
        const std::function<void(std::int64_t, std::span<const std::byte>)>& visit) override;
    Result<std::vector<std::int64_t>> keepKeywordSegments(
        std::span<const std::span<const std::byte>> segments,
        std::span<const std::int64_t> obsolete) override;
    Result<void> forEachEmbedding(
        std::string_view embedder, ChunkId from,
        const std::function<void(ChunkId, std::span<const std::byte>)>& visit) override;
    Result<bool> hasEmbeddings(std::string_view embedder) override;
    Result<std::int64_t> countToEmbed(std::string_view embedder) override;
    Result<std::vector<ChunkId>> chunksToEmbed(std::string_view embedder, ChunkId after,
                                               int limit) override;
    Result<void> storeDrafts(std::string_view embedder,
                             std::span<const EmbeddingDraft> drafts) override;
    Result<ContentChange> useDrafts(std::string_view embedder) override;
    Result<std::int64_t> generation() override;

    /// Removes the content of deleted collections in many small transactions, until done or told
    /// to stop.
    [[nodiscard]] Result<void> sweepDeleted(const std::stop_token& stop);

private:
    Connections& m_connections;
};

}  // namespace conclave::storage
