// encoder_config.h: the shape of a model that turns a text into a vector or a score.
//
// The description is made by one small file per architecture (architectures/), and holds what the
// forward pass and the loading of weights need to know: neither asks for an architecture by name.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"
#include "engine/model/model_config.h"

namespace conclave::engine {

/// How the vectors of a text's tokens become one: GGUF's numbers for "pooling_type".
enum class Pooling { Mean = 1, First = 2, Last = 3, Rank = 4 };

/// Where a layer normalizes: the sum of stream and block (BERT), or what a block reads, and with
/// `BothSides` also what it gives.
enum class NormPlace { AfterSum, Before, BothSides };

struct EncoderConfig {
    int nLayers = 0;
    int contextLength = 0;
    int embeddingDim = 0;
    int feedForwardDim = 0;
    int vocabularySize = 0;
    int nHeads = 0;
    int nKvHeads = 0;
    int headDim = 0;
    float epsilon = 0.0f;
    NormKind norm = NormKind::Layer;
    NormPlace normPlace = NormPlace::AfterSum;

    float embeddingScale = 1.0f;
    bool learnedPositions = false;
    bool needsTokenTypes = false;  ///< else used if the file has them; every text is of the first
    bool rotates = false;          ///< by `rope`
    float alibiBias = 0.0f;        ///< the most that ALiBi takes off a score per position; 0: none
    RopeConfig rope;
    RopeConfig localRope;
    int window = 0;                 ///< local layers see half of it to both sides
    std::vector<bool> localLayers;  ///< [nLayers]; empty: none

    bool causal = false;                     ///< a token sees those before it only
    HeadNorm queryKeyNorm = HeadNorm::None;  ///< AllHeads: used if the file has it
    bool needsBias = false;                  ///< on the attention's output and the second layer
    bool gated = false;                      ///< f(gate) * up, else f(up)
    bool gateUpInOne = false;                ///< gate and up are one matrix, ffn_up
    Activation activation = Activation::Gelu;

    int nExperts = 0;  ///< 0: dense
    int nExpertsUsed = 0;
    int expertPeriod = 0;  ///< the second of so many layers has experts
    float expertScale = 1.0f;

    Pooling pooling = Pooling::Mean;
    int classifierDim = 0;        ///< width of the reranker's hidden layer `cls`; 0: none
    int nClasses = 0;             ///< rows of `cls.output`; 0: none
    bool softmaxClasses = false;  ///< scores are the first class's share, else its logit
    int dense2Dim = 0;            ///< width of the first projection after pooling; 0: none
    bool hasSecondDense = false;  ///< back to embeddingDim

    [[nodiscard]] bool isLocal(int layer) const {
        return !localLayers.empty() && localLayers[static_cast<std::size_t>(layer)];
    }
    [[nodiscard]] bool hasExperts(int layer) const {
        return nExperts > 0 && expertPeriod > 0 && layer % expertPeriod == 1;
    }

    /// Errors: Unsupported (names the architecture or what it wants), Corrupt (names the key).
    [[nodiscard]] static Result<EncoderConfig> read(const GgufFile& file);
};

/// True for files that embed or rank: by their architecture, or since a model that otherwise writes
/// says how its vectors are pooled.
[[nodiscard]] bool isEncoderFile(const GgufFile& file);

}  // namespace conclave::engine
