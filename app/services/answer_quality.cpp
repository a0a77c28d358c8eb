#include "app/services/answer_quality.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <set>
#include <vector>

#include "base/utf8.h"
#include "retrieval/retrieval.h"

namespace conclave::services {
namespace {

constexpr std::string_view kBrokenCharacter = "\uFFFD";

/// Index terms in order; of Chinese every character and pair, which is as good here.
std::vector<std::string> termsInOrder(std::string_view text) {
    std::vector<std::string> terms;
    retrieval::analyze(
        text, [&](std::string_view term, std::size_t, std::size_t) { terms.emplace_back(term); });
    return terms;
}

/// Share of the runs of three terms that were there before.
double shareRepeated(const std::vector<std::string>& terms) {
    constexpr std::size_t kRun = 3;
    if (terms.size() < kRun) return 0.0;
    std::set<std::string> seen;
    std::size_t nRepeated = 0;
    const std::size_t nRuns = terms.size() - kRun + 1;
    for (std::size_t i = 0; i < nRuns; ++i) {
        if (!seen.insert(terms[i] + ' ' + terms[i + 1] + ' ' + terms[i + 2]).second) ++nRepeated;
    }
    return static_cast<double>(nRepeated) / static_cast<double>(nRuns);
}

/// Share of the visible characters that are neither letters nor digits nor usual punctuation.
double shareOfSigns(std::string_view text) {
    constexpr std::string_view kUsual = ".,;:!?'\"()[]-/%";
    std::size_t nVisible = 0;
    std::size_t nSigns = 0;
    for (std::size_t i = 0; i < text.size();) {
        const char32_t c = nextCodePoint(text, i);
        if (c <= 0x20) continue;
        ++nVisible;
        if (c >= 0x80) continue;
        const char ascii = static_cast<char>(c);
        const bool isUsual = std::isalnum(static_cast<unsigned char>(ascii)) != 0 ||
                             kUsual.find(ascii) != std::string_view::npos;
        if (!isUsual) ++nSigns;
    }
    return nVisible > 0 ? static_cast<double>(nSigns) / static_cast<double>(nVisible) : 0.0;
}

}  // namespace

std::string withoutBrokenCharacters(std::string_view text) {
    std::string whole;
    whole.reserve(text.size());
    while (!text.empty()) {
        const std::size_t at = std::min(text.find(kBrokenCharacter), text.size());
        whole += text.substr(0, at);
        text.remove_prefix(std::min(at + kBrokenCharacter.size(), text.size()));
    }
    return whole;
}

bool isDegenerate(std::string_view text) {
    constexpr std::size_t kFewestTerms = 12;
    constexpr double kMostRepeated = 0.4;
    constexpr double kMostSigns = 0.4;
    const std::vector<std::string> terms = termsInOrder(text);
    if (terms.size() < kFewestTerms) return false;
    return shareRepeated(terms) > kMostRepeated || shareOfSigns(text) > kMostSigns;
}

double shareOfQuestion(std::string_view question, const StoredPassage& passage,
                       std::span<const StoredPassage> passages) {
    std::vector<std::string> asked = retrieval::queryTerms(question);
    std::sort(asked.begin(), asked.end());
    asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
    const auto saidBy = [&](const StoredPassage& each) {
        std::vector<bool> isSaid(asked.size());
        const auto note = [&](std::string_view term, std::size_t, std::size_t) {
            const auto at = std::lower_bound(asked.begin(), asked.end(), term);
            if (at == asked.end() || *at != term) return;
            isSaid[static_cast<std::size_t>(at - asked.begin())] = true;
        };
        retrieval::analyze(each.title, note);
        retrieval::analyze(each.heading, note);
        retrieval::analyze(each.text, note);
        return isSaid;
    };
    std::vector<std::vector<bool>> said;
    for (const StoredPassage& each : passages) said.push_back(saidBy(each));
    std::vector<double> weights;
    for (std::size_t term = 0; term < asked.size(); ++term) {
        const auto nSaid = std::count_if(said.begin(), said.end(),
                                         [&](const std::vector<bool>& each) { return each[term]; });
        weights.push_back(std::log(1.0 + static_cast<double>(passages.size() + 1) /
                                             static_cast<double>(nSaid + 1)));
    }
    const auto weightOf = [&](const std::vector<bool>& each) {
        double sum = 0.0;
        for (std::size_t term = 0; term < asked.size(); ++term)
            sum += each[term] ? weights[term] : 0;
        return sum;
    };
    double most = 0.0;
    for (const std::vector<bool>& each : said) most = std::max(most, weightOf(each));
    return most > 0.0 ? std::min(weightOf(saidBy(passage)) / most, 1.0) : 1.0;
}

bool isRefusal(std::string_view answer) {
    static constexpr auto kRefusals = std::to_array<std::string_view>(
        {"i could not find that in your documents", "the documents do not say",
         "the passages do not say", "the sources do not say", "文档中没有", "文档没有提到",
         "资料中没有"});
    constexpr std::size_t kLongest = 160;  // bytes: what says more is an answer
    std::string lower(answer);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    return lower.size() <= kLongest &&
           std::any_of(kRefusals.begin(), kRefusals.end(), [&](std::string_view refusal) {
               return lower.find(refusal) != std::string::npos;
           });
}

}  // namespace conclave::services
