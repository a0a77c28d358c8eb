#include "app/services/library.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/log.h"

namespace conclave::services {
namespace {

/// Raise when chunks would be cut or embedded differently.
constexpr int kPipelineVersion = 1;

std::vector<retrieval::ScoredChunk> toScored(const std::vector<storage::KeywordHit>& hits) {
    std::vector<retrieval::ScoredChunk> scored;
    scored.reserve(hits.size());
    for (const storage::KeywordHit& hit : hits) scored.push_back({hit.chunk, hit.bm25});
    return scored;
}

std::vector<retrieval::ChunkId> idsOf(std::span<const SearchHit> hits) {
    std::vector<retrieval::ChunkId> ids;
    ids.reserve(hits.size());
    for (const SearchHit& hit : hits) ids.push_back(hit.chunk.id);
    return ids;
}

}  // namespace

/// The database as retrieval's keyword index.
class Library::Keywords final : public retrieval::KeywordIndex {
public:
    explicit Keywords(storage::DocumentStore& store) : m_store(store) {}

    Result<std::vector<retrieval::ScoredChunk>> search(
        std::span<const std::string> terms, std::span<const retrieval::CollectionId> collections,
        int limit) override {
        return m_store.keywordSearch(terms, collections, limit).map(toScored);
    }
    Result<std::vector<retrieval::ScoredChunk>> scores(
        std::span<const std::string> terms, std::span<const retrieval::ChunkId> chunks) override {
        return m_store.keywordScores(terms, chunks).map(toScored);
    }

private:
    storage::DocumentStore& m_store;
};

/// The engine's embedder as retrieval knows it.
class Library::EngineEmbedder final : public retrieval::Embedder {
public:
    explicit EngineEmbedder(std::shared_ptr<const engine::TextEmbedder> embedder)
        : m_embedder(std::move(embedder)) {}

    const std::string& id() const override { return m_embedder->id(); }
    int dimension() const override { return m_embedder->dimension(); }
    void embed(std::string_view text, std::span<float> vector) const override {
        m_embedder->embed(text, vector);
    }

private:
    std::shared_ptr<const engine::TextEmbedder> m_embedder;
};

Library::Library(storage::DocumentStore& store, EmbedderSource embedderSource)
    : m_store(store),
      m_embedderSource(std::move(embedderSource)),
      m_keywords(std::make_unique<Keywords>(store)) {}

Library::~Library() = default;

const retrieval::Embedder* Library::embedder() {
    std::call_once(m_embedderOnce, [this] {
        auto loaded = m_embedderSource();
        if (loaded) {
            m_embedder = std::make_unique<EngineEmbedder>(std::move(*loaded));
        } else {
            log().warn("searching by keywords alone: {}", loaded.error().detail);
        }
    });
    return m_embedder.get();
}

Result<void> Library::reload() {
    const retrieval::Embedder* model = embedder();
    const Result<std::int64_t> generation = m_store.generation();
    if (!generation) return tl::unexpected(generation.error());
    m_vectors->clear();
    int nBad = 0;
    const Result<void> read = m_store.forEachEmbedding(
        model->id(), [&](ChunkId chunk, CollectionId collection, std::span<const std::byte> code) {
            if (!m_vectors->add(chunk, collection, code)) ++nBad;
        });
    if (!read) return read;
    if (nBad > 0) {
        log().warn("{} stored vectors are damaged and left out; `conclave doctor` says more", nBad);
    }
    m_generation = *generation;
    return {};
}

Result<void> Library::refresh() {
    const retrieval::Embedder* model = embedder();
    if (model == nullptr) return {};
    if (m_vectors == nullptr) {
        m_vectors = std::make_unique<retrieval::VectorIndex>(model->dimension());
    }
    const Result<std::int64_t> generation = m_store.generation();
    if (!generation) return tl::unexpected(generation.error());
    return *generation == m_generation ? Result<void>{} : reload();
}

Result<std::vector<SearchHit>> Library::search(const SearchRequest& request) {
    if (request.collections.empty()) return std::vector<SearchHit>{};
    {
        const std::lock_guard lock(m_mutex);
        if (auto fresh = refresh(); !fresh) return tl::unexpected(fresh.error());
    }
    const retrieval::Embedder* model = embedder();
    static const retrieval::VectorIndex kNoVectors(1);
    retrieval::SearchOptions options;
    options.mode = request.mode;
    options.limit = request.limit;
    options.collections.assign(request.collections.begin(), request.collections.end());
    if (model == nullptr) options.mode = retrieval::SearchMode::Keyword;
    auto scored = retrieval::hybridSearch(
        request.query, *m_keywords, model != nullptr ? *m_vectors : kNoVectors, model, options);
    if (!scored) return tl::unexpected(scored.error());

    std::vector<ChunkId> ids;
    std::unordered_map<ChunkId, double> scores;
    for (const retrieval::ScoredChunk& hit : *scored) {
        ids.push_back(hit.chunk);
        scores[hit.chunk] = hit.score;
    }
    auto chunks = m_store.chunks(ids);
    if (!chunks) return tl::unexpected(chunks.error());
    std::vector<SearchHit> hits;
    for (Chunk& chunk : *chunks) {
        const double score = scores[chunk.id];
        hits.push_back({static_cast<int>(hits.size()) + 1, std::move(chunk), score});
    }
    return hits;
}

Result<std::vector<Library::Fit>> Library::fit(std::string_view query,
                                               std::span<const SearchHit> hits) {
    const std::vector<retrieval::ChunkId> ids = idsOf(hits);
    std::unordered_map<ChunkId, Fit> fits;
    auto keywords = m_keywords->scores(retrieval::queryTerms(query), ids);
    if (!keywords) return tl::unexpected(keywords.error());
    for (const retrieval::ScoredChunk& hit : *keywords) fits[hit.chunk].hasKeyword = hit.score > 0;
    if (const retrieval::Embedder* model = embedder(); model != nullptr && m_vectors != nullptr) {
        std::vector<float> vector(static_cast<std::size_t>(model->dimension()));
        model->embed(query, vector);
        for (const retrieval::ScoredChunk& hit : m_vectors->scores(vector, ids)) {
            fits[hit.chunk].cosine = hit.score;
        }
    }
    std::vector<Fit> inOrder;
    for (const retrieval::ChunkId id : ids) inOrder.push_back(fits[id]);
    return inOrder;
}

storage::DocumentContent Library::prepare(retrieval::ExtractedDocument extracted) {
    storage::DocumentContent content;
    const std::vector<retrieval::ChunkSpan> spans = retrieval::chunkDocument(extracted);
    std::unordered_map<int, const std::string*> textOfPage;
    for (const retrieval::ExtractedPage& page : extracted.pages) {
        textOfPage.emplace(page.number, &page.text);
    }
    const retrieval::Embedder* model = embedder();
    std::vector<float> vector(model != nullptr ? static_cast<std::size_t>(model->dimension()) : 0);
    for (const retrieval::ChunkSpan& span : spans) {
        storage::NewChunk chunk{.page = span.page,
                                .startByte = span.startByte,
                                .endByte = span.endByte,
                                .heading = span.heading,
                                .embedding = {}};
        if (model != nullptr) {
            const std::string& page = *textOfPage.at(span.page);
            const std::string_view text =
                std::string_view(page).substr(span.startByte, span.endByte - span.startByte);
            model->embed(span.heading + "\n" + std::string(text), vector);
            const bool isZero =
                std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0.0f; });
            if (!isZero) chunk.embedding = retrieval::encodeVector(vector);
        }
        content.chunks.push_back(std::move(chunk));
    }
    content.title = std::move(extracted.title);
    content.mime = std::move(extracted.mime);
    content.warnings = std::move(extracted.warnings);
    for (retrieval::ExtractedPage& page : extracted.pages) {
        content.pages.push_back({page.number, std::move(page.text)});
    }
    if (model != nullptr) content.embedder = model->id();
    return content;
}

Result<void> Library::store(DocumentId id, const storage::DocumentContent& content) {
    const std::lock_guard lock(m_mutex);
    if (auto fresh = refresh(); !fresh) return fresh;
    const auto before = m_store.chunksOf(id);
    if (!before) return tl::unexpected(before.error());
    if (auto stored = m_store.storeContent(id, content); !stored) return stored;
    if (m_vectors == nullptr) return {};

    for (const Chunk& chunk : *before) m_vectors->remove(chunk.id);
    const auto after = m_store.chunksOf(id);
    if (!after) return tl::unexpected(after.error());
    // Reading order is the order they were given in.
    for (std::size_t i = 0; i < after->size() && i < content.chunks.size(); ++i) {
        const std::vector<std::byte>& code = content.chunks[i].embedding;
        if (code.empty()) continue;
        if (auto added = m_vectors->add((*after)[i].id, (*after)[i].collection, code); !added) {
            return added;
        }
    }
    return m_store.generation().map([this](std::int64_t now) { m_generation = now; });
}

Result<void> Library::removeDocument(DocumentId id) {
    const std::lock_guard lock(m_mutex);
    if (auto fresh = refresh(); !fresh) return fresh;
    const auto chunks = m_store.chunksOf(id);
    if (!chunks) return tl::unexpected(chunks.error());
    if (auto removed = m_store.removeDocument(id); !removed) return removed;
    if (m_vectors == nullptr) return {};
    for (const Chunk& chunk : *chunks) m_vectors->remove(chunk.id);
    return m_store.generation().map([this](std::int64_t now) { m_generation = now; });
}

Result<void> Library::removeCollection(CollectionId id) {
    const std::lock_guard lock(m_mutex);
    // The next search sees the new generation and reads the vectors again.
    return m_store.deleteCollection(id);
}

std::string Library::pipelineId() {
    const retrieval::Embedder* model = embedder();
    return (model != nullptr ? model->id() : std::string("none")) + "/" +
           std::to_string(kPipelineVersion);
}

Result<std::pair<int, int>> Library::countChunksAndVectors() {
    const std::lock_guard lock(m_mutex);
    if (auto fresh = refresh(); !fresh) return tl::unexpected(fresh.error());
    const auto collections = m_store.collections();
    if (!collections) return tl::unexpected(collections.error());
    int nChunks = 0;
    for (const Collection& collection : *collections) nChunks += collection.nChunks;
    return std::pair(nChunks, m_vectors != nullptr ? static_cast<int>(m_vectors->size()) : 0);
}

}  // namespace conclave::services
