// seed_oss.cpp: Seed-OSS-36B (github.com/ByteDance-Seed/seed-oss).
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void seedOss(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.rope.pairs = RopePairs::Halves;
    model.norm.beforeFeedForward = "post_attention_norm";
}

}  // namespace conclave::engine::architectures
