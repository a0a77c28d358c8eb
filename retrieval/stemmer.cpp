#include "retrieval/stemmer.h"

#include <algorithm>
#include <cstring>

#include <libstemmer.h>

namespace conclave::retrieval {
namespace {

bool isEnglishLike(std::string_view word) {
    return std::all_of(word.begin(), word.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || c == '\''; });
}

}  // namespace

void Stemmer::Deleter::operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }

Stemmer::Stemmer()
    : m_stemmer(sb_stemmer_new("english", "UTF_8")),
      m_cache(std::make_unique<std::array<Entry, kCachedWords>>()),
      m_keys(std::make_unique<std::array<KnownKey, kCachedWords>>()) {}

Stemmer& Stemmer::ofThisThread() {
    thread_local Stemmer stemmer;
    return stemmer;
}

std::string_view Stemmer::stemUncached(std::string_view word) {
    if (!m_stemmer) return word;
    const auto* stem =
        sb_stemmer_stem(m_stemmer.get(), reinterpret_cast<const sb_symbol*>(word.data()),
                        static_cast<int>(word.size()));
    if (stem == nullptr) return word;
    return {reinterpret_cast<const char*>(stem),
            static_cast<std::size_t>(sb_stemmer_length(m_stemmer.get()))};
}

std::string_view Stemmer::stem(std::string_view word) {
    constexpr std::size_t kShortest = 3;
    if (word.size() < kShortest) return word;
    if (word.size() > kLongestCached) return isEnglishLike(word) ? stemUncached(word) : word;
    Entry& entry = (*m_cache)[termKey(word) % kCachedWords];
    if (entry.wordLength != word.size() ||
        std::memcmp(entry.word.data(), word.data(), word.size()) != 0) {
        if (!isEnglishLike(word)) return word;
        const std::string_view stem = stemUncached(word);
        if (stem.size() > kLongestCached) return stem;
        entry.wordLength = static_cast<std::uint8_t>(word.size());
        entry.stemLength = static_cast<std::uint8_t>(stem.size());
        std::copy(word.begin(), word.end(), entry.word.begin());
        std::copy(stem.begin(), stem.end(), entry.stem.begin());
    }
    return {entry.stem.data(), entry.stemLength};
}

TermKey Stemmer::keyOf(std::string_view word) {
    const std::uint64_t hash = termHash(word);
    KnownKey& known = (*m_keys)[hash % kCachedWords];
    if (known.hash != hash || (known.key & kIsSet) == 0) {
        const std::string_view found = stem(word);
        known = {hash, (found == word ? keyOfHash(hash) : termKey(found)) | kIsSet};
    }
    return known.key & ~kIsSet;
}

}  // namespace conclave::retrieval
