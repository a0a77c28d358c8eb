#include "engine/encoder/encoder_weights.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/model/tensor_finder.h"
#include "engine/model/weight_parts.h"

namespace conclave::engine {
namespace {

NormWeights loadEncoderNorm(TensorFinder& finder, const EncoderConfig& config,
                            const std::string& name) {
    NormWeights norm;
    norm.weight = finder.vector(name + ".weight", config.embeddingDim);
    if (config.norm == NormKind::Layer) {
        norm.bias = finder.vector(name + ".bias", config.embeddingDim);
    }
    return norm;
}

/// Of queries and keys: one weight for all heads, or a norm over them together.
void loadHeadNorms(TensorFinder& finder, const EncoderConfig& config, EncoderLayerWeights& layer) {
    const int queryDim = config.nHeads * config.headDim;
    const int kvDim = config.nKvHeads * config.headDim;
    if (config.queryKeyNorm == HeadNorm::PerHead) {
        layer.attention.queryNorm = finder.vector("attn_q_norm.weight", config.headDim);
        layer.attention.keyNorm = finder.vector("attn_k_norm.weight", config.headDim);
    } else if (config.queryKeyNorm == HeadNorm::AllHeads) {
        layer.attention.queryNorm = finder.optionalVector("attn_q_norm.weight", queryDim);
        layer.queryNormBias = finder.optionalVector("attn_q_norm.bias", queryDim);
        layer.attention.keyNorm = finder.optionalVector("attn_k_norm.weight", kvDim);
        layer.keyNormBias = finder.optionalVector("attn_k_norm.bias", kvDim);
    }
}

void loadEncoderAttention(TensorFinder& finder, const EncoderConfig& config,
                          GroupedAttentionWeights& weights) {
    const int queryDim = config.nHeads * config.headDim;
    loadQueryKeyValue(
        finder, {config.embeddingDim, queryDim, config.nKvHeads * config.headDim, false}, weights);
    weights.output = finder.matrix("attn_output.weight", config.embeddingDim, queryDim);
    weights.outputBias = finder.vectorIf(config.needsBias, "attn_output.bias", config.embeddingDim);
}

EncoderFeedForward loadEncoderFeedForward(TensorFinder& finder, const EncoderConfig& config) {
    const int dim = config.feedForwardDim;
    EncoderFeedForward network;
    if (config.gateUpInOne) {
        const Matrix both = finder.matrix("ffn_up.weight", 2 * dim, config.embeddingDim);
        network.gate = rowsOf(both, 0, dim);
        network.up = rowsOf(both, dim, dim);
    } else {
        if (config.gated) {
            network.gate = finder.matrix("ffn_gate.weight", dim, config.embeddingDim);
        }
        network.up = finder.matrix("ffn_up.weight", dim, config.embeddingDim);
        network.upBias = finder.optionalVector("ffn_up.bias", dim);
    }
    network.down = finder.matrix("ffn_down.weight", config.embeddingDim, dim);
    network.downBias = finder.vectorIf(config.needsBias, "ffn_down.bias", config.embeddingDim);
    return network;
}

void loadEncoderExperts(TensorFinder& finder, const EncoderConfig& config,
                        EncoderLayerWeights& layer) {
    layer.router = finder.matrix("ffn_gate_inp.weight", config.nExperts, config.embeddingDim);
    const auto up = finder.matrices("ffn_up_exps.weight", config.nExperts, config.feedForwardDim,
                                    config.embeddingDim);
    const auto down = finder.matrices("ffn_down_exps.weight", config.nExperts, config.embeddingDim,
                                      config.feedForwardDim);
    for (std::size_t i = 0; i < up.size(); ++i) {
        layer.experts.push_back({std::nullopt, up[i], down[i], {}, {}});
    }
}

EncoderLayerWeights loadEncoderLayer(TensorFinder& finder, const EncoderConfig& config, int index) {
    finder.enterLayer(index);
    EncoderLayerWeights layer;
    const bool sums = config.normPlace == NormPlace::AfterSum;
    if (!sums) layer.attentionNorm = loadEncoderNorm(finder, config, "attn_norm");
    loadEncoderAttention(finder, config, layer.attention);
    loadHeadNorms(finder, config, layer);
    if (sums) {
        layer.attentionOutNorm = loadEncoderNorm(finder, config, "attn_output_norm");
        if (finder.has("attn_norm_2.weight")) {
            layer.secondNorm = loadEncoderNorm(finder, config, "attn_norm_2");
        }
        layer.outNorm = loadEncoderNorm(finder, config, "layer_output_norm");
    } else {
        layer.feedForwardNorm = loadEncoderNorm(finder, config, "ffn_norm");
        if (config.normPlace == NormPlace::BothSides) {
            layer.attentionOutNorm = loadEncoderNorm(finder, config, "post_attention_norm");
            layer.outNorm = loadEncoderNorm(finder, config, "post_ffw_norm");
        }
    }
    if (config.hasExperts(index)) {
        loadEncoderExperts(finder, config, layer);
    } else {
        layer.feedForward = loadEncoderFeedForward(finder, config);
    }
    return layer;
}

/// The first row; how many types there are does not matter, since every text is of the first.
std::vector<float> loadTokenType(TensorFinder& finder, const GgufFile& file,
                                 const EncoderConfig& config) {
    const TensorInfo* types = file.tensor("token_types.weight");
    if (types == nullptr && !config.needsTokenTypes) return {};
    constexpr std::uint64_t kMost = 1024;
    const std::uint64_t n =
        types != nullptr && types->shape.size() > 1 ? std::min(types->shape[1], kMost) : 1;
    auto rows = finder.vectors("token_types.weight", static_cast<int>(n), config.embeddingDim);
    return rows.empty() ? std::vector<float>() : std::move(rows.front());
}

void loadHead(TensorFinder& finder, const EncoderConfig& config, EncoderWeights& weights) {
    int dim = config.embeddingDim;
    if (config.classifierDim > 0) {
        weights.classifier = finder.matrix("cls.weight", config.classifierDim, dim);
        weights.classifierBias = finder.optionalVector("cls.bias", config.classifierDim);
        dim = config.classifierDim;
    }
    if (config.nClasses > 0) {
        weights.classes = finder.matrix("cls.output.weight", config.nClasses, dim);
        weights.classBias = finder.optionalVector("cls.output.bias", config.nClasses);
    }
    if (config.dense2Dim > 0) {
        weights.dense2 = finder.matrix("dense_2.weight", config.dense2Dim, config.embeddingDim);
    }
    if (config.hasSecondDense) {
        weights.dense3 = finder.matrix("dense_3.weight", config.embeddingDim, config.dense2Dim);
    }
}

/// True for tensors that vectors and scores do without.
bool mayStayUnread(const std::string& name, const EncoderConfig& config) {
    // With it the language model wrote that this embedder was made of.
    if (name.starts_with("output.")) return true;
    // 0, 1, 2 and so on, which some converters keep.
    if (name.ends_with("position_ids")) return true;
    // They score what the file wants pooled: BERT's next sentence, or a classifier's classes.
    const bool isHead = name.starts_with("cls.") || name.starts_with("pooler.");
    return isHead && config.pooling != Pooling::Rank;
}

}  // namespace

Result<EncoderWeights> EncoderWeights::load(const GgufFile& file, const EncoderConfig& config,
                                            const KernelTable& kernels) {
    TensorFinder finder(file, kernels);
    EncoderWeights weights;
    weights.embedding =
        finder.matrix("token_embd.weight", config.vocabularySize, config.embeddingDim);
    weights.type = loadTokenType(finder, file, config);
    if (config.learnedPositions) {
        weights.position =
            finder.matrix("position_embd.weight", config.contextLength, config.embeddingDim);
    }
    if (config.normPlace == NormPlace::AfterSum) {
        weights.embeddingNorm = loadEncoderNorm(finder, config, "token_embd_norm");
    }
    for (int i = 0; i < config.nLayers && !finder.error(); ++i) {
        weights.layers.push_back(loadEncoderLayer(finder, config, i));
    }
    finder.leaveLayers();
    if (config.normPlace != NormPlace::AfterSum) {
        weights.outputNorm = loadEncoderNorm(finder, config, "output_norm");
    }
    loadHead(finder, config, weights);
    if (finder.error()) return tl::unexpected(*finder.error());
    std::vector<std::string> unread = finder.unread();
    std::erase_if(unread, [&](const std::string& name) { return mayStayUnread(name, config); });
    if (const auto all = requireNone(unread, file); !all) return tl::unexpected(all.error());
    weights.needsInt8 = finder.needsInt8();
    weights.sizeBytes = finder.sizeBytes();
    return weights;
}

}  // namespace conclave::engine
