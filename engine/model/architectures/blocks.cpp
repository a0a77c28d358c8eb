#include "engine/model/architectures/blocks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace conclave::engine {
namespace {

int vocabularySizeOf(Keys& keys) {
    if (keys.has("vocab_size")) return keys.required("vocab_size", 1, kMaxVocabulary);
    const TensorInfo* embedding = keys.tensor("token_embd.weight");
    if (embedding == nullptr || embedding->shape.size() != 2 ||
        embedding->shape[1] > static_cast<std::uint64_t>(kMaxVocabulary)) {
        return keys.remember(
            {ErrorCode::Corrupt, "the model file has no token_embd.weight matrix"});
    }
    return static_cast<int>(embedding->shape[1]);
}

/// On cosine and sine, however the context was stretched.
double attentionFactor(Keys& keys) {
    return keys.number("rope.scaling.attn_factor", 1.0, 1e-3, 1e3);
}

void readRope(Keys& keys, ModelConfig& model) {
    RopeConfig& rope = model.rope;
    rope.usesDivisors = true;
    rope.base = keys.number("rope.freq_base", 10000.0, 1.0, 1e12);
    const std::string_view type = keys.text("rope.scaling.type");
    const double factor =
        keys.number("rope.scaling.factor", keys.number("rope.scale_linear", 0.0, 0.0, 1e6), 0.0,
                    1e6);  // 0 means not set
    const double context = keys.number("rope.scaling.original_context_length",
                                       static_cast<double>(model.contextLength), 1.0, kMaxContext);
    rope.originalContext = context;
    if (type == "yarn" && factor > 0.0) {
        rope.yarn = true;
        rope.yarnFactor = factor;
        rope.magnitude = 1.0 + 0.1 * std::log(factor);
    } else if (type.empty() || type == "linear" || type == "longrope") {
        rope.linearFactor = factor > 0.0 ? factor : 1.0;
    } else if (type != "none" && type != "yarn") {
        keys.remember({ErrorCode::Unsupported, keys.name("rope.scaling.type") + " is \"" +
                                                   std::string(type) +
                                                   "\" (linear, yarn and longrope are supported)"});
    }
    rope.magnitude *= attentionFactor(keys);
}

void readGroups(Keys& keys, MoeConfig& moe) {
    moe.nGroups = std::max(1, keys.optional("expert_group_count", 1, 0, moe.nExperts));
    if (moe.nGroups == 1 || keys.error()) return;
    moe.nGroupsUsed = keys.required("expert_group_used_count", 1, moe.nGroups);
    if (moe.nExperts % moe.nGroups != 0 || moe.nExperts / moe.nGroups < 2) {
        keys.remember({ErrorCode::Corrupt, keys.name("expert_group_count") + " is " +
                                               std::to_string(moe.nGroups) +
                                               ", which does not divide the experts into groups"});
    } else if (moe.nExpertsUsed > moe.nGroupsUsed * (moe.nExperts / moe.nGroups)) {
        keys.remember({ErrorCode::Corrupt,
                       keys.name("expert_used_count") + " is above what the chosen groups hold"});
    }
}

}  // namespace

void readCommon(Keys& keys, ModelConfig& model) {
    model.nLayers = keys.required("block_count", 1, kMaxLayers);
    // Layers that predict further tokens (DeepSeek-V3, section 2.2) come last.
    const int nPredict = keys.optional("nextn_predict_layers", 0, 0, kMaxLayers);
    if (!keys.error() && nPredict >= model.nLayers) {
        keys.remember({ErrorCode::Corrupt, keys.name("nextn_predict_layers") +
                                               " leaves no layer of " + keys.name("block_count")});
    }
    model.nLayers -= nPredict;
    model.nPredictionLayers = nPredict;
    model.contextLength = keys.required("context_length", 1, kMaxContext);
    model.embeddingDim = keys.required("embedding_length", 1, kMaxDim);
    model.nHeads = keys.required("attention.head_count", 1, kMaxHeads);
    // Where each layer has experts, files may give only the width of an expert.
    const bool needsWidth = !keys.has("expert_feed_forward_length");
    model.feedForwardDim = needsWidth ? keys.required("feed_forward_length", 1, kMaxDim)
                                      : keys.optional("feed_forward_length", 0, 1, kMaxDim);
    model.norm.epsilon = static_cast<float>(
        keys.requiredNumber(model.norm.kind == NormKind::Rms ? "attention.layer_norm_rms_epsilon"
                                                             : "attention.layer_norm_epsilon",
                            0.0, 1.0));
    model.vocabularySize = vocabularySizeOf(keys);
    if (keys.error()) return;
    model.layers.resize(static_cast<std::size_t>(model.nLayers));
    readRope(keys, model);
}

void readGroupedAttention(Keys& keys, ModelConfig& model) {
    GroupedAttentionConfig& grouped = model.grouped;
    model.attention = AttentionKind::Grouped;
    if (grouped.nKvHeads == 0) {  // else readRecurrentLayers has read it
        grouped.nKvHeads = keys.optional("attention.head_count_kv", model.nHeads, 1, kMaxHeads);
    }
    grouped.headDim =
        keys.optional("attention.key_length", model.embeddingDim / model.nHeads, 2, kMaxHeadDim);
    const int valueDim = keys.optional("attention.value_length", grouped.headDim, 2, kMaxHeadDim);
    model.rope.dim = keys.optional("rope.dimension_count", grouped.headDim, 2, kMaxHeadDim);
    if (keys.error()) return;
    if (model.nHeads % grouped.nKvHeads != 0) {
        keys.remember({ErrorCode::Corrupt, keys.name("attention.head_count_kv") + " is " +
                                               std::to_string(grouped.nKvHeads) +
                                               ", which does not divide the number of heads, " +
                                               std::to_string(model.nHeads)});
    }
    if (valueDim != grouped.headDim) {
        keys.remember({ErrorCode::Unsupported,
                       keys.name("attention.value_length") + " differs from the key length"});
    }
    if (model.rope.dim > grouped.headDim) {
        keys.remember(
            {ErrorCode::Corrupt, keys.name("rope.dimension_count") + " is above the key length"});
    }
    const double scale = keys.number("attention.scale", 0.0, 0.0, 1e3);  // 0 means not set
    model.attentionScale = scale > 0.0 ? static_cast<float>(scale)
                                       : 1.0f / std::sqrt(static_cast<float>(grouped.headDim));
}

void readRecurrentLayers(Keys& keys, ModelConfig& model, RecurrentKind kind) {
    constexpr std::string_view kKey = "attention.head_count_kv";
    model.recurrent = kind;
    const std::vector<int> counts = keys.counts(kKey, model.nLayers, kMaxHeads);
    if (counts.empty()) return;  // one number: all layers attend
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
        model.layers[i].isRecurrent = counts[i] == 0;
        if (counts[i] == 0) continue;
        if (model.grouped.nKvHeads != 0 && model.grouped.nKvHeads != counts[i]) {
            keys.remember({ErrorCode::Unsupported,
                           keys.name(kKey) + " differs between layers that attend, and no such "
                                             "model is supported yet"});
        }
        model.grouped.nKvHeads = counts[i];
    }
    if (model.grouped.nKvHeads == 0) {
        keys.remember({ErrorCode::Unsupported, keys.name(kKey) + " leaves no layer that attends, "
                                                                 "and no such model is supported "
                                                                 "yet"});
    }
}

void readLatentAttention(Keys& keys, ModelConfig& model) {
    LatentAttentionConfig& latent = model.latent;
    model.attention = AttentionKind::Latent;
    latent.queryRank = keys.optional("attention.q_lora_rank", 0, 0, kMaxDim);
    latent.latentDim = keys.required("attention.kv_lora_rank", 1, kMaxDim);
    model.rope.dim = keys.required("rope.dimension_count", 2, kMaxHeadDim);
    // Older files, with one attn_kv_b tensor, give a head's sizes under the plain keys.
    const bool isNew = keys.has("attention.key_length_mla");
    const int keyDim =
        keys.required(isNew ? "attention.key_length_mla" : "attention.key_length", 1, kMaxHeadDim);
    latent.valueDim = keys.required(isNew ? "attention.value_length_mla" : "attention.value_length",
                                    1, kMaxHeadDim);
    latent.nopeDim = keyDim - model.rope.dim;
    if (!keys.error() && latent.nopeDim < 1) {
        keys.remember({ErrorCode::Corrupt, keys.name("rope.dimension_count") +
                                               " leaves nothing of the key length " +
                                               std::to_string(keyDim)});
    }
    // The factor on queries and keys counts for their part without position, too.
    double mscale = attentionFactor(keys);
    // DeepSeek's YaRN: the key holds 0.1 * mscale_all_dim. Where it is given, the two mscales
    // cancel on cosine and sine, and the softmax scale takes the square instead. Else, and where
    // positions are scaled otherwise, llama.cpp has the usual factor in the softmax scale, too;
    // DeepSeek's own code does not, but a file says the same here as there.
    const double logMultiplier = keys.number("rope.scaling.yarn_log_multiplier", 0.0, 0.0, 10.0);
    const RopeConfig& rope = model.rope;
    const double logStretch = std::log(rope.yarn ? rope.yarnFactor : rope.linearFactor);
    if (rope.yarn && logMultiplier != 0.0) {
        model.rope.magnitude = mscale;
    } else {
        mscale *= 1.0 + 0.1 * logStretch;
    }
    mscale *= 1.0 + logMultiplier * logStretch;
    model.attentionScale =
        static_cast<float>(mscale * mscale) / std::sqrt(static_cast<float>(keyDim));
    // Mistral Large 3: the file gives the step, where Ministral takes the original context.
    const double rate = keys.number("attention.temperature_scale", 0.0, 0.0, 1e3);
    if (rate == 0.0) return;
    model.growth = {.step = keys.required("attention.temperature_length", 1, kMaxContext),
                    .rate = rate,
                    .whereRotated = true};
}

namespace {

void readDeltaNet(Keys& keys, ModelConfig& model) {
    constexpr int kMostTaps = 64;
    DeltaNetConfig& net = model.deltaNet;
    net.kernel = keys.required("ssm.conv_kernel", 2, kMostTaps);
    net.nKeyHeads = keys.required("ssm.group_count", 1, kMaxHeads);
    net.nValueHeads = keys.required("ssm.time_step_rank", 1, kMaxHeads);
    net.headDim = keys.required("ssm.state_size", 1, kMaxHeadDim);
    const int innerDim = keys.required("ssm.inner_size", 1, kMaxDim);
    const int interval = keys.optional("full_attention_interval", 4, 1, kMaxLayers);
    if (keys.error()) return;
    if (net.nValueHeads % net.nKeyHeads != 0) {
        keys.remember({ErrorCode::Corrupt,
                       keys.name("ssm.group_count") + " does not divide the heads of values"});
    } else if (std::int64_t{net.nValueHeads} * net.headDim != innerDim) {
        keys.remember({ErrorCode::Corrupt, keys.name("ssm.inner_size") + " is " +
                                               std::to_string(innerDim) +
                                               ", which is not that of all heads"});
    }
    const auto isRecurrent = keys.flags("attention.recurrent_layers", model.nLayers);
    for (std::size_t i = 0; i < model.layers.size() && !keys.error(); ++i) {
        model.layers[i].isRecurrent = isRecurrent.empty()
                                          ? (i + 1) % static_cast<std::size_t>(interval) != 0
                                          : isRecurrent[i];
    }
}

}  // namespace

void readGatedHybrid(Keys& keys, ModelConfig& model) {
    readGroupedAttention(keys, model);
    model.grouped.queryKeyNorm = HeadNorm::PerHead;
    model.grouped.hasOutputGate = true;
    model.rope.pairs = RopePairs::Halves;
    model.norm.beforeFeedForward = "post_attention_norm";
    readDeltaNet(keys, model);
}

void readExperts(Keys& keys, ModelConfig& model, ExpertWidth width) {
    MoeConfig& moe = model.moe;
    moe.nExperts = keys.required("expert_count", 1, kMaxExperts);
    if (keys.error()) return;
    moe.nExpertsUsed = keys.required("expert_used_count", 1, moe.nExperts);
    if (keys.error()) return;
    const int fallback = width == ExpertWidth::FeedForward
                             ? model.feedForwardDim
                             : model.feedForwardDim / moe.nExpertsUsed;
    moe.expertDim = keys.optional("expert_feed_forward_length", fallback, 1, kMaxDim);
    if (!keys.error() && moe.expertDim < 1) {
        keys.remember({ErrorCode::Corrupt, keys.name("feed_forward_length") +
                                               " leaves nothing for each of the experts"});
    }
    const double scale = keys.number("expert_weights_scale", 1.0, 0.0, 1e3);
    moe.weightScale = scale > 0.0 ? static_cast<float>(scale) : 1.0f;  // 0 means not set
    readGroups(keys, moe);
    for (LayerConfig& layer : model.layers) layer.hasExperts = true;
}

void readSharedWidth(Keys& keys, ModelConfig& model) {
    constexpr std::string_view kKey = "expert_shared_feed_forward_length";
    model.moe.sharedDim = model.feedForwardDim > 0
                              ? keys.optional(kKey, model.feedForwardDim, 1, kMaxDim)
                              : keys.required(kKey, 1, kMaxDim);
}

void readLeadingDense(Keys& keys, ModelConfig& model) {
    const int nDense = keys.optional("leading_dense_block_count", 0, 0, model.nLayers);
    for (int i = 0; i < nDense; ++i) {
        model.layers[static_cast<std::size_t>(i)].hasExperts = false;
    }
}

void readInterleaved(Keys& keys, ModelConfig& model) {
    const int step = keys.optional("interleave_moe_layer_step", 1, 1, kMaxLayers);
    for (int i = 0; i < model.nLayers && !keys.error(); ++i) {
        model.layers[static_cast<std::size_t>(i)].hasExperts = (i + 1) % step == 0;
    }
}

void readRouterScore(Keys& keys, ModelConfig& model, RouterScore fallback) {
    constexpr int kNone = 0;
    constexpr int kSoftmax = 1;
    constexpr int kSigmoid = 2;
    switch (const int function = keys.optional("expert_gating_func", kNone, 0, 1000)) {
        case kNone: model.moe.score = fallback; break;
        case kSoftmax: model.moe.score = RouterScore::Softmax; break;
        case kSigmoid: model.moe.score = RouterScore::Sigmoid; break;
        default:
            keys.remember({ErrorCode::Unsupported, keys.name("expert_gating_func") + " is " +
                                                       std::to_string(function) +
                                                       " (1 softmax and 2 sigmoid are supported)"});
    }
}

void readWindow(Keys& keys, ModelConfig& model, int period) {
    model.window =
        keys.optional("attention.sliding_window", model.window, 0, kMaxContext);  // 0: not set
    model.localRope = model.rope;
    if (keys.error() || model.window == 0) return;
    const std::vector<bool> isLocal = readLocalLayers(keys, model.nLayers, period);
    for (std::size_t i = 0; i < isLocal.size(); ++i) model.layers[i].isLocal = isLocal[i];
}

std::vector<bool> readLocalLayers(Keys& keys, int nLayers, int period) {
    constexpr std::string_view kKey = "attention.sliding_window_pattern";
    std::vector<bool> isLocal = keys.flags(kKey, nLayers);
    const bool isList = !isLocal.empty();
    isLocal.resize(static_cast<std::size_t>(nLayers));
    if (isList || keys.error()) return isLocal;
    period = keys.optional(kKey, period, 0, std::numeric_limits<int>::max());
    for (int i = 0; i < nLayers; ++i) {
        isLocal[static_cast<std::size_t>(i)] = period == 0 || i % period < period - 1;
    }
    return isLocal;
}

void readLocalBase(Keys& keys, ModelConfig& model) {
    model.localRope.base = keys.number("rope.freq_base_swa", model.rope.base, 1.0, 1e12);
}

}  // namespace conclave::engine
