// llama.cpp: Llama 1 to 3 (arXiv:2407.21783), Mistral, and Mixtral with its experts
// (arXiv:2401.04088).
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void llama(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);

    if (keys.optional("expert_count", 0, 0, kMaxExperts) == 0) return;
    readExperts(keys, model, ExpertWidth::FeedForward);
    model.moe.normalizeWeights = true;
}

}  // namespace conclave::engine::architectures
