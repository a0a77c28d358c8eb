// command_r.cpp: Command R and Aya (docs.cohere.com/docs/command-r): both blocks of a layer read
// the same normalized stream and are added together, as in GPT-J.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void commandR(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    if (keys.tensor("blk.0.attn_q_norm.weight") != nullptr) {
        keys.remember({ErrorCode::Unsupported,
                       "Command R+, whose heads have norms of their own, is not supported; Command "
                       "R and Aya are"});
    }
    model.parallelBlocks = true;
    model.logitScale = static_cast<float>(keys.requiredNumber("logit_scale", 1e-6, 1e6));
}

}  // namespace conclave::engine::architectures
