// sampler.h: chooses the next token from logits, in llama.cpp's order and meaning.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "engine/sampling/candidates.h"
#include "engine/sampling/repetition.h"

namespace conclave::engine {

/// One generation's sampler. Deterministic for a seed: a fixed order of arithmetic, the same on
/// every CPU, and the draws of llama.cpp's sampler chain (built with libstdc++) for the same seed.
class Sampler {
public:
    /// @param settings  as checkSampling() lets pass
    /// @param tokenizer  what DRY's breakers and the infill step read, which do nothing without it,
    ///                   and what knows the tokens that are never chosen; must outlive the sampler
    [[nodiscard]] static std::unique_ptr<Sampler> create(const SamplerSettings& settings,
                                                         int vocabularySize,
                                                         const Tokenizer* tokenizer = nullptr);

    virtual ~Sampler() = default;

    /// Counts a token of the prompt or the answer for the penalties.
    virtual void accept(TokenId token) = 0;
    /// @param logits  shape [vocabularySize]; left unchanged. Those of -infinity are never chosen
    ///                while there are others.
    [[nodiscard]] virtual TokenId sample(std::span<const float> logits) = 0;
    /// What sample() would draw from, with probabilities that sum to 1; in any order.
    [[nodiscard]] virtual std::vector<Candidate> distribution(std::span<const float> logits) = 0;
    /// The seed in use, chosen by the system if the settings had none.
    [[nodiscard]] virtual std::uint64_t seed() const = 0;
};

}  // namespace conclave::engine
