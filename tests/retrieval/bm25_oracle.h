// bm25_oracle.h: BM25 written down a second time, plainly, to compare the keyword index with.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {

class Bm25Oracle {
public:
    void add(ChunkId chunk, std::string_view text) {
        double length = 0;
        std::size_t next = 0;
        analyze(text, [&](std::string_view term, std::size_t start, std::size_t) {
            m_postings[std::string(term)][chunk] += 1.0;
            if (start >= next) length += 1.0;
            next = std::max(next, start + 1);
        });
        m_lengths[chunk] = length;
        m_totalLength += length;
    }

    std::map<ChunkId, double> scores(std::span<const QueryTerm> terms) const {
        constexpr double k1 = 1.2;
        constexpr double b = 0.75;
        const auto n = static_cast<double>(m_lengths.size());
        const double meanLength = m_totalLength / std::max(n, 1.0);
        std::map<ChunkId, double> scores;
        for (const QueryTerm& term : terms) {
            const auto found = m_postings.find(term.text);
            if (found == m_postings.end()) continue;
            const auto df = static_cast<double>(found->second.size());
            const double idf = std::log(1.0 + (n - df + 0.5) / (df + 0.5));
            for (const auto& [chunk, tf] : found->second) {
                const double norm = 1.0 - b + b * m_lengths.at(chunk) / meanLength;
                scores[chunk] += term.weight * idf * tf * (k1 + 1.0) / (tf + k1 * norm);
            }
        }
        return scores;
    }

private:
    std::unordered_map<std::string, std::map<ChunkId, double>> m_postings;
    std::unordered_map<ChunkId, double> m_lengths;
    double m_totalLength = 0.0;
};

}  // namespace conclave::retrieval
