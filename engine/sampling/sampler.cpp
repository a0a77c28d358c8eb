#include "engine/sampling/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <limits>
#include <random>
#include <unordered_map>
#include <vector>

#include "engine/sampling/portable_math.h"

namespace conclave::engine {
namespace {

/// xoshiro256++ (Blackman and Vigna, doi:10.1145/3460772), its state filled by SplitMix64.
class RandomNumbers {
public:
    explicit RandomNumbers(std::uint64_t seed) {
        for (std::uint64_t& word : m_state) {
            seed += 0x9E3779B97F4A7C15u;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30u)) * 0xBF58476D1CE4E5B9u;
            z = (z ^ (z >> 27u)) * 0x94D049BB133111EBu;
            word = z ^ (z >> 31u);
        }
    }

    /// Uniform in [0, 1), in steps of 2^-53.
    double next() {
        const std::uint64_t result = std::rotl(m_state[0] + m_state[3], 23) + m_state[0];
        const std::uint64_t shifted = m_state[1] << 17u;
        m_state[2] ^= m_state[0];
        m_state[3] ^= m_state[1];
        m_state[1] ^= m_state[2];
        m_state[0] ^= m_state[3];
        m_state[2] ^= shifted;
        m_state[3] = std::rotl(m_state[3], 45);
        return static_cast<double>(result >> 11u) * 0x1.0p-53;
    }

private:
    std::uint64_t m_state[4] = {};
};

struct Candidate {
    TokenId token = 0;
    float logit = 0.0f;
    double probability = 0.0;
};

/// Best first; equal logits go by the lower id, so that the order is always the same.
bool better(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

/// Where the heap functions put the best on top.
bool worse(const Candidate& a, const Candidate& b) { return better(b, a); }

class SettingsSampler final : public Sampler {
public:
    SettingsSampler(const SamplerSettings& settings, int vocabularySize)
        : m_settings(settings),
          m_vocabularySize(std::max(vocabularySize, 1)),
          m_seed(settings.seed ? *settings.seed : seedFromSystem()),
          m_random(m_seed) {}

    void accept(TokenId token) override {
        if (!penalises() || token < 0 || token >= m_vocabularySize) return;
        ++m_counts[token];
        m_window.push_back(token);
        if (m_settings.penaltyWindow < 0 ||
            std::ssize(m_window) <= std::ptrdiff_t{m_settings.penaltyWindow}) {
            return;
        }
        const auto oldest = m_counts.find(m_window.front());
        if (--oldest->second == 0) m_counts.erase(oldest);
        m_window.pop_front();
    }

    TokenId sample(std::span<const float> logits) override {
        gather(logits);
        applyBias();
        applyPenalties();
        if (m_candidates.empty()) return 0;
        if (!(m_settings.temperature > 0.0f)) {
            return std::min_element(m_candidates.begin(), m_candidates.end(), better)->token;
        }
        keepTopK();
        keepTypical();
        keepTopP();
        keepMinP();
        return draw();
    }

    std::uint64_t seed() const override { return m_seed; }

private:
    static std::uint64_t seedFromSystem() {
        std::random_device device;
        return (std::uint64_t{device()} << 32u) | device();
    }

    bool penalises() const {
        return m_settings.penaltyWindow != 0 &&
               (m_settings.repeatPenalty != 1.0f || m_settings.frequencyPenalty != 0.0f ||
                m_settings.presencePenalty != 0.0f);
    }

    /// A damaged model gives infinities and NaN: they must not reach comparisons and sums.
    void gather(std::span<const float> logits) {
        m_candidates.clear();
        m_candidates.reserve(logits.size());
        constexpr float kLargest = std::numeric_limits<float>::max();
        for (std::size_t i = 0; i < logits.size(); ++i) {
            const float logit = std::isnan(logits[i]) ? -kLargest : logits[i];
            m_candidates.push_back(
                {static_cast<TokenId>(i), std::clamp(logit, -kLargest, kLargest), 0.0});
        }
        m_sorted = false;
    }

    void applyBias() {
        for (const auto& [token, bias] : m_settings.logitBias) {
            if (token < 0 || token >= std::ssize(m_candidates) || std::isnan(bias)) continue;
            constexpr float kLargest = std::numeric_limits<float>::max();
            float& logit = m_candidates[static_cast<std::size_t>(token)].logit;
            logit = std::clamp(logit + bias, -kLargest, kLargest);
        }
    }

    /// The repeat penalty of CTRL (arXiv:1909.05858), made to lower negative logits too; then
    /// frequency and presence as in OpenAI's API.
    void applyPenalties() {
        for (const auto& [token, count] : m_counts) {
            if (token >= std::ssize(m_candidates)) continue;
            float& logit = m_candidates[static_cast<std::size_t>(token)].logit;
            logit =
                logit <= 0.0f ? logit * m_settings.repeatPenalty : logit / m_settings.repeatPenalty;
            logit -= static_cast<float>(count) * m_settings.frequencyPenalty +
                     m_settings.presencePenalty;
            if (std::isnan(logit)) logit = std::numeric_limits<float>::lowest();
        }
    }

    void keepTopK() {
        if (m_settings.topK <= 0 || m_settings.topK >= std::ssize(m_candidates)) return;
        const auto end = m_candidates.begin() + m_settings.topK;
        std::partial_sort(m_candidates.begin(), end, m_candidates.end(), better);
        m_candidates.erase(end, m_candidates.end());
        m_sorted = true;
    }

    float largestLogit() const {
        return m_sorted ? m_candidates.front().logit
                        : std::min_element(m_candidates.begin(), m_candidates.end(), better)->logit;
    }

    void computeProbabilities(double temperature) {
        const double largest = largestLogit();
        double total = 0.0;
        for (Candidate& candidate : m_candidates) {
            candidate.probability = portableExp((candidate.logit - largest) / temperature);
            total += candidate.probability;
        }
        for (Candidate& candidate : m_candidates) candidate.probability /= total;
    }

    /// Locally typical sampling (arXiv:2202.00666): keeps the tokens whose surprise is nearest to
    /// the entropy until they hold the share typicalP.
    void keepTypical() {
        if (m_settings.typicalP >= 1.0f) return;
        computeProbabilities(1.0);
        std::vector<double> surprise(m_candidates.size());
        double entropy = 0.0;
        for (std::size_t i = 0; i < surprise.size(); ++i) {
            const double probability = m_candidates[i].probability;
            surprise[i] = probability > 0.0 ? -portableLog(std::max(probability, 1e-300)) : 700.0;
            entropy += probability * surprise[i];
        }
        std::vector<std::size_t> order(surprise.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            const double distanceA = std::abs(surprise[a] - entropy);
            const double distanceB = std::abs(surprise[b] - entropy);
            return distanceA != distanceB ? distanceA < distanceB
                                          : m_candidates[a].token < m_candidates[b].token;
        });
        std::vector<Candidate> kept;
        double total = 0.0;
        for (const std::size_t i : order) {
            kept.push_back(m_candidates[i]);
            total += m_candidates[i].probability;
            if (total > static_cast<double>(m_settings.typicalP)) break;
        }
        m_candidates = std::move(kept);
        std::sort(m_candidates.begin(), m_candidates.end(), better);
        m_sorted = true;
    }

    /// Nucleus sampling (arXiv:1904.09751): the best tokens that together hold the share topP.
    void keepTopP() {
        if (m_settings.topP >= 1.0f) return;
        computeProbabilities(1.0);
        const auto share = static_cast<double>(m_settings.topP);
        double total = 0.0;
        if (m_sorted) {
            const auto last = std::find_if(m_candidates.begin(), m_candidates.end(),
                                           [&](const Candidate& candidate) {
                                               total += candidate.probability;
                                               return total >= share;
                                           });
            if (last != m_candidates.end()) m_candidates.erase(last + 1, m_candidates.end());
            return;
        }
        // Without a top-k the nucleus is small beside the vocabulary: a heap sorts only as far as
        // needed.
        std::vector<Candidate> kept;
        std::make_heap(m_candidates.begin(), m_candidates.end(), worse);
        while (!m_candidates.empty() && (kept.empty() || total < share)) {
            std::pop_heap(m_candidates.begin(), m_candidates.end(), worse);
            total += m_candidates.back().probability;
            kept.push_back(m_candidates.back());
            m_candidates.pop_back();
        }
        m_candidates = std::move(kept);
        m_sorted = true;
    }

    /// Min-p sampling (arXiv:2407.01082): at least minP times as likely as the best.
    void keepMinP() {
        if (m_settings.minP <= 0.0f) return;
        const auto share = static_cast<double>(std::min(m_settings.minP, 1.0f));
        const double lowest = largestLogit() + portableLog(share);
        std::erase_if(m_candidates, [&](const Candidate& candidate) {
            return static_cast<double>(candidate.logit) < lowest;
        });
    }

    TokenId draw() {
        computeProbabilities(static_cast<double>(m_settings.temperature));
        const double target = m_random.next();
        double total = 0.0;
        const Candidate* lastPossible = &m_candidates.front();
        for (const Candidate& candidate : m_candidates) {
            if (candidate.probability <= 0.0) continue;
            total += candidate.probability;
            lastPossible = &candidate;
            if (target < total) break;
        }
        return lastPossible->token;
    }

    SamplerSettings m_settings;
    int m_vocabularySize;
    std::uint64_t m_seed;
    RandomNumbers m_random;
    std::vector<Candidate> m_candidates;
    bool m_sorted = false;  ///< m_candidates is best first
    std::deque<TokenId> m_window;
    std::unordered_map<TokenId, int> m_counts;  ///< of the tokens in m_window
};

}  // namespace

std::unique_ptr<Sampler> Sampler::create(const SamplerSettings& settings, int vocabularySize) {
    return std::make_unique<SettingsSampler>(settings, vocabularySize);
}

}  // namespace conclave::engine
