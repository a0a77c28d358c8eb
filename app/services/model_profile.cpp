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
        // As it was trained: passages under 800 tokens together, and short answers. Of up to 5
        // whole passages it answers 18 of 58 questions over the tour's documents, of the best
        // sentence of each of 3 passages 30.
        profile.isDemonstration = true;
        profile.isSmall = true;
        profile.sampling = info.sampling;
        if (!info.recommendedSampling.contains("temp")) profile.sampling.temperature = 0.0f;
        profile.maxTokens = 120;
        profile.stopOnRepetition = true;
        profile.maxPassages = 3;
        profile.sentencesPerPassage = 1;
        profile.passageTokens = std::min(780, contextLength - 220);
    } else {
        // Smaller ones lose the task over a dozen passages.
        constexpr std::uint64_t kFewestParameters = 1'000'000'000;
        profile.isSmall = info.nParameters < kFewestParameters;
        profile.sampling = info.sampling;
        profile.followsInstructions = info.hasChatTemplate && !profile.isSmall;
        profile.maxTokens = std::clamp(contextLength / 4, 128, 2048);
        profile.passageTokens = std::clamp(contextLength / 2, 256, 4096);
        profile.nWidened = 3;  // all eight would double the time to the first token
        profile.stopOnRepetition = true;
    }
    return profile;
}

}  // namespace conclave::services
