// adaptive_target.h: draws that keep near a wanted probability over the length of a text.
#pragma once

#include <vector>

#include "engine/sampling/candidates.h"

namespace conclave::engine {

/// Adaptive-p (github.com/ggml-org/llama.cpp, pull 17927): tokens count by how near their
/// probability is to a target, which moves against what was drawn lately, so that the moving
/// average of the drawn tokens' probabilities keeps to what was asked for.
class AdaptiveTarget {
public:
    /// @param settings  adaptiveTarget and adaptiveDecay
    explicit AdaptiveTarget(const SamplerSettings& settings);

    [[nodiscard]] bool isOn() const { return m_target >= 0.0; }
    /// Gives the candidates the logits to draw by, and remembers the probabilities they had.
    void apply(Candidates& candidates);
    /// The token drawn from what apply() left.
    void accept(TokenId token);

private:
    double m_target;
    double m_decay;
    double m_weightedSum;             ///< of drawn probabilities, older ones fading
    double m_totalWeight;             ///< what m_weightedSum is divided by
    std::vector<Candidate> m_before;  ///< with the model's own probabilities
};

}  // namespace conclave::engine
