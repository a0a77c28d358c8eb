// word_merger.h: BPE's merging of one word.
#pragma once

#include <cstdint>
#include <limits>
#include <queue>
#include <span>
#include <vector>

#include "engine/engine.h"

namespace conclave::engine {

/// Which two tokens merge into which, and how early. Open addressing: this is looked up for every
/// pair of neighbours in every word that is not a token.
class MergeTable {
public:
    static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();
    struct Merge {
        std::uint32_t rank = kNever;
        TokenId token = -1;
    };

    explicit MergeTable(std::size_t nMerges);

    /// The first of equal pairs counts.
    void add(TokenId left, TokenId right, Merge merge);

    /// Rank kNever if they do not merge.
    [[nodiscard]] Merge find(TokenId left, TokenId right) const {
        std::size_t slot = firstSlot(key(left, right));
        while (m_slots[slot].merge.token >= 0) {
            if (m_slots[slot].key == key(left, right)) return m_slots[slot].merge;
            slot = (slot + 1) & (m_slots.size() - 1);
        }
        return {};
    }

private:
    struct Slot {
        std::uint64_t key = 0;
        Merge merge;
    };

    static std::uint64_t key(TokenId left, TokenId right) {
        return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32u) |
               static_cast<std::uint32_t>(right);
    }
    [[nodiscard]] std::size_t firstSlot(std::uint64_t pair) const {
        return static_cast<std::size_t>((pair * 0x9E3779B97F4A7C15u) >> m_shift);
    }

    std::vector<Slot> m_slots;
    unsigned m_shift;
};

/// Merges words; its memory is used again for the next one. Not thread-safe: one a text.
class WordMerger {
public:
    explicit WordMerger(const MergeTable& merges) : m_merges(merges) {}

    /// Appends what `symbols` merge into: of all pairs of neighbours the one of lowest rank merges,
    /// the leftmost of equals, until none can. Those below 0 are left out.
    void mergeSymbols(std::span<const TokenId> symbols, std::vector<TokenId>& tokens);

private:
    struct Symbol {
        TokenId token = -1;
        int previous = -1;
        int next = -1;
        bool merged = false;  ///< into its left neighbour
    };
    struct Candidate {
        std::uint32_t rank = 0;
        int left = 0;
        int right = 0;
        TokenId leftToken = -1;  ///< both as they were when found: a later merge makes this stale
        TokenId rightToken = -1;
        TokenId result = -1;
    };
    struct IsWorse {
        bool operator()(const Candidate& a, const Candidate& b) const {
            return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
        }
    };

    void mergeShort(std::span<const TokenId> given, std::vector<TokenId>& tokens) const;
    void mergeLong(std::span<const TokenId> given, std::vector<TokenId>& tokens);
    Symbol& symbol(int i) { return m_symbols[static_cast<std::size_t>(i)]; }
    void consider(int left, int right);
    void apply(const Candidate& candidate);

    const MergeTable& m_merges;
    std::vector<Symbol> m_symbols;
    std::priority_queue<Candidate, std::vector<Candidate>, IsWorse> m_candidates;
};

}  // namespace conclave::engine
