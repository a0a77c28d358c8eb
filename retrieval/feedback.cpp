#include "retrieval/feedback.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "retrieval/analyzer.h"
#include "retrieval/stop_words.h"

namespace conclave::retrieval {
namespace {

// None of these is tuned to a set: on the shared ones each may be halved or doubled for less than
// 0.01 of nDCG@10 (docs/benchmarks/retrieval.md).
constexpr double kFewestWords = 5.0;
constexpr double kCjkCharactersAWord = 3.0;  ///< with what stands between content words
constexpr std::size_t kFewestMatches = 3;
constexpr double kClearFall = 0.65;  ///< the last match scores so much less than the first
constexpr double kTemperature = 1.5;
constexpr std::size_t kAddedTerms = 40;
constexpr std::size_t kLookedUpTerms = 400;
constexpr double kQueryShare = 0.5;
/// A name or number is rare if no more than this share of the chunks has it.
constexpr double kRareShare = 0.001;
constexpr std::size_t kFewestForRare = 2;

bool hasQuotes(std::string_view query) {
    for (const std::string_view mark : {"\u201C", "\u300C", "\u300E", "\u300A", "\u00AB"}) {
        if (query.find(mark) != std::string_view::npos) return true;
    }
    return std::count(query.begin(), query.end(), '"') >= 2;
}

/// Numbers, and words with a capital that no sentence's beginning explains; none in a query
/// written in capitals alone.
std::vector<QueryTerm> namesAndNumbers(std::string_view query) {
    std::vector<QueryTerm> found;
    std::size_t nPlain = 0;
    bool isFirst = true;
    analyzeTerms(query, [&](const AnalyzedTerm& term) {
        if (term.kind != AnalyzedTerm::Kind::Word) return;
        const bool startsSentence =
            isFirst || query.substr(0, term.startByte).find_last_of(".?!:\n") + 2 >= term.startByte;
        isFirst = false;
        if (!term.isCapitalized) ++nPlain;
        if (term.hasDigit || (term.isCapitalized && !startsSentence)) {
            found.push_back({.text = std::string(term.term), .word = std::string(term.surface)});
        }
    });
    if (nPlain == 0) found.clear();
    return found;
}

/// Content words, repeated ones once.
double countWords(std::string_view query) {
    std::set<std::string, std::less<>> words;
    std::set<std::string, std::less<>> characters;
    analyzeTerms(query, [&](const AnalyzedTerm& term) {
        if (isStopWord(term.surface)) return;
        if (term.kind == AnalyzedTerm::Kind::Word) words.emplace(term.term);
        if (term.kind == AnalyzedTerm::Kind::CjkOne) characters.emplace(term.term);
    });
    return static_cast<double>(words.size()) +
           static_cast<double>(characters.size()) / kCjkCharactersAWord;
}

/// The terms that may be among those added; each look-up of how rare one is costs a walk through
/// every segment, and of thousands few are wanted.
std::vector<QueryTerm> heaviest(const std::map<std::string, double>& weightOf) {
    std::vector<std::pair<double, std::string_view>> order;
    order.reserve(weightOf.size());
    for (const auto& [term, weight] : weightOf) order.emplace_back(-weight, term);
    if (order.size() > kLookedUpTerms) {
        std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kLookedUpTerms),
                         order.end());
        order.resize(kLookedUpTerms);
    }
    std::vector<QueryTerm> found;
    found.reserve(order.size());
    for (const auto& [weight, term] : order) found.push_back({std::string(term), -weight});
    return found;
}

}  // namespace

bool wantsFeedback(std::string_view query, const KeywordIndex& keywords,
                   std::span<const ScoredChunk> matches) {
    if (matches.size() < kFewestMatches || countWords(query) < kFewestWords) return false;
    if (hasQuotes(query)) return false;
    const std::size_t last =
        std::min<std::size_t>(matches.size(), static_cast<std::size_t>(kFeedbackChunks)) - 1;
    const double best = matches.front().score;
    if (best - matches[last].score > kClearFall * best) return false;

    const auto nChunks = static_cast<double>(keywords.size());
    const double nRare =
        std::max(static_cast<double>(kFewestForRare), std::floor(nChunks * kRareShare));
    const double rare = std::log(1.0 + (nChunks - nRare + 0.5) / (nRare + 0.5));
    const std::vector<double> found = keywords.inverseFrequencies(namesAndNumbers(query));
    // From a word that no chunk has, nothing can lead away.
    const double absent = std::log(1.0 + (nChunks + 0.5) / 0.5);
    return std::none_of(found.begin(), found.end(),
                        [&](double idf) { return idf >= rare && idf < absent; });
}

Expansion expansionOf(std::span<const QueryTerm> terms, const KeywordIndex& keywords,
                      std::span<const ScoredChunk> matches,
                      std::span<const ChunkTexts::Text> texts) {
    constexpr double kK1 = 1.2;
    constexpr double kB = 0.75;
    const double average = keywords.averageLength();
    std::map<std::string, double> weightOf;  // ordered: sums must not depend on a hash table
    double allShares = 0.0;
    for (const ChunkTexts::Text& text : texts) {
        const auto match =
            std::find_if(matches.begin(), matches.end(),
                         [&](const ScoredChunk& each) { return each.chunk == text.chunk; });
        if (match == matches.end()) continue;
        const double share = std::exp((match->score - matches.front().score) / kTemperature);
        allShares += share;
        std::unordered_map<std::string, double> counts;
        double length = 0.0;
        const Language language = languageOf({text.heading, text.text});
        for (const std::string* part : {&text.heading, &text.text}) {
            std::size_t next = 0;
            analyzeTerms(
                *part,
                [&](const AnalyzedTerm& term) {
                    if (term.startByte >= next) length += 1.0;
                    next = std::max(next, term.startByte + 1);
                    // A single character stands in so many texts that it says little and costs
                    // much; the pairs have it too.
                    if (term.kind == AnalyzedTerm::Kind::CjkOne || isStopWord(term.surface) ||
                        (language != Language::English &&
                         isIn(languagesOfFunctionWord(term.surface), language))) {
                        return;
                    }
                    counts[std::string(term.term)] += 1.0;
                },
                language);
        }
        const double norm = kK1 * (1.0 - kB + kB * length / average);
        for (const auto& [term, count] : counts) {
            weightOf[term] += share * count * (kK1 + 1.0) / (count + norm);
        }
    }
    if (allShares <= 0.0) return {};

    const std::vector<QueryTerm> heavy = heaviest(weightOf);
    const std::vector<double> rarity = keywords.inverseFrequencies(heavy);
    // A term of one chunk alone cannot lead to another.
    const auto nChunks = static_cast<double>(keywords.size());
    const double rarityOfTwo = std::log(1.0 + (nChunks - 2.0 + 0.5) / (2.0 + 0.5));
    std::vector<QueryTerm> added;
    added.reserve(heavy.size());
    for (std::size_t i = 0; i < heavy.size(); ++i) {
        if (rarity[i] > rarityOfTwo) continue;
        added.push_back({heavy[i].text, heavy[i].weight * rarity[i]});
    }
    const std::size_t nAdded = std::min(added.size(), kAddedTerms);
    std::partial_sort(added.begin(), added.begin() + static_cast<std::ptrdiff_t>(nAdded),
                      added.end(), [](const QueryTerm& a, const QueryTerm& b) {
                          return a.weight != b.weight ? a.weight > b.weight : a.text < b.text;
                      });
    added.resize(nAdded);

    double queryWeight = 0.0;
    for (const QueryTerm& term : terms) queryWeight += term.weight;
    double addedWeight = 0.0;
    for (const QueryTerm& term : added) addedWeight += term.weight;
    if (addedWeight <= 0.0) return {};
    for (QueryTerm& term : added) {
        term.weight *= (1.0 - kQueryShare) * queryWeight / addedWeight;
    }
    return {.share = kQueryShare, .added = std::move(added)};
}

}  // namespace conclave::retrieval
