// memory_keyword_index.h: BM25 over texts in memory, for tests; the real one is the database's.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {

class MemoryKeywordIndex : public KeywordIndex {
public:
    void add(ChunkId chunk, std::string_view text) {
        double length = 0;
        analyze(text, [&](std::string_view term, std::size_t, std::size_t) {
            m_postings[std::string(term)][chunk] += 1.0;
            length += 1.0;
        });
        m_lengths[chunk] = length;
        m_totalLength += length;
    }

    Result<std::vector<ScoredChunk>> search(std::span<const std::string> terms,
                                            std::span<const CollectionId>, int limit) override {
        std::vector<ScoredChunk> all = scoreAll(terms);
        const auto wanted = std::min(all.size(), static_cast<std::size_t>(limit));
        std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(wanted), all.end(),
                          [](const ScoredChunk& a, const ScoredChunk& b) {
                              return a.score != b.score ? a.score > b.score : a.chunk < b.chunk;
                          });
        all.resize(wanted);
        return all;
    }

    Result<std::vector<ScoredChunk>> scores(std::span<const std::string> terms,
                                            std::span<const ChunkId> chunks) override {
        std::vector<ScoredChunk> found;
        for (const ScoredChunk& scored : scoreAll(terms)) {
            if (std::find(chunks.begin(), chunks.end(), scored.chunk) != chunks.end()) {
                found.push_back(scored);
            }
        }
        return found;
    }

private:
    std::vector<ScoredChunk> scoreAll(std::span<const std::string> terms) const {
        constexpr double k1 = 1.2;
        constexpr double b = 0.75;
        const auto n = static_cast<double>(m_lengths.size());
        const double meanLength = m_totalLength / std::max(n, 1.0);
        std::map<ChunkId, double> scores;
        for (const std::string& term : terms) {
            const auto found = m_postings.find(term);
            if (found == m_postings.end()) continue;
            const auto df = static_cast<double>(found->second.size());
            const double idf = std::log(1.0 + (n - df + 0.5) / (df + 0.5));
            for (const auto& [chunk, tf] : found->second) {
                const double norm = 1.0 - b + b * m_lengths.at(chunk) / meanLength;
                scores[chunk] += idf * tf * (k1 + 1.0) / (tf + k1 * norm);
            }
        }
        std::vector<ScoredChunk> all;
        for (const auto& [chunk, score] : scores) all.push_back({chunk, score});
        return all;
    }

    std::unordered_map<std::string, std::map<ChunkId, double>> m_postings;
    std::unordered_map<ChunkId, double> m_lengths;
    double m_totalLength = 0.0;
};

}  // namespace conclave::retrieval
