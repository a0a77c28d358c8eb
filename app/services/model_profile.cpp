#include "app/services/model_profile.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace conclave::services {
namespace {

/// general.name of models that were trained to quote from a few passages and for nothing else.
constexpr std::array<std::string_view, 1> kDemonstrationModels = {"Conclave Tiny"};

}  // namespace

ModelProfile profileOf(const engine::ModelInfo& info, int contextLength) {
    ModelProfile profile;
    const bool isKnown = std::find(kDemonstrationModels.begin(), kDemonstrationModels.end(),
                                   info.name) != kDemonstrationModels.end();
    if (isKnown) {
        // It was trained on up to 5 passages, together under 800 tokens, and short answers. Of the
        // questions of tests/tour it answers most with 3, which also leaves room for a follow-up.
        profile.isDemonstration = true;
        profile.sampling.temperature = 0.0f;
        profile.maxTokens = 120;
        profile.stopOnRepetition = true;
        profile.maxPassages = 3;
        profile.passageTokens = std::min(780, contextLength - 220);
    } else {
        profile.maxTokens = std::clamp(contextLength / 4, 128, 2048);
        profile.passageTokens = std::clamp(contextLength / 2, 256, 4096);
        profile.stopOnRepetition = true;
    }
    return profile;
}

}  // namespace conclave::services
