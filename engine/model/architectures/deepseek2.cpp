// deepseek2.cpp: DeepSeek-V2 (arXiv:2405.04434), section 2, and V3 (arXiv:2412.19437), section 2.1;
// also Moonlight, Kimi-K2, GLM-4.7-Flash and Mistral Large 3. Where a file that scales
// positions lacks "rope.scaling.yarn_log_multiplier", scores grow as in llama.cpp; DeepSeek's code
// leaves them alone then.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void deepseek2(Keys& keys, ModelConfig& model) {
    readLatentAttention(keys, model);

    if (keys.optional("expert_count", 0, 0, kMaxExperts) == 0) return;
    readExperts(keys, model, ExpertWidth::FeedForward);
    readLeadingDense(keys, model);
    // GLM's shapes, in files from before the key for the score existed.
    const bool isGlm =
        (model.nLayers == 47 || model.nLayers == 48) && model.vocabularySize == 154880;
    readRouterScore(keys, model, isGlm ? RouterScore::Sigmoid : RouterScore::Softmax);
    model.moe.normalizeWeights = keys.flag("expert_weights_norm");
    model.moe.sharedDim =
        keys.optional("expert_shared_count", 0, 0, kMaxExperts) * model.moe.expertDim;
}

}  // namespace conclave::engine::architectures
