// Which embedder makes the vectors, and the change from one to another.
#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "app/services/engine_embedder.h"
#include "app/services/library.h"
#include "base/log.h"

namespace conclave::services {
namespace {

/// Chunks embedded between two looks at whether to go on, and how often new vectors of the embedder
/// in use join the index.
constexpr int kEmbeddedAtOnce = 16;
constexpr int kBatchesBeforeUse = 32;

}  // namespace

Library::Meaning Library::meaning() {
    std::call_once(m_meaningOnce, [this] {
        auto loaded = m_embedderSource();
        if (loaded) {
            auto embedder = std::make_shared<EngineEmbedder>(std::move(*loaded));
            auto vectors = std::make_shared<retrieval::VectorIndex>(embedder->dimension());
            setMeaning({std::move(embedder), std::move(vectors)});
        } else {
            log().warn("searching by keywords alone: {}", loaded.error().detail);
        }
    });
    const std::lock_guard lock(m_meaningMutex);
    return m_meaning;
}

void Library::setMeaning(Meaning meaning) {
    const std::lock_guard lock(m_meaningMutex);
    m_meaning = std::move(meaning);
}

std::string Library::embedderId() {
    const Meaning now = meaning();
    return now.embedder != nullptr ? now.embedder->id() : std::string();
}

Result<void> Library::readVectors(const EngineEmbedder& embedder, retrieval::VectorIndex& vectors,
                                  const std::vector<storage::ChunkPlace>& fresh) {
    if (fresh.empty()) return {};
    int nBad = 0;
    auto place = fresh.begin();
    const Result<void> read = m_store.forEachEmbedding(
        embedder.id(), fresh.front().chunk, [&](ChunkId chunk, std::span<const std::byte> code) {
            while (place != fresh.end() && place->chunk < chunk) ++place;
            if (place == fresh.end() || place->chunk != chunk) return;  // known, or being deleted
            const auto document = m_places.find(place->document);
            if (document == m_places.end()) return;
            if (!vectors.add(chunk, document->second, code)) ++nBad;
        });
    if (!read) return read;
    if (nBad > 0) {
        log().warn("{} stored vectors are damaged and left out; `conclave doctor` says more", nBad);
    }
    return {};
}

/// Embeds at most `limit` chunks that have no vector yet. Gives how many there were.
Result<int> Library::makeDrafts(const EngineEmbedder& embedder, int limit,
                                const EmbeddingProgress& progress) {
    const auto dim = static_cast<std::size_t>(embedder.dimension());
    int nDone = 0;
    ChunkId after = 0;
    while (nDone < limit) {
        const auto ids = m_store.chunksToEmbed(embedder.id(), after, kEmbeddedAtOnce);
        if (!ids) return tl::unexpected(ids.error());
        if (ids->empty()) break;
        std::vector<std::string> texts;
        std::vector<storage::EmbeddingDraft> drafts;
        const auto read = m_store.forEachText(
            *ids, [&](ChunkId chunk, std::string_view heading, std::string_view text) {
                // Of a table of contents nothing is embedded: no vector.
                const bool isEmbedded = !retrieval::isContents(text);
                texts.push_back(isEmbedded ? std::string(heading).append("\n").append(text)
                                           : std::string());
                drafts.push_back({chunk, {}});
            });
        if (!read) return tl::unexpected(read.error());
        std::vector<float> vectors(texts.size() * dim);
        embedder.embedPassages(texts, vectors);
        for (std::size_t i = 0; i < drafts.size(); ++i) {
            const auto vector = std::span(vectors).subspan(i * dim, dim);
            const bool isZero =
                std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0.0f; });
            if (!isZero && !texts[i].empty()) drafts[i].code = retrieval::encodeVector(vector);
        }
        if (auto stored = m_store.storeDrafts(embedder.id(), drafts); !stored) {
            return tl::unexpected(stored.error());
        }
        after = ids->back();
        nDone += static_cast<int>(drafts.size());
        if (progress && !progress(static_cast<int>(drafts.size()))) {
            return fail(ErrorCode::Cancelled, "stopped; the next run goes on from here");
        }
    }
    return nDone;
}

Result<void> Library::embedMissing(const std::function<bool(int, int)>& progress) {
    const std::unique_lock lock(m_embeddingMutex, std::try_to_lock);
    const Meaning now = meaning();
    if (now.embedder == nullptr || !lock.owns_lock()) return {};
    {
        // The database would compare all of them, one by one.
        const std::lock_guard change(m_mutex);
        if (auto fresh = refresh(); !fresh) return fresh;
        if (now.vectors->size() == m_keywords.size()) return {};
    }
    return useEmbedder(now.embedder, progress);
}

Result<void> Library::switchEmbedder(std::shared_ptr<const engine::TextEmbedder> embedder,
                                     const std::function<bool(int, int)>& progress) {
    const std::lock_guard lock(m_embeddingMutex);
    return useEmbedder(std::make_shared<EngineEmbedder>(std::move(embedder)), progress);
}

Result<void> Library::useEmbedder(const std::shared_ptr<const EngineEmbedder>& embedder,
                                  const std::function<bool(int, int)>& progress) {
    const auto total = m_store.countToEmbed(embedder->id());
    if (!total) return tl::unexpected(total.error());
    int nDone = 0;
    const EmbeddingProgress step = [&](int n) {
        nDone += n;
        return !progress || progress(nDone, std::max(nDone, static_cast<int>(*total)));
    };
    const bool isInUse = embedderId() == embedder->id();
    if (isInUse && *total == 0) return {};
    while (true) {
        const auto made = makeDrafts(*embedder, kBatchesBeforeUse * kEmbeddedAtOnce, step);
        if (isInUse || (made && *made == 0)) {
            // What was made before somebody stopped is of use, too.
            if (auto used = takeDrafts(embedder); !used) return used;
        }
        if (!made) return tl::unexpected(made.error());
        if (*made == 0) return {};
    }
}

/// Puts the drafts in the place of the vectors in use, or beside them if they are of one embedder.
Result<void> Library::takeDrafts(const std::shared_ptr<const EngineEmbedder>& embedder) {
    const std::lock_guard lock(m_mutex);
    if (auto fresh = refresh(); !fresh) return fresh;
    const bool isInUse = embedderId() == embedder->id();
    if (!isInUse) {
        // What was indexed since the last look; nothing more can come, as changes wait for us.
        constexpr int kAll = std::numeric_limits<int>::max();
        if (auto made = makeDrafts(*embedder, kAll, {}); !made) {
            return tl::unexpected(made.error());
        }
    }
    const auto change = m_store.useDrafts(embedder->id());
    if (!change) return tl::unexpected(change.error());
    const auto all = m_store.chunkPlaces();
    if (!all) return tl::unexpected(all.error());
    std::vector<storage::ChunkPlace> fresh;
    std::copy_if(
        all->begin(), all->end(), std::back_inserter(fresh), [&](const storage::ChunkPlace& place) {
            return !isInUse ||
                   std::binary_search(change->added.begin(), change->added.end(), place.chunk);
        });
    const auto vectors = isInUse ? meaning().vectors
                                 : std::make_shared<retrieval::VectorIndex>(embedder->dimension());
    if (auto read = readVectors(*embedder, *vectors, fresh); !read) return read;
    if (!isInUse) setMeaning({embedder, vectors});
    if (change->generation == m_generation + 1) m_generation = change->generation;
    return {};
}

// ------------------------------------------------------------------------------------- reranking

void Library::setReranker(RerankerSource source) { m_rerankerSource = std::move(source); }

/// The best few in the order of a model that reads the question and each of them together.
Result<void> Library::rerank(std::string_view query, std::vector<retrieval::ScoredChunk>& hits) {
    const auto reranker = m_rerankerSource ? m_rerankerSource() : nullptr;
    if (reranker == nullptr || hits.size() < 2) return {};
    const std::size_t n = std::min<std::size_t>(hits.size(), kReranked);
    std::vector<retrieval::ChunkId> ids;
    for (std::size_t i = 0; i < n; ++i) ids.push_back(hits[i].chunk);
    std::vector<std::string> texts(n);
    const auto read = m_store.forEachText(ids, [&](ChunkId chunk, std::string_view heading,
                                                   std::string_view text) {
        const auto place = std::find(ids.begin(), ids.end(), chunk) - ids.begin();
        texts[static_cast<std::size_t>(place)] =
            heading.empty() ? std::string(text) : std::string(heading).append("\n").append(text);
    });
    if (!read) return read;
    const auto scores = reranker->score(query, texts);
    if (!scores) return tl::unexpected(scores.error());
    for (std::size_t i = 0; i < n; ++i) hits[i].score = (*scores)[i];
    const auto end = hits.begin() + static_cast<std::ptrdiff_t>(n);
    std::stable_sort(hits.begin(), end,
                     [](const auto& a, const auto& b) { return a.score > b.score; });
    // The others keep their order and come after.
    for (auto other = end; other != hits.end(); ++other) {
        other->score = std::min(other->score, (other - 1)->score);
    }
    return {};
}

}  // namespace conclave::services
