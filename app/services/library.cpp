#include "app/services/library.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "app/services/engine_embedder.h"
#include "base/log.h"

namespace conclave::services {
namespace {

/// Raise when chunks would be cut differently.
constexpr int kPipelineVersion = 5;

/// Passages of one document that come before those of others.
constexpr int kMostOfDocument = 4;

/// Fewer are analyzed again at the next start sooner than a piece is written.
constexpr std::size_t kWorthKeeping = 512;
/// A run that is killed loses the analysis of so many chunks at most.
constexpr std::size_t kKeepDuringRun = 32'768;

/// A term of so many Chinese, Japanese or Korean characters; each takes three bytes or four.
bool isOfCharacters(std::string_view term, std::size_t n) {
    const auto nCharacters =
        static_cast<std::size_t>(std::count_if(term.begin(), term.end(), [](char byte) {
            return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
        }));
    return nCharacters == n && term.size() >= 3 * n;
}

/// Orders equal scores; of the path, which is the same however and whenever it was read.
std::uint64_t orderOf(const std::filesystem::path& path) {
    std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
    for (const char c : path.native()) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    return hash;
}

std::vector<retrieval::ChunkId> idsOf(std::span<const SearchHit> hits) {
    std::vector<retrieval::ChunkId> ids;
    ids.reserve(hits.size());
    for (const SearchHit& hit : hits) ids.push_back(hit.chunk.id);
    return ids;
}

/// The same passage of a file with the same bytes, which says nothing more.
Result<bool> isInCopyOfAny(storage::DocumentStore& store, const Chunk& chunk,
                           const std::vector<SearchHit>& hits) {
    for (const SearchHit& hit : hits) {
        if (hit.chunk.document == chunk.document || hit.chunk.startByte != chunk.startByte ||
            hit.chunk.text != chunk.text) {
            continue;
        }
        const auto first = store.document(hit.chunk.document);
        if (!first) return tl::unexpected(first.error());
        const auto other = store.document(chunk.document);
        if (!other) return tl::unexpected(other.error());
        if (!first->sha256.empty() && first->sha256 == other->sha256) return true;
    }
    return false;
}

}  // namespace

/// The database as ranking reads it.
class Library::Texts final : public retrieval::ChunkTexts {
public:
    explicit Texts(storage::DocumentStore& store) : m_store(store) {}

    Result<std::vector<Text>> texts(std::span<const retrieval::ChunkId> chunks) override {
        std::vector<Text> found;
        const auto read = m_store.forEachText(
            chunks, [&](ChunkId chunk, std::string_view heading, std::string_view text) {
                found.push_back({chunk, std::string(heading), std::string(text)});
            });
        if (!read) return tl::unexpected(read.error());
        return found;
    }

private:
    storage::DocumentStore& m_store;
};

Library::Library(storage::DocumentStore& store, EmbedderSource embedderSource)
    : m_store(store),
      m_embedderSource(std::move(embedderSource)),
      m_texts(std::make_unique<Texts>(store)) {}

Library::~Library() = default;

Result<void> Library::load() {
    const std::lock_guard lock(m_mutex);
    return refresh();
}

Result<void> Library::refresh() {
    const Result<std::int64_t> generation = m_store.generation();
    if (!generation) return tl::unexpected(generation.error());
    if (*generation == m_generation) return {};
    // What others commit while we read is seen at the next refresh, as it raises the generation.
    if (auto loaded = reload(); !loaded) return loaded;
    m_generation = *generation;
    m_isLoaded = true;
    return {};
}

Result<void> Library::reload() {
    std::vector<storage::ChunkPlace> chunks;
    if (auto read = readPlaces(chunks); !read) return read;
    const std::vector<ChunkId> indexed = m_keywords.chunks();
    std::vector<ChunkId> gone;
    std::vector<storage::ChunkPlace> fresh;
    auto known = indexed.begin();
    for (const storage::ChunkPlace& chunk : chunks) {
        for (; known != indexed.end() && *known < chunk.chunk; ++known) gone.push_back(*known);
        if (known != indexed.end() && *known == chunk.chunk) {
            ++known;
        } else {
            fresh.push_back(chunk);
        }
    }
    gone.insert(gone.end(), known, indexed.end());
    const Meaning now = meaning();
    if (!gone.empty()) {
        m_keywords.remove(gone);
        if (now.vectors != nullptr) now.vectors->remove(gone);
    }
    if (fresh.empty()) return {};
    if (auto done = indexChunks(fresh); !done) return done;
    if (now.embedder == nullptr) return {};
    return readVectors(*now.embedder, *now.vectors, fresh);
}

/// Also moves documents whose path or collection changed.
Result<void> Library::readPlaces(std::vector<storage::ChunkPlace>& chunks) {
    auto found = m_store.chunkPlaces();
    if (!found) return tl::unexpected(found.error());
    chunks = std::move(*found);
    const auto paths = m_store.documentPaths();
    if (!paths) return tl::unexpected(paths.error());
    const Meaning now = meaning();
    std::unordered_map<DocumentId, retrieval::DocumentPlace> places;
    places.reserve(paths->size());
    for (const storage::DocumentPath& each : *paths) {
        const retrieval::DocumentPlace place{each.document, each.collection, orderOf(each.path)};
        places.emplace(each.document, place);
        const auto known = m_places.find(each.document);
        if (known == m_places.end() ||
            (known->second.order == place.order && known->second.collection == place.collection)) {
            continue;
        }
        m_keywords.move(place);
        if (now.vectors != nullptr) now.vectors->move(place);
    }
    m_places = std::move(places);
    return {};
}

Result<void> Library::indexChunks(const std::vector<storage::ChunkPlace>& fresh) {
    const auto placeOf = [&](ChunkId chunk) -> std::optional<retrieval::DocumentPlace> {
        const auto found =
            std::lower_bound(fresh.begin(), fresh.end(), chunk,
                             [](const storage::ChunkPlace& a, ChunkId b) { return a.chunk < b; });
        if (found == fresh.end() || found->chunk != chunk) return std::nullopt;
        const auto place = m_places.find(found->document);
        if (place == m_places.end()) return std::nullopt;
        return place->second;
    };
    std::vector<std::int64_t> bad;
    const std::vector<std::int64_t> known = m_knownSegments;
    const auto done = m_store.forEachKeywordSegment(
        known, [&](std::int64_t id, std::span<const std::byte> bytes) {
            m_knownSegments.push_back(id);
            const auto added = m_keywords.addSegment({id, {bytes.begin(), bytes.end()}}, placeOf);
            if (added) return;
            log().warn("{}; its texts are analyzed again", added.error().detail);
            bad.push_back(id);
        });
    if (!done) return done;
    if (!bad.empty()) {
        const auto dropped = m_store.keepKeywordSegments({}, bad);
        if (!dropped) return tl::unexpected(dropped.error());
    }
    std::sort(m_knownSegments.begin(), m_knownSegments.end());

    const std::vector<ChunkId> indexed = m_keywords.chunks();
    std::vector<storage::ChunkPlace> missing;
    std::copy_if(fresh.begin(), fresh.end(), std::back_inserter(missing),
                 [&](const storage::ChunkPlace& each) {
                     return !std::binary_search(indexed.begin(), indexed.end(), each.chunk);
                 });
    m_nUnkept += missing.size();
    return analyzeChunks(missing);
}

Result<void> Library::analyzeChunks(std::span<const storage::ChunkPlace> chunks) {
    for (std::size_t first = 0; first < chunks.size();) {
        std::size_t last = first;
        std::vector<ChunkId> ids;
        while (last < chunks.size() && chunks[last].document == chunks[first].document) {
            ids.push_back(chunks[last++].chunk);
        }
        const auto place = m_places.find(chunks[first].document);
        first = last;
        if (place == m_places.end()) continue;
        std::vector<ChunkId> found;
        std::vector<retrieval::ChunkTerms> terms;
        const auto read = m_store.forEachText(
            ids, [&](ChunkId chunk, std::string_view heading, std::string_view text) {
                found.push_back(chunk);
                terms.push_back(retrieval::chunkTerms(heading, text));
            });
        if (!read) return read;
        m_keywords.add(place->second, found, terms);
    }
    return {};
}

Result<std::vector<SearchHit>> Library::search(const SearchRequest& request) {
    if (request.collections.empty()) return std::vector<SearchHit>{};
    {
        std::unique_lock lock(m_mutex, std::defer_lock);
        // While another thread changes the indexes they are right but for its change.
        if (m_isLoaded ? lock.try_lock() : (lock.lock(), true)) {
            if (auto fresh = refresh(); !fresh) return tl::unexpected(fresh.error());
        }
    }
    retrieval::SearchOptions options;
    options.mode = request.mode;
    // Some more, so that what others repeat or one document crowds out can make room.
    options.limit = request.limit + request.limit / 2;
    options.collections.assign(request.collections.begin(), request.collections.end());
    auto held = documentsHeldBy(request.filter, m_store, request.collections);
    if (!held) return tl::unexpected(held.error());
    options.documents = std::move(*held);
    const bool reranks = m_rerankerSource && options.mode == retrieval::SearchMode::Hybrid;
    const auto nWanted = static_cast<std::size_t>(std::max(options.limit, 0));
    if (reranks) options.limit = std::max(options.limit, kReranked);
    const Meaning now = meaning();
    auto scored = retrieval::hybridSearch(
        request.query, {m_keywords, now.vectors.get(), now.embedder.get(), m_texts.get()}, options);
    if (!scored) return tl::unexpected(scored.error());
    if (reranks) {
        if (auto done = rerank(request.query, *scored); !done) return tl::unexpected(done.error());
        scored->resize(std::min(scored->size(), nWanted));
    }

    std::vector<ChunkId> ids;
    std::unordered_map<ChunkId, double> scores;
    for (const retrieval::ScoredChunk& hit : *scored) {
        ids.push_back(hit.chunk);
        scores[hit.chunk] = hit.score;
    }
    auto chunks = m_store.chunks(ids);
    if (!chunks) return tl::unexpected(chunks.error());
    std::vector<retrieval::RankedText> ranked;
    for (const Chunk& chunk : *chunks) ranked.push_back({chunk.document, chunk.text});
    std::vector<SearchHit> hits;
    for (const std::size_t place : retrieval::diversify(ranked, kMostOfDocument)) {
        if (static_cast<int>(hits.size()) >= request.limit) break;
        Chunk& chunk = (*chunks)[place];
        const auto isCopy = isInCopyOfAny(m_store, chunk, hits);
        if (!isCopy) return tl::unexpected(isCopy.error());
        if (*isCopy) continue;
        const double score = scores[chunk.id];
        hits.push_back({static_cast<int>(hits.size()) + 1, std::move(chunk), score});
    }
    return hits;
}

Result<std::vector<Library::Fit>> Library::fit(std::string_view query,
                                               std::span<const SearchHit> hits) {
    const std::vector<retrieval::ChunkId> ids = idsOf(hits);
    std::unordered_map<ChunkId, Fit> fits;
    std::vector<retrieval::QueryTerm> terms = retrieval::weightedTerms(query);
    for (const auto& hit : m_keywords.search(terms, {}, 0, ids).given) {
        fits[hit.chunk].hasKeyword = true;
    }
    if (std::any_of(terms.begin(), terms.end(),
                    [](const auto& term) { return isOfCharacters(term.text, 2); })) {
        std::erase_if(terms, [](const auto& term) { return isOfCharacters(term.text, 1); });
    }
    for (const auto& hit : m_keywords.search(terms, {}, 0, ids).given) {
        fits[hit.chunk].hasWholeWord = true;
    }
    if (const Meaning now = meaning(); now.embedder != nullptr) {
        std::vector<float> vector(static_cast<std::size_t>(now.embedder->dimension()));
        now.embedder->embed(query, vector);
        for (const retrieval::ScoredChunk& hit : now.vectors->scores(vector, ids)) {
            fits[hit.chunk].cosine = hit.score;
        }
    }
    std::vector<Fit> inOrder;
    for (const retrieval::ChunkId id : ids) inOrder.push_back(fits[id]);
    return inOrder;
}

Result<double> Library::answerability(std::string_view query, std::span<const SearchHit> hits) {
    constexpr double kCosineShare = 0.15;
    constexpr double kMatchShare = 0.45;
    const std::vector<retrieval::QueryTerm> terms = retrieval::weightedTerms(query);
    const std::vector<double> rarity = m_keywords.inverseFrequencies(terms);
    // Nobody says all of a long question: its rarest words decide.
    constexpr std::size_t kFewestAsked = 6;
    std::vector<double> rarest = rarity;
    std::sort(rarest.begin(), rarest.end(), std::greater<>());
    rarest.resize(std::min(rarest.size(), std::max(kFewestAsked, rarest.size() / 2)));
    const double all = std::accumulate(rarest.begin(), rarest.end(), 0.0);
    if (all <= 0.0) return 0.0;
    // Before fit(), which asks for other terms: the index keeps a thread's last sums.
    const auto given = m_keywords.search(terms, {}, 0, idsOf(hits)).given;
    const auto fits = fit(query, hits);
    if (!fits) return tl::unexpected(fits.error());
    // BM25 against the most that those rarest words could reach: says how often and in how short a
    // passage they stand, which their share does not.
    constexpr double kMostOfTerm = 2.2;  // of BM25 with k1 1.2, times the term's rarity
    constexpr double kUsualBest = 0.7;   // hardly any passage reaches more of it
    const double most = all * kMostOfTerm * kUsualBest;
    std::unordered_map<ChunkId, double> matches;
    for (const retrieval::ScoredChunk& hit : given) {
        matches[hit.chunk] = std::min(hit.score / most, 1.0);
    }
    double best = 0.0;
    for (std::size_t i = 0; i < hits.size(); ++i) {
        const std::vector<bool> isSaid =
            retrieval::saidTerms(terms, hits[i].chunk.heading, hits[i].chunk.text);
        double said = 0.0;
        for (std::size_t term = 0; term < terms.size(); ++term) {
            if (isSaid[term]) said += rarity[term];
        }
        best = std::max(best, (1.0 - kCosineShare - kMatchShare) * std::min(said / all, 1.0) +
                                  kMatchShare * matches[hits[i].chunk.id] +
                                  kCosineShare * std::max((*fits)[i].cosine, 0.0));
    }
    return best;
}

PreparedDocument Library::prepare(retrieval::ExtractedDocument extracted,
                                  const std::function<void()>& pause) {
    PreparedDocument prepared;
    storage::DocumentContent& content = prepared.content;
    for (retrieval::ChunkSpan& span : retrieval::chunkDocument(extracted)) {
        content.chunks.push_back({.page = span.page,
                                  .startByte = span.startByte,
                                  .endByte = span.endByte,
                                  .heading = std::move(span.heading),
                                  .embedding = {}});
    }
    content.title = std::move(extracted.title);
    content.mime = std::move(extracted.mime);
    content.warnings = std::move(extracted.warnings);
    if (content.chunks.empty()) content.warnings.emplace_back("empty: there is no text in it");
    for (retrieval::ExtractedPage& page : extracted.pages) {
        content.pages.push_back({page.number, std::move(page.text)});
    }
    describe(prepared, pause);
    return prepared;
}

Result<std::optional<PreparedDocument>> Library::prepareCopy(const Document& document,
                                                             const std::string& title,
                                                             const std::function<void()>& pause) {
    auto pages = m_store.pages(document.id);
    if (!pages) return tl::unexpected(pages.error());
    const bool isRenamed = title != document.title;
    const auto saysTitle = [&](const storage::Page& page) {
        return page.text.find(document.title) != std::string::npos;
    };
    if (isRenamed && std::any_of(pages->begin(), pages->end(), saysTitle)) return std::nullopt;
    const auto chunks = m_store.chunksOf(document.id);
    if (!chunks) return tl::unexpected(chunks.error());

    PreparedDocument prepared;
    storage::DocumentContent& content = prepared.content;
    content.title = title;
    content.mime = document.mime;
    content.warnings = document.warnings;
    content.pages = std::move(*pages);
    for (const Chunk& chunk : *chunks) {
        std::string heading = chunk.heading;
        if (isRenamed) {
            // A path of headings begins with the title, as chunking writes it.
            const std::string before = retrieval::titleInHeading(document.title);
            if (!heading.starts_with(before)) return std::nullopt;
            heading.replace(0, before.size(), retrieval::titleInHeading(title));
        }
        content.chunks.push_back({.page = chunk.page,
                                  .startByte = chunk.startByte,
                                  .endByte = chunk.endByte,
                                  .heading = std::move(heading),
                                  .embedding = {}});
    }
    describe(prepared, pause);
    return prepared;
}

void Library::describe(PreparedDocument& prepared, const std::function<void()>& pause) {
    constexpr std::size_t kChunksAtOnce = 16;
    storage::DocumentContent& content = prepared.content;
    std::unordered_map<int, std::string_view> textOfPage;
    for (const storage::Page& page : content.pages) textOfPage.emplace(page.number, page.text);
    const Meaning now = meaning();
    const bool embeds = now.embedder != nullptr && !now.embedder->isSlow();
    std::vector<float> vector(embeds ? static_cast<std::size_t>(now.embedder->dimension()) : 0);
    std::string whole;
    prepared.terms.reserve(content.chunks.size());
    for (storage::NewChunk& chunk : content.chunks) {
        if (pause && prepared.terms.size() % kChunksAtOnce == 0) pause();
        const std::string_view text =
            textOfPage.at(chunk.page).substr(chunk.startByte, chunk.endByte - chunk.startByte);
        prepared.terms.push_back(retrieval::chunkTerms(chunk.heading, text));
        if (!embeds || prepared.terms.back().isContents) continue;
        whole.assign(chunk.heading).append("\n").append(text);
        now.embedder->embedPassages({&whole, 1}, vector);
        const bool isZero =
            std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0.0f; });
        if (!isZero) chunk.embedding = retrieval::encodeVector(vector);
    }
    if (embeds) content.embedder = now.embedder->id();
}

Result<void> Library::store(DocumentId id, const PreparedDocument& document) {
    const std::lock_guard lock(m_mutex);
    if (auto fresh = refresh(); !fresh) return fresh;
    const auto change = m_store.storeContent(id, document.content);
    if (!change) return tl::unexpected(change.error());
    const auto place = placeOf(id);
    if (!place) return tl::unexpected(place.error());
    return follow(*change, id, *place, &document);
}

Result<std::vector<DocumentId>> Library::storeFiles(CollectionId collection,
                                                    std::span<const PreparedFile> files) {
    std::vector<storage::DocumentStore::FileContent> contents;
    for (const PreparedFile& file : files) contents.push_back({file.path, file.document.content});
    std::vector<DocumentId> ids;
    const std::lock_guard lock(m_mutex);
    if (auto fresh = refresh(); !fresh) return tl::unexpected(fresh.error());
    const auto stored = m_store.storeFiles(collection, contents);
    if (!stored) return tl::unexpected(stored.error());
    for (std::size_t i = 0; i < files.size(); ++i) {
        const auto& [id, change] = (*stored)[i];
        const retrieval::DocumentPlace place{id, collection, orderOf(files[i].path)};
        if (auto followed = follow(change, id, place, &files[i].document); !followed) {
            return tl::unexpected(followed.error());
        }
        ids.push_back(id);
    }
    return ids;
}

Result<void> Library::moveDocument(DocumentId id, const std::filesystem::path& path) {
    const std::lock_guard lock(m_mutex);
    if (auto fresh = refresh(); !fresh) return fresh;
    const auto change = m_store.moveDocument(id, path);
    if (!change) return tl::unexpected(change.error());
    const auto place = placeOf(id);
    if (!place) return tl::unexpected(place.error());
    return follow(*change, id, *place, nullptr);
}

Result<void> Library::removeDocument(DocumentId id) {
    const std::lock_guard lock(m_mutex);
    if (auto fresh = refresh(); !fresh) return fresh;
    const auto change = m_store.removeDocument(id);
    if (!change) return tl::unexpected(change.error());
    return follow(*change, id, std::nullopt, nullptr);
}

Result<std::optional<retrieval::DocumentPlace>> Library::placeOf(DocumentId id) {
    const auto known = m_store.document(id);
    if (known) return retrieval::DocumentPlace{id, known->collection, orderOf(known->path)};
    if (known.error().code == ErrorCode::NotFound) return std::nullopt;
    return tl::unexpected(known.error());
}

Result<void> Library::follow(const storage::ContentChange& change, DocumentId id,
                             const std::optional<retrieval::DocumentPlace>& place,
                             const PreparedDocument* document) {
    // Somebody else committed between our look and our change: all is compared.
    if (change.generation != m_generation + 1) return refresh();
    const Meaning now = meaning();
    m_keywords.remove(change.removed);
    m_nUnkept += change.removed.size();
    if (now.vectors != nullptr) now.vectors->remove(change.removed);
    if (place) {
        const auto [before, isNew] = m_places.try_emplace(id, *place);
        if (!isNew && before->second.order != place->order) {
            before->second = *place;
            m_keywords.move(*place);
            if (now.vectors != nullptr) now.vectors->move(*place);
        }
        if (document != nullptr) m_keywords.add(*place, change.added, document->terms);
        m_nUnkept += change.added.size();
        // Vectors of an embedder that was replaced meanwhile are of no use: embedMissing makes
        // others.
        const bool isCurrent = document != nullptr && now.embedder != nullptr &&
                               document->content.embedder == now.embedder->id();
        for (std::size_t i = 0; isCurrent && i < change.added.size(); ++i) {
            const std::vector<std::byte>& code = document->content.chunks[i].embedding;
            if (code.empty()) continue;
            if (auto added = now.vectors->add(change.added[i], *place, code); !added) return added;
        }
    } else {
        m_places.erase(id);
    }
    m_generation = change.generation;
    return {};
}

Result<void> Library::removeCollection(CollectionId id) {
    const std::lock_guard lock(m_mutex);
    if (auto fresh = refresh(); !fresh) return fresh;
    if (auto removed = m_store.deleteCollection(id); !removed) return removed;
    if (auto fresh = refresh(); !fresh) return fresh;
    // Whoever removes a collection wants it gone, hashes of its words included.
    m_keywords.compact(retrieval::KeywordIndex::Forget::Now);
    m_keywords.giveBackMemory();
    return keep();
}

Result<void> Library::keepIndex() {
    const std::lock_guard keeping(m_keepingMutex);
    {
        const std::lock_guard lock(m_mutex);
        if (m_nUnkept < kWorthKeeping) return {};
        m_keywords.compact(retrieval::KeywordIndex::Forget::Later);
        m_keywords.giveBackMemory();
        if (auto kept = keep(); !kept) return kept;
    }
    // So that closing the database soon need not wait for the disk.
    m_store.foldJournal(storage::Journal::Any);
    return {};
}

Result<void> Library::keepDuringRun() {
    m_store.foldJournal(storage::Journal::Long);
    if (m_nUnkept < kKeepDuringRun) return {};
    const std::unique_lock keeping(m_keepingMutex, std::try_to_lock);
    if (!keeping.owns_lock() || m_nUnkept < kKeepDuringRun) return {};
    // Takes longest, and so comes before the lock.
    m_keywords.compact(retrieval::KeywordIndex::Forget::Later);
    const std::lock_guard lock(m_mutex);
    return keep();
}

/// Writes the pieces that are not in the database yet.
Result<void> Library::keep() {
    const retrieval::KeywordIndex::ToKeep pieces = m_keywords.toKeep();
    std::vector<std::span<const std::byte>> bytes;
    for (const auto& segment : pieces.segments) {
        bytes.push_back(retrieval::KeywordIndex::bytesOf(*segment));
    }
    const auto ids = m_store.keepKeywordSegments(bytes, pieces.obsolete);
    if (!ids) return tl::unexpected(ids.error());
    m_keywords.kept(pieces, *ids);
    m_knownSegments.insert(m_knownSegments.end(), ids->begin(), ids->end());
    m_nUnkept = 0;
    return {};
}

std::string Library::pipelineId() { return std::to_string(kPipelineVersion); }

Result<Library::Size> Library::size() {
    const std::lock_guard lock(m_mutex);
    if (auto fresh = refresh(); !fresh) return tl::unexpected(fresh.error());
    const auto collections = m_store.collections();
    if (!collections) return tl::unexpected(collections.error());
    Size size;
    for (const Collection& collection : *collections) size.nChunks += collection.nChunks;
    size.nIndexed = static_cast<int>(m_keywords.size());
    size.bytes = m_keywords.sizeBytes();
    if (const Meaning now = meaning(); now.vectors != nullptr) {
        size.nVectors = static_cast<int>(now.vectors->size());
        size.bytes += now.vectors->sizeBytes();
    }
    return size;
}

}  // namespace conclave::services
