// encoder_weights.h: the tensors of an encoder, found by name and checked for shape and type.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "engine/encoder/encoder_config.h"
#include "engine/model/weights.h"

namespace conclave::engine {

/// Without the gate in networks that have none.
struct EncoderFeedForward {
    std::optional<Matrix> gate;
    Matrix up, down;
    std::vector<float> upBias, downBias;  ///< empty in models without
};

struct EncoderLayerWeights {
    std::optional<NormWeights> attentionNorm;  ///< of what the block reads
    GroupedAttentionWeights attention;
    std::vector<float> queryNormBias, keyNormBias;
    std::optional<NormWeights> attentionOutNorm;
    std::optional<NormWeights> secondNorm;  ///< after the layer's input is added once more
    std::optional<NormWeights> feedForwardNorm;
    EncoderFeedForward feedForward;
    std::optional<Matrix> router;  ///< [nExperts][embeddingDim]
    std::vector<EncoderFeedForward> experts;
    std::optional<NormWeights> outNorm;
};

struct EncoderWeights {
    Matrix embedding;                ///< [vocabularySize][embeddingDim]
    std::vector<float> type;         ///< of the first type of token, or empty
    std::optional<Matrix> position;  ///< [contextLength][embeddingDim]
    std::optional<NormWeights> embeddingNorm;
    std::vector<EncoderLayerWeights> layers;
    std::optional<NormWeights> outputNorm;
    // After pooling.
    std::optional<Matrix> classifier, classes;
    std::vector<float> classifierBias, classBias;
    std::optional<Matrix> dense2, dense3;
    bool needsInt8 = false;
    std::uint64_t sizeBytes = 0;  ///< of all tensors used

    /// Matrices point into `file`, which must outlive them.
    /// Errors: Corrupt (names the tensor), Unsupported (names the tensor and its type, or some that
    /// nothing reads: it is another model than it says).
    [[nodiscard]] static Result<EncoderWeights> load(const GgufFile& file,
                                                     const EncoderConfig& config,
                                                     const KernelTable& kernels);
};

}  // namespace conclave::engine
