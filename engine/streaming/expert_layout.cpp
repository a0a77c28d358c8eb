#include "engine/streaming/expert_layout.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

namespace conclave::engine {
namespace {

// Large enough that a disk gives nearly all it has with a few such reads in flight, small enough
// that the readers share out a single expert.
constexpr std::size_t kReadBytes = std::size_t{512} << 10U;
constexpr std::size_t kPieceAlignment = 64;

std::array<const Matrix*, 3> matricesOf(const FeedForwardWeights& network) {
    return {&network.gate, &network.up, &network.down};
}

/// What tells a matrix from the others of its kind.
Matrix placeOf(const Matrix& matrix) {
    Matrix place;
    place.tensor = matrix.tensor;
    place.firstRow = matrix.firstRow;
    return place;
}

bool areAlike(const Matrix& a, const Matrix& b) {
    return a.kernels == b.kernels && a.nRows == b.nRows && a.nColumns == b.nColumns;
}

ExpertPiece pieceOf(const Matrix& matrix, const KernelTable& kernels, std::size_t offset) {
    ExpertPiece piece{matrix, packingOf(matrix, kernels), matrix.rowBytes, offset};
    piece.form.data = nullptr;
    if (piece.format != nullptr) {
        piece.form.kernels = kernels.packed(matrix.kernels->type);
        piece.form.rowBytes =
            static_cast<std::size_t>(matrix.nColumns / piece.format->blockColumns) *
            piece.format->blockBytes / kPanelRows;
    }
    return piece;
}

std::size_t memoryBytesOf(const ExpertPiece& piece) {
    const int nRows = (piece.form.nRows + kPanelRows - 1) / kPanelRows * kPanelRows;
    const std::size_t n = static_cast<std::size_t>(nRows) * piece.form.rowBytes;
    return (n + kPieceAlignment - 1) / kPieceAlignment * kPieceAlignment;
}

/// Whole panels, so that two readers never write to the same one.
void addTasks(ExpertLayer& layer, int index) {
    const ExpertPiece& piece = layer.pieces[static_cast<std::size_t>(index)];
    const auto panels = static_cast<int>(kReadBytes / (kPanelRows * piece.fileRowBytes) + 1);
    const int step = panels * kPanelRows;
    for (int row = 0; row < piece.form.nRows; row += step) {
        layer.tasks.push_back({index, row, std::min(step, piece.form.nRows - row)});
    }
}

Result<ExpertLayer> layerOf(const MoeWeights& mixture, const GgufFile& file,
                            const KernelTable& kernels) {
    ExpertLayer layer;
    const auto first = matricesOf(mixture.experts.front());
    for (std::size_t i = 0; i < first.size(); ++i) {
        layer.pieces[i] = pieceOf(*first[i], kernels, layer.memoryBytes);
        layer.memoryBytes += memoryBytesOf(layer.pieces[i]);
        layer.fileBytes += static_cast<std::size_t>(first[i]->nRows) * first[i]->rowBytes;
        addTasks(layer, static_cast<int>(i));
    }
    for (const FeedForwardWeights& expert : mixture.experts) {
        const auto matrices = matricesOf(expert);
        auto& places = layer.places.emplace_back();
        for (std::size_t i = 0; i < matrices.size(); ++i) {
            if (!areAlike(*matrices[i], *first[i])) {
                return fail(ErrorCode::Unsupported,
                            "has experts of different types in one layer, which can only be used "
                            "where the whole model fits in memory");
            }
            places[i] = file.placeOf(matrices[i]->data);
        }
        layer.biases.push_back({placeOf(expert.gate), placeOf(expert.up), placeOf(expert.down),
                                expert.gateBias, expert.upBias, expert.downBias});
    }
    return layer;
}

}  // namespace

std::size_t ExpertLayout::nExperts() const {
    return std::accumulate(
        layers.begin(), layers.end(), std::size_t{0},
        [](std::size_t sum, const ExpertLayer& layer) { return sum + layer.places.size(); });
}

std::uint64_t ExpertLayout::fileBytes() const {
    return std::accumulate(layers.begin(), layers.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const ExpertLayer& layer) {
                               return sum + layer.places.size() * layer.fileBytes;
                           });
}

Result<ExpertLayout> ExpertLayout::of(const Weights& weights, const GgufFile& file,
                                      const KernelTable& kernels) {
    ExpertLayout layout;
    for (const LayerWeights& each : weights.layers) {
        const auto* mixture = std::get_if<MoeWeights>(&each.feedForward);
        if (mixture == nullptr) continue;
        auto layer = layerOf(*mixture, file, kernels);
        if (!layer) return tl::unexpected(layer.error());
        layout.memoryBytesOfLargest = std::max(layout.memoryBytesOfLargest, layer->memoryBytes);
        layout.layers.push_back(std::move(*layer));
    }
    return layout;
}

Result<void> readExpertRows(const ExpertLayer& layer, int expert, const ExpertTask& task,
                            const ExpertFiles& files, ReadBuffer& buffer, std::byte* memory) {
    const auto index = static_cast<std::size_t>(task.piece);
    const ExpertPiece& piece = layer.pieces[index];
    GgufFile::Place place = layer.places[static_cast<std::size_t>(expert)][index];
    place.offset += static_cast<std::uint64_t>(task.firstRow) * piece.fileRowBytes;
    const std::size_t n = static_cast<std::size_t>(task.nRows) * piece.fileRowBytes;
    const auto rows = files.read(place, n, buffer);
    if (!rows) return tl::unexpected(rows.error());
    std::byte* to =
        memory + piece.offset + static_cast<std::size_t>(task.firstRow) * piece.form.rowBytes;
    if (piece.format == nullptr) {
        std::memcpy(to, *rows, n);
        return {};
    }
    const int nBlocks = piece.form.nColumns / piece.format->blockColumns;
    for (int row = 0; row < task.nRows; row += kPanelRows) {
        piece.format->pack(*rows + static_cast<std::size_t>(row) * piece.fileRowBytes,
                           piece.fileRowBytes, std::min(kPanelRows, task.nRows - row), nBlocks,
                           to + static_cast<std::size_t>(row) * piece.form.rowBytes);
    }
    return {};
}

FeedForwardWeights expertAt(const ExpertLayer& layer, int expert, const std::byte* memory) {
    FeedForwardWeights network = layer.biases[static_cast<std::size_t>(expert)];
    Matrix* const matrices[] = {&network.gate, &network.up, &network.down};
    for (std::size_t i = 0; i < layer.pieces.size(); ++i) {
        const Matrix place = *matrices[i];
        *matrices[i] = layer.pieces[i].form;
        matrices[i]->tensor = place.tensor;
        matrices[i]->firstRow = place.firstRow;
        matrices[i]->data = memory + layer.pieces[i].offset;
    }
    return network;
}

}  // namespace conclave::engine
