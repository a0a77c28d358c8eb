// languages.h: which language a text is written in, as far as its stems need to know.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace conclave::retrieval {

/// Languages in Latin letters that Snowball has stems for. All else is told by a word's script.
enum class Language : std::uint8_t {
    English,  ///< and whatever is not known
    French,
    German,
    Spanish,
    Italian,
    Portuguese,
    Dutch,
    Swedish,
    Danish,
    Norwegian,
    Finnish,
    Hungarian,
    Romanian,
    Turkish,
};
inline constexpr std::size_t kLanguages = 14;

struct LanguageName {
    std::string_view code;     ///< two letters, as ISO 639-1
    std::string_view stemmer;  ///< as Snowball names it
};
[[nodiscard]] LanguageName nameOf(Language language);

/// A bit (1 << language) for each language of which a case-folded word is a function word.
using LanguageSet = std::uint32_t;
[[nodiscard]] LanguageSet languagesOfFunctionWord(std::string_view word);
[[nodiscard]] inline bool isIn(LanguageSet set, Language language) {
    return (set >> static_cast<unsigned>(language) & 1u) != 0;
}

/// Counts a text's function words: every sentence has some, and few are those of two languages. One
/// that follows itself counts once, or else "del x, del y" would be Spanish.
class LanguageGuess {
public:
    /// @param word  what tells it from others, as its hash
    void see(LanguageSet languages, std::uint64_t word) {
        ++m_nWords;
        if (languages == 0 || word == m_last) return;
        m_last = word;
        for (; languages != 0; languages &= languages - 1) {
            ++m_counts[static_cast<std::size_t>(__builtin_ctz(languages))];
        }
    }
    /// Words that are function words of no language.
    void seeOthers(std::uint32_t nWords) { m_nWords += nWords; }
    /// English unless another language has more function words: two, and a sixth of all words.
    [[nodiscard]] Language best() const;

private:
    std::array<std::uint32_t, kLanguages> m_counts{};
    std::uint32_t m_nWords = 0;
    std::uint64_t m_last = 0;  ///< function word
};

}  // namespace conclave::retrieval
