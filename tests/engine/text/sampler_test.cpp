#include "engine/sampling/sampler.h"

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

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
    const std::vector<float> flat(1000, 0.0f);
    const auto sampler = Sampler::create(plainSettings(), 1000);
    std::vector<TokenId> tokens;
    for (int i = 0; i < 6; ++i) tokens.push_back(sampler->sample(flat));
    EXPECT_EQ(tokens, (std::vector<TokenId>{55, 172, 717, 427, 963, 465}));
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

}  // namespace
}  // namespace conclave::engine
