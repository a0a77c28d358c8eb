#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "engine/model/router.h"

namespace conclave::engine {
namespace {

struct Routed {
    std::vector<int> experts;
    std::vector<float> weights;
};

Routed routeAll(const MoeConfig& config, const std::vector<float>& logits,
                const std::vector<float>& bias = {}) {
    std::vector<ExpertChoice> chosen(static_cast<std::size_t>(config.nExpertsUsed));
    route(config, logits, bias, chosen);
    Routed routed;
    for (const ExpertChoice& choice : chosen) {
        routed.experts.push_back(choice.expert);
        routed.weights.push_back(choice.weight);
    }
    return routed;
}

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

MoeConfig sigmoidConfig(int nExperts, int nUsed) {
    MoeConfig config;
    config.nExperts = nExperts;
    config.nExpertsUsed = nUsed;
    config.score = RouterScore::Sigmoid;
    return config;
}

TEST(Router, SoftmaxIsOverAllExpertsAndNotNormalizedUnlessAsked) {
    MoeConfig config;
    config.nExperts = 3;
    config.nExpertsUsed = 2;
    const std::vector<float> logits = {std::log(1.0f), std::log(5.0f), std::log(4.0f)};
    Routed routed = routeAll(config, logits);
    EXPECT_EQ(routed.experts, (std::vector{1, 2}));
    EXPECT_NEAR(routed.weights[0], 0.5f, 1e-6f);
    EXPECT_NEAR(routed.weights[1], 0.4f, 1e-6f);
    config.normalizeWeights = true;
    routed = routeAll(config, logits);
    EXPECT_NEAR(routed.weights[0], 5.0f / 9.0f, 1e-6f);
    EXPECT_NEAR(routed.weights[1], 4.0f / 9.0f, 1e-6f);
}

TEST(Router, BiasChangesTheChoiceButNotTheWeights) {
    MoeConfig config = sigmoidConfig(3, 2);
    config.normalizeWeights = true;
    const Routed routed = routeAll(config, {2.0f, 1.0f, 0.0f}, {0.0f, 0.0f, 0.5f});
    EXPECT_EQ(routed.experts, (std::vector{2, 0}));
    EXPECT_NEAR(routed.weights[0], 0.362110f, 1e-6f);  // 0.5 / (0.5 + sigmoid(2))
}

TEST(Router, ScaleComesAfterNormalization) {
    MoeConfig config = sigmoidConfig(2, 2);
    config.normalizeWeights = true;
    config.weightScale = 2.5f;
    const Routed routed = routeAll(config, {1.0f, 1.0f});
    EXPECT_NEAR(routed.weights[0], 1.25f, 1e-6f);
    config.normalizeWeights = false;
    EXPECT_NEAR(routeAll(config, {1.0f, 1.0f}).weights[0], 2.5f * sigmoid(1.0f), 1e-6f);
}

TEST(Router, LogitsAreComparedAndTheChosenShareOne) {
    MoeConfig config;
    config.nExperts = 4;
    config.nExpertsUsed = 2;
    config.score = RouterScore::SoftmaxOfChosen;
    const Routed routed = routeAll(config, {-3.0f, 1.0f, 1.0f + std::log(3.0f), -4.0f});
    EXPECT_EQ(routed.experts, (std::vector{2, 1}));
    EXPECT_NEAR(routed.weights[0], 0.75f, 1e-6f);
    EXPECT_NEAR(routed.weights[1], 0.25f, 1e-6f);
}

TEST(Router, TiesGoToTheLowerExpert) {
    const Routed routed = routeAll(sigmoidConfig(4, 3), {0.5f, 0.5f, 0.5f, 0.5f});
    EXPECT_EQ(routed.experts, (std::vector{0, 1, 2}));
}

TEST(Router, GroupsCountByTheirTwoBest) {
    MoeConfig config = sigmoidConfig(6, 2);
    config.nGroups = 2;
    config.nGroupsUsed = 1;
    // The first group holds the single best expert, the second the better pair.
    const Routed routed = routeAll(config, {3.0f, -3.0f, -3.0f, 1.0f, 1.5f, -3.0f});
    EXPECT_EQ(routed.experts, (std::vector{4, 3}));
}

TEST(Router, GroupsCountWithBiasAndOthersAreOutEvenIfScoresAreNegative) {
    MoeConfig config = sigmoidConfig(4, 2);
    config.nGroups = 2;
    config.nGroupsUsed = 1;
    // All biased scores are negative; a group that is left out must not win with zeros.
    const Routed routed = routeAll(config, {0.0f, 0.0f, 0.0f, 0.0f}, {-2.0f, -2.0f, -1.0f, -1.0f});
    EXPECT_EQ(routed.experts, (std::vector{2, 3}));
    EXPECT_FLOAT_EQ(routed.weights[0], 0.5f);
}

TEST(Router, NormalizationOfTinyScoresStaysFinite) {
    MoeConfig config = sigmoidConfig(2, 1);
    config.normalizeWeights = true;
    const Routed routed = routeAll(config, {-100.0f, -101.0f});
    EXPECT_EQ(routed.experts[0], 0);
    EXPECT_LT(routed.weights[0], 1e-6f);  // the sum is bounded below by 6.1e-5
}

TEST(Router, BrokenLogitsStillGiveDistinctExperts) {
    const float nan = std::nanf("");
    const Routed routed = routeAll(sigmoidConfig(4, 3), {nan, 1.0f, nan, nan});
    EXPECT_EQ(routed.experts, (std::vector{1, 0, 2}));
}

}  // namespace
}  // namespace conclave::engine
