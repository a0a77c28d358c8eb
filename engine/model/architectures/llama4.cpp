// llama4.cpp: Llama 4 Scout and Maverick (ai.meta.com/blog/llama-4-multimodal-intelligence), text
// only. Three layers of four rotate and see their chunk of the text; the fourth sees all and has no
// positions (arXiv:2501.18795), but its queries grow, so that a long text does not flatten the
// softmax.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void llama4(Keys& keys, ModelConfig& model) {
    constexpr int kChunk = 8192;
    constexpr int kPeriod = 4;
    constexpr int kExpertsOfMaverick = 128;
    readGroupedAttention(keys, model);
    if (keys.optional("attention.sliding_window", kChunk, 0, kMaxContext) == 0) {
        keys.remember({ErrorCode::Unsupported, keys.name("attention.sliding_window") +
                                                   " is 0, and no Llama 4 without windows is "
                                                   "supported; Scout and Maverick are"});
        return;
    }
    model.window = kChunk;
    readWindow(keys, model, kPeriod);
    readLocalBase(keys, model);
    model.window = kChunk;  // whatever the file says
    model.windowIsChunk = true;
    for (std::size_t i = kPeriod - 1; i < model.layers.size(); i += kPeriod) {
        model.layers[i].rotates = false;
    }
    model.growth = {.step = kChunk, .offset = 1};

    readExperts(keys, model, ExpertWidth::FeedForward);
    readInterleaved(keys, model);
    model.grouped.unitHeads = model.moe.nExperts != kExpertsOfMaverick;
    model.moe.score = RouterScore::Sigmoid;
    model.moe.weighInput = true;
    model.moe.sharedDim = model.moe.expertDim;
}

}  // namespace conclave::engine::architectures
