#include "engine/model/weights.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "engine/model/tensor_finder.h"
#include "engine/model/weight_parts.h"

namespace conclave::engine {
namespace {

/// Splits an old file's attn_kv_b, [nHeads * (nopeDim + valueDim)][latentDim], into the two factors
/// of each head. Decode multiplies a query by the key factor from the other side, so that one is
/// transposed: as fp32 if the file is fp32 or bf16, whose range fp16 lacks, else as fp16.
void splitKvUp(const Matrix& kvUp, const ModelConfig& config, const KernelTable& kernels,
               LatentAttentionWeights& weights) {
    const auto& latent = config.latent;
    const TensorType source = kvUp.kernels->type;
    const bool wide = source == TensorType::F32 || source == TensorType::BF16;
    const WeightKernels* type = kernels.find(wide ? TensorType::F32 : TensorType::F16);
    const std::size_t valueBytes = wide ? sizeof(float) : sizeof(std::uint16_t);
    const auto nopeDim = static_cast<std::size_t>(latent.nopeDim);
    const auto latentDim = static_cast<std::size_t>(latent.latentDim);
    weights.transposed.resize(static_cast<std::size_t>(config.nHeads) * nopeDim * latentDim *
                              valueBytes);
    std::vector<float> row(latentDim);
    std::vector<float> block(latentDim * nopeDim);
    std::byte* target = weights.transposed.data();
    for (int head = 0; head < config.nHeads; ++head) {
        const int firstRow = head * (latent.nopeDim + latent.valueDim);
        for (std::size_t n = 0; n < nopeDim; ++n) {
            kvUp.kernels->dequantize(kvUp.row(firstRow + static_cast<int>(n)), latent.latentDim,
                                     row.data());
            for (std::size_t l = 0; l < latentDim; ++l) block[l * nopeDim + n] = row[l];
        }
        if (wide) {
            std::memcpy(target, block.data(), block.size() * valueBytes);
        } else {
            kernels.toHalf(block.data(), static_cast<int>(block.size()),
                           reinterpret_cast<std::uint16_t*>(target));
        }
        weights.keyUp.push_back(
            {target, nopeDim * valueBytes, latent.latentDim, latent.nopeDim, type});
        weights.valueUp.push_back({kvUp.row(firstRow + latent.nopeDim), kvUp.rowBytes,
                                   latent.valueDim, latent.latentDim, kvUp.kernels});
        target += block.size() * valueBytes;
    }
}

LatentAttentionWeights loadLatentAttention(TensorFinder& finder, const ModelConfig& config,
                                           const KernelTable& kernels) {
    const auto& latent = config.latent;
    const int headDim = latent.nopeDim + config.rope.dim;
    LatentAttentionWeights weights;
    int queryInput = config.embeddingDim;
    if (latent.queryRank > 0) {
        weights.queryDown = finder.matrix("attn_q_a.weight", latent.queryRank, config.embeddingDim);
        weights.queryNorm = finder.vector("attn_q_a_norm.weight", latent.queryRank);
        queryInput = latent.queryRank;
    }
    weights.query = finder.matrix(latent.queryRank > 0 ? "attn_q_b.weight" : "attn_q.weight",
                                  config.nHeads * headDim, queryInput);
    weights.kvDown = finder.matrix("attn_kv_a_mqa.weight", latent.latentDim + config.rope.dim,
                                   config.embeddingDim);
    weights.kvNorm = finder.vector("attn_kv_a_norm.weight", latent.latentDim);
    if (finder.has("attn_kv_b.weight")) {
        const Matrix kvUp =
            finder.matrix("attn_kv_b.weight", config.nHeads * (latent.nopeDim + latent.valueDim),
                          latent.latentDim);
        if (!finder.error()) splitKvUp(kvUp, config, kernels, weights);
    } else {
        weights.keyUp =
            finder.matrices("attn_k_b.weight", config.nHeads, latent.latentDim, latent.nopeDim);
        weights.valueUp =
            finder.matrices("attn_v_b.weight", config.nHeads, latent.valueDim, latent.latentDim);
    }
    weights.output =
        finder.matrix("attn_output.weight", config.embeddingDim, config.nHeads * latent.valueDim);
    return weights;
}

std::vector<float> joined(const std::vector<std::vector<float>>& rows) {
    std::vector<float> all;
    for (const std::vector<float>& row : rows) all.insert(all.end(), row.begin(), row.end());
    return all;
}

/// Of queries or keys.
std::vector<float> loadHeadNorm(TensorFinder& finder, const GroupedAttentionConfig& grouped,
                                const std::string& name, int nHeads) {
    switch (grouped.queryKeyNorm) {
        case HeadNorm::None: break;
        case HeadNorm::PerHead: return finder.vector(name, grouped.headDim);
        case HeadNorm::PerHeadOwnWeights:
            return joined(finder.vectors(name, nHeads, grouped.headDim));
        case HeadNorm::AllHeads: return finder.vector(name, nHeads * grouped.headDim);
    }
    return {};
}

GroupedAttentionWeights loadGroupedAttention(TensorFinder& finder, const ModelConfig& config) {
    const GroupedAttentionConfig& grouped = config.grouped;
    const int queryDim = config.nHeads * grouped.headDim;
    GroupedAttentionWeights weights;
    loadQueryKeyValue(finder,
                      {config.embeddingDim, grouped.hasOutputGate ? 2 * queryDim : queryDim,
                       grouped.nKvHeads * grouped.headDim, grouped.needsBias},
                      weights);
    weights.output = finder.matrix("attn_output.weight", config.embeddingDim, queryDim);
    weights.outputBias =
        finder.vectorIf(grouped.needsOutputBias, "attn_output.bias", config.embeddingDim);
    weights.queryNorm = loadHeadNorm(finder, grouped, "attn_q_norm.weight", config.nHeads);
    weights.keyNorm = loadHeadNorm(finder, grouped, "attn_k_norm.weight", grouped.nKvHeads);
    if (grouped.hasSinks) weights.sinks = finder.vector("attn_sinks.weight", config.nHeads);
    return weights;
}

ConvolutionWeights loadConvolution(TensorFinder& finder, const std::string& name, int nChannels,
                                   int kernel) {
    ConvolutionWeights weights;
    weights.taps.resize(static_cast<std::size_t>(kernel));
    for (const std::vector<float>& channel : finder.vectors(name + ".weight", nChannels, kernel)) {
        for (std::size_t tap = 0; tap < channel.size(); ++tap) {
            weights.taps[tap].push_back(channel[tap]);
        }
    }
    weights.bias = finder.optionalVector(name + ".bias", nChannels);
    return weights;
}

/// Early files of Qwen3-Next hold what a delta net reads as the published weights do, head of keys
/// by head of keys: its query, its key, the values that share it, and their gates.
void loadDeltaNetByKeyHeads(TensorFinder& finder, const ModelConfig& config,
                            DeltaNetWeights& weights) {
    const DeltaNetConfig& net = config.deltaNet;
    const int sharedDim = net.nShared() * net.headDim;
    const int keysDim = net.nKeyHeads * net.headDim;
    const Matrix all =
        finder.matrix("ssm_in.weight", net.mixedDim() + net.valueDim(), config.embeddingDim);
    int row = 0;
    const auto take = [&](std::vector<MatrixPart>& parts, int firstOutput, int nRows) {
        parts.push_back({rowsOf(all, row, nRows), firstOutput});
        row += nRows;
    };
    for (int head = 0; head < net.nKeyHeads; ++head) {
        take(weights.mixed, head * net.headDim, net.headDim);
        take(weights.mixed, keysDim + head * net.headDim, net.headDim);
        take(weights.mixed, 2 * keysDim + head * sharedDim, sharedDim);
        take(weights.gate, head * sharedDim, sharedDim);
    }
}

DeltaNetWeights loadDeltaNet(TensorFinder& finder, const ModelConfig& config) {
    const DeltaNetConfig& net = config.deltaNet;
    DeltaNetWeights weights;
    if (!net.isTiled && finder.has("ssm_in.weight") && !finder.has("attn_qkv.weight")) {
        loadDeltaNetByKeyHeads(finder, config, weights);
    } else {
        const int dim = config.embeddingDim;
        weights.mixed = {{finder.matrix("attn_qkv.weight", net.mixedDim(), dim)}};
        weights.gate = {{finder.matrix("attn_gate.weight", net.valueDim(), dim)}};
    }
    if (net.isTiled) {
        weights.rates = finder.matrix("ssm_beta.weight", net.nValueHeads, config.embeddingDim);
        weights.decays = finder.matrix("ssm_alpha.weight", net.nValueHeads, config.embeddingDim);
    } else {
        weights.rates = finder.matrix("ssm_ba.weight", 2 * net.nValueHeads, config.embeddingDim);
    }
    weights.output = finder.matrix("ssm_out.weight", config.embeddingDim, net.valueDim());
    weights.convolution = loadConvolution(finder, "ssm_conv1d", net.mixedDim(), net.kernel);
    weights.decayBias = finder.vector("ssm_dt.bias", net.nValueHeads);
    weights.decay = finder.vector("ssm_a", net.nValueHeads);
    weights.norm = finder.vector("ssm_norm.weight", net.headDim);
    return weights;
}

Mamba2Weights loadMamba2(TensorFinder& finder, const ModelConfig& config) {
    const Mamba2Config& mamba = config.mamba;
    const int innerDim = mamba.innerDim();
    const Matrix all = finder.matrix("ssm_in.weight", innerDim + mamba.mixedDim() + mamba.nHeads,
                                     config.embeddingDim);
    Mamba2Weights weights;
    weights.gate = rowsOf(all, 0, innerDim);
    weights.mixed = rowsOf(all, innerDim, mamba.mixedDim());
    weights.steps = rowsOf(all, innerDim + mamba.mixedDim(), mamba.nHeads);
    weights.output = finder.matrix("ssm_out.weight", config.embeddingDim, innerDim);
    weights.convolution = loadConvolution(finder, "ssm_conv1d", mamba.mixedDim(), mamba.kernel);
    weights.stepBias = finder.vector("ssm_dt.bias", mamba.nHeads);
    weights.decay = finder.column("ssm_a", mamba.nHeads);
    weights.skip = finder.column("ssm_d", mamba.nHeads);
    weights.norm =
        joined(finder.vectors("ssm_norm.weight", mamba.nGroups, innerDim / mamba.nGroups));
    return weights;
}

ShortConvolutionWeights loadShortConvolution(TensorFinder& finder, const ModelConfig& config) {
    const int dim = config.embeddingDim;
    const Matrix all = finder.matrix("shortconv.in_proj.weight", 3 * dim, dim);
    ShortConvolutionWeights weights;
    weights.gateBefore = rowsOf(all, 0, dim);
    weights.gateAfter = rowsOf(all, dim, dim);
    weights.values = rowsOf(all, 2 * dim, dim);
    weights.output = finder.matrix("shortconv.out_proj.weight", dim, dim);
    weights.convolution =
        loadConvolution(finder, "shortconv.conv", dim, config.shortConvolution.kernel);
    return weights;
}

/// What stands in place of attention.
void loadRecurrent(TensorFinder& finder, const ModelConfig& config, LayerWeights& layer) {
    switch (config.recurrent) {
        case RecurrentKind::DeltaNet: layer.attention = loadDeltaNet(finder, config); break;
        case RecurrentKind::Mamba2: layer.attention = loadMamba2(finder, config); break;
        case RecurrentKind::ShortConvolution:
            layer.attention = loadShortConvolution(finder, config);
            break;
    }
}

/// @param suffix  "", or "_shexp" for the shared experts
FeedForwardWeights loadFeedForward(TensorFinder& finder, const ModelConfig& config,
                                   const std::string& suffix, int hiddenDim) {
    FeedForwardWeights weights;
    if (suffix.empty() && config.gateUpInOne) {
        const Matrix both = finder.matrix("ffn_up.weight", 2 * hiddenDim, config.embeddingDim);
        weights.gate = rowsOf(both, 0, hiddenDim);
        weights.up = rowsOf(both, hiddenDim, hiddenDim);
    } else {
        weights.gate =
            finder.matrix("ffn_gate" + suffix + ".weight", hiddenDim, config.embeddingDim);
        weights.up = finder.matrix("ffn_up" + suffix + ".weight", hiddenDim, config.embeddingDim);
        weights.gateBias = finder.optionalVector("ffn_gate" + suffix + ".bias", hiddenDim);
        weights.upBias = finder.optionalVector("ffn_up" + suffix + ".bias", hiddenDim);
    }
    weights.down = finder.matrix("ffn_down" + suffix + ".weight", config.embeddingDim, hiddenDim);
    weights.downBias = finder.optionalVector("ffn_down" + suffix + ".bias", config.embeddingDim);
    return weights;
}

/// One kind of matrix of all experts; files from before 2024-04 hold a tensor for each expert.
std::vector<Matrix> loadExperts(TensorFinder& finder, const std::string& kind, int nExperts,
                                int nRows, int nColumns) {
    if (finder.has(kind + "_exps.weight") || !finder.has(kind + ".0.weight")) {
        return finder.matrices(kind + "_exps.weight", nExperts, nRows, nColumns);
    }
    std::vector<Matrix> experts;
    for (int i = 0; i < nExperts; ++i) {
        experts.push_back(
            finder.matrix(kind + "." + std::to_string(i) + ".weight", nRows, nColumns));
    }
    return experts;
}

/// What every expert reads first: {gates, ups}. Some files hold both as one tensor.
std::pair<std::vector<Matrix>, std::vector<Matrix>> loadFirstLayers(TensorFinder& finder,
                                                                    const ModelConfig& config) {
    const MoeConfig& moe = config.moe;
    const int dim = config.embeddingDim;
    if (!finder.has("ffn_gate_up_exps.weight")) {
        return {loadExperts(finder, "ffn_gate", moe.nExperts, moe.expertDim, dim),
                loadExperts(finder, "ffn_up", moe.nExperts, moe.expertDim, dim)};
    }
    std::pair<std::vector<Matrix>, std::vector<Matrix>> parts;
    for (const Matrix& both :
         finder.matrices("ffn_gate_up_exps.weight", moe.nExperts, 2 * moe.expertDim, dim)) {
        parts.first.push_back(rowsOf(both, 0, moe.expertDim));
        parts.second.push_back(rowsOf(both, moe.expertDim, moe.expertDim));
    }
    return parts;
}

/// Stored as one matrix of each kind, a row for each expert. Gates and ups may be one, as their
/// weights may.
void loadExpertBiases(TensorFinder& finder, const ModelConfig& config, MoeWeights& weights) {
    const int hiddenDim = config.moe.expertDim;
    const auto rows = [&](const std::string& name, int n, auto member) {
        if (!config.moe.expertBias && !finder.has(name)) return;
        const auto all = finder.vectors(name, config.moe.nExperts, n);
        for (std::size_t i = 0; i < all.size(); ++i) weights.experts[i].*member = all[i];
    };
    if (finder.has("ffn_gate_up_exps.bias")) {
        rows("ffn_gate_up_exps.bias", 2 * hiddenDim, &FeedForwardWeights::gateBias);
        for (FeedForwardWeights& expert : weights.experts) {
            if (expert.gateBias.empty()) continue;  // the tensor was wrong
            const auto middle = expert.gateBias.begin() + hiddenDim;
            expert.upBias.assign(middle, expert.gateBias.end());
            expert.gateBias.resize(static_cast<std::size_t>(hiddenDim));
        }
    } else {
        rows("ffn_gate_exps.bias", hiddenDim, &FeedForwardWeights::gateBias);
        rows("ffn_up_exps.bias", hiddenDim, &FeedForwardWeights::upBias);
    }
    rows("ffn_down_exps.bias", config.embeddingDim, &FeedForwardWeights::downBias);
}

MoeWeights loadMoe(TensorFinder& finder, const ModelConfig& config) {
    const MoeConfig& moe = config.moe;
    MoeWeights weights;
    weights.router = finder.soundMatrix("ffn_gate_inp.weight", moe.nExperts, config.embeddingDim);
    if (moe.routerBias) weights.routerBias = finder.vector("ffn_gate_inp.bias", moe.nExperts);
    weights.routerChoiceBias =
        finder.vectorIf(moe.needsChoiceBias, "exp_probs_b.bias", moe.nExperts);
    const auto [gate, up] = loadFirstLayers(finder, config);
    const auto down =
        loadExperts(finder, "ffn_down", moe.nExperts, config.embeddingDim, moe.expertDim);
    for (std::size_t i = 0; i < gate.size(); ++i) {
        weights.experts.push_back({gate[i], up[i], down[i], {}, {}, {}});
    }
    loadExpertBiases(finder, config, weights);
    if (moe.sharedDim > 0) {
        weights.shared = loadFeedForward(finder, config, "_shexp", moe.sharedDim);
        if (moe.sharedGate) {
            weights.sharedGate = finder.vector("ffn_gate_inp_shexp.weight", config.embeddingDim);
        }
    }
    return weights;
}

NormWeights loadNorm(TensorFinder& finder, const ModelConfig& config, const std::string& name) {
    NormWeights norm;
    norm.weight = finder.vector(name + ".weight", config.embeddingDim);
    if (config.norm.hasBias) norm.bias = finder.vector(name + ".bias", config.embeddingDim);
    return norm;
}

LayerWeights loadLayer(TensorFinder& finder, const ModelConfig& config, const KernelTable& kernels,
                       const LayerConfig& kind) {
    LayerWeights layer;
    if (config.norm.beforeBlocks) layer.attentionNorm = loadNorm(finder, config, "attn_norm");
    if (kind.isRecurrent) {
        loadRecurrent(finder, config, layer);
    } else if (config.attention == AttentionKind::Latent) {
        layer.attention = loadLatentAttention(finder, config, kernels);
    } else {
        layer.attention = loadGroupedAttention(finder, config);
    }
    if (config.norm.beforeBlocks && !config.parallelBlocks) {
        layer.feedForwardNorm =
            loadNorm(finder, config, std::string(config.norm.beforeFeedForward));
    }
    if (config.norm.afterBlocks) {
        layer.attentionPostNorm = loadNorm(finder, config, "post_attention_norm");
        layer.feedForwardPostNorm = loadNorm(finder, config, "post_ffw_norm");
    }
    if (kind.hasExperts) {
        layer.feedForward = loadMoe(finder, config);
    } else {
        layer.feedForward = loadFeedForward(finder, config, "", config.feedForwardDim);
    }
    return layer;
}

/// Published files may have taken the prediction layer's tensors out and left its number: none
/// then.
std::optional<PredictionWeights> loadPrediction(TensorFinder& finder, const ModelConfig& config,
                                                const KernelTable& kernels) {
    if (config.nPredictionLayers == 0) return std::nullopt;
    finder.enterLayer(config.nLayers);
    if (!finder.has("nextn.eh_proj.weight")) return std::nullopt;
    const int dim = config.embeddingDim;
    PredictionWeights weights;
    weights.embeddingNorm.weight = finder.vector("nextn.enorm.weight", dim);
    weights.hiddenNorm.weight = finder.vector("nextn.hnorm.weight", dim);
    weights.join = finder.matrix("nextn.eh_proj.weight", dim, 2 * dim);
    weights.layer = loadLayer(finder, config, kernels, config.predictionLayer().layers.front());
    const auto ownMatrix = [&](const std::string& name) -> std::optional<Matrix> {
        if (!finder.has(name)) return std::nullopt;
        return finder.matrix(name, config.vocabularySize, dim);
    };
    weights.embedding = ownMatrix("nextn.embed_tokens.weight");
    weights.output = ownMatrix("nextn.shared_head_head.weight");
    if (finder.has("nextn.shared_head_norm.weight")) {
        weights.outputNorm.weight = finder.vector("nextn.shared_head_norm.weight", dim);
    } else {
        finder.leaveLayers();
        weights.outputNorm = loadNorm(finder, config, std::string(config.norm.atEnd));
    }
    return weights;
}

RopeDivisors loadRopeDivisors(TensorFinder& finder, const ModelConfig& config) {
    const int nPairs = config.rope.dim / 2;
    RopeDivisors divisors;
    divisors.always = finder.optionalVector("rope_freqs.weight", nPairs);
    if (finder.has("rope_factors_long.weight") || finder.has("rope_factors_short.weight")) {
        divisors.within = finder.vector("rope_factors_short.weight", nPairs);
        divisors.beyond = finder.vector("rope_factors_long.weight", nPairs);
    }
    return divisors;
}

/// True for tensors that may be there without a use: parts for pictures and sound that some writers
/// keep in the same file, layers that predict further tokens, the head of a classifier, and the
/// second of two forms of one matrix.
bool mayStayUnread(const std::string& name, const ModelConfig& config) {
    constexpr std::string_view kOtherParts[] = {"v.", "a.", "mm.", "cls", "dense_", "rope_"};
    if (std::any_of(std::begin(kOtherParts), std::end(kOtherParts),
                    [&](std::string_view each) { return name.starts_with(each); })) {
        return true;
    }
    for (int i = 0; i < config.nPredictionLayers; ++i) {
        if (name.starts_with("blk." + std::to_string(config.nLayers + i) + ".")) return true;
    }
    return config.attention == AttentionKind::Latent &&
           (name.ends_with(".attn_k_b.weight") || name.ends_with(".attn_v_b.weight"));
}

}  // namespace

Result<Weights> Weights::load(const GgufFile& file, const ModelConfig& config,
                              const KernelTable& kernels, bool predicts) {
    TensorFinder finder(file, kernels);
    Weights weights;
    weights.embedding =
        finder.matrix("token_embd.weight", config.vocabularySize, config.embeddingDim);
    for (int i = 0; i < config.nLayers && !finder.error(); ++i) {
        finder.enterLayer(i);
        weights.layers.push_back(
            loadLayer(finder, config, kernels, config.layers[static_cast<std::size_t>(i)]));
    }
    if (predicts && !finder.error()) weights.prediction = loadPrediction(finder, config, kernels);
    finder.leaveLayers();
    weights.outputNorm = loadNorm(finder, config, std::string(config.norm.atEnd));
    weights.output =
        finder.has("output.weight") || config.needsOutput
            ? finder.matrix("output.weight", config.vocabularySize, config.embeddingDim)
            : weights.embedding;
    weights.outputBias = finder.optionalVector("output.bias", config.vocabularySize);
    weights.ropeDivisors = loadRopeDivisors(finder, config);
    if (finder.error()) return tl::unexpected(*finder.error());
    weights.needsInt8 = finder.needsInt8();
    weights.sizeBytes = finder.sizeBytes();
    for (const std::string& name : finder.unread()) {
        if (!mayStayUnread(name, config)) weights.unread.push_back(name);
    }
    return weights;
}

Result<void> Weights::requireAllRead(const GgufFile& file) const {
    return requireNone(unread, file);
}

}  // namespace conclave::engine
