// lfm2.cpp: LFM2 (arXiv:2511.23404), section 2: most layers are gated short convolutions, the
// others attend.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void lfm2(Keys& keys, ModelConfig& model) {
    constexpr int kMostTaps = 64;
    readRecurrentLayers(keys, model, RecurrentKind::ShortConvolution);
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::PerHead;
    model.rope.pairs = RopePairs::Halves;
    model.shortConvolution.kernel = keys.required("shortconv.l_cache", 2, kMostTaps);
    if (keys.number("attention.sliding_window", 0.0, 0.0, kMaxContext) > 0.0) {
        keys.remember({ErrorCode::Unsupported, keys.name("attention.sliding_window") +
                                                   " is given, and LFM2 with windows is not "
                                                   "supported yet"});
    }
    model.norm.atEnd = "token_embd_norm";
}

}  // namespace conclave::engine::architectures
