// cohere2.cpp: Command R7B and A (arXiv:2504.00698), section 2: Command R's layer; three of four
// see a window and rotate, the fourth sees all and has no positions (arXiv:2501.18795).
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {

void cohere2(Keys& keys, ModelConfig& model) {
    constexpr int kPeriod = 4;
    commandR(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::None;  // R+ alone has it
    model.window = keys.required("attention.sliding_window", 1, kMaxContext);
    readWindow(keys, model, kPeriod);
    for (LayerConfig& layer : model.layers) layer.rotates = layer.isLocal;
}

}  // namespace conclave::engine::architectures
