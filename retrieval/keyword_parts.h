// keyword_parts.h: the inside of the keyword index: segments, and what may change about them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <vector>

#include "retrieval/languages.h"
#include "retrieval/posting_segment.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {

/// A segment with what may change: which rows live, and the documents they belong to.
struct KeywordPart {
    std::shared_ptr<const PostingSegment> segment;
    std::vector<std::uint32_t> documentOf;  ///< by row: index into `documents`
    std::vector<std::uint8_t> isAlive;      ///< by row
    std::vector<DocumentPlace> documents;
    std::size_t nAlive = 0;
    std::uint64_t aliveLength = 0;
    std::int64_t keptId = 0;    ///< 0: not kept yet
    LanguageSet languages = 0;  ///< of its chunks, without English

    void setSegment(std::shared_ptr<const PostingSegment> made);
    [[nodiscard]] bool isWhole() const { return nAlive == isAlive.size(); }
    /// Puts a row under its document; rows come in ascending order.
    void addRow(const DocumentPlace& place);
};

class KeywordIndex::Parts {
public:
    void add(const DocumentPlace& place, std::span<const ChunkId> chunks,
             std::span<const ChunkTerms> terms);
    void remove(std::span<const ChunkId> chunks);
    void move(const DocumentPlace& place);
    void clear();
    [[nodiscard]] std::vector<ChunkId> chunks();
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::size_t sizeBytes() const;

    [[nodiscard]] Scores search(std::span<const QueryTerm> terms, const SearchScope& scope,
                                int limit, std::span<const ChunkId> given,
                                const Expansion* expansion);
    [[nodiscard]] std::vector<double> inverseFrequencies(std::span<const QueryTerm> terms);
    [[nodiscard]] double averageLength() const;

    [[nodiscard]] Result<void> addSegment(
        KeywordSegment segment,
        const std::function<std::optional<DocumentPlace>(ChunkId)>& placeOf);
    void compact(Forget forget);
    void giveBackMemory();
    [[nodiscard]] ToKeep toKeep();
    void kept(const ToKeep& segments, std::span<const std::int64_t> ids);

private:
    /// Chunks that came since the last search. They become a segment before the next one: while
    /// thousands are added without a question in between, none is encoded twice.
    struct Pending {
        std::vector<std::uint64_t> tokens;  ///< term key, then row in the low 16 bits
        std::vector<ChunkId> chunks;
        std::vector<std::uint32_t> lengths;
        std::vector<DocumentPlace> places;   ///< by row
        std::vector<std::uint64_t> sorting;  ///< memory of seal()
        /// Keeps the memory, since as much comes again.
        void clear();
    };

    void seal();
    void sealForSearch();
    void mergeTail();
    /// Replaces parts [first, last) by one, or by none if no row lives; gives how many.
    std::size_t merge(std::size_t first, std::size_t last);
    [[nodiscard]] bool isHere(ChunkId chunk) const;
    [[nodiscard]] std::size_t nFound(TermKey key) const;
    [[nodiscard]] std::size_t nFound(std::span<const TermKey> keys) const;
    /// A term's keys in the languages that are here. No chunk has a word under two of them.
    [[nodiscard]] std::vector<TermKey> keysOf(const QueryTerm& term) const;

    struct WeightedKey {
        TermKey key = 0;
        float weight = 0.0F;
    };
    /// Those of the terms that some chunk has.
    [[nodiscard]] std::vector<WeightedKey> weighted(std::span<const QueryTerm> terms) const;
    void addScores(const KeywordPart& part, std::span<const WeightedKey> keys,
                   std::span<float> scores) const;
    /// Of all rows of all parts for these terms: this thread's last ones if they are those.
    [[nodiscard]] const std::vector<std::vector<float>>& sums(
        std::span<const QueryTerm> terms) const;
    /// To be called after each change of what a score depends on.
    void noteChange();

    /// Held while parts change; but that new ones come at the end of the list, m_mutex is enough
    /// for: nobody who adds waits until others are merged.
    std::mutex m_changes;
    mutable std::shared_mutex m_mutex;  ///< guards what follows
    std::vector<KeywordPart> m_parts;
    Pending m_pending;
    std::vector<std::int64_t> m_obsolete;
    std::size_t m_nAlive = 0;  ///< in parts and pending
    std::uint64_t m_aliveLength = 0;
    std::uint64_t m_version = 0;  ///< no two states of any index share one
};

}  // namespace conclave::retrieval
