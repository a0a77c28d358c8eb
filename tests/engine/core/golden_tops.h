// golden_tops.h: llama.cpp's best tokens at each position of a text; see
// tests/parity/make_golden.py.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "bare_model.h"
#include "engine/engine.h"
#include "models.h"

namespace conclave::engine::test {

inline constexpr std::size_t kTop = 20;

struct Best {
    TokenId token = 0;
    double log = 0.0;  ///< of its probability
};

/// [position][kTop], best first; see make_golden.py.
inline std::vector<std::vector<Best>> readGolden(const std::string& name) {
    std::ifstream file(parity(name + ".top20"), std::ios::binary);
    std::vector<std::vector<Best>> positions;
    std::array<char, kTop * 6> raw;
    while (file.read(raw.data(), raw.size())) {
        std::vector<Best>& row = positions.emplace_back();
        for (std::size_t i = 0; i < kTop; ++i) {
            std::uint16_t id = 0;
            float log = 0.0f;
            std::memcpy(&id, raw.data() + i * 6, sizeof(id));
            std::memcpy(&log, raw.data() + i * 6 + 2, sizeof(log));
            row.push_back({id, log});
        }
    }
    return positions;
}

inline std::vector<TokenId> goldenTokens(int vocabularySize, std::size_t n) {
    std::uint32_t state = 1;
    std::vector<TokenId> tokens;
    for (std::size_t i = 0; i < n; ++i) {
        state = state * 1103515245u + 12345u;
        tokens.push_back(
            static_cast<TokenId>((state >> 16) % static_cast<std::uint32_t>(vocabularySize)));
    }
    return tokens;
}

struct Distance {
    double meanDivergence = 0.0;  ///< of the top 20 and all others as one
    double largest = 0.0;         ///< |difference of log-probabilities| over the top 20
};

inline Distance distanceTo(const std::vector<std::vector<Best>>& golden,
                           std::span<const float> logits) {
    Distance distance;
    const std::size_t n = logits.size() / golden.size();
    for (std::size_t i = 0; i < golden.size(); ++i) {
        const auto row = logits.subspan(i * n, n);
        const double sum = logSum(row);
        double othersHere = 1.0;
        double othersThere = 1.0;
        for (const Best& best : golden[i]) {
            const double log = row[static_cast<std::size_t>(best.token)] - sum;
            distance.largest = std::max(distance.largest, std::abs(log - best.log));
            distance.meanDivergence += std::exp(best.log) * (best.log - log);
            othersHere -= std::exp(log);
            othersThere -= std::exp(best.log);
        }
        if (othersThere > 1e-6) {
            distance.meanDivergence += othersThere * std::log(othersThere / othersHere);
        }
    }
    distance.meanDivergence /= static_cast<double>(golden.size());
    return distance;
}

}  // namespace conclave::engine::test
