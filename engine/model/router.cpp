#include "engine/model/router.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace conclave::engine {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
// llama.cpp's lower bound for the sum that weights are divided by: the smallest normal fp16.
constexpr float kLeastWeightSum = 6.103515625e-5f;

using PerExpert = std::array<float, kMaxExperts>;

void softmaxOf(std::span<const float> logits, PerExpert& score) {
    const float largest = *std::max_element(logits.begin(), logits.end());
    float sum = 0.0f;
    for (std::size_t i = 0; i < logits.size(); ++i) sum += score[i] = std::exp(logits[i] - largest);
    for (std::size_t i = 0; i < logits.size(); ++i) score[i] /= sum;
}

void sigmoidOf(std::span<const float> logits, PerExpert& score) {
    for (std::size_t i = 0; i < logits.size(); ++i) score[i] = 1.0f / (1.0f + std::exp(-logits[i]));
}

void softmaxOfChosen(std::span<ExpertChoice> chosen) {
    const float largest = chosen.front().weight;  // the best comes first
    float sum = 0.0f;
    for (ExpertChoice& choice : chosen) sum += choice.weight = std::exp(choice.weight - largest);
    for (ExpertChoice& choice : chosen) choice.weight /= sum;
}

float sumOfTwoBest(std::span<const float> values) {
    float best = kNever;
    float second = kNever;
    for (const float value : values) {
        if (value > best) {
            second = std::exchange(best, value);
        } else if (value > second) {
            second = value;
        }
    }
    return best + second;
}

/// The `nBest` indices below `n` with the largest values: best first, ties to the lower index.
/// A NaN counts as the least, so that a broken model cannot break the order.
template <std::size_t size>
void bestIndices(const std::array<float, size>& values, int n, int nBest,
                 std::array<int, size>& ids) {
    const auto last = ids.begin() + n;
    std::iota(ids.begin(), last, 0);
    const auto rank = [&](int i) {
        const float value = values[static_cast<std::size_t>(i)];
        return std::isnan(value) ? kNever : value;
    };
    std::partial_sort(ids.begin(), ids.begin() + nBest, last,
                      [&](int a, int b) { return rank(a) != rank(b) ? rank(a) > rank(b) : a < b; });
}

/// Takes the experts of all groups but the best ones out of the choice.
void keepBestGroups(const MoeConfig& config, PerExpert& selection) {
    const auto groupSize = static_cast<std::size_t>(config.nExperts / config.nGroups);
    PerExpert groupScore;
    for (int group = 0; group < config.nGroups; ++group) {
        const auto first = static_cast<std::size_t>(group) * groupSize;
        groupScore[static_cast<std::size_t>(group)] =
            sumOfTwoBest(std::span(selection).subspan(first, groupSize));
    }
    std::array<int, kMaxExperts> order;
    bestIndices(groupScore, config.nGroups, config.nGroups, order);
    for (int place = config.nGroupsUsed; place < config.nGroups; ++place) {
        const auto first =
            static_cast<std::size_t>(order[static_cast<std::size_t>(place)]) * groupSize;
        std::fill_n(selection.begin() + static_cast<std::ptrdiff_t>(first), groupSize, kNever);
    }
}

}  // namespace

void route(const MoeConfig& config, std::span<const float> logits, std::span<const float> bias,
           std::span<ExpertChoice> chosen) {
    PerExpert score;
    switch (config.score) {
        case RouterScore::Softmax: softmaxOf(logits, score); break;
        case RouterScore::Sigmoid: sigmoidOf(logits, score); break;
        case RouterScore::SoftmaxOfChosen:
            std::copy(logits.begin(), logits.end(), score.begin());
            break;
    }
    PerExpert selection = score;
    for (std::size_t i = 0; i < bias.size(); ++i) selection[i] += bias[i];
    if (config.nGroups > 1) keepBestGroups(config, selection);

    std::array<int, kMaxExperts> ids;
    bestIndices(selection, config.nExperts, config.nExpertsUsed, ids);
    float total = 0.0f;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        chosen[i] = {ids[i], score[static_cast<std::size_t>(ids[i])]};
    }
    if (config.score == RouterScore::SoftmaxOfChosen) softmaxOfChosen(chosen);
    for (const ExpertChoice& choice : chosen) total += choice.weight;
    const float factor =
        config.weightScale / (config.normalizeWeights ? std::max(total, kLeastWeightSum) : 1.0f);
    for (ExpertChoice& choice : chosen) choice.weight *= factor;
}

}  // namespace conclave::engine
