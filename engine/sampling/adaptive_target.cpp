#include "engine/sampling/adaptive_target.h"

#include <algorithm>

namespace conclave::engine {
namespace {

constexpr double kLongestMemory = 0.99;  // a decay of 1 would never forget

}  // namespace

AdaptiveTarget::AdaptiveTarget(const SamplerSettings& settings)
    : m_target(std::min(static_cast<double>(settings.adaptiveTarget), 1.0)),
      m_decay(std::clamp(static_cast<double>(settings.adaptiveDecay), 0.0, kLongestMemory)),
      // As if the target had been met forever.
      m_weightedSum(m_target / (1.0 - m_decay)),
      m_totalWeight(1.0 / (1.0 - m_decay)) {}

void AdaptiveTarget::apply(Candidates& candidates) {
    candidates.computeProbabilities();
    m_before.assign(candidates.all().begin(), candidates.all().end());
    const double average = m_weightedSum / m_totalWeight;
    candidates.preferProbability(std::clamp(2.0 * m_target - average, 0.0, 1.0));
}

void AdaptiveTarget::accept(TokenId token) {
    const auto drawn = std::find_if(m_before.begin(), m_before.end(),
                                    [&](const Candidate& each) { return each.token == token; });
    if (drawn == m_before.end()) return;
    m_weightedSum = drawn->probability + m_decay * m_weightedSum;
    m_totalWeight = 1.0 + m_decay * m_totalWeight;
}

}  // namespace conclave::engine
