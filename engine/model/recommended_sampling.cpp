#include "engine/model/recommended_sampling.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"

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
    // What the options of the same meaning refuse is passed over.
    const auto take = [&](const char* name, auto SamplerSettings::*field, double least,
                          double most) {
        const std::string key = std::string("general.sampling.") + name;
        const auto number = recommendedNumber(file, key);
        if (!number) return;
        const double value = withoutFloatsNoise(*number);
        if (value < least || value > most) return passOver(key, "it is out of range");
        using Value = std::remove_reference_t<decltype(info.sampling.*field)>;
        info.sampling.*field = static_cast<Value>(*number);
        if (std::is_integral_v<Value>) {
            info.recommendedSampling[name] = static_cast<int>(*number);
        } else {
            info.recommendedSampling[name] = value;
        }
    };
    constexpr double kMostTokens = 1e6;
    take("temp", &SamplerSettings::temperature, 0, 100);
    take("top_k", &SamplerSettings::topK, 0, kMostTokens);
    take("top_p", &SamplerSettings::topP, 0, 1);
    take("min_p", &SamplerSettings::minP, 0, 1);
    take("xtc_probability", &SamplerSettings::xtcProbability, 0, 1);
    take("xtc_threshold", &SamplerSettings::xtcThreshold, 0, 1);
    take("penalty_last_n", &SamplerSettings::penaltyWindow, -1, kMostTokens);
    take("penalty_repeat", &SamplerSettings::repeatPenalty, 0.1, 10);
    take("mirostat", &SamplerSettings::mirostat, 0, 2);
    take("mirostat_tau", &SamplerSettings::mirostatTau, 0, 100);
    take("mirostat_eta", &SamplerSettings::mirostatEta, 0, 1);
    const std::string key = "general.sampling.sequence";
    if (const auto names = file.string(key)) {
        std::string taken;
        std::vector<SamplerStep> steps;
        std::istringstream list{std::string(*names)};
        for (std::string name; std::getline(list, name, ';');) {
            if (name.empty()) continue;
            const auto step = parseSamplerSteps(name);
            if (!step) {
                passOver(key, step.error().detail);
            } else if (std::find(steps.begin(), steps.end(), step->front()) == steps.end()) {
                steps.push_back(step->front());
                taken.append(taken.empty() ? "" : ";").append(name);
            }
        }
        if (steps.empty()) return;
        info.sampling.steps = std::move(steps);
        info.recommendedSampling["sequence"] = taken;
    }
}

}  // namespace conclave::engine
