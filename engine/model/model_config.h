// model_config.h: a model's shape, from the metadata of its file.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

inline constexpr int kMaxExperts = 1024;

enum class Architecture { DeepSeek2, Llama };

/// How the router turns logits into scores.
enum class RouterScore { Softmax, Sigmoid };

/// Rotary position embedding of pairs (2i, 2i+1), stretched to longer contexts by linear scaling or
/// YaRN (arXiv:2309.00071).
struct RopeConfig {
    int dim = 0;  ///< values rotated per head; even
    double base = 10000.0;
    double linearFactor = 1.0;  ///< positions are divided by it
    bool yarn = false;
    double yarnFactor = 1.0;
    double originalContext = 0.0;
    double betaFast = 32.0;
    double betaSlow = 1.0;
    double magnitude = 1.0;  ///< factor on cosine and sine
};

/// Grouped-query attention: query heads share nHeads / nKvHeads to one the keys and values.
struct GroupedAttentionConfig {
    int nKvHeads = 0;
    int headDim = 0;
};

/// Multi-head latent attention: DeepSeek-V2 (arXiv:2405.04434), section 2.1.
struct LatentAttentionConfig {
    int queryRank = 0;  ///< 0: queries are not compressed
    int latentDim = 0;  ///< width of the compressed keys and values
    int nopeDim = 0;    ///< part of a query or key without position
    int valueDim = 0;
};

struct MoeConfig {
    int nExperts = 0;  ///< 0: dense
    int nExpertsUsed = 0;
    int expertDim = 0;
    int nSharedExperts = 0;
    int nGroups = 1;
    int nGroupsUsed = 1;
    int nLeadingDense = 0;
    RouterScore score = RouterScore::Softmax;
    bool normalizeWeights = false;
    float weightScale = 1.0f;
};

struct ModelConfig {
    Architecture architecture = Architecture::Llama;
    int nLayers = 0;
    int contextLength = 0;
    int embeddingDim = 0;
    int feedForwardDim = 0;  ///< of dense layers
    int vocabularySize = 0;
    int nHeads = 0;
    float normEpsilon = 0.0f;
    float attentionScale = 0.0f;  ///< factor on q.k before the softmax
    RopeConfig rope;
    GroupedAttentionConfig grouped;  ///< Llama
    LatentAttentionConfig latent;    ///< DeepSeek2
    MoeConfig moe;

    /// Values that a position leaves in one layer of the KV cache.
    [[nodiscard]] int cacheDim() const;
    [[nodiscard]] bool isMoeLayer(int layer) const {
        return moe.nExperts > 0 && layer >= moe.nLeadingDense;
    }

    /// Errors: Unsupported (names the architecture or what it wants), Corrupt (names the key).
    [[nodiscard]] static Result<ModelConfig> read(const GgufFile& file);
};

/// Fails with Unsupported, naming the closest architecture that we do support.
[[nodiscard]] Result<Architecture> parseArchitecture(std::string_view name);

}  // namespace conclave::engine
