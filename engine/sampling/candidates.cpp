#include "engine/sampling/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/sampling/portable_math.h"

namespace conclave::engine {
namespace {

constexpr float kLargestLogit = std::numeric_limits<float>::max();

/// Where the heap functions put the best on top.
bool isWorse(const Candidate& a, const Candidate& b) { return isBetter(b, a); }

/// A probability of 0 counts as the smallest that the exponential gives.
double surpriseOf(double probability) {
    constexpr double kAlmostZero = 1e-300;
    return -portableLog(std::max(probability, kAlmostZero));
}

}  // namespace

bool isBetter(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

void Candidates::gather(std::span<const float> logits) {
    const auto collect = [&](bool all) {
        m_all.clear();
        m_all.reserve(logits.size());
        for (std::size_t i = 0; i < logits.size(); ++i) {
            const float logit = std::isnan(logits[i]) ? -kLargestLogit : logits[i];
            if (!all && std::isinf(logit) && logit < 0.0f) continue;
            m_all.push_back(
                {static_cast<TokenId>(i), std::clamp(logit, -kLargestLogit, kLargestLogit), 0.0});
        }
    };
    collect(false);
    if (m_all.empty()) collect(true);
    m_isByToken = true;
    m_isSorted = false;
    m_nImpossible = 0;
}

TokenId Candidates::best() const {
    return m_isSorted ? m_all.front().token
                      : std::min_element(m_all.begin(), m_all.end(), isBetter)->token;
}

float* Candidates::logitOf(TokenId token) {
    const auto isIt = [&](const Candidate& candidate) { return candidate.token == token; };
    auto found = m_all.end();
    if (token >= 0 && token < std::ssize(m_all) && isIt(m_all[static_cast<std::size_t>(token)])) {
        found = m_all.begin() + token;  // nothing before it was left out
    } else if (m_isByToken) {
        found = std::lower_bound(
            m_all.begin(), m_all.end(), token,
            [](const Candidate& candidate, TokenId wanted) { return candidate.token < wanted; });
    } else {
        found = std::find_if(m_all.begin(), m_all.end(), isIt);
    }
    if (found == m_all.end() || !isIt(*found)) return nullptr;
    m_isSorted = false;
    return &found->logit;
}

void Candidates::addToLogit(TokenId token, float delta) {
    float* logit = logitOf(token);
    if (logit != nullptr && !std::isnan(delta)) {
        *logit = std::clamp(*logit + delta, -kLargestLogit, kLargestLogit);
    }
}

float Candidates::largestLogit() const {
    return m_isSorted ? m_all.front().logit
                      : std::min_element(m_all.begin(), m_all.end(), isBetter)->logit;
}

void Candidates::computeProbabilities() {
    const double largest = largestLogit();
    double total = 0.0;
    for (Candidate& candidate : m_all) {
        candidate.probability = portableExp(candidate.logit - largest);
        total += candidate.probability;
    }
    for (Candidate& candidate : m_all) candidate.probability /= total;
}

void Candidates::heat(float temperature) {
    for (Candidate& candidate : m_all) {
        if (candidate.logit <= -kLargestLogit) continue;  // banned, and stays so
        candidate.logit = std::clamp(candidate.logit / temperature, -kLargestLogit, kLargestLogit);
    }
}

void Candidates::sortBestFirst() {
    if (!m_isSorted) std::sort(m_all.begin(), m_all.end(), isBetter);
    m_isSorted = true;
    m_isByToken = false;
}

void Candidates::keepTopSigma(double n) {
    // Tokens that were banned are no part of the distribution.
    const auto isBanned = [](const Candidate& candidate) {
        return candidate.logit <= -kLargestLogit;
    };
    double sum = 0.0;
    double nValid = 0.0;
    for (const Candidate& candidate : m_all) {
        if (isBanned(candidate)) continue;
        sum += candidate.logit;
        nValid += 1.0;
    }
    if (nValid < 2.0) return;
    const double mean = sum / nValid;
    double squares = 0.0;
    for (const Candidate& candidate : m_all) {
        if (!isBanned(candidate)) squares += (candidate.logit - mean) * (candidate.logit - mean);
    }
    const double lowest = largestLogit() - n * std::sqrt(squares / nValid);
    m_nImpossible = std::erase_if(m_all, [&](const Candidate& candidate) {
        return static_cast<double>(candidate.logit) < lowest;
    });
}

void Candidates::keepTop(std::size_t k) {
    m_nImpossible = std::min(k, m_all.size() + m_nImpossible) - std::min(k, m_all.size());
    if (k >= m_all.size()) return sortBestFirst();
    const auto end = m_all.begin() + static_cast<std::ptrdiff_t>(k);
    if (!m_isSorted) std::partial_sort(m_all.begin(), end, m_all.end(), isBetter);
    m_all.erase(end, m_all.end());
    m_isSorted = true;
    m_isByToken = false;
}

void Candidates::keepTypical(double share) {
    m_nImpossible = 0;
    computeProbabilities();
    std::vector<double> surprise(m_all.size());
    double entropy = 0.0;
    for (std::size_t i = 0; i < surprise.size(); ++i) {
        surprise[i] = surpriseOf(m_all[i].probability);
        entropy += m_all[i].probability * surprise[i];
    }
    std::vector<std::size_t> order(surprise.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const double distanceA = std::abs(surprise[a] - entropy);
        const double distanceB = std::abs(surprise[b] - entropy);
        return distanceA != distanceB ? distanceA < distanceB : m_all[a].token < m_all[b].token;
    });
    std::vector<Candidate> kept;
    double total = 0.0;
    for (const std::size_t i : order) {
        kept.push_back(m_all[i]);
        total += m_all[i].probability;
        if (total > share) break;
    }
    m_all = std::move(kept);
    m_isSorted = false;
    m_isByToken = false;
}

void Candidates::keepNucleus(double share) {
    m_nImpossible = 0;
    computeProbabilities();
    double total = 0.0;
    if (m_isSorted) {
        const auto last = std::find_if(m_all.begin(), m_all.end(), [&](const Candidate& candidate) {
            total += candidate.probability;
            return total >= share;
        });
        if (last != m_all.end()) m_all.erase(last + 1, m_all.end());
        return;
    }
    // Without a top-k the nucleus is small beside the vocabulary: a heap sorts only as far as
    // needed.
    std::vector<Candidate> kept;
    std::make_heap(m_all.begin(), m_all.end(), isWorse);
    while (!m_all.empty() && (kept.empty() || total < share)) {
        std::pop_heap(m_all.begin(), m_all.end(), isWorse);
        total += m_all.back().probability;
        kept.push_back(m_all.back());
        m_all.pop_back();
    }
    m_all = std::move(kept);
    m_isSorted = true;
    m_isByToken = false;
}

void Candidates::keepMinP(double share) {
    m_nImpossible = 0;
    const double lowest = largestLogit() + portableLog(std::min(share, 1.0));
    std::erase_if(m_all, [&](const Candidate& candidate) {
        return static_cast<double>(candidate.logit) < lowest;
    });
}

void Candidates::dropTopChoices(double threshold) {
    if (m_all.size() < 2) return;
    sortBestFirst();
    computeProbabilities();
    const auto unlikely = std::find_if(m_all.begin(), m_all.end(), [&](const Candidate& candidate) {
        return candidate.probability < threshold;
    });
    if (unlikely - m_all.begin() > 1) m_all.erase(m_all.begin(), unlikely - 1);
}

void Candidates::preferProbability(double target) {
    constexpr double kPeak = 5.0;
    constexpr double kSharpness = 10.0;
    constexpr double kWidth = 0.3;
    for (Candidate& candidate : m_all) {
        // A parabola near the target, straight lines further off.
        const double distance = std::abs(candidate.probability - target) / kWidth;
        candidate.logit =
            static_cast<float>(kPeak - kSharpness * distance * distance / (1.0 + distance));
    }
    m_isSorted = false;
}

void Candidates::keepOnly(std::vector<Candidate> kept) {
    m_all = std::move(kept);
    m_nImpossible = 0;
    m_isByToken = false;
}

double Candidates::dynamicTemperature(double lowest, double highest, double exponent) {
    const auto nPossible = static_cast<double>(nSeen());
    if (nPossible < 2.0) return highest;
    sortBestFirst();
    computeProbabilities();
    double entropy = 0.0;
    for (const Candidate& candidate : m_all) {
        if (candidate.probability > 0.0) {
            entropy += candidate.probability * surpriseOf(candidate.probability);
        }
    }
    const double share = entropy / portableLog(nPossible);
    const double power = share > 0.0 ? portableExp(exponent * portableLog(share)) : 0.0;
    return lowest + (highest - lowest) * power;
}

double Candidates::zipfExponent(std::size_t n) {
    sortBestFirst();
    computeProbabilities();
    double products = 0.0;
    double squares = 0.0;
    for (std::size_t i = 0; i + 1 < std::min(n, m_all.size()); ++i) {
        const auto rank = static_cast<double>(i);
        const double t = portableLog((rank + 2.0) / (rank + 1.0));
        const double b = surpriseOf(m_all[i + 1].probability) - surpriseOf(m_all[i].probability);
        products += t * b;
        squares += t * t;
    }
    return squares > 0.0 ? products / squares : 0.0;
}

void Candidates::keepLessSurprising(double bits) {
    sortBestFirst();
    computeProbabilities();
    const double lowest = portableExp(-bits * portableLog(2.0));
    const auto end = std::find_if(m_all.begin() + 1, m_all.end(), [&](const Candidate& candidate) {
        return candidate.probability < lowest;
    });
    m_all.erase(end, m_all.end());
}

Candidate Candidates::draw(double uniform) {
    // Weights are rounded to floats as llama.cpp's are, so that sums end on the same side.
    const float largest = largestLogit();
    double total = 0.0;
    for (Candidate& candidate : m_all) {
        const auto distance = static_cast<double>(candidate.logit - largest);
        candidate.probability = static_cast<double>(static_cast<float>(portableExp(distance)));
        total += candidate.probability;
    }
    const double target = total * uniform;
    double sum = 0.0;
    const Candidate* chosen = &m_all.front();
    for (const Candidate& candidate : m_all) {
        if (candidate.probability <= 0.0) continue;
        sum += candidate.probability;
        chosen = &candidate;
        if (sum >= target) break;
    }
    return {chosen->token, chosen->logit, chosen->probability / total};
}

}  // namespace conclave::engine
