#include "engine/runtime/speculation.h"

#include <algorithm>

namespace conclave::engine {
namespace {

constexpr std::size_t kChains = 4096;

std::size_t chainOf(TokenId first, TokenId second) {
    constexpr std::uint32_t kMix = 0x9E3779B1U;  // of Fibonacci hashing
    constexpr unsigned kShift = 20;              // leaves 12 bits, one of kChains
    return ((static_cast<std::uint32_t>(first) * 31U + static_cast<std::uint32_t>(second)) *
            kMix) >>
           kShift;
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

TextGuesser::TextGuesser() : m_last(kChains, -1) {}

void TextGuesser::clear() {
    m_text.clear();
    m_before.clear();
    std::ranges::fill(m_last, -1);
}

void TextGuesser::follow(std::span<const TokenId> text) {
    const bool continues =
        text.size() >= m_text.size() && std::equal(m_text.begin(), m_text.end(), text.begin());
    if (!continues) clear();
    for (const TokenId token : text.subspan(m_text.size())) add(token);
}

void TextGuesser::add(TokenId token) {
    const std::size_t n = m_text.size();
    // The pair before the new token is entered now, and the pair that it ends with the next one: so
    // no pair finds itself.
    if (n >= 2) {
        std::int32_t& last = m_last[chainOf(m_text[n - 2], m_text[n - 1])];
        m_before.push_back(last);
        last = static_cast<std::int32_t>(n);
    } else {
        m_before.push_back(-1);
    }
    m_text.push_back(token);
}

TextGuesser::Found TextGuesser::find(int nMost) const {
    const std::size_t size = m_text.size();
    if (size < 2 || nMost < 1) return {};
    constexpr int kPlacesTried = 16;
    constexpr std::size_t kLongestMatch = 16;
    std::size_t longest = 1;
    std::size_t place = 0;
    std::int32_t next = m_last[chainOf(m_text[size - 2], m_text[size - 1])];
    for (int i = 0; i < kPlacesTried && next >= 0 && longest < kLongestMatch; ++i) {
        const auto end = static_cast<std::size_t>(next);
        std::size_t n = 0;
        while (n < std::min(kLongestMatch, end) && m_text[end - 1 - n] == m_text[size - 1 - n]) ++n;
        if (n > longest) {
            longest = n;
            place = end;
        }
        next = m_before[end];
    }
    if (longest < 2) return {};  // another pair of the same chain
    const std::size_t n = std::min(static_cast<std::size_t>(nMost), size - place);
    return {std::span(m_text).subspan(place, n), evidenceOf(longest)};
}

std::size_t SpeculationGate::sourceOf(int evidence) {
    return static_cast<std::size_t>(std::max(evidence - kDraftEvidence + 1, 0));
}

double SpeculationGate::extraCost(int evidence, int nGuesses) const {
    return m_costPerGuess[sourceOf(evidence)] * nGuesses;
}

int SpeculationGate::choose(int evidence, int nOffered) {
    if (m_isOpen) return std::min(nOffered, kMaxGuesses);
    double& chance = m_chance[static_cast<std::size_t>(evidence)];
    int best = 0;
    // In tokens per token's time. Chances and costs are estimates: what promises less is not worth
    // the risk.
    double bestSpeed = 1.05;
    double expected = 1.0;
    double allRight = 1.0;
    bool isAffordable = true;
    for (int n = 1; n <= std::min(nOffered, kMaxGuesses) && isAffordable; ++n) {
        allRight *= chance;
        expected += allRight;
        const double cost = extraCost(evidence, n);
        isAffordable = cost <= m_purse;
        const double speed = expected / (1.0 + cost);
        if (isAffordable && speed > bestSpeed) {
            bestSpeed = speed;
            best = n;
        }
    }
    if (best == 0 && isAffordable && nOffered > 0) {
        // What one unlucky pass has cost is forgotten in time, and so is experience that cannot be
        // had without a pass: the next try is rare, and paid from the purse.
        constexpr double kUsualCost = 0.6;
        constexpr double kUsualChance = 0.7;
        constexpr double kFading = 0.002;
        double& cost = m_costPerGuess[sourceOf(evidence)];
        cost = movedTowards(cost, std::min(cost, kUsualCost), kFading);
        if (evidence >= kDraftEvidence) {
            chance = movedTowards(chance, std::max(chance, kUsualChance), kFading);
        }
    }
    return best;
}

bool SpeculationGate::wantsTime() const {
    constexpr std::uint64_t kFirst = 8;
    constexpr std::uint64_t kEvery = 8;
    return m_nPlain < kFirst || m_nPlain % kEvery == 0;
}

void SpeculationGate::countPlain(Seconds time) {
    // The machine's other work makes some steps slow; the first ones must not weigh for ever.
    constexpr double kShare = 0.1;
    m_plain = m_nPlain == 0 ? time : Seconds(movedTowards(m_plain.count(), time.count(), kShare));
    countPlain();
}

void SpeculationGate::countPlain() {
    constexpr double kShareOfTime = 0.015;
    ++m_nPlain;
    pay(kShareOfTime);
}

void SpeculationGate::pay(double tokens) {
    constexpr double kMostTokens = 2.0;
    m_purse = std::min(m_purse + tokens, kMostTokens);
}

void SpeculationGate::countGuessed(int evidence, int nGuessed, int nRight, Seconds time) {
    if (m_nPlain > 0) {
        const double taken = time / m_plain;
        pay(1.0 + nRight - taken);
        constexpr double kShare = 0.2;
        double& cost = m_costPerGuess[sourceOf(evidence)];
        cost = std::clamp(movedTowards(cost, (taken - 1.0) / nGuessed, kShare), 0.01, 2.0);
    }
    // Each guess up to the first wrong one is one trial.
    for (int i = 0; i < nRight; ++i) learn(evidence, true);
    if (nRight < nGuessed) learn(evidence, false);
}

void SpeculationGate::countUnmade(int evidence, bool wasRight) { learn(evidence, wasRight); }

void SpeculationGate::learn(int evidence, bool wasRight) {
    constexpr double kShare = 0.1;
    double& chance = m_chance[static_cast<std::size_t>(evidence)];
    chance = std::clamp(movedTowards(chance, wasRight ? 1.0 : 0.0, kShare), 0.05, 0.98);
}

}  // namespace conclave::engine
