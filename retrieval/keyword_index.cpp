// The keyword index as others see it, and its scoring: BM25, a term at a time.
#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "retrieval/analyzer.h"
#include "retrieval/dense_scores.h"
#include "retrieval/keyword_parts.h"
#include "retrieval/ranking.h"
#include "retrieval/stemmer.h"

namespace conclave::retrieval {
namespace {

constexpr double kK1 = 1.2;
constexpr double kB = 0.75;

/// Lucene's form, never negative: a word that most texts have, which in a collection of three
/// documents is every word, still counts.
double inverseFrequency(std::size_t nChunks, std::size_t nFound) {
    const auto all = static_cast<double>(nChunks);
    const auto found = static_cast<double>(nFound);
    return std::log(1.0 + (all - found + 0.5) / (found + 0.5));
}

}  // namespace

bool SearchScope::holds(const DocumentPlace& place) const {
    const bool isOfCollection =
        m_collections.empty() || std::find(m_collections.begin(), m_collections.end(),
                                           place.collection) != m_collections.end();
    return isOfCollection &&
           (m_documents == nullptr ||
            std::binary_search(m_documents->begin(), m_documents->end(), place.document));
}

std::vector<QueryTerm> weightedTerms(std::string_view query) {
    std::vector<QueryTerm> terms;
    std::unordered_map<std::string, std::size_t> places;
    for (QueryTerm& term : queryWords(query)) {
        const auto [place, isNew] = places.try_emplace(term.text, terms.size());
        if (isNew) {
            terms.push_back(std::move(term));
        } else {
            terms[place->second].weight += 1.0;
        }
    }
    return terms;
}

std::size_t KeywordIndex::Parts::nFound(TermKey key) const {
    std::size_t n = 0;
    for (const KeywordPart& part : m_parts) {
        const PostingList list = part.segment->find(key);
        if (part.isWhole()) {
            n += list.nPostings;
        } else {
            list.forEach([&](Row row, std::uint32_t) { n += part.isAlive[row]; });
        }
    }
    return n;
}

std::size_t KeywordIndex::Parts::nFound(std::span<const TermKey> keys) const {
    std::size_t n = 0;
    for (const TermKey key : keys) n += nFound(key);
    return std::min(n, m_nAlive);
}

std::vector<TermKey> KeywordIndex::Parts::keysOf(const QueryTerm& term) const {
    std::vector<TermKey> keys = {keyIn(Language::English, term)};
    if (!term.word.empty() && Stemmer::dependsOnLanguage(term.word)) {
        LanguageSet languages = 0;
        for (const KeywordPart& part : m_parts) languages |= part.languages;
        for (std::size_t i = 1; i < kLanguages; ++i) {
            const auto language = static_cast<Language>(i);
            if (isIn(languages, language)) keys.push_back(keyIn(language, term));
        }
    }
    return keys;
}

std::vector<double> KeywordIndex::Parts::inverseFrequencies(std::span<const QueryTerm> terms) {
    sealForSearch();
    const std::shared_lock lock(m_mutex);
    std::vector<double> found;
    found.reserve(terms.size());
    for (const QueryTerm& term : terms) {
        found.push_back(inverseFrequency(m_nAlive, nFound(keysOf(term))));
    }
    return found;
}

double KeywordIndex::Parts::averageLength() const {
    const std::shared_lock lock(m_mutex);
    if (m_nAlive == 0 || m_aliveLength == 0) return 1.0;
    return static_cast<double>(m_aliveLength) / static_cast<double>(m_nAlive);
}

std::vector<KeywordIndex::Parts::WeightedKey> KeywordIndex::Parts::weighted(
    std::span<const QueryTerm> terms) const {
    std::vector<WeightedKey> keys;
    for (const QueryTerm& term : terms) {
        const std::vector<TermKey> forms = keysOf(term);
        const std::size_t found = nFound(forms);
        if (found == 0) continue;
        const double weight = term.weight * (kK1 + 1.0) * inverseFrequency(m_nAlive, found);
        for (const TermKey key : forms) keys.push_back({key, static_cast<float>(weight)});
    }
    return keys;
}

void KeywordIndex::Parts::addScores(const KeywordPart& part, std::span<const WeightedKey> keys,
                                    std::span<float> scores) const {
    const double average = m_aliveLength > 0
                               ? static_cast<double>(m_aliveLength) / static_cast<double>(m_nAlive)
                               : 1.0;
    const auto constant = static_cast<float>(kK1 * (1.0 - kB));
    const auto perPosition = static_cast<float>(kK1 * kB / average);
    const auto lengths = part.segment->lengths();
    thread_local std::vector<float> norms;
    norms.resize(lengths.size());
    for (std::size_t row = 0; row < lengths.size(); ++row) {
        norms[row] = constant + perPosition * static_cast<float>(lengths[row]);
    }
    for (const auto& [key, weight] : keys) {
        const PostingList list = part.segment->find(key);
        if (list.isDense) {
            addDenseScores()(list.begin, norms.data(), scores.size(), weight, scores.data());
            continue;
        }
        list.forEach([&, weight = weight](Row row, std::uint32_t count) {
            const auto tf = static_cast<float>(count);
            scores[row] += weight * (tf / (tf + norms[row]));
        });
    }
}

const std::vector<std::vector<float>>& KeywordIndex::Parts::sums(
    std::span<const QueryTerm> terms) const {
    struct Kept {
        std::uint64_t version = 0;
        std::vector<QueryTerm> terms;
        std::vector<std::vector<float>> byPart;
    };
    thread_local Kept kept;
    const bool isKept =
        kept.version == m_version && std::equal(terms.begin(), terms.end(), kept.terms.begin(),
                                                kept.terms.end(), [](const auto& a, const auto& b) {
                                                    return a.text == b.text &&
                                                           a.weight == b.weight && a.word == b.word;
                                                });
    if (isKept) return kept.byPart;
    const std::vector<WeightedKey> keys = weighted(terms);
    kept.byPart.resize(m_parts.size());
    for (std::size_t i = 0; i < m_parts.size(); ++i) {
        kept.byPart[i].assign(m_parts[i].segment->nRows(), 0.0F);
        addScores(m_parts[i], keys, kept.byPart[i]);
    }
    kept.version = m_version;
    kept.terms.assign(terms.begin(), terms.end());
    return kept.byPart;
}

KeywordIndex::Scores KeywordIndex::Parts::search(std::span<const QueryTerm> terms,
                                                 const SearchScope& scope, int limit,
                                                 std::span<const ChunkId> given,
                                                 const Expansion* expansion) {
    sealForSearch();
    BestChunks best(static_cast<std::size_t>(std::max(limit, 0)));
    Scores result;
    thread_local std::vector<float> expanded;

    const std::shared_lock lock(m_mutex);
    const std::vector<std::vector<float>>& sumsOf = sums(terms);
    const std::vector<WeightedKey> added =
        expansion != nullptr ? weighted(expansion->added) : std::vector<WeightedKey>();
    for (std::size_t i = 0; i < m_parts.size(); ++i) {
        const KeywordPart& part = m_parts[i];
        std::span<const float> scores = sumsOf[i];
        if (expansion != nullptr) {
            const auto share = static_cast<float>(expansion->share);
            expanded.resize(scores.size());
            std::transform(scores.begin(), scores.end(), expanded.begin(),
                           [share](float score) { return share * score; });
            addScores(part, added, expanded);
            scores = expanded;
        }
        const auto chunks = part.segment->chunks();
        const auto scored = [&](std::size_t row) {
            const DocumentPlace& place = part.documents[part.documentOf[row]];
            return ScoredChunk{chunks[row], static_cast<double>(scores[row]), place.order,
                               place.document};
        };
        std::vector<std::uint8_t> chosen;
        for (const DocumentPlace& place : part.documents) {
            chosen.push_back(scope.holds(place) ? 1 : 0);
        }
        const auto consider = [&](std::size_t row) {
            const float score = scores[row];
            if (score <= 0.0F || !best.mayTake(static_cast<double>(score))) return;
            if (part.isAlive[row] == 0 || chosen[part.documentOf[row]] == 0) return;
            best.add(scored(row));
        };
        // Hardly any row is among the best; sixteen are passed over at once.
        constexpr std::size_t kStep = 16;
        for (std::size_t row = 0; limit > 0 && row < scores.size(); row += kStep) {
            const std::size_t end = std::min(row + kStep, scores.size());
            float highest = 0.0F;
            for (std::size_t n = row; n < end; ++n) highest = std::max(highest, scores[n]);
            if (!best.mayTake(static_cast<double>(highest))) continue;
            for (std::size_t n = row; n < end; ++n) consider(n);
        }
        for (const ChunkId chunk : given) {
            if (chunks.empty() || chunk < chunks.front() || chunk > chunks.back()) continue;
            const auto found = std::lower_bound(chunks.begin(), chunks.end(), chunk);
            const auto row = static_cast<std::size_t>(found - chunks.begin());
            if (*found != chunk || part.isAlive[row] == 0 || scores[row] <= 0.0F) continue;
            result.given.push_back(scored(row));
        }
    }
    result.best = best.take();
    return result;
}

// ----------------------------------------------------------------------------------- the index

KeywordIndex::KeywordIndex() : m_parts(std::make_unique<Parts>()) {}
KeywordIndex::~KeywordIndex() = default;

void KeywordIndex::add(const DocumentPlace& place, std::span<const ChunkId> chunks,
                       std::span<const ChunkTerms> terms) {
    m_parts->add(place, chunks, terms);
}
void KeywordIndex::remove(std::span<const ChunkId> chunks) { m_parts->remove(chunks); }
void KeywordIndex::move(const DocumentPlace& place) { m_parts->move(place); }
void KeywordIndex::clear() { m_parts->clear(); }
std::size_t KeywordIndex::size() const { return m_parts->size(); }
std::vector<ChunkId> KeywordIndex::chunks() const { return m_parts->chunks(); }
std::size_t KeywordIndex::sizeBytes() const { return m_parts->sizeBytes(); }

KeywordIndex::Scores KeywordIndex::search(std::span<const QueryTerm> terms,
                                          const SearchScope& scope, int limit,
                                          std::span<const ChunkId> given,
                                          const Expansion* expansion) const {
    return m_parts->search(terms, scope, limit, given, expansion);
}
std::vector<double> KeywordIndex::inverseFrequencies(std::span<const QueryTerm> terms) const {
    return m_parts->inverseFrequencies(terms);
}
double KeywordIndex::averageLength() const { return m_parts->averageLength(); }

Result<void> KeywordIndex::addSegment(
    KeywordSegment segment, const std::function<std::optional<DocumentPlace>(ChunkId)>& placeOf) {
    return m_parts->addSegment(std::move(segment), placeOf);
}
void KeywordIndex::compact(Forget forget) { m_parts->compact(forget); }
void KeywordIndex::giveBackMemory() { m_parts->giveBackMemory(); }
KeywordIndex::ToKeep KeywordIndex::toKeep() const { return m_parts->toKeep(); }
void KeywordIndex::kept(const ToKeep& segments, std::span<const std::int64_t> ids) {
    m_parts->kept(segments, ids);
}
std::span<const std::byte> KeywordIndex::bytesOf(const PostingSegment& segment) {
    return segment.bytes();
}

}  // namespace conclave::retrieval
