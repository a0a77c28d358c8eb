// golden_distance.h: how far logits are from golden values.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <span>

#include "bare_model.h"
#include "golden_logits.h"

namespace conclave::engine::test {

struct Distance {
    double meanDivergence = 0.0;  ///< of the top 20 and all others as one
    double largest = 0.0;         ///< |difference of log-probabilities| over the top 20
};

/// What one token adds to a divergence. The terms without a logarithm cancel over all tokens; with
/// them rounding that leaves the sum of probabilities off 1 does not count as distance.
inline double divergenceOf(double log, double fromLog) {
    return std::exp(log) * (log - fromLog) - std::exp(log) + std::exp(fromLog);
}

/// @param nearTies  positions that do not count for `largest`
inline Distance distanceTo(const GoldenLogits& golden, std::span<const float> logits,
                           const std::set<std::size_t>& nearTies = {}) {
    Distance distance;
    const std::size_t n = logits.size() / golden.size();
    for (std::size_t i = 0; i < golden.size(); ++i) {
        const auto row = logits.subspan(i * n, n);
        const double sum = logSum(row);
        double othersHere = 1.0;
        double othersThere = 1.0;
        for (const GoldenToken& best : golden[i]) {
            const double log = row[static_cast<std::size_t>(best.token)] - sum;
            if (!nearTies.contains(i)) {
                distance.largest = std::max(distance.largest, std::abs(log - best.log));
            }
            distance.meanDivergence += divergenceOf(best.log, log);
            othersHere -= std::exp(log);
            othersThere -= std::exp(best.log);
        }
        if (othersThere > 1e-6 && othersHere > 1e-6) {
            distance.meanDivergence += divergenceOf(std::log(othersThere), std::log(othersHere));
        }
    }
    distance.meanDivergence /= static_cast<double>(golden.size());
    return distance;
}

}  // namespace conclave::engine::test
