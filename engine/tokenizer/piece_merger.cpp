#include "engine/tokenizer/piece_merger.h"

#include <algorithm>
#include <array>

#include "engine/tokenizer/lenient_utf8.h"
#include "engine/tokenizer/segmenter.h"

namespace conclave::engine {
namespace {

/// Up to this many characters, searching all pairs for the best is quicker than keeping a heap.
constexpr std::size_t kFewCharacters = 40;

}  // namespace

void PieceMerger::merge(std::string_view word, std::vector<TokenId>& tokens) {
    m_word = word;
    m_symbols.clear();
    if (!m_partsOfUnused.empty()) m_partsOfUnused.clear();
    for (std::size_t position = 0; position < word.size();) {
        const std::size_t length = std::min(claimedLength(word[position]), word.size() - position);
        const int i = static_cast<int>(m_symbols.size());
        m_symbols.push_back({position, length, i - 1, i + 1});
        position += length;
    }
    if (m_symbols.empty()) return;
    m_symbols.back().next = -1;
    if (m_symbols.size() <= kFewCharacters) {
        mergeShort(m_symbols.size());
    } else {
        mergeLong();
    }
    for (int i = 0; i >= 0; i = symbol(i).next) {
        emit(m_word.substr(symbol(i).begin, symbol(i).length), tokens);
    }
}

void PieceMerger::mergeShort(std::size_t nSymbols) {
    struct Pair {
        float score = 0.0f;
        TokenId token = -1;
    };
    std::array<std::size_t, kFewCharacters + 1> begins{};
    std::array<Pair, kFewCharacters> pairs{};  // of symbol i and the next
    std::size_t n = nSymbols;
    for (std::size_t i = 0; i < n; ++i) begins[i] = m_symbols[i].begin;
    begins[n] = m_word.size();
    const auto pairAt = [&](std::size_t i) -> Pair {
        const TokenId token = m_pieces.find(m_word.substr(begins[i], begins[i + 2] - begins[i]));
        return {token >= 0 ? m_vocabulary.score(token) : 0.0f, token};
    };
    for (std::size_t i = 0; i + 1 < n; ++i) pairs[i] = pairAt(i);
    while (true) {
        std::size_t best = n;
        for (std::size_t i = 0; i + 1 < n; ++i) {
            if (pairs[i].token < 0) continue;
            if (best == n || pairs[i].score > pairs[best].score) best = i;
        }
        if (best == n) break;
        noteIfUnused(pairs[best].token,
                     m_word.substr(begins[best], begins[best + 2] - begins[best]),
                     begins[best + 1] - begins[best]);
        for (std::size_t i = best + 1; i < n; ++i) begins[i] = begins[i + 1];
        for (std::size_t i = best + 1; i + 2 < n; ++i) pairs[i] = pairs[i + 1];
        --n;
        if (best > 0) pairs[best - 1] = pairAt(best - 1);
        if (best + 1 < n) pairs[best] = pairAt(best);
    }
    for (std::size_t i = 0; i < n; ++i) {
        const int next = i + 1 < n ? static_cast<int>(i + 1) : -1;
        m_symbols[i] = {begins[i], begins[i + 1] - begins[i], static_cast<int>(i) - 1, next};
    }
}

void PieceMerger::mergeLong() {
    for (int i = 0; i + 1 < std::ssize(m_symbols); ++i) consider(i, i + 1);
    while (!m_candidates.empty()) {
        const Candidate best = m_candidates.top();
        m_candidates.pop();
        apply(best);
    }
}

void PieceMerger::consider(int left, int right) {
    if (left < 0 || right < 0) return;
    const std::size_t length = symbol(left).length + symbol(right).length;
    const TokenId token = m_pieces.find(m_word.substr(symbol(left).begin, length));
    if (token < 0) return;
    m_candidates.push({m_vocabulary.score(token), left, right, length, token});
}

void PieceMerger::apply(const Candidate& candidate) {
    Symbol& left = symbol(candidate.left);
    Symbol& right = symbol(candidate.right);
    if (left.length == 0 || right.length == 0 || left.length + right.length != candidate.length) {
        return;
    }
    noteIfUnused(candidate.token, m_word.substr(left.begin, candidate.length), left.length);
    left.length = candidate.length;
    right.length = 0;
    left.next = right.next;
    if (right.next >= 0) symbol(right.next).previous = candidate.left;
    consider(left.previous, candidate.left);
    consider(candidate.left, left.next);
}

void PieceMerger::noteIfUnused(TokenId token, std::string_view piece, std::size_t leftLength) {
    if (m_vocabulary.type(token) == TokenType::Unused) {
        m_partsOfUnused[piece] = leftLength;
    }
}

void PieceMerger::emit(std::string_view whole, std::vector<TokenId>& tokens) const {
    if (!m_partsOfUnused.empty()) {
        const auto parts = m_partsOfUnused.find(whole);
        if (parts != m_partsOfUnused.end()) {
            emit(whole.substr(0, parts->second), tokens);
            emit(whole.substr(parts->second), tokens);
            return;
        }
    }
    const TokenId token = m_pieces.find(whole);
    if (token >= 0) {
        tokens.push_back(token);
    } else {
        emitUnknown(whole == " " ? kSpaceMark : whole, tokens);
    }
}

void PieceMerger::emitUnknown(std::string_view character, std::vector<TokenId>& tokens) const {
    const auto tokenOf = [&](char c) {
        const TokenId token = m_vocabulary.byteToken(static_cast<unsigned char>(c));
        return token >= 0 ? token : m_vocabulary.find({&c, 1});  // Gemma has a tab in its place
    };
    const bool hasAll =
        std::all_of(character.begin(), character.end(), [&](char c) { return tokenOf(c) >= 0; });
    if (!hasAll) {
        if (m_vocabulary.unknown >= 0) tokens.push_back(m_vocabulary.unknown);
        return;
    }
    for (const char c : character) tokens.push_back(tokenOf(c));
}

}  // namespace conclave::engine
