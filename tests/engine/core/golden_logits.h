// golden_logits.h: what llama.cpp gives for the tiny models of tests/parity, as make_golden.py
// keeps it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "models.h"

namespace conclave::engine::test {

struct GoldenToken {
    TokenId token = 0;
    double log = 0.0;  ///< of its probability
};
/// [position][20], best first
using GoldenLogits = std::vector<std::vector<GoldenToken>>;

inline GoldenLogits readGolden(const std::string& name) {
    constexpr std::size_t kTop = 20;
    constexpr std::size_t kEntryBytes = sizeof(std::uint16_t) + sizeof(float);
    std::ifstream file(parity(name + ".top20"), std::ios::binary);
    GoldenLogits positions;
    std::array<char, kTop * kEntryBytes> raw{};
    while (file.read(raw.data(), raw.size())) {
        std::vector<GoldenToken>& row = positions.emplace_back();
        for (std::size_t i = 0; i < kTop; ++i) {
            std::uint16_t id = 0;
            float log = 0.0f;
            std::memcpy(&id, raw.data() + i * kEntryBytes, sizeof(id));
            std::memcpy(&log, raw.data() + i * kEntryBytes + sizeof(id), sizeof(log));
            row.push_back({id, log});
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
