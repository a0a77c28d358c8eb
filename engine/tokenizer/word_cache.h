// word_cache.h: the tokens of words that a text repeats, so that they are found once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "engine/engine.h"

namespace conclave::engine {

/// A table of 8,192 words, half a megabyte; a word takes the place of another one with the same
/// hash. One for each thread, serving one vocabulary at a time.
class WordCache {
public:
    /// That of this thread, emptied if it served another `vocabulary` (a number that no two share).
    static WordCache& ofThisThread(std::uint64_t vocabulary) {
        thread_local WordCache cache;
        if (cache.m_vocabulary != vocabulary) {
            cache.m_entries = std::make_unique<Entries>();
            cache.m_vocabulary = vocabulary;
        }
        return cache;
    }

    static constexpr std::size_t kLongestWord = 26;  ///< bytes
    static constexpr std::size_t kMostTokens = 9;

    /// Tokens of a word of 1 to kLongestWord bytes; empty: not known.
    [[nodiscard]] std::span<const TokenId> find(std::string_view word) const {
        const Entry& entry = (*m_entries)[placeOf(word)];
        if (entry.length != word.size() ||
            std::memcmp(entry.word.data(), word.data(), word.size()) != 0) {
            return {};
        }
        return std::span(entry.tokens).first(entry.nTokens);
    }

    /// Words with more than kMostTokens tokens are not kept.
    void keep(std::string_view word, std::span<const TokenId> tokens) {
        if (tokens.empty() || tokens.size() > kMostTokens) return;
        Entry& entry = (*m_entries)[placeOf(word)];
        entry.length = static_cast<std::uint8_t>(word.size());
        entry.nTokens = static_cast<std::uint8_t>(tokens.size());
        std::copy(word.begin(), word.end(), entry.word.begin());
        std::copy(tokens.begin(), tokens.end(), entry.tokens.begin());
    }

private:
    static constexpr std::size_t kEntries = 8192;

    struct Entry {
        std::uint8_t length = 0;
        std::uint8_t nTokens = 0;
        std::array<char, kLongestWord> word;
        std::array<TokenId, kMostTokens> tokens;
    };
    using Entries = std::array<Entry, kEntries>;

    static std::size_t placeOf(std::string_view word) {
        constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15ULL;  // 2^64 over the golden ratio
        std::uint64_t hash = word.size();
        for (std::size_t i = 0; i < word.size(); i += sizeof(std::uint64_t)) {
            std::uint64_t part = 0;
            std::memcpy(&part, word.data() + i, std::min(sizeof part, word.size() - i));
            hash = (hash ^ part) * kMultiplier;
            hash ^= hash >> 32U;
        }
        return hash % kEntries;
    }

    std::uint64_t m_vocabulary = 0;
    std::unique_ptr<Entries> m_entries;
};

}  // namespace conclave::engine
