// requests.h: what is asked of a session.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace conclave::engine::test {

inline GenerateRequest requestFor(std::vector<TokenId> prompt, float temperature,
                                  std::uint64_t seed, int maxTokens) {
    GenerateRequest request;
    request.prompt = std::move(prompt);
    request.sampling.temperature = temperature;
    request.sampling.seed = seed;
    request.maxTokens = maxTokens;
    request.ignoreEndOfTurn = true;
    return request;
}

}  // namespace conclave::engine::test
