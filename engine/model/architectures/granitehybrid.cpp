// granitehybrid.cpp: Granite 4 H (github.com/ibm-granite/granite-4.0-language-models): granite's
// layer, with experts or without, and Mamba-2 (arXiv:2405.21060) in place of most layers'
// attention.
#include "engine/model/architectures/architectures.h"

namespace conclave::engine::architectures {
namespace {

void readMamba2(Keys& keys, ModelConfig& model) {
    constexpr int kMostTaps = 64;
    Mamba2Config& mamba = model.mamba;
    mamba.kernel = keys.required("ssm.conv_kernel", 2, kMostTaps);
    mamba.nHeads = keys.required("ssm.time_step_rank", 1, kMaxHeads);
    mamba.nGroups = keys.required("ssm.group_count", 1, kMaxHeads);
    mamba.stateDim = keys.required("ssm.state_size", 1, kMaxHeadDim);
    const int innerDim = keys.required("ssm.inner_size", 1, kMaxDim);
    if (keys.error()) return;
    if (mamba.nHeads % mamba.nGroups != 0) {
        keys.remember(
            {ErrorCode::Corrupt, keys.name("ssm.group_count") + " does not divide the heads"});
    }
    if (innerDim % mamba.nHeads != 0) {
        keys.remember({ErrorCode::Corrupt, keys.name("ssm.inner_size") + " is " +
                                               std::to_string(innerDim) +
                                               ", which is not that of all heads"});
    }
    mamba.headDim = innerDim / mamba.nHeads;
}

}  // namespace

void granitehybrid(Keys& keys, ModelConfig& model) {
    readRecurrentLayers(keys, model, RecurrentKind::Mamba2);
    if (keys.optional("expert_count", 0, 0, kMaxExperts) > 0) {
        granitemoe(keys, model);
    } else {
        granite(keys, model);
    }
    readMamba2(keys, model);
}

}  // namespace conclave::engine::architectures
