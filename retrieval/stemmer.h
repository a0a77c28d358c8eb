// stemmer.h: stems by Snowball, with small caches since a text repeats its words.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "retrieval/languages.h"
#include "retrieval/posting_segment.h"

struct sb_stemmer;

namespace conclave::retrieval {

/// Index terms of words in a text of one language. A word of another script than Latin has the
/// stem of that script's language whatever the text is in; one with digits has none. Latin letters
/// lose their accents (accents.h), so that "Müller" and "Muller" find each other. Stems of
/// other languages than English bear the language's code, since "not" is no form of "notes" but in
/// French. Not thread-safe: libstemmer works in its own buffers.
class Stemmer {
public:
    explicit Stemmer(Language language = Language::English);
    [[nodiscard]] static Stemmer& ofThisThread(Language language = Language::English);

    /// The term of a case-folded word. The view lives until the next call.
    [[nodiscard]] std::string_view stem(std::string_view word);

    /// True for a word whose term depends on the text's language.
    [[nodiscard]] static bool dependsOnLanguage(std::string_view word);

    /// The key that each chunk in another language than English has beside those of its words.
    [[nodiscard]] static TermKey markOf(Language language);

    struct Key {
        TermKey key = 0;
        LanguageSet functionWordOf = 0;
    };
    /// termKey(stem(word)). A word met before is known by 64 bits of its hash, so that neither it
    /// nor its stem is looked at.
    [[nodiscard]] Key keyOf(std::string_view word);

private:
    static constexpr std::size_t kCachedWords = 16384;
    static constexpr std::size_t kLongestCached = 22;
    struct Entry {
        std::uint8_t wordLength = 0;
        std::uint8_t stemLength = 0;
        std::array<char, kLongestCached> word;
        std::array<char, kLongestCached> stem;
    };
    /// Of its key 48 bits, and above them a bit for each language and kIsSet.
    struct KnownKey {
        std::uint64_t hash = 0;
        std::uint64_t key = 0;
    };
    static constexpr std::uint64_t kIsSet = std::uint64_t{1} << 63u;
    static_assert(kTermKeyBits + kLanguages < 64);
    static constexpr std::size_t kScripts = 6;
    struct Deleter {
        void operator()(sb_stemmer* stemmer) const;
    };
    using Snowball = std::unique_ptr<sb_stemmer, Deleter>;
    [[nodiscard]] sb_stemmer* snowballFor(std::string_view word);
    [[nodiscard]] std::string_view stemUncached(std::string_view word);

    Language m_language;
    Snowball m_ofLanguage;
    std::array<Snowball, kScripts> m_ofScript;
    std::string m_plain;   ///< the last word without its accents
    std::string m_marked;  ///< the last stem with its language's code
    std::unique_ptr<std::array<Entry, kCachedWords>> m_cache;
    std::unique_ptr<std::array<KnownKey, kCachedWords>> m_keys;
};

}  // namespace conclave::retrieval
