// adapter.h: low-rank changes of a model's matrices (LoRA, arXiv:2106.09685), computed beside them.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"
#include "engine/kernels/kernels.h"
#include "engine/model/weights.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

/// What an adapter adds to a product y = W x: scale * up (down x). For the embedding, whose
/// products are rows of W, x picks a row of `down`, which then is [vocabularySize][rank].
struct LowRank {
    Matrix down;  ///< [rank][columns of W]
    Matrix up;    ///< [rows of W][rank]
    float scale = 1.0f;

    [[nodiscard]] int rank() const { return up.nColumns; }
};

/// Rows of a tensor of the model, as Matrix::tensor and Matrix::firstRow name them.
using MatrixPlace = std::pair<const TensorInfo*, int>;

struct MatrixPlaceHash {
    [[nodiscard]] std::size_t operator()(const MatrixPlace& place) const {
        constexpr std::size_t kOdd = 0x9E37'79B9'7F4A'7C15;
        return (std::hash<const TensorInfo*>()(place.first) ^
                static_cast<std::size_t>(place.second)) *
               kOdd;
    }
};

/// The changes in one adapter file, for the matrices of one model.
struct AdapterWeights {
    std::unordered_map<MatrixPlace, LowRank, MatrixPlaceHash> changes;
    /// The embedding's: its place is also that of the output matrix in files that have none, where
    /// it does not count.
    std::vector<LowRank> embedding;
    int nTensors = 0;                          ///< of the model, that are changed
    std::vector<std::vector<float>> unpacked;  ///< what `down` and `up` of quantized files point to

    /// Reads llama.cpp's format: "general.type" adapter, "adapter.type" lora, and for a tensor NAME
    /// of the model the tensors NAME.lora_a [columns, rank] and NAME.lora_b [rank, rows], in the
    /// order of the file's dimensions, with a third one for experts; for token_embd.weight the
    /// first is [rank, rows]. As there, replaced norms, which mergekit writes, are left out.
    /// Everything points into `file` and `weights`, which must outlive it.
    /// Errors: Corrupt and Unsupported; both name the tensor or key.
    [[nodiscard]] static Result<AdapterWeights> read(const GgufFile& file, const GgufFile& model,
                                                     const Weights& weights,
                                                     const KernelTable& kernels);
};

/// The adapters that a session computes with.
class AdapterSet {
public:
    struct Term {
        const LowRank* change = nullptr;
        float scale = 1.0f;  ///< the change's own and the session's
    };

    explicit AdapterSet(const KernelTable& kernels) : m_kernels(kernels) {}

    /// Their results are added up in the order of these calls. The weights must outlive the set.
    void add(const AdapterWeights& adapter, float scale);

    [[nodiscard]] const KernelTable& kernels() const { return m_kernels; }
    [[nodiscard]] std::span<const Term> termsOf(const Matrix& matrix) const;
    /// row += what the adapters change in the token's embedding.
    void changeEmbedding(int token, float* row) const;

private:
    const KernelTable& m_kernels;
    std::unordered_map<MatrixPlace, std::vector<Term>, MatrixPlaceHash> m_terms;
    std::vector<Term> m_embedding;
};

}  // namespace conclave::engine
