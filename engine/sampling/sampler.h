// sampler.h: chooses the next token from logits, in llama.cpp's order and meaning.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "engine/engine.h"

namespace conclave::engine {

/// One generation's sampler. Deterministic for a seed: its own generator and a fixed order of
/// arithmetic, the same on every CPU.
class Sampler {
public:
    [[nodiscard]] static std::unique_ptr<Sampler> create(const SamplerSettings& settings,
                                                         int vocabularySize);

    virtual ~Sampler() = default;

    /// Counts a token of the prompt or the answer for the penalties.
    virtual void accept(TokenId token) = 0;
    /// @param logits  shape [vocabularySize]; left unchanged
    [[nodiscard]] virtual TokenId sample(std::span<const float> logits) = 0;
    /// The seed in use, chosen by the system if the settings had none.
    [[nodiscard]] virtual std::uint64_t seed() const = 0;
};

}  // namespace conclave::engine
