// weights.h: the tensors of a model, found by name and checked for shape and type.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"
#include "engine/kernels/kernels.h"
#include "engine/model/lazy_panels.h"
#include "engine/model/model_config.h"
#include "engine/model/packing.h"

namespace conclave::engine {

class ExpertStore;

/// A weight matrix [nRows][nColumns] inside the mapped file or packed, with the kernels of its
/// form.
struct Matrix {
    const std::byte* data = nullptr;
    std::size_t rowBytes = 0;
    int nRows = 0;
    int nColumns = 0;
    const WeightKernels* kernels = nullptr;
    const LazyPanels* lazy = nullptr;  ///< of a packed matrix: what fills `data`
    /// The tensor it is, or lies in from row `firstRow` on (counted through all matrices of the
    /// tensor); null for one that was computed while loading. Adapters know matrices by it.
    const TensorInfo* tensor = nullptr;
    int firstRow = 0;

    /// Of a matrix that is not packed.
    [[nodiscard]] const std::byte* row(int index) const {
        return data + static_cast<std::size_t>(index) * rowBytes;
    }
    /// For a product with rows [first, first + n); `first` is a multiple of kPanelRows.
    [[nodiscard]] const std::byte* rowsForProduct(int first, int n) const {
        return lazy != nullptr ? lazy->ready(first, n) : row(first);
    }
};

struct LatentAttentionWeights {
    std::optional<Matrix> queryDown;  ///< [queryRank][embeddingDim]
    std::vector<float> queryNorm;
    Matrix query;  ///< [nHeads * (nopeDim + ropeDim)][queryRank, or embeddingDim without queryDown]
    Matrix kvDown;  ///< [latentDim + ropeDim][embeddingDim]
    std::vector<float> kvNorm;
    std::vector<Matrix> keyUp;          ///< per head, transposed: [latentDim][nopeDim]
    std::vector<Matrix> valueUp;        ///< per head: [valueDim][latentDim]
    Matrix output;                      ///< [embeddingDim][nHeads * valueDim]
    std::vector<std::byte> transposed;  ///< what keyUp points to in files with one attn_kv_b
};

struct GroupedAttentionWeights {
    Matrix query, key, value, output;
    // Empty in models without.
    std::vector<float> queryBias, keyBias, valueBias, outputBias;
    std::vector<float> queryNorm, keyNorm;  ///< of one head, or of all in turn (HeadNorm)
    std::vector<float> sinks;               ///< [nHeads]
};

/// A causal convolution of each channel (see causal_convolution.h).
struct ConvolutionWeights {
    std::vector<std::vector<float>> taps;  ///< [kernel][channels], the newest token's last
    std::vector<float> bias;               ///< [channels]; empty in most models
};

/// Some rows of a larger matrix.
struct MatrixPart {
    Matrix matrix;
    int firstOutput = 0;  ///< which of the larger one's rows the first is
};

struct DeltaNetWeights {
    /// [mixedDim][embeddingDim] and [valueDim][embeddingDim]; of several parts in files that hold
    /// both as one tensor, by heads of keys.
    std::vector<MatrixPart> mixed, gate;
    /// [nKeyHeads][strengths, decays of its value heads][embeddingDim], or all strengths alone.
    Matrix rates;
    std::optional<Matrix> decays;         ///< [nValueHeads][embeddingDim]
    Matrix output;                        ///< [embeddingDim][valueDim]
    ConvolutionWeights convolution;       ///< of mixedDim channels
    std::vector<float> decayBias, decay;  ///< [nValueHeads]
    std::vector<float> norm;              ///< of what a head gives, [headDim]
};

struct Mamba2Weights {
    Matrix gate;    ///< [innerDim][embeddingDim]
    Matrix mixed;   ///< [mixedDim][embeddingDim]
    Matrix steps;   ///< [nHeads][embeddingDim]
    Matrix output;  ///< [embeddingDim][innerDim]
    ConvolutionWeights convolution;
    std::vector<float> stepBias, decay, skip;  ///< [nHeads]
    std::vector<float> norm;                   ///< [innerDim], by groups; empty in some models
};

struct ShortConvolutionWeights {
    Matrix gateBefore, gateAfter, values, output;  ///< [embeddingDim][embeddingDim]
    ConvolutionWeights convolution;
};

struct FeedForwardWeights {
    Matrix gate, up, down;
    std::vector<float> gateBias, upBias, downBias;  ///< empty in most models
};

struct MoeWeights {
    Matrix router;                        ///< [nExperts][embeddingDim]
    std::vector<float> routerBias;        ///< on the logits; empty in most models
    std::vector<float> routerChoiceBias;  ///< for the choice only; empty in most models
    std::vector<FeedForwardWeights> experts;
    std::optional<FeedForwardWeights> shared;  ///< all shared experts as one
    std::vector<float> sharedGate;             ///< [embeddingDim]; empty in most models
    /// Where the experts' matrices are, if they are read as they are needed; those of `experts` are
    /// then without data. Null: `experts` has them.
    ExpertStore* store = nullptr;
};

/// The bias is empty in most models, and the weight, too, where there is no norm.
struct NormWeights {
    std::vector<float> weight, bias;
};

struct LayerWeights {
    NormWeights attentionNorm;
    std::variant<LatentAttentionWeights, GroupedAttentionWeights, DeltaNetWeights, Mamba2Weights,
                 ShortConvolutionWeights>
        attention;
    std::optional<NormWeights> attentionPostNorm;  ///< of what the block adds to the stream
    NormWeights feedForwardNorm;
    std::variant<FeedForwardWeights, MoeWeights> feedForward;
    std::optional<NormWeights> feedForwardPostNorm;
};

/// What the angles of a head's pairs are divided by, shape [rope.dim / 2] each, or empty.
struct RopeDivisors {
    std::vector<float> always;  ///< Llama 3.1
    std::vector<float> within;  ///< LongRoPE, for sessions within the original context
    std::vector<float> beyond;  ///< LongRoPE, for longer ones
};

/// The first of the layers that predict further tokens (see prediction_layer.h).
struct PredictionWeights {
    NormWeights embeddingNorm, hiddenNorm;
    Matrix join;  ///< [embeddingDim][2 * embeddingDim]
    LayerWeights layer;
    NormWeights outputNorm;
    std::optional<Matrix> embedding, output;  ///< none: the model's own
};

struct Weights {
    Matrix embedding;  ///< [vocabularySize][embeddingDim]
    std::vector<LayerWeights> layers;
    std::optional<PredictionWeights> prediction;
    NormWeights outputNorm;
    Matrix output;                  ///< [vocabularySize][embeddingDim]
    std::vector<float> outputBias;  ///< [vocabularySize]; empty in most models
    RopeDivisors ropeDivisors;
    bool needsInt8 = false;              ///< some matrix reads quantized activations
    std::uint64_t sizeBytes = 0;         ///< of all tensors used
    PackedMemory packed;                 ///< see packWeights
    std::shared_ptr<ExpertStore> store;  ///< null: all experts are in memory
    /// Tensors of the file that the architecture has no use for: it is another model than it says.
    std::vector<std::string> unread;

    /// Matrices point into `file`, which must outlive them.
    /// Errors: Corrupt (names the tensor), Unsupported (names the tensor and its type).
    /// @param predicts  with the prediction layer, if the file has one that is whole
    [[nodiscard]] static Result<Weights> load(const GgufFile& file, const ModelConfig& config,
                                              const KernelTable& kernels, bool predicts = false);

    /// Errors: Unsupported, if tensors are unread (names some).
    [[nodiscard]] Result<void> requireAllRead(const GgufFile& file) const;
};

}  // namespace conclave::engine
