#include "retrieval/stemmer.h"

#include <algorithm>
#include <cstring>

#include <libstemmer.h>

#include "base/utf8.h"
#include "retrieval/accents.h"

namespace conclave::retrieval {
namespace {

constexpr std::size_t kShortest = 3;  // bytes
/// No word has it, so that no word is taken for a stem of another language.
constexpr char kEndOfCode = '\x1F';

/// The letters of the alphabets that one language's stemmer is for; Persian, say, has Arabic
/// letters, and its words with others than these keep their endings.
struct Script {
    char32_t first;
    char32_t last;
    const char* stemmer;
};
constexpr auto kScriptTable = std::to_array<Script>({
    {0x0430, 0x0451, "russian"},  // without what only its neighbours write
    {0x0370, 0x03FF, "greek"},
    {0x0561, 0x0587, "armenian"},
    {0x0621, 0x0652, "arabic"},
    {0x0900, 0x097F, "hindi"},
    {0x0B80, 0x0BFF, "tamil"},
});

bool isEnglishLike(std::string_view word) {
    return std::all_of(word.begin(), word.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || c == '\''; });
}

bool isOfScript(std::string_view word, const Script& script) {
    for (std::size_t i = 0; i < word.size();) {
        const char32_t c = nextCodePoint(word, i);
        if (c < script.first || c > script.last || c == 0x0450) return false;
    }
    return true;
}

}  // namespace

void Stemmer::Deleter::operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }

Stemmer::Stemmer(Language language)
    : m_language(language),
      m_ofLanguage(sb_stemmer_new(nameOf(language).stemmer.data(), "UTF_8")),
      m_cache(std::make_unique<std::array<Entry, kCachedWords>>()),
      m_keys(std::make_unique<std::array<KnownKey, kCachedWords>>()) {}

Stemmer& Stemmer::ofThisThread(Language language) {
    thread_local std::array<std::unique_ptr<Stemmer>, kLanguages> stemmers;
    auto& stemmer = stemmers[static_cast<std::size_t>(language)];
    if (stemmer == nullptr) stemmer = std::make_unique<Stemmer>(language);
    return *stemmer;
}

bool Stemmer::dependsOnLanguage(std::string_view word) {
    constexpr char32_t kEndOfLatin = 0x250;
    for (std::size_t i = 0; i < word.size();) {
        const char32_t c = nextCodePoint(word, i);
        if (c >= kEndOfLatin || (c >= '0' && c <= '9')) return false;
    }
    return true;
}

TermKey Stemmer::markOf(Language language) {
    return termKey(std::string(nameOf(language).code).append(1, kEndOfCode));
}

sb_stemmer* Stemmer::snowballFor(std::string_view word) {
    static_assert(kScriptTable.size() == kScripts);
    std::size_t next = 0;
    const char32_t first = nextCodePoint(word, next);
    for (std::size_t i = 0; i < kScripts; ++i) {
        const Script& script = kScriptTable[i];
        if (first < script.first || first > script.last) continue;
        if (!isOfScript(word, script)) return nullptr;
        if (m_ofScript[i] == nullptr) m_ofScript[i].reset(sb_stemmer_new(script.stemmer, "UTF_8"));
        return m_ofScript[i].get();
    }
    const bool isOfLanguage =
        m_language == Language::English ? isEnglishLike(word) : dependsOnLanguage(word);
    return isOfLanguage ? m_ofLanguage.get() : nullptr;
}

std::string_view Stemmer::stemUncached(std::string_view word) {
    // English takes accents over with foreign words and names, which have no stems of their own;
    // the stemmers of other languages go by them.
    if (m_language == Language::English && dependsOnLanguage(word)) {
        m_plain = withoutAccents(word, m_language);
        if (m_plain != word) word = m_plain;
    }
    sb_stemmer* const snowball = snowballFor(word);
    if (snowball == nullptr) return word;
    const auto* found = sb_stemmer_stem(snowball, reinterpret_cast<const sb_symbol*>(word.data()),
                                        static_cast<int>(word.size()));
    const auto length = static_cast<std::size_t>(sb_stemmer_length(snowball));
    std::string_view stem = word;
    if (found != nullptr && length > 0) stem = {reinterpret_cast<const char*>(found), length};
    if (m_language == Language::English || snowball != m_ofLanguage.get()) return stem;
    m_marked.assign(nameOf(m_language).code).append(1, kEndOfCode);
    m_marked.append(withoutAccents(stem, m_language));
    return m_marked;
}

std::string_view Stemmer::stem(std::string_view word) {
    if (m_language == Language::English && word.size() < kShortest) return word;
    if (word.size() > kLongestCached) return stemUncached(word);
    Entry& entry = (*m_cache)[termKey(word) % kCachedWords];
    if (entry.wordLength != word.size() ||
        std::memcmp(entry.word.data(), word.data(), word.size()) != 0) {
        const std::string_view stem = stemUncached(word);
        if (stem.size() > kLongestCached || stem.data() == word.data()) return stem;
        entry.wordLength = static_cast<std::uint8_t>(word.size());
        entry.stemLength = static_cast<std::uint8_t>(stem.size());
        std::copy(word.begin(), word.end(), entry.word.begin());
        std::copy(stem.begin(), stem.end(), entry.stem.begin());
    }
    return {entry.stem.data(), entry.stemLength};
}

Stemmer::Key Stemmer::keyOf(std::string_view word) {
    const std::uint64_t hash = termHash(word);
    KnownKey& known = (*m_keys)[hash % kCachedWords];
    if (known.hash != hash || (known.key & kIsSet) == 0) {
        const std::string_view found = stem(word);
        const TermKey key = found == word ? keyOfHash(hash) : termKey(found);
        const std::uint64_t languages = languagesOfFunctionWord(word);
        known = {hash, key | languages << kTermKeyBits | kIsSet};
    }
    constexpr std::uint64_t kTermKeyMask = (std::uint64_t{1} << kTermKeyBits) - 1;
    return {known.key & kTermKeyMask,
            static_cast<LanguageSet>((known.key & ~kIsSet) >> kTermKeyBits)};
}

}  // namespace conclave::retrieval
