#include "engine/sampling/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <utility>

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

class SettingsSampler final : public Sampler {
public:
    SettingsSampler(const SamplerSettings& settings, int vocabularySize,
                    std::vector<DryBreaker> breakers)
        : m_settings(settings),
          m_vocabularySize(std::max(vocabularySize, 1)),
          m_seed(settings.seed ? *settings.seed : seedFromSystem()),
          m_random(m_seed),
          m_penalties(settings),
          m_dry(settings, std::move(breakers)),
          m_mu(2.0 * static_cast<double>(settings.mirostatTau)) {}

    void accept(TokenId token) override {
        if (token < 0 || token >= m_vocabularySize) return;
        m_penalties.accept(token);
        m_dry.accept(token);
    }

    TokenId sample(std::span<const float> logits) override {
        if (!prepare(logits)) return 0;
        if (isGreedy()) return m_candidates.best();
        m_candidates.computeProbabilities();
        const Candidate& chosen = m_candidates.at(m_random.next());
        if (m_settings.mirostat > 0) {
            // The surprise that the answer had is steered to the one that is wanted.
            const double surprise =
                -portableLog(std::max(chosen.probability, 1e-300)) / portableLog(2.0);
            m_mu -= static_cast<double>(m_settings.mirostatEta) *
                    (surprise - static_cast<double>(m_settings.mirostatTau));
        }
        return chosen.token;
    }

    std::vector<Candidate> distribution(std::span<const float> logits) override {
        if (!prepare(logits)) return {};
        if (isGreedy()) return {{m_candidates.best(), 0.0f, 1.0}};
        m_candidates.computeProbabilities();
        return {m_candidates.all().begin(), m_candidates.all().end()};
    }

    std::uint64_t seed() const override { return m_seed; }

private:
    static std::uint64_t seedFromSystem() {
        std::random_device device;
        return (std::uint64_t{device()} << 32u) | device();
    }

    /// Without a temperature the best of what the other steps leave is taken.
    bool isGreedy() const {
        return !(m_settings.temperature > 0.0f) && !(m_settings.temperatureRange > 0.0f);
    }

    /// The whole chain but the draw. False if there is nothing to choose from.
    bool prepare(std::span<const float> logits) {
        m_candidates.gather(logits);
        if (m_candidates.empty()) return false;
        for (const auto& [token, bias] : m_settings.logitBias) {
            m_candidates.addToLogit(token, bias);
        }
        if (m_settings.mirostat > 0) {
            // As in llama.cpp: it takes the place of the other steps.
            if (!isGreedy()) m_candidates.heat(static_cast<double>(m_settings.temperature));
            keepByMirostat();
            return true;
        }
        m_penalties.apply(m_candidates);
        m_dry.apply(m_candidates);
        thinOut();
        setTemperature();
        return true;
    }

    void thinOut() {
        const SamplerSettings& s = m_settings;
        const bool keepsBest = s.typicalP >= 1.0f && s.xtcProbability <= 0.0f;
        if (isGreedy() && keepsBest) return;
        if (s.topNSigma > 0.0f) m_candidates.keepTopSigma(static_cast<double>(s.topNSigma));
        if (s.topK > 0) m_candidates.keepTop(static_cast<std::size_t>(s.topK));
        if (s.typicalP < 1.0f) m_candidates.keepTypical(static_cast<double>(s.typicalP));
        if (s.topP < 1.0f) m_candidates.keepNucleus(static_cast<double>(s.topP));
        if (s.minP > 0.0f) m_candidates.keepMinP(static_cast<double>(s.minP));
        constexpr float kMostSensible = 0.5f;  // two tokens cannot both be above it
        const bool mayDrop =
            s.xtcProbability > 0.0f && s.xtcThreshold <= kMostSensible && m_candidates.size() > 1;
        if (mayDrop && m_random.next() <= static_cast<double>(s.xtcProbability)) {
            m_candidates.dropTopChoices(static_cast<double>(s.xtcThreshold));
        }
    }

    void setTemperature() {
        if (isGreedy()) return;
        const auto middle = static_cast<double>(m_settings.temperature);
        const auto range = static_cast<double>(m_settings.temperatureRange);
        double temperature = middle;
        if (range > 0.0) {
            temperature = m_candidates.dynamicTemperature(
                std::max(0.0, middle - range), middle + range,
                static_cast<double>(m_settings.temperatureExponent));
        }
        constexpr double kColdest = 1e-6;  // all weight is on the best
        m_candidates.heat(std::max(temperature, kColdest));
    }

    void keepByMirostat() {
        if (m_settings.mirostat == 2) {
            m_candidates.keepLessSurprising(m_mu);
            return;
        }
        constexpr std::size_t kRanksFitted = 100;
        const double s = m_candidates.zipfExponent(kRanksFitted);
        const double epsilon = s - 1.0;
        const double denominator =
            1.0 - portableExp(-epsilon * portableLog(static_cast<double>(m_vocabularySize)));
        const double ratio = epsilon * portableExp(m_mu * portableLog(2.0)) / denominator;
        double k = 1.0;
        if (s != 0.0 && ratio > 0.0 && std::isfinite(ratio)) {
            k = portableExp(portableLog(ratio) / s);
        }
        const double most = static_cast<double>(m_candidates.size());
        m_candidates.keepTop(static_cast<std::size_t>(std::clamp(k, 1.0, most)));
    }

    SamplerSettings m_settings;
    int m_vocabularySize;
    std::uint64_t m_seed;
    RandomNumbers m_random;
    Penalties m_penalties;
    DryPenalty m_dry;
    double m_mu;  ///< Mirostat's bound on surprise, in bits
    Candidates m_candidates;
};

}  // namespace

Result<void> checkSampling(const SamplerSettings& settings) {
    const auto check = [](float value, float least, float most, const char* name) -> Result<void> {
        if (value >= least && value <= most) return {};
        return fail(ErrorCode::InvalidArgument, std::string("the sampler setting ") + name +
                                                    " is " + std::to_string(value) +
                                                    ", but must be from " + std::to_string(least) +
                                                    " to " + std::to_string(most));
    };
    constexpr float kMany = 1e6f;
    const SamplerSettings& s = settings;
    struct Bound {
        float value;
        float least;
        float most;
        const char* name;
    };
    const Bound bounds[] = {
        {s.temperature, -kMany, kMany, "temperature"},
        {s.temperatureRange, 0.0f, kMany, "dynatemp_range"},
        {s.temperatureExponent, 0.0f, 100.0f, "dynatemp_exponent"},
        {s.topP, 0.0f, kMany, "top_p"},
        {s.minP, -kMany, 1.0f, "min_p"},
        {s.typicalP, 0.0f, kMany, "typical_p"},
        {s.topNSigma, -kMany, kMany, "top_n_sigma"},
        {s.xtcProbability, 0.0f, 1.0f, "xtc_probability"},
        {s.xtcThreshold, 0.0f, 1.0f, "xtc_threshold"},
        {s.repeatPenalty, 1e-3f, kMany, "repeat_penalty"},
        {s.frequencyPenalty, -kMany, kMany, "frequency_penalty"},
        {s.presencePenalty, -kMany, kMany, "presence_penalty"},
        {s.dryMultiplier, 0.0f, kMany, "dry_multiplier"},
        {s.dryBase, 0.0f, kMany, "dry_base"},
        {static_cast<float>(s.mirostat), 0.0f, 2.0f, "mirostat"},
        {s.mirostatTau, 0.0f, 100.0f, "mirostat_tau"},
        {s.mirostatEta, 0.0f, 100.0f, "mirostat_eta"},
    };
    for (const Bound& bound : bounds) {
        if (auto checked = check(bound.value, bound.least, bound.most, bound.name); !checked) {
            return checked;
        }
    }
    return {};
}

std::unique_ptr<Sampler> Sampler::create(const SamplerSettings& settings, int vocabularySize,
                                         std::vector<DryBreaker> breakers) {
    return std::make_unique<SettingsSampler>(settings, vocabularySize, std::move(breakers));
}

}  // namespace conclave::engine
