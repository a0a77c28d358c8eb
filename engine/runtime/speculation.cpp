#include "engine/runtime/speculation.h"

#include <algorithm>

namespace conclave::engine {
namespace {

std::uint64_t pairOf(TokenId first, TokenId second) {
    return (std::uint64_t{static_cast<std::uint32_t>(first)} << 32u) |
           static_cast<std::uint32_t>(second);
}

/// A longer match says more: 2, 3, 4 to 6, and more tokens.
int evidenceOf(std::size_t matched) {
    if (matched <= 2) return 0;
    if (matched == 3) return 1;
    return matched <= 6 ? 2 : 3;
}

double movedTowards(double average, double value, double share) {
    return average + share * (value - average);
}

}  // namespace

void TextGuesser::follow(std::span<const TokenId> text) {
    const bool continues =
        text.size() >= m_text.size() && std::equal(m_text.begin(), m_text.end(), text.begin());
    if (!continues) {
        m_text.clear();
        m_after.clear();
    }
    for (std::size_t i = m_text.size(); i < text.size(); ++i) {
        // The pair that ends here is looked up before it is entered: it must not find itself.
        if (i >= 2)
            m_after[pairOf(text[i - 2], text[i - 1])].push_back(static_cast<std::uint32_t>(i));
    }
    m_text.assign(text.begin(), text.end());
}

Guess TextGuesser::guess(int nMost) const {
    if (m_text.size() < 2 || nMost < 1) return {};
    const auto found = m_after.find(pairOf(m_text[m_text.size() - 2], m_text.back()));
    if (found == m_after.end()) return {};
    constexpr std::size_t kPlacesTried = 32;
    constexpr std::size_t kLongestMatch = 16;
    std::size_t longest = 0;
    std::size_t place = 0;
    std::size_t nTried = 0;
    for (auto each = found->second.rbegin(); each != found->second.rend() && nTried < kPlacesTried;
         ++each, ++nTried) {
        const std::size_t end = *each;
        std::size_t n = 2;
        while (n < std::min(kLongestMatch, end) &&
               m_text[end - 1 - n] == m_text[m_text.size() - 1 - n]) {
            ++n;
        }
        if (n > longest) {
            longest = n;
            place = end;
        }
    }
    const std::size_t n = std::min(static_cast<std::size_t>(nMost), m_text.size() - place);
    const auto first = m_text.begin() + static_cast<std::ptrdiff_t>(place);
    return {{first, first + static_cast<std::ptrdiff_t>(n)}, evidenceOf(longest)};
}

std::size_t SpeculationGate::sourceOf(int evidence) {
    return static_cast<std::size_t>(std::max(evidence - kDraftEvidence + 1, 0));
}

double SpeculationGate::extraCost(int evidence, int nGuesses) const {
    return m_costPerGuess[sourceOf(evidence)] * nGuesses;
}

SpeculationGate::Seconds SpeculationGate::allowed() const {
    constexpr double kShareAllowed = 0.015;
    constexpr double kTokensAllowed = 2.0;
    return kShareAllowed * m_total + kTokensAllowed * m_plain - m_lost;
}

double SpeculationGate::tokensToLose() const {
    return m_nPlain > 0 ? std::max(allowed() / m_plain, 0.0) : 0.0;
}

int SpeculationGate::choose(int evidence, int nOffered) {
    if (m_isOpen) return std::min(nOffered, kMaxGuesses);
    constexpr int kStepsToKnowTheSpeed = 3;
    if (m_nPlain < kStepsToKnowTheSpeed) return 0;
    double& chance = m_chance[static_cast<std::size_t>(evidence)];
    const Seconds most = allowed();
    int best = 0;
    double bestSpeed = 1.0;  // tokens in a token's time
    double expected = 1.0;
    double allRight = 1.0;
    for (int n = 1; n <= std::min(nOffered, kMaxGuesses); ++n) {
        allRight *= chance;
        expected += allRight;
        const double cost = extraCost(evidence, n);
        if (cost * m_plain > most) break;
        const double speed = expected / (1.0 + cost);
        if (speed > bestSpeed) {
            bestSpeed = speed;
            best = n;
        }
    }
    // Bad experience fades, or a text that begins to repeat itself late would not be noticed.
    if (best == 0 && nOffered > 0) {
        constexpr double kUnknown = 0.4;
        constexpr double kFading = 0.005;
        chance = movedTowards(chance, std::max(chance, kUnknown), kFading);
    }
    return best;
}

void SpeculationGate::countPlain(Seconds time) {
    ++m_nPlain;
    m_total += time;
    // The machine's other work makes some steps slow; the first ones must not weigh for ever.
    constexpr double kShare = 0.1;
    m_plain = m_nPlain == 1 ? time : Seconds(movedTowards(m_plain.count(), time.count(), kShare));
}

void SpeculationGate::countGuessed(int evidence, int nGuessed, int nRight, Seconds time) {
    m_total += time;
    m_lost += time - (1 + nRight) * m_plain;
    constexpr double kShare = 0.1;
    const double extra = time / m_plain - 1.0;
    double& cost = m_costPerGuess[sourceOf(evidence)];
    cost = std::clamp(movedTowards(cost, extra / nGuessed, kShare), 0.01, 2.0);
    // Each guess up to the first wrong one is one trial.
    double& chance = m_chance[static_cast<std::size_t>(evidence)];
    for (int i = 0; i < nRight; ++i) chance = movedTowards(chance, 1.0, kShare);
    if (nRight < nGuessed) chance = movedTowards(chance, 0.0, kShare);
    chance = std::clamp(chance, 0.05, 0.98);
}

}  // namespace conclave::engine
