#include "engine/tokenizer/word_merger.h"

#include <algorithm>
#include <array>
#include <bit>

namespace conclave::engine {
namespace {

/// Up to this length searching all pairs for the best is quicker than keeping a heap of them.
constexpr std::size_t kShortWord = 40;

}  // namespace

MergeTable::MergeTable(std::size_t nMerges)
    : m_slots(std::bit_ceil(nMerges + nMerges / 2 + 16)),
      m_shift(static_cast<unsigned>(64 - std::countr_zero(m_slots.size()))) {}

void MergeTable::add(TokenId left, TokenId right, Merge merge) {
    std::size_t slot = firstSlot(key(left, right));
    while (m_slots[slot].merge.token >= 0) {
        if (m_slots[slot].key == key(left, right)) return;
        slot = (slot + 1) & (m_slots.size() - 1);
    }
    m_slots[slot] = {key(left, right), merge};
}

void WordMerger::mergeSymbols(std::span<const TokenId> symbols, std::vector<TokenId>& tokens) {
    if (symbols.size() <= kShortWord) {
        mergeShort(symbols, tokens);
    } else {
        mergeLong(symbols, tokens);
    }
}

void WordMerger::mergeShort(std::span<const TokenId> given, std::vector<TokenId>& tokens) const {
    std::array<TokenId, kShortWord> symbols{};
    std::array<MergeTable::Merge, kShortWord> pairs{};  // of symbol i and the next
    std::size_t n = given.size();
    std::copy(given.begin(), given.end(), symbols.begin());
    for (std::size_t i = 0; i + 1 < n; ++i) pairs[i] = m_merges.find(symbols[i], symbols[i + 1]);
    while (n > 1) {
        std::size_t best = 0;
        for (std::size_t i = 1; i + 1 < n; ++i) {
            if (pairs[i].rank < pairs[best].rank) best = i;
        }
        if (pairs[best].rank == MergeTable::kNever) break;
        symbols[best] = pairs[best].token;
        for (std::size_t i = best + 1; i + 1 < n; ++i) {
            symbols[i] = symbols[i + 1];
            pairs[i] = pairs[i + 1];
        }
        --n;
        if (best > 0) pairs[best - 1] = m_merges.find(symbols[best - 1], symbols[best]);
        if (best + 1 < n) pairs[best] = m_merges.find(symbols[best], symbols[best + 1]);
    }
    for (std::size_t i = 0; i < n; ++i) {
        // A byte that the vocabulary lacks has no token; no released vocabulary lacks one.
        if (symbols[i] >= 0) tokens.push_back(symbols[i]);
    }
}

void WordMerger::mergeLong(std::span<const TokenId> given, std::vector<TokenId>& tokens) {
    m_symbols.clear();
    for (const TokenId token : given) {
        const int index = static_cast<int>(m_symbols.size());
        m_symbols.push_back({token, index - 1, index + 1});
    }
    m_symbols.back().next = -1;
    for (int i = 0; i + 1 < std::ssize(m_symbols); ++i) consider(i, i + 1);
    while (!m_candidates.empty()) {
        const Candidate best = m_candidates.top();
        m_candidates.pop();
        apply(best);
    }
    for (int i = 0; i >= 0; i = symbol(i).next) {
        if (symbol(i).token >= 0) tokens.push_back(symbol(i).token);
    }
}

void WordMerger::consider(int left, int right) {
    if (left < 0 || right < 0) return;
    const TokenId leftToken = symbol(left).token;
    const TokenId rightToken = symbol(right).token;
    const MergeTable::Merge merge = m_merges.find(leftToken, rightToken);
    if (merge.token >= 0) {
        m_candidates.push({merge.rank, left, right, leftToken, rightToken, merge.token});
    }
}

void WordMerger::apply(const Candidate& candidate) {
    Symbol& left = symbol(candidate.left);
    Symbol& right = symbol(candidate.right);
    if (left.merged || right.merged || left.token != candidate.leftToken ||
        right.token != candidate.rightToken || left.next != candidate.right) {
        return;
    }
    left.token = candidate.result;
    right.merged = true;
    left.next = right.next;
    if (right.next >= 0) symbol(right.next).previous = candidate.left;
    consider(left.previous, candidate.left);
    consider(candidate.left, left.next);
}

}  // namespace conclave::engine
