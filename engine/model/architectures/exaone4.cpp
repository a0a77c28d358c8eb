// exaone4.cpp: EXAONE 4.0 (arXiv:2507.11407), section 2.1: blocks read the stream as it is and
// their results are normalized. In the 32B model three layers of four see a window and rotate, the
// fourth sees all and has no positions.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void exaone4(Keys& keys, ModelConfig& model) {
    constexpr int kLayersOf32B = 64;
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::PerHead;
    model.rope.pairs = RopePairs::Halves;
    model.norm.beforeBlocks = false;
    model.norm.afterBlocks = true;
    if (model.nLayers != kLayersOf32B) return;
    model.window = 4096;
    readWindow(keys, model, 4);
    for (LayerConfig& layer : model.layers) layer.rotates = layer.isLocal;
}

}  // namespace conclave::engine::architectures
