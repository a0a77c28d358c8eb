#include "engine/sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "engine/sampling/adaptive_target.h"
#include "engine/sampling/infill.h"
#include "engine/sampling/portable_math.h"

namespace conclave::engine {
namespace {

/// Uniform numbers of one seed, made from the Mersenne Twister's as libstdc++ makes them (its
/// generate_canonical), which llama.cpp draws with. The distributions of <random> may differ
/// between standard libraries; the Twister's numbers may not.
class UniformNumbers {
public:
    explicit UniformNumbers(std::uint64_t seed)
        : m_twister(static_cast<std::mt19937::result_type>(seed & 0xFFFFFFFFu)) {}

    /// In [0, 1), from two numbers of 32 bits, the low half first.
    double nextDouble() {
        const auto low = static_cast<double>(m_twister());
        const auto high = static_cast<double>(m_twister());
        return std::min((low + high * 0x1.0p32) * 0x1.0p-64, 1.0 - 0x1.0p-53);
    }

    /// In [0, 1), from one number of 32 bits.
    float nextFloat() {
        return std::min(static_cast<float>(m_twister()) * 0x1.0p-32f, 1.0f - 0x1.0p-24f);
    }

private:
    std::mt19937 m_twister;
};

class SettingsSampler final : public Sampler {
public:
    SettingsSampler(const SamplerSettings& settings, int vocabularySize, const Tokenizer* tokenizer)
        : m_settings(settings),
          m_vocabularySize(std::max(vocabularySize, 1)),
          m_seed(settings.seed ? *settings.seed : seedFromSystem()),
          m_draws(m_seed),
          m_xtcDraws(m_seed),
          m_penalties(settings),
          m_dry(settings, dryBreakers(settings, tokenizer)),
          m_steps(stepsToTake(settings, tokenizer != nullptr)),
          m_isGreedy(isGreedy(settings)),
          m_adaptiveTarget(settings),
          m_mu(2.0 * static_cast<double>(settings.mirostatTau)) {
        if (tokenizer == nullptr) return;
        m_infill.emplace(*tokenizer);
        for (const TokenId token : tokenizer->suppressed()) {
            m_settings.logitBias.emplace_back(token, -std::numeric_limits<float>::infinity());
        }
    }

    void accept(TokenId token) override {
        if (token < 0 || token >= m_vocabularySize) return;
        m_penalties.accept(token);
        m_dry.accept(token);
    }

    TokenId sample(std::span<const float> logits) override {
        if (!prepare(logits)) return 0;
        if (m_isGreedy) return m_candidates.best();
        // Where one is left llama.cpp uses up a number all the same, but not for Mirostat and
        // adaptive-p.
        const bool isPlainDraw = m_settings.mirostat == 0 && !m_adaptiveTarget.isOn();
        const bool usesNumber = isPlainDraw || m_candidates.nSeen() > 1;
        const Candidate chosen = m_candidates.draw(usesNumber ? m_draws.nextDouble() : 0.0);
        if (m_settings.mirostat > 0) {
            // The surprise that the answer had is steered to the one that is wanted.
            const double surprise =
                -portableLog(std::max(chosen.probability, 1e-300)) / portableLog(2.0);
            m_mu -= static_cast<double>(m_settings.mirostatEta) *
                    (surprise - static_cast<double>(m_settings.mirostatTau));
        } else if (m_adaptiveTarget.isOn()) {
            m_adaptiveTarget.accept(chosen.token);
        }
        return chosen.token;
    }

    std::vector<Candidate> distribution(std::span<const float> logits) override {
        if (!prepare(logits)) return {};
        if (m_isGreedy) return {{m_candidates.best(), 0.0f, 1.0}};
        m_candidates.computeProbabilities();
        return {m_candidates.all().begin(), m_candidates.all().end()};
    }

    std::uint64_t seed() const override { return m_seed; }

private:
    static std::uint64_t seedFromSystem() { return std::random_device{}(); }

    static std::vector<DryBreaker> dryBreakers(const SamplerSettings& settings,
                                               const Tokenizer* tokenizer) {
        if (!(settings.dryMultiplier > 0.0f) || tokenizer == nullptr) return {};
        return findDryBreakers(*tokenizer, settings.dryBreakers);
    }

    static bool has(const std::vector<SamplerStep>& steps, SamplerStep step) {
        return std::find(steps.begin(), steps.end(), step) != steps.end();
    }

    /// At temperature 0 the best of what the steps before it leave is taken. Without that step
    /// there is no temperature.
    static bool isGreedy(const SamplerSettings& settings) {
        return !(settings.temperature > 0.0f) && !(settings.temperatureRange > 0.0f) &&
               (settings.mirostat > 0 || has(settings.steps, SamplerStep::Temperature));
    }

    static bool isOn(SamplerStep step, const SamplerSettings& s) {
        constexpr float kMostSensible = 0.5f;  // two tokens cannot both be above it
        switch (step) {
            case SamplerStep::TopNSigma: return s.topNSigma > 0.0f;
            case SamplerStep::TopK: return s.topK > 0;
            case SamplerStep::TypicalP: return s.typicalP < 1.0f;
            case SamplerStep::TopP: return s.topP < 1.0f;
            case SamplerStep::MinP: return s.minP > 0.0f;
            case SamplerStep::Xtc:
                return s.xtcProbability > 0.0f && s.xtcThreshold <= kMostSensible;
            case SamplerStep::AdaptiveP: return false;  // the draw, not a step before it
            case SamplerStep::Penalties:
            case SamplerStep::Dry:
            case SamplerStep::Temperature:
            case SamplerStep::Infill: return true;
        }
        return true;
    }

    /// Leaves the best token in any case.
    static bool keepsBest(SamplerStep step) {
        return step == SamplerStep::TopNSigma || step == SamplerStep::TopK ||
               step == SamplerStep::TopP || step == SamplerStep::MinP;
    }

    /// The steps that change something, in their order. What is after the temperature changes
    /// nothing if that leaves only the best.
    static std::vector<SamplerStep> stepsToTake(const SamplerSettings& settings,
                                                bool hasTokenizer) {
        std::vector<SamplerStep> steps;
        const bool addsInfill = settings.infill && !has(settings.steps, SamplerStep::Infill);
        for (const SamplerStep step : settings.steps) {
            if (step == SamplerStep::Infill && !hasTokenizer) continue;
            if (!isOn(step, settings)) continue;
            const bool isTemperature = step == SamplerStep::Temperature;
            if (isTemperature && addsInfill && hasTokenizer) steps.push_back(SamplerStep::Infill);
            if (isTemperature && isGreedy(settings)) break;
            steps.push_back(step);
        }
        const bool lacksInfill = addsInfill && hasTokenizer && !has(steps, SamplerStep::Infill);
        if (lacksInfill) steps.push_back(SamplerStep::Infill);
        while (isGreedy(settings) && !steps.empty() && keepsBest(steps.back())) steps.pop_back();
        return steps;
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
            if (!m_isGreedy) m_candidates.heat(m_settings.temperature);
            keepByMirostat();
            return true;
        }
        for (const SamplerStep step : m_steps) take(step);
        if (m_adaptiveTarget.isOn() && !m_isGreedy) m_adaptiveTarget.apply(m_candidates);
        return true;
    }

    void take(SamplerStep step) {
        const SamplerSettings& s = m_settings;
        switch (step) {
            case SamplerStep::Penalties: return m_penalties.apply(m_candidates);
            case SamplerStep::Dry: return m_dry.apply(m_candidates);
            case SamplerStep::TopNSigma:
                return m_candidates.keepTopSigma(static_cast<double>(s.topNSigma));
            case SamplerStep::TopK: return m_candidates.keepTop(static_cast<std::size_t>(s.topK));
            case SamplerStep::TypicalP:
                return m_candidates.keepTypical(static_cast<double>(s.typicalP));
            case SamplerStep::TopP: return m_candidates.keepNucleus(static_cast<double>(s.topP));
            case SamplerStep::MinP: return m_candidates.keepMinP(static_cast<double>(s.minP));
            case SamplerStep::Xtc: return dropTopChoices();
            case SamplerStep::Infill: return m_infill->apply(m_candidates);
            case SamplerStep::Temperature: return setTemperature();
            case SamplerStep::AdaptiveP: return;
        }
    }

    void dropTopChoices() {
        if (m_candidates.nSeen() > 1 && m_xtcDraws.nextFloat() <= m_settings.xtcProbability) {
            m_candidates.dropTopChoices(static_cast<double>(m_settings.xtcThreshold));
        }
    }

    void setTemperature() {
        if (m_isGreedy) return;
        const float middle = m_settings.temperature;
        const float range = m_settings.temperatureRange;
        float temperature = middle;
        if (range > 0.0f) {
            temperature = static_cast<float>(m_candidates.dynamicTemperature(
                static_cast<double>(std::max(0.0f, middle - range)),
                static_cast<double>(middle + range),
                static_cast<double>(m_settings.temperatureExponent)));
        }
        constexpr float kColdest = 1e-6f;  // all weight is on the best
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
        // A flat distribution has no such law, and k no meaning: llama.cpp takes the best alone
        // where an int cannot hold it.
        if (k > static_cast<double>(std::numeric_limits<int>::max())) k = 1.0;
        const double most = static_cast<double>(m_candidates.size());
        m_candidates.keepTop(static_cast<std::size_t>(std::clamp(k, 1.0, most)));
    }

    SamplerSettings m_settings;
    int m_vocabularySize;
    std::uint64_t m_seed;
    UniformNumbers m_draws;
    UniformNumbers m_xtcDraws;  ///< XTC's dice are its own, of the same seed
    Penalties m_penalties;
    DryPenalty m_dry;
    std::vector<SamplerStep> m_steps;
    bool m_isGreedy;
    std::optional<InfillStep> m_infill;
    AdaptiveTarget m_adaptiveTarget;
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
        {s.adaptiveTarget, -kMany, 1.0f, "adaptive_target"},
        {s.adaptiveDecay, 0.0f, 0.99f, "adaptive_decay"},
    };
    for (const Bound& bound : bounds) {
        if (auto checked = check(bound.value, bound.least, bound.most, bound.name); !checked) {
            return checked;
        }
    }
    return {};
}

std::unique_ptr<Sampler> Sampler::create(const SamplerSettings& settings, int vocabularySize,
                                         const Tokenizer* tokenizer) {
    return std::make_unique<SettingsSampler>(settings, vocabularySize, tokenizer);
}

}  // namespace conclave::engine
