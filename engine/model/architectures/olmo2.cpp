// olmo2.cpp: OLMo 2 (arXiv:2501.00656), section 2, and 3 (arXiv:2512.13961): blocks read the stream
// as it is and their results are normalized. In OLMo 3 three layers of four see a window, and were
// not stretched with the context.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void olmo2(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::AllHeads;
    model.rope.pairs = RopePairs::Halves;
    readWindow(keys, model, 4);
    model.localRope = {.dim = model.rope.dim, .pairs = model.rope.pairs, .base = model.rope.base};
    model.norm.beforeBlocks = false;
    model.norm.afterBlocks = true;
    model.needsOutput = true;
}

}  // namespace conclave::engine::architectures
