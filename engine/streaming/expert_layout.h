// expert_layout.h: where routed experts lie in a model's files, and how they lie in memory.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "base/result.h"
#include "engine/gguf/gguf_file.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/packed.h"
#include "engine/model/weights.h"
#include "engine/streaming/expert_files.h"

namespace conclave::engine {

/// One matrix of an expert: gate, up or down.
struct ExpertPiece {
    Matrix form;                           ///< as it lies in memory, without data
    const PackedFormat* format = nullptr;  ///< null: in memory as in the file
    std::size_t fileRowBytes = 0;
    std::size_t offset = 0;  ///< in the expert's memory
};

/// Some rows of a piece that are read at once.
struct ExpertTask {
    int piece = 0;
    int firstRow = 0;
    int nRows = 0;
};

/// The experts of one layer, which are all alike.
struct ExpertLayer {
    std::array<ExpertPiece, 3> pieces;                   ///< gate, up, down
    std::vector<ExpertTask> tasks;                       ///< all rows of all pieces
    std::vector<std::array<GgufFile::Place, 3>> places;  ///< [expert]
    std::vector<FeedForwardWeights> biases;  ///< [expert], of matrices only their places
    std::size_t memoryBytes = 0;             ///< of one expert
    std::size_t fileBytes = 0;               ///< of one expert
};

/// All routed experts of a model, [layer with experts].
struct ExpertLayout {
    std::vector<ExpertLayer> layers;
    std::size_t memoryBytesOfLargest = 0;  ///< expert

    [[nodiscard]] std::size_t nExperts() const;     ///< of all layers together
    [[nodiscard]] std::uint64_t fileBytes() const;  ///< of all of them

    /// @param weights  as loaded, before anything was packed
    /// Errors: Unsupported if experts of a layer differ in type.
    [[nodiscard]] static Result<ExpertLayout> of(const Weights& weights, const GgufFile& file,
                                                 const KernelTable& kernels);
};

/// Reads a task's rows and brings them into the form that products read.
/// @param memory  of the whole expert
/// Errors: those of ExpertFiles::read.
[[nodiscard]] Result<void> readExpertRows(const ExpertLayer& layer, int expert,
                                          const ExpertTask& task, const ExpertFiles& files,
                                          ReadBuffer& buffer, std::byte* memory);

/// The expert whose matrices lie at `memory`.
[[nodiscard]] FeedForwardWeights expertAt(const ExpertLayer& layer, int expert,
                                          const std::byte* memory);

}  // namespace conclave::engine
