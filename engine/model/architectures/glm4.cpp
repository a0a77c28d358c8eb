// glm4.cpp: GLM-4-0414 (arXiv:2406.12793), with norms around its blocks; also the text models of
// GLM-4.1V and 4.6V-Flash (arXiv:2507.01006).
#include <algorithm>

#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void glm4(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);  // half of a head is rotated: "rope.dimension_count"
    // The models with pictures have sections, which turn alike in text, and other pairs.
    const std::vector<int> sections = keys.counts("rope.dimension_sections", 0, kMaxHeadDim);
    const bool hasSections =
        std::any_of(sections.begin(), sections.end(), [](int n) { return n > 0; });
    if (hasSections) model.rope.pairs = RopePairs::Halves;
    model.norm.afterBlocks = true;
    model.gateUpInOne = true;
}

}  // namespace conclave::engine::architectures
