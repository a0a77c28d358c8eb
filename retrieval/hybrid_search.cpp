#include <algorithm>
#include <iterator>
#include <limits>

#include "retrieval/definitions.h"
#include "retrieval/feedback.h"
#include "retrieval/ranking.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

SearchScope scopeOf(const SearchOptions& options) {
    return {options.collections, options.documents ? &*options.documents : nullptr};
}

/// Scores of the candidates in one leg, in candidate order; NaN where the leg knows nothing.
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct Candidate {
    ScoredChunk chunk;
    double keyword = 0.0;  ///< BM25; 0 without any of the terms
    double cosine = kUnknown;
};

/// Maps a score to 0..1 over the candidates; where all are equal there is nothing to tell apart.
class MinMax {
public:
    void see(double value) {
        if (value != value) return;
        m_low = std::min(m_low, value);
        m_high = std::max(m_high, value);
    }
    [[nodiscard]] double scale(double value) const {
        if (value != value || m_high < m_low) return 0.0;
        if (m_high == m_low) return m_high > 0.0 ? 1.0 : 0.0;
        return (value - m_low) / (m_high - m_low);
    }

private:
    double m_low = std::numeric_limits<double>::infinity();
    double m_high = -std::numeric_limits<double>::infinity();
};

/// The union of both legs' chunks in ascending order, without scores.
std::vector<Candidate> unite(const std::vector<ScoredChunk>& a, const std::vector<ScoredChunk>& b) {
    std::vector<Candidate> all;
    all.reserve(a.size() + b.size());
    for (const auto* leg : {&a, &b}) {
        for (const ScoredChunk& hit : *leg) all.push_back({.chunk = hit});
    }
    const auto idOf = [](const Candidate& candidate) { return candidate.chunk.chunk; };
    std::sort(all.begin(), all.end(),
              [&](const Candidate& x, const Candidate& y) { return idOf(x) < idOf(y); });
    all.erase(
        std::unique(all.begin(), all.end(),
                    [&](const Candidate& x, const Candidate& y) { return idOf(x) == idOf(y); }),
        all.end());
    return all;
}

void fill(std::vector<Candidate>& candidates, const std::vector<ScoredChunk>& scores,
          double Candidate::*member) {
    for (const ScoredChunk& scored : scores) {
        const auto found = std::lower_bound(candidates.begin(), candidates.end(), scored.chunk,
                                            [](const Candidate& candidate, ChunkId chunk) {
                                                return candidate.chunk.chunk < chunk;
                                            });
        if (found != candidates.end() && found->chunk.chunk == scored.chunk) {
            (*found).*member = scored.score;
        }
    }
}

std::vector<ChunkId> idsOf(std::span<const ScoredChunk> chunks) {
    std::vector<ChunkId> ids;
    ids.reserve(chunks.size());
    for (const ScoredChunk& each : chunks) ids.push_back(each.chunk);
    return ids;
}

std::vector<ChunkId> absentFrom(const std::vector<Candidate>& candidates,
                                const std::vector<ScoredChunk>& leg) {
    std::vector<ChunkId> known = idsOf(leg);
    std::sort(known.begin(), known.end());
    std::vector<ChunkId> absent;
    for (const Candidate& candidate : candidates) {
        if (!std::binary_search(known.begin(), known.end(), candidate.chunk.chunk)) {
            absent.push_back(candidate.chunk.chunk);
        }
    }
    return absent;
}

/// BM25, with more words where they help; `given` are chunks whose score is wanted too.
Result<KeywordIndex::Scores> searchKeywords(std::string_view query, const SearchSources& sources,
                                            const SearchOptions& options, int nCandidates,
                                            std::span<const ChunkId> given) {
    const std::vector<QueryTerm> terms = weightedTerms(query);
    KeywordIndex::Scores found =
        sources.keywords.search(terms, scopeOf(options), nCandidates, given);
    if (!options.feedback || sources.texts == nullptr ||
        !wantsFeedback(query, sources.keywords, found.best)) {
        return found;
    }
    const std::span<const ScoredChunk> matches =
        std::span(found.best)
            .first(std::min<std::size_t>(found.best.size(),
                                         static_cast<std::size_t>(kFeedbackChunks)));
    const auto texts = sources.texts->texts(idsOf(matches));
    if (!texts) return tl::unexpected(texts.error());
    const Expansion expansion = expansionOf(terms, sources.keywords, matches, *texts);
    return sources.keywords.search(terms, scopeOf(options), nCandidates, given, &expansion);
}

std::vector<ScoredChunk> fuse(std::vector<Candidate>& candidates, double keywordWeight, int limit) {
    MinMax keywordRange;
    MinMax cosineRange;
    for (const Candidate& candidate : candidates) {
        keywordRange.see(candidate.keyword);
        cosineRange.see(candidate.cosine);
    }
    const double weight = std::clamp(keywordWeight, 0.0, 1.0);
    BestChunks best(static_cast<std::size_t>(std::max(limit, 0)));
    for (Candidate& candidate : candidates) {
        candidate.chunk.score = weight * keywordRange.scale(candidate.keyword) +
                                (1.0 - weight) * cosineRange.scale(candidate.cosine);
        best.add(candidate.chunk);
    }
    return best.take();
}

/// Of those that `question` may be answered by; more would cost time and help nobody.
constexpr int kReadForDefinitions = 60;

/// Raises the passages that say what a question such as “What is X?” asks for. Words alone cannot
/// tell them: X stands in all passages about X, and a definition often names it but once.
Result<void> preferDefinitions(std::string_view thing, ChunkTexts& texts,
                               std::vector<ScoredChunk>& ranked) {
    if (ranked.empty()) return {};
    constexpr double kShare = 0.5;
    const double best = ranked.front().score;
    const auto nRead = std::min<std::size_t>(ranked.size(), kReadForDefinitions);
    const auto read = texts.texts(idsOf(std::span(ranked).first(nRead)));
    if (!read) return tl::unexpected(read.error());
    auto hit = ranked.begin();
    for (const ChunkTexts::Text& each : *read) {
        while (hit != ranked.end() && hit->chunk != each.chunk) ++hit;
        if (hit == ranked.end()) break;
        hit->score += kShare * best * definitionIn(thing, each.heading, each.text);
    }
    std::sort(ranked.begin(), ranked.end(), isBetter);
    // The best score is what it was, as others may compare it with those of other questions.
    if (const double raised = ranked.front().score; raised > best) {
        for (ScoredChunk& each : ranked) each.score *= best / raised;
    }
    return {};
}

/// The legs' scores made one.
Result<std::vector<ScoredChunk>> rank(std::string_view query, const SearchSources& sources,
                                      const SearchOptions& options) {
    const int nCandidates = std::max(options.candidates, options.limit);
    const bool hasVectors = sources.vectors != nullptr && sources.embedder != nullptr;
    const bool useVectors = hasVectors && options.mode != SearchMode::Keyword;
    const bool useKeywords = !hasVectors || options.mode != SearchMode::Vector;

    std::vector<float> vector;
    std::vector<ScoredChunk> similar;
    if (useVectors) {
        vector.resize(static_cast<std::size_t>(sources.embedder->dimension()));
        sources.embedder->embed(query, vector);
        similar = sources.vectors->search(vector, scopeOf(options), nCandidates);
    }
    KeywordIndex::Scores matching;
    if (useKeywords) {
        auto found = searchKeywords(query, sources, options, nCandidates, idsOf(similar));
        if (!found) return tl::unexpected(found.error());
        matching = std::move(*found);
    }
    if (!useVectors || !useKeywords) {
        std::vector<ScoredChunk>& only = useKeywords ? matching.best : similar;
        only.resize(std::min(only.size(), static_cast<std::size_t>(std::max(options.limit, 0))));
        return std::move(only);
    }
    std::vector<Candidate> candidates = unite(matching.best, similar);
    fill(candidates, matching.best, &Candidate::keyword);
    fill(candidates, matching.given, &Candidate::keyword);
    fill(candidates, similar, &Candidate::cosine);
    fill(candidates, sources.vectors->scores(vector, absentFrom(candidates, similar)),
         &Candidate::cosine);
    return fuse(candidates, options.keywordWeight.value_or(sources.embedder->keywordWeight()),
                options.limit);
}

}  // namespace

Result<std::vector<ScoredChunk>> hybridSearch(std::string_view query, const SearchSources& sources,
                                              const SearchOptions& options) {
    const auto thing =
        sources.texts != nullptr ? definedThing(query) : std::optional<std::string>();
    if (!thing) return rank(query, sources, options);
    SearchOptions more = options;
    more.limit = std::max(options.limit, kReadForDefinitions);
    auto ranked = rank(query, sources, more);
    if (!ranked) return ranked;
    if (auto done = preferDefinitions(*thing, *sources.texts, *ranked); !done) {
        return tl::unexpected(done.error());
    }
    ranked->resize(std::min(ranked->size(), static_cast<std::size_t>(std::max(options.limit, 0))));
    return ranked;
}

}  // namespace conclave::retrieval
