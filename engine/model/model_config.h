// model_config.h: a model's shape, from the metadata of its file.
//
// The description is made by one small file per architecture (architectures/), and holds what the
// forward pass and the loading of weights need to know: neither asks for an architecture by name.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

inline constexpr int kMaxExperts = 1024;

enum class AttentionKind { Grouped, Latent };

/// How a vector is normalized: by its mean square alone (arXiv:1910.07467), or LayerNorm
/// (arXiv:1607.06450), which takes its mean away first.
enum class NormKind { Layer, Rms };

/// How the router turns logits into scores: over all experts, each by itself, or over those that
/// were chosen by their logits.
enum class RouterScore { Softmax, Sigmoid, SoftmaxOfChosen };

/// What happens between the two layers of a feed-forward network; `Gelu` is the tanh form, and
/// `ClampedSilu` gpt-oss's (see activation.h).
enum class Activation { Silu, Gelu, ClampedSilu };

/// Which values of a head turn together: (2i, 2i + 1), or (i, i + dim / 2).
enum class RopePairs { Neighbours, Halves };

/// Norm of queries and keys: none, of each head by itself (one weight for all heads, or each its
/// own), or over the heads together. Its kind is that of the model's other norms.
enum class HeadNorm { None, PerHead, PerHeadOwnWeights, AllHeads };

/// Rotary position embedding, stretched to longer contexts by linear scaling, YaRN
/// (arXiv:2309.00071), or factors in the file (Llama 3.1, LongRoPE arXiv:2402.13753).
struct RopeConfig {
    int dim = 0;  ///< values rotated per head; even
    RopePairs pairs = RopePairs::Neighbours;
    double base = 10000.0;
    double linearFactor = 1.0;  ///< positions are divided by it
    bool yarn = false;
    double yarnFactor = 1.0;
    double originalContext = 0.0;  ///< what the model was trained with before it was stretched
    double yarnFast = 32.0;     ///< turns over the original context from which a wave is left alone
    double yarnSlow = 1.0;      ///< likewise, up to which it is stretched in full
    double magnitude = 1.0;     ///< factor on cosine and sine
    bool usesDivisors = false;  ///< the file's factors count, where it has them
};

/// Queries that grow with their position p, so that a long text does not flatten the softmax
/// (arXiv:2501.19399): by the factor 1 + rate log(1 + floor((p + offset) / step)).
struct QueryGrowthConfig {
    int step = 0;  ///< 0: they do not
    double rate = 0.1;
    int offset = 0;
    bool whereRotated = false;  ///< in all layers; else in those without rotation
};

/// Grouped-query attention: query heads share nHeads / nKvHeads to one the keys and values.
struct GroupedAttentionConfig {
    int nKvHeads = 0;
    int headDim = 0;
    HeadNorm queryKeyNorm = HeadNorm::None;
    bool normalizesRotated = false;  ///< that norm comes behind the rotation
    bool unitHeads = false;          ///< rotated queries and keys are normalized, without weights
    bool needsBias = false;          ///< on queries, keys and values; else used if the file has it
    bool needsOutputBias = false;    ///< likewise
    bool hasOutputGate = false;      ///< what a head gives counts by a sigmoid of the token
    bool hasSinks = false;           ///< a learnt logit per head takes its share of the softmax
    float softCap = 0.0f;            ///< scores become cap * tanh(score / cap); 0: they do not
};

/// Multi-head latent attention: DeepSeek-V2 (arXiv:2405.04434), section 2.1.
struct LatentAttentionConfig {
    int queryRank = 0;  ///< 0: queries are not compressed
    int latentDim = 0;  ///< width of the compressed keys and values
    int nopeDim = 0;    ///< part of a query or key without position
    int valueDim = 0;
};

/// Gated delta net: layers with a state in place of a KV cache (see delta_net.h).
struct DeltaNetConfig {
    int kernel = 0;  ///< tokens that the convolution sees, its own among them
    int nKeyHeads = 0;
    int nValueHeads = 0;  ///< nValueHeads / nKeyHeads to one head of queries and keys
    int headDim = 0;
    /// Value heads take turns with the heads of keys, h with h % nKeyHeads, and strengths and
    /// decays are matrices of their own; else neighbours share a head, and its rows lie together.
    bool isTiled = false;
    /// Queries, keys and values of all heads.
    [[nodiscard]] int mixedDim() const { return (2 * nKeyHeads + nValueHeads) * headDim; }
    [[nodiscard]] int valueDim() const { return nValueHeads * headDim; }
    [[nodiscard]] int nShared() const { return nValueHeads / nKeyHeads; }
    [[nodiscard]] int keyHead(int valueHead) const {
        return isTiled ? valueHead % nKeyHeads : valueHead / nShared();
    }
};

/// Mamba-2: layers with a state in place of a KV cache (see mamba2.h).
struct Mamba2Config {
    int kernel = 0;  ///< as that of a delta net
    int nHeads = 0;
    int headDim = 0;
    int nGroups = 0;   ///< of heads that share B and C
    int stateDim = 0;  ///< values of B and of C
    [[nodiscard]] int innerDim() const { return nHeads * headDim; }
    [[nodiscard]] int mixedDim() const { return innerDim() + 2 * nGroups * stateDim; }
};

/// Gated short convolutions: layers with a state in place of a KV cache (see short_convolution.h).
struct ShortConvolutionConfig {
    int kernel = 0;  ///< as that of a delta net
};

/// What stands in place of attention in the layers that are recurrent.
enum class RecurrentKind { DeltaNet, ShortConvolution, Mamba2 };

/// Values of one recurrent layer's state.
struct RecurrentSize {
    std::size_t inputs = 0;  ///< that the convolution saw last
    std::size_t memory = 0;
};

struct MoeConfig {
    int nExperts = 0;  ///< 0: dense
    int nExpertsUsed = 0;
    int expertDim = 0;
    int sharedDim = 0;             ///< width of all shared experts together; 0: none
    bool sharedGate = false;       ///< the shared experts count by a sigmoid of their own
    bool routerBias = false;       ///< on the router's logits
    bool needsChoiceBias = false;  ///< on the choice only; else used if the file has it
    bool expertBias = false;       ///< on gate, up and down of routed experts
    int nGroups = 1;
    int nGroupsUsed = 1;
    RouterScore score = RouterScore::Softmax;
    bool normalizeWeights = false;
    bool weighInput = false;  ///< weights scale what an expert reads, not what it gives
    float weightScale = 1.0f;
};

/// A block reads the normalized stream; some models normalize its result, too or instead.
struct NormConfig {
    NormKind kind = NormKind::Rms;
    float epsilon = 0.0f;
    bool hasBias = false;
    bool beforeBlocks = true;
    bool afterBlocks = false;
    /// The tensor of the norm before the feed-forward block, which has two names.
    std::string_view beforeFeedForward = "ffn_norm";
    /// And of the one before the output matrix.
    std::string_view atEnd = "output_norm";
};

struct LayerConfig {
    bool hasExperts = false;
    bool isRecurrent = false;  ///< a block with a state stands in place of attention
    bool rotates = true;       ///< queries and keys carry their position
    bool isLocal = false;      ///< sees the last `window` positions, and rotates by `localRope`
};

struct ModelConfig {
    int nLayers = 0;
    /// Layers of the file behind those, which predict further tokens (see prediction_layer.h).
    int nPredictionLayers = 0;
    int contextLength = 0;
    int embeddingDim = 0;
    int feedForwardDim = 0;  ///< of dense layers
    int vocabularySize = 0;
    int nHeads = 0;
    std::vector<LayerConfig> layers;  ///< [nLayers]

    float embeddingScale = 1.0f;
    NormConfig norm;
    AttentionKind attention = AttentionKind::Grouped;
    float attentionScale = 0.0f;  ///< factor on q.k before the softmax
    QueryGrowthConfig growth;
    GroupedAttentionConfig grouped;
    LatentAttentionConfig latent;
    RecurrentKind recurrent = RecurrentKind::DeltaNet;
    DeltaNetConfig deltaNet;
    Mamba2Config mamba;
    ShortConvolutionConfig shortConvolution;
    RopeConfig rope;
    RopeConfig localRope;
    int window = 0;              ///< positions that a local layer sees, its own among them
    bool windowIsChunk = false;  ///< the window does not move on with the token, but jumps
    Activation activation = Activation::Silu;
    bool gateUpInOne = false;  ///< dense layers hold gate and up as one matrix, ffn_up
    MoeConfig moe;
    bool parallelBlocks = false;  ///< the feed-forward block reads what attention does
    float residualScale = 1.0f;   ///< of what a block adds to the stream
    bool needsOutput = false;     ///< else the embedding serves where the output matrix is missing
    float logitScale = 1.0f;
    float logitSoftCap = 0.0f;  ///< logits become cap * tanh(logit / cap); 0: they do not

    /// Values that a position leaves in one layer of the KV cache.
    [[nodiscard]] int cacheDim() const;
    [[nodiscard]] bool hasDenseLayer() const;
    [[nodiscard]] bool hasLocalLayer() const;
    [[nodiscard]] bool hasRecurrentLayer() const;
    [[nodiscard]] RecurrentSize recurrentSize() const;

    /// The first prediction layer as a model of one layer. Such layers attend, and have experts
    /// where the model's last layers have them.
    [[nodiscard]] ModelConfig predictionLayer() const;

    /// Errors: Unsupported (names the architecture or what it wants), Corrupt (names the key).
    [[nodiscard]] static Result<ModelConfig> read(const GgufFile& file);
};

}  // namespace conclave::engine
