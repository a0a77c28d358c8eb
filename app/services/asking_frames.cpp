#include "app/services/asking_frames.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "app/services/english_words.h"

namespace conclave::services {
namespace {

using Words = std::vector<AskedWord>;

/// The longer before those that they begin with. Not those of places, which the language tells by
/// words of its own.
constexpr auto kFrames = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"wie hoch ist", "how many is"},
    {"wie hoch sind", "how many are"},
    {"wie hoch war", "how many was"},
    {"wie viele", "how many"},
    {"wie viel", "how many"},
    {"wie lange", "how long"},
    {"ab wann", "when"},
    {"bis wann", "when"},
    {"seit wann", "when"},
    {"wann", "when"},
    {"wer ist", "who is"},
    {"wer war", "who was"},
    {"wer hat", "who has"},
    {"wer", "who"},
    {"à quelle heure", "when"},
    {"combien de", "how many"},
    {"quand", "when"},
    {"quel est", "what is"},
    {"quelle est", "what is"},
    {"quels sont", "what are"},
    {"quelles sont", "what are"},
    {"qui est", "who is"},
    {"qui a", "who has"},
    {"qui", "who"},
});

constexpr auto kWhether = std::to_array<std::string_view>({"ist", "sind", "est", "sont"});

/// Behind "is" at the end of such a question.
constexpr auto kPermissions = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"erlaubt", "allowed"},
    {"gestattet", "allowed"},
    {"verboten", "forbidden"},
    {"untersagt", "forbidden"},
    {"autorisé", "allowed"},
    {"autorisés", "allowed"},
    {"interdit", "forbidden"},
    {"interdits", "forbidden"},
});

/// Of a short question nothing else says in which language these are no words of content.
constexpr auto kArticles = std::to_array<std::string_view>(
    {"der", "die", "das", "des", "dem", "den", "ein", "eine", "einen", "einer",
     "im",  "am",  "für", "von", "vom", "zum", "zur", "le",   "la",    "les",
     "un",  "une", "de",  "du",  "d",   "l",   "au",  "aux"});

bool beginsWith(const Words& words, const Words& frame) {
    if (words.size() <= frame.size()) return false;
    for (std::size_t i = 0; i < frame.size(); ++i) {
        if (words[i].surface != frame[i].surface) return false;
    }
    return true;
}

/// Its words ask, and are none of the content.
Words asking(std::string_view english) {
    Words words = wordsAsAsked(english);
    for (AskedWord& word : words) word.isContent = false;
    return words;
}

}  // namespace

Words inEnglishFrame(Words words) {
    for (const auto& [frame, english] : kFrames) {
        const Words asked = wordsAsAsked(frame);
        if (!beginsWith(words, asked)) continue;
        for (AskedWord& word : words) {
            if (isListed(word.surface, kArticles)) word.isContent = false;
        }
        Words framed = asking(english);
        framed.insert(framed.end(), words.begin() + static_cast<std::ptrdiff_t>(asked.size()),
                      words.end());
        return framed;
    }
    if (words.size() < 3) return words;
    const auto isWhether = [&](std::string_view is) { return words.front().surface == is; };
    for (const auto& [permission, english] : kPermissions) {
        const bool isAsked = words.back().surface == permission &&
                             std::any_of(kWhether.begin(), kWhether.end(), isWhether);
        if (!isAsked) continue;
        words.front() = asking("is").front();
        words.back() = wordsAsAsked(english).front();
        break;
    }
    return words;
}

}  // namespace conclave::services
