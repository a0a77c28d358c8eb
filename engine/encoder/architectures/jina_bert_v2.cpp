// jina_bert_v2.cpp: Jina Embeddings 2 (arXiv:2310.19923), section 3: BERT with ALiBi and GEGLU.
#include "engine/encoder/architectures/architectures.h"

namespace conclave::engine::encoders {

void jinaBertV2(Keys& keys, EncoderConfig& model) {
    constexpr float kAlibiBias = 8.0f;
    model.alibiBias = kAlibiBias;
    model.needsTokenTypes = true;
    model.needsBias = true;
    model.queryKeyNorm = HeadNorm::AllHeads;
    // Converters write gate and up as two matrices or as one.
    const TensorInfo* up = keys.tensor("blk.0.ffn_up.weight");
    const bool twice = up != nullptr && up->shape.size() == 2 &&
                       up->shape[1] == 2 * static_cast<std::uint64_t>(model.feedForwardDim);
    model.gateUpInOne = twice && keys.tensor("blk.0.ffn_gate.weight") == nullptr;
    model.gated = model.gateUpInOne || keys.tensor("blk.0.ffn_gate.weight") != nullptr;
}

}  // namespace conclave::engine::encoders
