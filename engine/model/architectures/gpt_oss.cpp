// gpt_oss.cpp: gpt-oss-20b and 120b (arXiv:2508.10925), section 2: every other layer sees a window,
// each head may attend to nothing (a sink), and all matrices of a layer have biases.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void gptOss(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.needsBias = true;
    model.grouped.needsOutputBias = true;
    model.grouped.hasSinks = true;
    model.rope.pairs = RopePairs::Halves;
    model.window = keys.required("attention.sliding_window", 1, kMaxContext);
    readWindow(keys, model, 2);
    readLocalBase(keys, model);
    model.norm.beforeFeedForward = "post_attention_norm";

    readExperts(keys, model, ExpertWidth::FeedForward);
    model.moe.score = RouterScore::SoftmaxOfChosen;
    model.moe.routerBias = true;
    model.moe.expertBias = true;
    model.activation = Activation::ClampedSilu;
    model.needsOutput = true;
}

}  // namespace conclave::engine::architectures
