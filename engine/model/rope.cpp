#include "engine/model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace conclave::engine {
namespace {

/// YaRN, section 3.2: the pair whose wave makes `rotations` turns over the original context.
double yarnPair(const RopeConfig& config, double rotations) {
    return config.dim * std::log(config.originalContext / (rotations * 2.0 * std::numbers::pi)) /
           (2.0 * std::log(config.base));
}

/// Share of the original, not stretched, frequency that pair `pair` keeps: 1 for fast waves, 0 for
/// those that made less than a turn over the original context.
double yarnKeptShare(const RopeConfig& config, int pair) {
    const double low = std::max(0.0, std::floor(yarnPair(config, config.yarnFast)));
    const double high = std::min(config.dim - 1.0, std::ceil(yarnPair(config, config.yarnSlow)));
    return 1.0 - std::clamp((pair - low) / std::max(0.001, high - low), 0.0, 1.0);
}

}  // namespace

RopeTable::RopeTable(const RopeConfig& config, std::span<const float> divisors, int maxTokens)
    : m_nPairs(config.dim / 2),
      m_halves(config.pairs == RopePairs::Halves),
      m_positionScale(1.0 / config.linearFactor),
      m_magnitude(config.magnitude),
      m_table(static_cast<std::size_t>(maxTokens) * static_cast<std::size_t>(config.dim)) {
    for (int pair = 0; pair < m_nPairs; ++pair) {
        double frequency = std::pow(config.base, -2.0 * pair / config.dim);
        if (!divisors.empty()) frequency /= divisors[static_cast<std::size_t>(pair)];
        if (config.yarn) {
            const double kept = yarnKeptShare(config, pair);
            frequency = frequency / config.yarnFactor * (1.0 - kept) + frequency * kept;
        }
        m_frequencies.push_back(frequency);
    }
}

void RopeTable::prepare(int first, int nTokens) {
    float* entry = m_table.data();
    for (int token = 0; token < nTokens; ++token) {
        const double position = (first + token) * m_positionScale;
        for (const double frequency : m_frequencies) {
            *entry++ = static_cast<float>(std::cos(position * frequency) * m_magnitude);
            *entry++ = static_cast<float>(std::sin(position * frequency) * m_magnitude);
        }
    }
}

void RopeTable::rotate(int token, float* values) const {
    const float* entry = m_table.data() + static_cast<std::ptrdiff_t>(token) * m_nPairs * 2;
    const int step = m_halves ? 1 : 2;
    const int apart = m_halves ? m_nPairs : 1;
    for (int pair = 0; pair < m_nPairs; ++pair, entry += 2, values += step) {
        const float first = values[0];
        const float second = values[apart];
        values[0] = first * entry[0] - second * entry[1];
        values[apart] = first * entry[1] + second * entry[0];
    }
}

}  // namespace conclave::engine
