// ranking.h: the one order of search results.
#pragma once

#include <algorithm>
#include <vector>

#include "retrieval/retrieval.h"

namespace conclave::retrieval {

/// Higher score first; equal scores by what the chunk is, so that it does not matter when it was
/// read.
[[nodiscard]] inline bool isBetter(const ScoredChunk& a, const ScoredChunk& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.order != b.order ? a.order < b.order : a.chunk < b.chunk;
}

/// Keeps the best of many: a heap with the worst of the best in front.
class BestChunks {
public:
    explicit BestChunks(std::size_t nWanted) : m_nWanted(nWanted) { m_heap.reserve(nWanted + 1); }

    /// Nothing below this score is wanted any more.
    [[nodiscard]] bool mayTake(double score) const {
        return m_heap.size() < m_nWanted || score >= m_heap.front().score;
    }
    void add(const ScoredChunk& candidate) {
        if (m_heap.size() == m_nWanted) {
            if (m_nWanted == 0 || !isBetter(candidate, m_heap.front())) return;
            std::pop_heap(m_heap.begin(), m_heap.end(), isBetter);
            m_heap.pop_back();
        }
        m_heap.push_back(candidate);
        std::push_heap(m_heap.begin(), m_heap.end(), isBetter);
    }
    /// Best first; leaves nothing.
    [[nodiscard]] std::vector<ScoredChunk> take() {
        std::sort_heap(m_heap.begin(), m_heap.end(), isBetter);
        return std::move(m_heap);
    }

private:
    std::size_t m_nWanted;
    std::vector<ScoredChunk> m_heap;
};

}  // namespace conclave::retrieval
