// command_r.cpp: Command R, R+ and Aya (docs.cohere.com/docs/command-r): both blocks of a layer
// read the same normalized stream and are added together, as in GPT-J. In R+ each head normalizes
// its queries and keys with weights of its own.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void commandR(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    if (keys.tensor("blk.0.attn_q_norm.weight") != nullptr) {
        model.grouped.queryKeyNorm = HeadNorm::PerHeadOwnWeights;
    }
    model.parallelBlocks = true;
    model.logitScale = static_cast<float>(keys.requiredNumber("logit_scale", 1e-6, 1e6));
}

}  // namespace conclave::engine::architectures
