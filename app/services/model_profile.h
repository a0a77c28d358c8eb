// model_profile.h: how to treat a model, by what its file says about it. The one place for
// per-model defaults.
#pragma once

#include "app/services/services.h"

namespace conclave::services {

struct ModelProfile {
    bool isDemonstration = false;  ///< tiny: answers from passages only, knows nothing itself
    /// Large enough, and trained for chats: may read everything for a survey and write SQL.
    bool followsInstructions = false;
    /// Often denies what a passage says: below its refusal a sentence that says it is quoted.
    bool isSmall = false;
    engine::SamplerSettings sampling;
    int maxTokens = 1024;
    bool stopOnRepetition = false;
    int maxPassages = 8;
    int passageTokens = 0;  ///< of all passages of one question together
    /// So many of the best passages are given with what stands around them, as far as it fits.
    int nWidened = 0;
    /// How much of each passage the model reads; 0: all of it. The person sees all of it anyway.
    int sentencesPerPassage = 0;
};

/// `contextLength` is the session's, in tokens.
[[nodiscard]] ModelProfile profileOf(const engine::ModelInfo& info, int contextLength);

}  // namespace conclave::services
