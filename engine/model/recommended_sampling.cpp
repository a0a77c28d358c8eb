#include "engine/model/recommended_sampling.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/utf8.h"

namespace conclave::engine {
namespace {

/// llama.cpp reads numbers that are written as texts, too.
std::optional<double> recommendedNumber(const GgufFile& file, const std::string& key) {
    std::optional<double> value = file.number(key);
    if (const auto text = file.string(key)) {
        double parsed = 0.0;
        const auto [end, error] =
            std::from_chars(text->data(), text->data() + text->size(), parsed);
        if (error == std::errc() && end == text->data() + text->size()) value = parsed;
    }
    return value && std::isfinite(*value) ? value : std::nullopt;
}

/// 0.6, not the 0.6000000238 that a float makes of it.
double withoutFloatsNoise(double value) {
    constexpr int kDigits = 6;
    char text[32];
    const auto [end, error] =
        std::to_chars(std::begin(text), std::end(text), value, std::chars_format::general, kDigits);
    double rounded = value;
    if (error == std::errc()) std::from_chars(std::begin(text), end, rounded);
    return rounded;
}

}  // namespace

void readRecommendedSampling(const GgufFile& file, ModelInfo& info) {
    const auto passOver = [&](const std::string& key, const std::string& why) {
        log().info("{}: {} is passed over: {}", info.name, key, why);
    };
    const auto take = [&](const char* name, auto SamplerSettings::*field) {
        const std::string key = std::string("general.sampling.") + name;
        const auto number = recommendedNumber(file, key);
        if (!number) return;
        SamplerSettings with = info.sampling;
        using Value = std::remove_reference_t<decltype(with.*field)>;
        constexpr double kMostTokens = 1e6;
        if (std::is_integral_v<Value> && std::abs(*number) > kMostTokens) {
            return passOver(key, "it is too large");
        }
        with.*field = static_cast<Value>(*number);
        if (const auto checked = checkSampling(with); !checked) {
            return passOver(key, checked.error().detail);
        }
        info.sampling = std::move(with);
        if (std::is_integral_v<Value>) {
            info.recommendedSampling[name] = static_cast<int>(*number);
        } else {
            info.recommendedSampling[name] = withoutFloatsNoise(*number);
        }
    };
    take("temp", &SamplerSettings::temperature);
    take("top_k", &SamplerSettings::topK);
    take("top_p", &SamplerSettings::topP);
    take("min_p", &SamplerSettings::minP);
    take("xtc_probability", &SamplerSettings::xtcProbability);
    take("xtc_threshold", &SamplerSettings::xtcThreshold);
    take("penalty_last_n", &SamplerSettings::penaltyWindow);
    take("penalty_repeat", &SamplerSettings::repeatPenalty);
    take("mirostat", &SamplerSettings::mirostat);
    take("mirostat_tau", &SamplerSettings::mirostatTau);
    take("mirostat_eta", &SamplerSettings::mirostatEta);
    const std::string key = "general.sampling.sequence";
    if (const auto names = file.string(key)) {
        const auto steps = parseSamplerSteps(*names);
        if (!steps) return passOver(key, steps.error().detail);
        info.sampling.steps = *steps;
        info.recommendedSampling["sequence"] = toValidUtf8(*names);
    }
}

}  // namespace conclave::engine
