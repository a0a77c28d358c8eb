// golden_logits.h: what llama.cpp gives for the tiny models of tests/parity, as make_golden.py
// keeps it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "models.h"

namespace conclave::engine::test {

/// Length of every golden text.
constexpr std::size_t kGoldenPositions = 256;

/// How much of them is compared. Under AddressSanitizer, which looks at accesses and not at values,
/// the first cut of each kind is enough.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kComparedPositions = 64;
#else
constexpr std::size_t kComparedPositions = kGoldenPositions;
#endif

struct GoldenToken {
    TokenId token = 0;
    double log = 0.0;  ///< of its probability
};
/// [position][20], best first
using GoldenLogits = std::vector<std::vector<GoldenToken>>;

/// The first of them; empty if the file is not there, ends amid a position or has not all.
inline GoldenLogits readGolden(const std::string& name,
                               std::size_t nPositions = kComparedPositions) {
    constexpr std::size_t kTop = 20;
    constexpr double kSteps = 16384.0;
    std::ifstream file(parity(name + ".top20"), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<int> numbers;  // LEB128: id, steps below the one before
    int value = 0;
    int shift = 0;
    for (const char byte : bytes) {
        value |= (byte & 127) << shift;
        shift += 7;
        if ((byte & 128) != 0) continue;
        numbers.push_back(value);
        value = shift = 0;
    }
    GoldenLogits positions;
    if (shift != 0 || numbers.size() % (2 * kTop) != 0) return positions;
    for (std::size_t i = 0; i < numbers.size(); i += 2 * kTop) {
        std::vector<GoldenToken>& row = positions.emplace_back();
        int steps = 0;
        for (std::size_t j = i; j < i + 2 * kTop; j += 2) {
            steps += numbers[j + 1];
            row.push_back({numbers[j], -steps / kSteps});
        }
    }
    if (positions.size() != kGoldenPositions) return {};
    positions.resize(nPositions);
    return positions;
}

/// Positions of the golden text where rounding decides, as tests/parity/compare.py has proven.
inline std::set<std::size_t> readNearTies(const std::string& name) {
    std::ifstream file(parity("near_ties.txt"));
    std::set<std::size_t> positions;
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string model;
        int text = 0;
        std::size_t position = 0;
        if (fields >> model >> text >> position && model == name && text == 1) {
            positions.insert(position);
        }
    }
    return positions;
}

/// The text that the golden values are of.
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

}  // namespace conclave::engine::test
