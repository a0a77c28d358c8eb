#include <algorithm>
#include <iterator>
#include <limits>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

/// Scores of the candidates in one leg, in candidate order; NaN where the leg knows nothing.
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct Candidate {
    ChunkId chunk = 0;
    double keyword = 0.0;  ///< BM25; 0 without any of the terms
    double cosine = kUnknown;
};

/// Best first, and no more than `limit`.
void rank(std::vector<ScoredChunk>& scored, int limit) {
    std::sort(scored.begin(), scored.end(), [](const ScoredChunk& a, const ScoredChunk& b) {
        return a.score != b.score ? a.score > b.score : a.chunk < b.chunk;
    });
    const auto wanted = static_cast<std::size_t>(std::max(limit, 0));
    if (scored.size() > wanted) scored.resize(wanted);
}

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
        for (const ScoredChunk& hit : *leg) all.push_back({.chunk = hit.chunk});
    }
    std::sort(all.begin(), all.end(),
              [](const Candidate& x, const Candidate& y) { return x.chunk < y.chunk; });
    all.erase(
        std::unique(all.begin(), all.end(),
                    [](const Candidate& x, const Candidate& y) { return x.chunk == y.chunk; }),
        all.end());
    return all;
}

void fill(std::vector<Candidate>& candidates, const std::vector<ScoredChunk>& scores,
          double Candidate::*member) {
    for (const ScoredChunk& scored : scores) {
        const auto found = std::lower_bound(
            candidates.begin(), candidates.end(), scored.chunk,
            [](const Candidate& candidate, ChunkId chunk) { return candidate.chunk < chunk; });
        if (found != candidates.end() && found->chunk == scored.chunk) {
            (*found).*member = scored.score;
        }
    }
}

std::vector<ChunkId> absentFrom(const std::vector<Candidate>& candidates,
                                const std::vector<ScoredChunk>& leg) {
    std::vector<ChunkId> known;
    known.reserve(leg.size());
    for (const ScoredChunk& hit : leg) known.push_back(hit.chunk);
    std::sort(known.begin(), known.end());
    std::vector<ChunkId> absent;
    for (const Candidate& candidate : candidates) {
        if (!std::binary_search(known.begin(), known.end(), candidate.chunk)) {
            absent.push_back(candidate.chunk);
        }
    }
    return absent;
}

}  // namespace

Result<std::vector<ScoredChunk>> hybridSearch(std::string_view query, KeywordIndex& keywords,
                                              const VectorIndex& vectors, const Embedder* embedder,
                                              const SearchOptions& options) {
    const int nCandidates = std::max(options.candidates, options.limit);
    const bool useVectors = embedder != nullptr && options.mode != SearchMode::Keyword;
    const bool useKeywords = options.mode != SearchMode::Vector || embedder == nullptr;

    std::vector<float> vector;
    std::vector<ScoredChunk> similar;
    if (useVectors) {
        vector.resize(static_cast<std::size_t>(embedder->dimension()));
        embedder->embed(query, vector);
        similar = vectors.search(vector, options.collections, nCandidates);
    }
    std::vector<std::string> terms;
    std::vector<ScoredChunk> matching;
    if (useKeywords) {
        terms = queryTerms(query);
        if (!terms.empty()) {
            auto found = keywords.search(terms, options.collections, nCandidates);
            if (!found) return tl::unexpected(found.error());
            matching = std::move(*found);
        }
    }
    if (!useVectors || !useKeywords) {
        std::vector<ScoredChunk>& only = useKeywords ? matching : similar;
        rank(only, options.limit);
        return std::move(only);
    }

    std::vector<Candidate> candidates = unite(matching, similar);
    fill(candidates, matching, &Candidate::keyword);
    fill(candidates, similar, &Candidate::cosine);
    if (!terms.empty()) {
        const std::vector<ChunkId> absent = absentFrom(candidates, matching);
        if (!absent.empty()) {
            const auto scores = keywords.scores(terms, absent);
            if (!scores) return tl::unexpected(scores.error());
            fill(candidates, *scores, &Candidate::keyword);
        }
    }
    fill(candidates, vectors.scores(vector, absentFrom(candidates, similar)), &Candidate::cosine);

    MinMax keywordRange;
    MinMax cosineRange;
    for (const Candidate& candidate : candidates) {
        keywordRange.see(candidate.keyword);
        cosineRange.see(candidate.cosine);
    }
    const double weight = std::clamp(options.keywordWeight, 0.0, 1.0);
    std::vector<ScoredChunk> fused;
    fused.reserve(candidates.size());
    for (const Candidate& candidate : candidates) {
        fused.push_back(
            {candidate.chunk, weight * keywordRange.scale(candidate.keyword) +
                                  (1.0 - weight) * cosineRange.scale(candidate.cosine)});
    }
    rank(fused, options.limit);
    return fused;
}

}  // namespace conclave::retrieval
