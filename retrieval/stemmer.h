// stemmer.h: English stems by Snowball, with a small cache since a text repeats its words.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "retrieval/posting_segment.h"

struct sb_stemmer;

namespace conclave::retrieval {

/// Not thread-safe: libstemmer works in the stemmer's own buffer. One lives in each thread.
class Stemmer {
public:
    Stemmer();
    [[nodiscard]] static Stemmer& ofThisThread();

    /// Stem of a lower-case ASCII word (letters and apostrophes); other words come back unchanged,
    /// so that nothing but English is ever cut. The view lives until the next call.
    [[nodiscard]] std::string_view stem(std::string_view word);

    /// termKey(stem(word)). A word met before is known by 64 bits of its hash, so that neither it
    /// nor its stem is looked at.
    [[nodiscard]] TermKey keyOf(std::string_view word);

private:
    static constexpr std::size_t kCachedWords = 16384;
    static constexpr std::size_t kLongestCached = 22;
    struct Entry {
        std::uint8_t wordLength = 0;
        std::uint8_t stemLength = 0;
        std::array<char, kLongestCached> word;
        std::array<char, kLongestCached> stem;
    };
    struct KnownKey {
        std::uint64_t hash = 0;
        TermKey key = 0;  ///< and kIsSet
    };
    static constexpr TermKey kIsSet = TermKey{1} << 63u;
    struct Deleter {
        void operator()(sb_stemmer* stemmer) const;
    };
    [[nodiscard]] std::string_view stemUncached(std::string_view word);

    std::unique_ptr<sb_stemmer, Deleter> m_stemmer;
    std::unique_ptr<std::array<Entry, kCachedWords>> m_cache;
    std::unique_ptr<std::array<KnownKey, kCachedWords>> m_keys;
};

}  // namespace conclave::retrieval
