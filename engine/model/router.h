// router.h: chooses the experts of a token.
#pragma once

#include <span>

#include "engine/model/model_config.h"

namespace conclave::engine {

struct ExpertChoice {
    int expert = 0;
    float weight = 0.0f;
};

/// DeepSeek-V3 (arXiv:2412.19437), section 2.1.2, with group-limited choice; with softmax scores
/// and without bias or groups it is DeepSeek-V2's router, and with normalized weights Mixtral's.
/// With SoftmaxOfChosen the logits themselves are compared, and the chosen ones' softmax weighs.
/// The bias balances the load: it helps to choose, while the weights are plain scores.
/// A group counts by the sum of its two best biased scores, and groups not chosen are out of the
/// question, since biased scores may be negative.
/// @param logits  the router's output, shape [nExperts]
/// @param bias    its correction, shape [nExperts], or empty
/// @param chosen  written, shape [nExpertsUsed]: best first, ties to the lower id
void route(const MoeConfig& config, std::span<const float> logits, std::span<const float> bias,
           std::span<ExpertChoice> chosen);

}  // namespace conclave::engine
