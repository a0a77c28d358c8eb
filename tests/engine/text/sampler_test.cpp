#include "engine/sampling/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/gguf/gguf_file.h"
#include "engine/tokenizer/tokenizer.h"

namespace conclave::engine {
namespace {

/// Every step off, temperature 1: draws from the plain distribution.
SamplerSettings plainSettings() {
    SamplerSettings settings;
    settings.temperature = 1.0f;
    settings.topK = 0;
    settings.topP = 1.0f;
    settings.minP = 0.0f;
    settings.seed = 7;
    return settings;
}

std::vector<float> logitsOf(const std::vector<double>& probabilities) {
    std::vector<float> logits;
    for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
    return logits;
}

std::map<TokenId, int> countDraws(const SamplerSettings& settings, const std::vector<float>& logits,
                                  int nDraws) {
    const auto sampler = Sampler::create(settings, static_cast<int>(logits.size()));
    std::map<TokenId, int> counts;
    for (int i = 0; i < nDraws; ++i) ++counts[sampler->sample(logits)];
    return counts;
}

std::set<TokenId> drawnTokens(const SamplerSettings& settings, const std::vector<float>& logits) {
    std::set<TokenId> tokens;
    for (const auto& [token, count] : countDraws(settings, logits, 2000)) tokens.insert(token);
    return tokens;
}

const std::vector<double> kSkewed = {0.1, 0.4, 0.05, 0.3, 0.15};

TEST(Sampler, DrawsByProbability) {
    constexpr int kDraws = 100000;
    auto counts = countDraws(plainSettings(), logitsOf(kSkewed), kDraws);
    for (std::size_t i = 0; i < kSkewed.size(); ++i) {
        // Five standard deviations of a binomial.
        const double expected = kSkewed[i] * kDraws;
        EXPECT_NEAR(counts[static_cast<TokenId>(i)], expected,
                    5 * std::sqrt(expected * (1 - kSkewed[i])));
    }
}

TEST(Sampler, TemperatureSharpensTheDistribution) {
    SamplerSettings settings = plainSettings();
    settings.temperature = 0.5f;  // squares the probabilities
    constexpr int kDraws = 50000;
    auto counts = countDraws(settings, logitsOf({0.8, 0.2}), kDraws);
    EXPECT_NEAR(counts[0] / double{kDraws}, 0.64 / 0.68, 0.006);
}

TEST(Sampler, TopKKeepsTheBest) {
    SamplerSettings settings = plainSettings();
    settings.topK = 2;
    EXPECT_EQ(drawnTokens(settings, logitsOf(kSkewed)), (std::set<TokenId>{1, 3}));
}

TEST(Sampler, TopPKeepsTheFewestThatHoldTheShare) {
    SamplerSettings settings = plainSettings();
    settings.topP = 0.75f;  // 0.4 + 0.3 falls short, 0.15 completes it
    EXPECT_EQ(drawnTokens(settings, logitsOf(kSkewed)), (std::set<TokenId>{1, 3, 4}));
    settings.topK = 4;  // then by way of the sorted list
    EXPECT_EQ(drawnTokens(settings, logitsOf(kSkewed)), (std::set<TokenId>{1, 3, 4}));
    settings.topP = 0.0f;  // the best always stays
    EXPECT_EQ(drawnTokens(settings, logitsOf(kSkewed)), (std::set<TokenId>{1}));
}

TEST(Sampler, MinPIsRelativeToTheBest) {
    SamplerSettings settings = plainSettings();
    settings.minP = 0.3f;  // 0.3 * 0.4 = 0.12
    EXPECT_EQ(drawnTokens(settings, logitsOf(kSkewed)), (std::set<TokenId>{1, 3, 4}));
}

TEST(Sampler, TypicalKeepsTokensOfAverageSurprise) {
    // Entropy of {0.5, 0.3, 0.2} is 1.0297; surprises 0.693, 1.204, 1.609: 0.3 is nearest, then
    // 0.5.
    SamplerSettings settings = plainSettings();
    settings.typicalP = 0.25f;
    EXPECT_EQ(drawnTokens(settings, logitsOf({0.5, 0.3, 0.2})), (std::set<TokenId>{1}));
    settings.typicalP = 0.7f;
    EXPECT_EQ(drawnTokens(settings, logitsOf({0.5, 0.3, 0.2})), (std::set<TokenId>{0, 1}));
}

TEST(Sampler, TheSameSeedGivesTheSameTokens) {
    const std::vector<float> logits = logitsOf(kSkewed);
    const auto a = Sampler::create(plainSettings(), 5);
    const auto b = Sampler::create(plainSettings(), 5);
    SamplerSettings other = plainSettings();
    other.seed = 8;
    const auto c = Sampler::create(other, 5);
    bool allEqual = true;
    for (int i = 0; i < 100; ++i) {
        const TokenId token = a->sample(logits);
        EXPECT_EQ(token, b->sample(logits));
        allEqual = allEqual && token == c->sample(logits);
    }
    EXPECT_FALSE(allEqual);
}

TEST(Sampler, ASeedsFirstDrawsStayTheSameInLaterVersions) {
    // The Mersenne Twister's, as numpy gives them for this seed, to thousandths.
    const std::vector<float> flat(1000, 0.0f);
    const auto sampler = Sampler::create(plainSettings(), 1000);
    std::vector<TokenId> tokens;
    for (int i = 0; i < 6; ++i) tokens.push_back(sampler->sample(flat));
    EXPECT_EQ(tokens, (std::vector<TokenId>{227, 318, 978, 455, 308, 263}));
}

TEST(Sampler, ReportsTheSeedItChose) {
    SamplerSettings settings = plainSettings();
    settings.seed.reset();
    const std::vector<float> logits = logitsOf(kSkewed);
    const auto first = Sampler::create(settings, 5);
    settings.seed = first->seed();
    const auto second = Sampler::create(settings, 5);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(first->sample(logits), second->sample(logits));
}

TEST(Sampler, GreedyTakesTheBestAndTheLowerIdOfEquals) {
    SamplerSettings settings;
    settings.temperature = 0.0f;
    const auto sampler = Sampler::create(settings, 4);
    EXPECT_EQ(sampler->sample(std::array{0.0f, 3.0f, 3.0f, 1.0f}), 1);
}

TEST(Sampler, LogitBiasBansAndForces) {
    SamplerSettings settings;
    settings.temperature = 0.0f;
    settings.logitBias = {{1, -std::numeric_limits<float>::infinity()}, {0, 5.0f}, {99, 1.0f}};
    const auto sampler = Sampler::create(settings, 3);
    EXPECT_EQ(sampler->sample(std::array{0.0f, 9.0f, 4.0f}), 0);
}

TEST(Sampler, RepeatPenaltyLowersPositiveAndNegativeLogits) {
    SamplerSettings settings;
    settings.temperature = 0.0f;
    settings.repeatPenalty = 2.0f;
    const auto positive = Sampler::create(settings, 2);
    positive->accept(0);
    EXPECT_EQ(positive->sample(std::array{3.0f, 2.0f}), 1);  // 1.5 < 2
    const auto negative = Sampler::create(settings, 2);
    negative->accept(0);
    EXPECT_EQ(negative->sample(std::array{-2.0f, -3.0f}), 1);  // -4 < -3
}

TEST(Sampler, FrequencyPenaltyGrowsWithTheCountAndPresenceDoesNot) {
    SamplerSettings settings;
    settings.temperature = 0.0f;
    settings.frequencyPenalty = 1.0f;
    const auto frequency = Sampler::create(settings, 2);
    frequency->accept(0);
    EXPECT_EQ(frequency->sample(std::array{2.5f, 1.0f}), 0);  // 1.5
    frequency->accept(0);
    EXPECT_EQ(frequency->sample(std::array{2.5f, 1.0f}), 1);  // 0.5
    settings.frequencyPenalty = 0.0f;
    settings.presencePenalty = 1.0f;
    const auto presence = Sampler::create(settings, 2);
    for (int i = 0; i < 5; ++i) presence->accept(0);
    EXPECT_EQ(presence->sample(std::array{2.5f, 1.0f}), 0);
}

TEST(Sampler, PenaltiesForgetTokensPastTheWindow) {
    SamplerSettings settings;
    settings.temperature = 0.0f;
    settings.presencePenalty = 5.0f;
    settings.penaltyWindow = 2;
    const auto sampler = Sampler::create(settings, 3);
    sampler->accept(0);
    sampler->accept(1);
    EXPECT_EQ(sampler->sample(std::array{2.0f, 0.0f, 1.0f}), 2);
    sampler->accept(1);  // 0 leaves the window
    EXPECT_EQ(sampler->sample(std::array{2.0f, 0.0f, 1.0f}), 0);
    settings.penaltyWindow = -1;
    const auto unlimited = Sampler::create(settings, 3);
    unlimited->accept(0);
    for (int i = 0; i < 500; ++i) unlimited->accept(1);
    EXPECT_EQ(unlimited->sample(std::array{2.0f, 0.0f, 1.0f}), 2);
}

TEST(Sampler, SurvivesLogitsOfADamagedModel) {
    const float nan = std::nanf("");
    const float infinity = std::numeric_limits<float>::infinity();
    SamplerSettings settings;
    settings.seed = 1;
    settings.typicalP = 0.9f;
    const auto sampler = Sampler::create(settings, 3);
    EXPECT_EQ(sampler->sample(std::array{nan, 1.0f, nan}), 1);
    EXPECT_EQ(sampler->sample(std::array{0.0f, infinity, 0.0f}), 1);
    const TokenId any = sampler->sample(std::array{-infinity, -infinity, -infinity});
    EXPECT_GE(any, 0);
    EXPECT_LT(any, 3);
    EXPECT_EQ(sampler->sample({}), 0);
}

TEST(Sampler, XtcLeavesTheLeastLikelyTopChoiceAsOftenAsAsked) {
    SamplerSettings settings = plainSettings();
    settings.xtcProbability = 0.3f;
    settings.xtcThreshold = 0.12f;  // 0.4, 0.3 and 0.15 are top choices
    constexpr int kDraws = 100000;
    auto counts = countDraws(settings, logitsOf(kSkewed), kDraws);
    // Where the top is dropped 0.15, 0.1 and 0.05 stay, and share 0.3.
    const std::vector<double> expected = {0.7 * 0.1 + 0.3 * 0.1 / 0.3, 0.7 * 0.4,
                                          0.7 * 0.05 + 0.3 * 0.05 / 0.3, 0.7 * 0.3,
                                          0.7 * 0.15 + 0.3 * 0.15 / 0.3};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(counts[static_cast<TokenId>(i)] / double{kDraws}, expected[i], 0.008) << i;
    }
    settings.temperature = 0.0f;
    settings.xtcProbability = 1.0f;
    const auto greedy = Sampler::create(settings, 5);
    EXPECT_EQ(greedy->sample(logitsOf(kSkewed)), 4);
}

TEST(Sampler, MirostatHoldsTheSurpriseThatIsAskedFor) {
    // Zipf's law over 1000 tokens: an entropy of some 7 bits.
    std::vector<float> logits;
    for (int rank = 1; rank <= 1000; ++rank) logits.push_back(-std::log(static_cast<float>(rank)));
    double total = 0.0;
    for (const float logit : logits) total += std::exp(static_cast<double>(logit));
    for (const int version : {1, 2}) {
        for (const float tau : {2.0f, 4.0f}) {
            SamplerSettings settings = plainSettings();
            settings.mirostat = version;
            settings.mirostatTau = tau;
            const auto sampler = Sampler::create(settings, 1000);
            constexpr int kDraws = 600;
            double surprise = 0.0;
            for (int i = 0; i < kDraws; ++i) {
                // Of what was left to draw from, as the algorithm measures it.
                const auto left = sampler->distribution(logits);
                const TokenId token = sampler->sample(logits);
                const auto chosen =
                    std::find_if(left.begin(), left.end(),
                                 [&](const Candidate& each) { return each.token == token; });
                ASSERT_NE(chosen, left.end());
                surprise -= std::log2(chosen->probability);
            }
            EXPECT_NEAR(surprise / kDraws, static_cast<double>(tau), 0.2) << version;
        }
    }
}

TEST(Sampler, AdaptivePDrawsAboutAsLikelyAsAskedFor) {
    for (const float target : {0.15f, 0.25f, 0.35f}) {  // 0.285 without it
        SamplerSettings settings = plainSettings();
        settings.adaptiveTarget = target;
        constexpr int kDraws = 5000;
        double sum = 0.0;
        for (const auto& [token, count] : countDraws(settings, logitsOf(kSkewed), kDraws)) {
            sum += count * kSkewed[static_cast<std::size_t>(token)];
        }
        EXPECT_NEAR(sum / kDraws, static_cast<double>(target), 0.02) << target;
    }
    SamplerSettings greedy = plainSettings();
    greedy.temperature = 0.0f;
    greedy.adaptiveTarget = 0.05f;
    EXPECT_EQ(drawnTokens(greedy, logitsOf(kSkewed)), (std::set<TokenId>{1}));
}

TEST(Sampler, NeverChoosesWhatIsMinusInfinity) {
    std::vector<float> logits(50, 0.0f);
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (i != 17 && i != 31) logits[i] = -std::numeric_limits<float>::infinity();
    }
    SamplerSettings settings = plainSettings();
    settings.temperature = 100.0f;
    EXPECT_EQ(drawnTokens(settings, logits), (std::set<TokenId>{17, 31}));
    settings.logitBias = {{3, 50.0f}, {31, -50.0f}};
    settings.temperature = 0.0f;
    EXPECT_EQ(Sampler::create(settings, 50)->sample(logits), 17);
}

TEST(Sampler, ChecksItsSettings) {
    EXPECT_TRUE(checkSampling({}));
    const auto refuses = [](auto change, const std::string& name) {
        SamplerSettings settings;
        change(settings);
        const auto checked = checkSampling(settings);
        ASSERT_FALSE(checked) << name;
        EXPECT_EQ(checked.error().code, ErrorCode::InvalidArgument);
        EXPECT_NE(checked.error().detail.find(name), std::string::npos) << checked.error().detail;
    };
    const float nan = std::nanf("");
    refuses([&](SamplerSettings& s) { s.temperature = nan; }, "temperature");
    refuses([](SamplerSettings& s) { s.mirostat = 3; }, "mirostat");
    refuses([](SamplerSettings& s) { s.xtcProbability = 1.5f; }, "xtc_probability");
    refuses([](SamplerSettings& s) { s.repeatPenalty = 0.0f; }, "repeat_penalty");
    refuses([](SamplerSettings& s) { s.dryMultiplier = -1.0f; }, "dry_multiplier");
    refuses([&](SamplerSettings& s) { s.topNSigma = nan; }, "top_n_sigma");
    refuses([](SamplerSettings& s) { s.adaptiveTarget = 1.5f; }, "adaptive_target");
    refuses([](SamplerSettings& s) { s.adaptiveDecay = 1.0f; }, "adaptive_decay");
}

// ------------------------------------------------------------------------------ against llama.cpp

std::vector<nlohmann::json> goldenSamplers(const char* name = "samplers.jsonl") {
    std::vector<nlohmann::json> cases;
    std::ifstream file(std::filesystem::path(CONCLAVE_TEST_SOURCE) / "tests/golden/engine" / name);
    for (std::string line; std::getline(file, line);) cases.push_back(nlohmann::json::parse(line));
    return cases;
}

SamplerSettings settingsOf(const nlohmann::json& json) {
    SamplerSettings s = plainSettings();
    const auto take = [&](const char* key, auto& value) {
        if (json.contains(key)) json[key].get_to(value);
    };
    take("penalty_window", s.penaltyWindow);
    take("repeat_penalty", s.repeatPenalty);
    take("frequency_penalty", s.frequencyPenalty);
    take("presence_penalty", s.presencePenalty);
    take("top_n_sigma", s.topNSigma);
    take("top_k", s.topK);
    take("typical_p", s.typicalP);
    take("top_p", s.topP);
    take("min_p", s.minP);
    take("xtc_probability", s.xtcProbability);
    take("xtc_threshold", s.xtcThreshold);
    take("temperature", s.temperature);
    take("dynatemp_range", s.temperatureRange);
    take("dynatemp_exponent", s.temperatureExponent);
    take("infill", s.infill);
    take("adaptive_target", s.adaptiveTarget);
    take("adaptive_decay", s.adaptiveDecay);
    take("mirostat", s.mirostat);
    take("mirostat_tau", s.mirostatTau);
    take("mirostat_eta", s.mirostatEta);
    take("dry_multiplier", s.dryMultiplier);
    take("dry_base", s.dryBase);
    take("dry_allowed_length", s.dryAllowedLength);
    take("dry_window", s.dryWindow);
    take("dry_breakers", s.dryBreakers);
    if (json.contains("samplers")) {
        std::string names;
        for (const auto& name : json["samplers"]) names += name.get<std::string>() + ";";
        s.steps = parseSamplerSteps(names).value();
    }
    return s;
}

/// Compares what is left at every step of the file's chains. Returns how many steps that were.
int compareWhatIsLeft(const char* name) {
    int nSteps = 0;
    for (const nlohmann::json& example : goldenSamplers(name)) {
        if (!example.contains("steps")) continue;
        const auto vocabularySize = example["steps"][0]["logits"].size();
        const auto sampler =
            Sampler::create(settingsOf(example["settings"]), static_cast<int>(vocabularySize));
        for (const TokenId token : example["history"].get<std::vector<TokenId>>()) {
            sampler->accept(token);
        }
        for (const nlohmann::json& step : example["steps"]) {
            const auto logits = step["logits"].get<std::vector<float>>();
            std::map<TokenId, double> left;
            for (const Candidate& each : sampler->distribution(logits)) {
                if (each.probability > 1e-7) left[each.token] = each.probability;
            }
            const auto expected = step["left"].get<std::vector<std::pair<TokenId, double>>>();
            EXPECT_EQ(left.size(), expected.size()) << example["settings"] << step;
            for (const auto& [token, probability] : expected) {
                EXPECT_TRUE(left.contains(token)) << example["settings"] << " " << token;
                EXPECT_NEAR(left[token], probability, 2e-5) << example["settings"];
            }
            if (step.value("drawn", false)) {
                EXPECT_EQ(sampler->sample(logits), 7);
            }
            ++nSteps;
        }
    }
    return nSteps;
}

TEST(Sampler, LeavesWhatLlamaCppLeaves) { EXPECT_GT(compareWhatIsLeft("samplers.jsonl"), 150); }

/// As in tests/parity/make_sampler_golden.py.
std::vector<float> hashedLogits(std::uint32_t number, std::uint32_t step, std::uint32_t n,
                                float spread) {
    std::vector<float> logits;
    for (std::uint32_t token = 0; token < n; ++token) {
        std::uint32_t h =
            token * 2654435761u + number * 2246822519u + step * 3266489917u + 374761393u;
        for (const unsigned shift : {16u, 13u, 16u}) h = (h ^ (h >> shift)) * 2246822507u;
        logits.push_back((static_cast<float>(h >> 8u) / 0x1.0p20f - 8.0f) * spread);
    }
    return logits;
}

std::unique_ptr<const Tokenizer> bundledTokenizer() {
    const auto file = GgufFile::open(std::filesystem::path(CONCLAVE_TEST_SOURCE) /
                                     "resources/models/conclave-tiny-20M-Q8_0.gguf");
    auto tokenizer = file ? Tokenizer::load(*file) : fail(file.error().code, file.error().detail);
    EXPECT_TRUE(tokenizer);
    return tokenizer ? std::move(*tokenizer) : nullptr;
}

/// Compares what is drawn from the file's chains. Returns how many chains that were.
std::uint32_t compareDraws(const char* name) {
    const auto tokenizer = bundledTokenizer();
    if (tokenizer == nullptr) return 0;
    std::uint32_t number = 0;
    for (const nlohmann::json& example : goldenSamplers(name)) {
        if (!example.contains("drawn")) continue;
        SamplerSettings settings = settingsOf(example["settings"]);
        settings.seed = example["seed"].get<std::uint64_t>();
        const auto n = example["n"].get<std::uint32_t>();
        const auto sampler = Sampler::create(settings, static_cast<int>(n), tokenizer.get());
        std::vector<TokenId> drawn;
        for (std::uint32_t step = 0; step < example["drawn"].size(); ++step) {
            auto logits = hashedLogits(example.value("number", number), step, n,
                                       example["spread"].get<float>());
            for (const auto& raised : example.value("raised", nlohmann::json::array())) {
                logits[raised[0].get<std::size_t>()] += raised[1].get<float>();
            }
            drawn.push_back(sampler->sample(logits));
            sampler->accept(drawn.back());
        }
        EXPECT_EQ(drawn, example["drawn"].get<std::vector<TokenId>>())
            << number << " " << example["settings"];
        ++number;
    }
    return number;
}

TEST(Sampler, DrawsWhatLlamaCppDraws) { EXPECT_EQ(compareDraws("sampler_draws.jsonl"), 320u); }

TEST(Sampler, TakesItsStepsInAnyOrderAsLlamaCppDoes) {
    EXPECT_EQ(compareWhatIsLeft("sampler_orders.jsonl"), 120);
    EXPECT_EQ(compareDraws("sampler_orders.jsonl"), 120u);
}

TEST(Sampler, LeavesOutStepsThatAreNotNamed) {
    SamplerSettings settings = plainSettings();
    settings.temperature = 0.0f;
    settings.topK = 2;
    settings.steps = {SamplerStep::TopK};  // no temperature: not greedy
    EXPECT_EQ(drawnTokens(settings, logitsOf(kSkewed)), (std::set<TokenId>{1, 3}));
    settings.steps = {SamplerStep::Temperature, SamplerStep::TopK};
    EXPECT_EQ(drawnTokens(settings, logitsOf(kSkewed)), (std::set<TokenId>{1}));
    settings.steps = {SamplerStep::TopK, SamplerStep::Penalties, SamplerStep::Temperature};
    settings.presencePenalty = 9.0f;
    const auto sampler = Sampler::create(settings, 5);
    sampler->accept(1);  // of the two that top-k leaves
    EXPECT_EQ(sampler->sample(logitsOf(kSkewed)), 3);
}

TEST(Sampler, ReadsTheNamesOfStepsThatLlamaCppHas) {
    EXPECT_EQ(
        parseSamplerSteps("penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature"),
        usualSamplerSteps());
    EXPECT_EQ(parseSamplerSteps("temp;top-k;nucleus;").value(),
              (std::vector{SamplerStep::Temperature, SamplerStep::TopK, SamplerStep::TopP}));
    for (const auto& [names, expected] : std::vector<std::pair<std::string, std::string>>{
             {"top_k;tail_free", "tail_free"}, {"top_k;top-k", "twice"}, {"", "no sampler"}}) {
        const auto steps = parseSamplerSteps(names);
        ASSERT_FALSE(steps) << names;
        EXPECT_NE(steps.error().detail.find(expected), std::string::npos) << steps.error().detail;
    }
}

TEST(Sampler, DryTakesFromRepetitionsWhatLlamaCppTakes) {
    const auto tokenizer = bundledTokenizer();
    ASSERT_NE(tokenizer, nullptr);
    const std::vector<float> flat(static_cast<std::size_t>(tokenizer->vocabularySize()), 0.0f);
    int nWithLoss = 0;
    for (const nlohmann::json& example : goldenSamplers()) {
        if (!example.contains("lost")) continue;
        const SamplerSettings settings = settingsOf(example["settings"]);
        DryPenalty dry(settings, findDryBreakers(*tokenizer, settings.dryBreakers));
        for (const TokenId token : example["history"].get<std::vector<TokenId>>()) {
            dry.accept(token);
        }
        Candidates candidates;
        candidates.gather(flat);
        dry.apply(candidates);
        std::map<TokenId, double> lost;
        for (const Candidate& each : candidates.all()) {
            if (each.logit != 0.0f) lost[each.token] = static_cast<double>(-each.logit);
        }
        const auto expected = example["lost"].get<std::vector<std::pair<TokenId, double>>>();
        ASSERT_EQ(lost.size(), expected.size()) << example;
        for (const auto& [token, loss] : expected) {
            EXPECT_NEAR(lost[token] / loss, 1.0, 1e-5) << example["settings"] << token;
        }
        nWithLoss += static_cast<int>(!expected.empty());
    }
    EXPECT_GT(nWithLoss, 20);
}

}  // namespace
}  // namespace conclave::engine
