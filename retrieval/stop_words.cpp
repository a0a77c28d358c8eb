#include "retrieval/stop_words.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace conclave::retrieval {
namespace {

// Sorted by bytes, for binary search.
constexpr auto kStopWords = std::to_array<std::string_view>({
    "a",      "about",  "above",  "after",   "again",  "all",     "also",    "am",      "an",
    "and",    "any",    "are",    "aren't",  "as",     "at",      "be",      "because", "been",
    "before", "being",  "below",  "between", "both",   "but",     "by",      "can",     "can't",
    "cannot", "could",  "did",    "didn't",  "do",     "does",    "doesn't", "doing",   "don't",
    "down",   "during", "each",   "few",     "for",    "from",    "further", "had",     "has",
    "have",   "having", "he",     "her",     "here",   "hers",    "him",     "his",     "how",
    "i",      "if",     "in",     "into",    "is",     "isn't",   "it",      "it's",    "its",
    "just",   "me",     "more",   "most",    "my",     "no",      "nor",     "not",     "of",
    "off",    "on",     "once",   "only",    "or",     "other",   "our",     "ours",    "out",
    "over",   "own",    "same",   "shall",   "she",    "should",  "so",      "some",    "such",
    "than",   "that",   "the",    "their",   "theirs", "them",    "then",    "there",   "these",
    "they",   "this",   "those",  "through", "to",     "too",     "under",   "until",   "up",
    "very",   "was",    "wasn't", "we",      "were",   "weren't", "what",    "what's",  "when",
    "where",  "which",  "while",  "who",     "whom",   "whose",   "why",     "will",    "with",
    "won't",  "would",  "you",    "your",    "yours",
});

constexpr auto kParticles =
    std::to_array<std::string_view>({"的", "了", "是", "在", "吗", "呢", "和", "与", "有", "被",
                                     "也", "就", "都", "而", "及", "着", "或", "吧", "啊", "请"});

}  // namespace

bool isStopWord(std::string_view word) {
    static_assert(std::is_sorted(kStopWords.begin(), kStopWords.end()));
    return std::binary_search(kStopWords.begin(), kStopWords.end(), word) ||
           std::find(kParticles.begin(), kParticles.end(), word) != kParticles.end();
}

}  // namespace conclave::retrieval
