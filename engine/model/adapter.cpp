#include "engine/model/adapter.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>

#include "engine/model/adapter_shape.h"
#include "engine/model/each_matrix.h"

namespace conclave::engine {
namespace {

constexpr std::string_view kDownEnding = ".lora_a";
constexpr std::string_view kUpEnding = ".lora_b";
constexpr std::string_view kEmbedding = "token_embd.weight";
constexpr std::uint64_t kMaxRank = 1 << 16;

struct AdapterPair {
    const TensorInfo* down = nullptr;
    const TensorInfo* up = nullptr;
};

tl::unexpected<Error> wrong(const std::string& what) {
    return fail(ErrorCode::Corrupt, "the adapter file " + what);
}

tl::unexpected<Error> unfit(const std::string& what) { return fail(ErrorCode::Unsupported, what); }

std::string shapeOf(const TensorInfo& tensor) {
    std::string text;
    for (const std::uint64_t each : tensor.shape) {
        text += (text.empty() ? "" : " x ") + std::to_string(each);
    }
    return text;
}

std::uint64_t extentOf(const TensorInfo& tensor, std::size_t dimension) {
    return dimension < tensor.shape.size() ? tensor.shape[dimension] : 1;
}

/// What kind of file it is, and its alpha; 0 where there is none.
Result<double> readHead(const GgufFile& file) {
    if (const auto type = file.string("general.type"); type != "adapter") {
        return unfit("the file is no adapter: its \"general.type\" is " +
                     (type ? "\"" + std::string(*type) + "\"" : "missing"));
    }
    if (const auto type = file.string("adapter.type"); type != "lora") {
        return unfit("the adapter's \"adapter.type\" is " +
                     (type ? "\"" + std::string(*type) + "\"" : "missing") +
                     "; only \"lora\" is supported");
    }
    if (file.integers("adapter.alora.invocation_tokens")) {
        return unfit(
            "the adapter acts only after certain words "
            "(\"adapter.alora.invocation_tokens\"), which is not supported");
    }
    constexpr double kMaxAlpha = 1e6;
    const double alpha = file.number("adapter.lora.alpha").value_or(0.0);
    if (!std::isfinite(alpha) || std::abs(alpha) > kMaxAlpha) {
        return wrong("has \"adapter.lora.alpha\" out of range");
    }
    return alpha;
}

Result<void> checkArchitecture(const GgufFile& file, const GgufFile& model) {
    const auto theirs = file.requireString("general.architecture");
    const auto ours = model.requireString("general.architecture");
    if (!theirs) return tl::unexpected(theirs.error());
    if (!ours) return tl::unexpected(ours.error());
    if (*theirs != *ours) {
        return unfit("the adapter is for models of the architecture \"" + std::string(*theirs) +
                     "\", but this one is \"" + std::string(*ours) + "\"");
    }
    return {};
}

/// By the name of the tensor that they change, so that errors come in the same order everywhere.
Result<std::map<std::string, AdapterPair>> pairTensors(const GgufFile& file) {
    std::map<std::string, AdapterPair> pairs;
    for (const TensorInfo& tensor : file.tensors()) {
        const std::string_view name = tensor.name;
        if (name.ends_with(kDownEnding)) {
            pairs[std::string(name.substr(0, name.size() - kDownEnding.size()))].down = &tensor;
        } else if (name.ends_with(kUpEnding)) {
            pairs[std::string(name.substr(0, name.size() - kUpEnding.size()))].up = &tensor;
        } else if (!name.ends_with("_norm.weight")) {
            return wrong("has the tensor " + tensor.name + ", which is neither " +
                         std::string(kDownEnding) + " nor " + std::string(kUpEnding));
        }
    }
    for (const auto& [name, pair] : pairs) {
        if (pair.down == nullptr || pair.up == nullptr) {
            return wrong("lacks the tensor " + name +
                         std::string(pair.down == nullptr ? kDownEnding : kUpEnding));
        }
    }
    if (pairs.empty()) return wrong("changes no tensor");
    return pairs;
}

/// Both factors must be of the same rank and of the changed tensor's sizes.
Result<void> checkShapes(const TensorInfo& changed, const AdapterPair& pair) {
    const bool isEmbedding = changed.name == kEmbedding;
    const std::uint64_t rank = extentOf(*pair.up, 0);
    const std::uint64_t columns = extentOf(*pair.down, isEmbedding ? 1 : 0);
    const std::uint64_t rankOfDown = extentOf(*pair.down, isEmbedding ? 0 : 1);
    const std::uint64_t rows = extentOf(*pair.up, 1);
    const auto says = [&](const TensorInfo& tensor) {
        return "has the tensor " + tensor.name + " of shape " + shapeOf(tensor) +
               ", which does not fit ";
    };
    const std::string whole = changed.name + " of shape " + shapeOf(changed) + " in the model";
    // The embedding's factors make its transpose: its rows are the first one's.
    const std::uint64_t wantedColumns = extentOf(changed, isEmbedding ? 1 : 0);
    const std::uint64_t wantedRows = extentOf(changed, isEmbedding ? 0 : 1);
    for (std::size_t dimension = 2; dimension < 4; ++dimension) {
        for (const TensorInfo* tensor : {pair.down, pair.up}) {
            if (extentOf(*tensor, dimension) != extentOf(changed, dimension)) {
                return wrong(says(*tensor) + whole);
            }
        }
    }
    if (columns != wantedColumns) return wrong(says(*pair.down) + whole);
    if (rows != wantedRows) return wrong(says(*pair.up) + whole);
    if (rankOfDown != rank) return wrong(says(*pair.down) + pair.up->name);
    if (rank > kMaxRank) return wrong(says(*pair.up) + "any model");
    return {};
}

/// All rows of a tensor as one matrix of floats or halves.
Result<Matrix> readFactor(const TensorInfo& tensor, const KernelTable& kernels,
                          std::vector<std::vector<float>>& unpacked) {
    const WeightKernels* type = kernels.find(tensor.type);
    if (type == nullptr) {
        return unfit("the adapter file has the tensor " + tensor.name + " of type " +
                     std::string(typeTraits(tensor.type)->name) +
                     ", which this version cannot compute with");
    }
    const auto nColumns = static_cast<int>(tensor.shape[0]);
    const auto nRows = static_cast<int>(tensor.nValues() / tensor.shape[0]);
    Matrix matrix{.data = tensor.data.data(),
                  .rowBytes = tensor.rowBytes(),
                  .nRows = nRows,
                  .nColumns = nColumns,
                  .kernels = type};
    if (type->input == ActivationFormat::Float32) return matrix;
    // Their products would round what they read to 8 bits.
    std::vector<float>& values = unpacked.emplace_back(tensor.nValues());
    for (int row = 0; row < nRows; ++row) {
        type->dequantize(matrix.row(row), nColumns,
                         values.data() + static_cast<std::size_t>(row) * tensor.shape[0]);
    }
    matrix.data = reinterpret_cast<const std::byte*>(values.data());
    matrix.rowBytes = tensor.shape[0] * sizeof(float);
    matrix.kernels = kernels.find(TensorType::F32);
    return matrix;
}

Matrix rowsFrom(const Matrix& matrix, int first, int nRows) {
    Matrix part = matrix;
    part.data = matrix.row(first);
    part.nRows = nRows;
    return part;
}

using MatricesOfTensors = std::unordered_map<const TensorInfo*, std::vector<const Matrix*>>;

/// Where the file has no output matrix, the embedding's tensor is that of the last one, too.
MatricesOfTensors matricesOf(const Weights& weights) {
    MatricesOfTensors all;
    forEachMatrix(weights, WithExperts::All, [&](const Matrix& matrix) {
        if (matrix.tensor != nullptr && matrix.tensor != weights.embedding.tensor) {
            all[matrix.tensor].push_back(&matrix);
        }
    });
    return all;
}

}  // namespace

Result<AdapterShape> readAdapterShape(const GgufFile& file) {
    const auto alpha = readHead(file);
    if (!alpha) return tl::unexpected(alpha.error());
    const auto pairs = pairTensors(file);
    if (!pairs) return tl::unexpected(pairs.error());
    AdapterShape shape{*alpha, 0, static_cast<int>(pairs->size())};
    for (const auto& [name, pair] : *pairs) {
        const std::uint64_t rank = extentOf(*pair.up, 0);
        // The embedding's first factor is the other way around.
        const std::uint64_t rankOfDown = extentOf(*pair.down, name == kEmbedding ? 0 : 1);
        if (rank != rankOfDown || rank > kMaxRank) {
            return wrong("has the tensors " + pair.down->name + " of shape " + shapeOf(*pair.down) +
                         " and " + pair.up->name + " of shape " + shapeOf(*pair.up) +
                         ", which do not fit each other");
        }
        shape.rank = std::max(shape.rank, static_cast<int>(rank));
    }
    return shape;
}

Result<AdapterWeights> AdapterWeights::read(const GgufFile& file, const GgufFile& model,
                                            const Weights& weights, const KernelTable& kernels) {
    const auto alpha = readHead(file);
    if (!alpha) return tl::unexpected(alpha.error());
    if (const auto fits = checkArchitecture(file, model); !fits) {
        return tl::unexpected(fits.error());
    }
    const auto pairs = pairTensors(file);
    if (!pairs) return tl::unexpected(pairs.error());
    const MatricesOfTensors matrices = matricesOf(weights);

    AdapterWeights adapter;
    for (const auto& [name, pair] : *pairs) {
        const TensorInfo* changed = model.tensor(name);
        if (changed == nullptr) {
            return unfit("the adapter changes the tensor " + name +
                         ", which the model lacks; it is for another model");
        }
        if (auto checked = checkShapes(*changed, pair); !checked) {
            return tl::unexpected(checked.error());
        }
        auto down = readFactor(*pair.down, kernels, adapter.unpacked);
        if (!down) return tl::unexpected(down.error());
        auto up = readFactor(*pair.up, kernels, adapter.unpacked);
        if (!up) return tl::unexpected(up.error());
        const int rank = up->nColumns;
        const float scale = *alpha == 0.0 ? 1.0f : static_cast<float>(*alpha / rank);
        ++adapter.nTensors;
        if (changed == weights.embedding.tensor) {
            adapter.embedding.push_back({*down, *up, scale});
            continue;
        }
        // Several matrices where the tensor holds experts, or queries, keys and values in one.
        const auto nRowsEach = static_cast<int>(extentOf(*changed, 1));
        std::uint64_t nCovered = 0;
        if (const auto found = matrices.find(changed); found != matrices.end()) {
            for (const Matrix* matrix : found->second) {
                const int index = matrix->firstRow / nRowsEach;
                adapter.changes[{changed, matrix->firstRow}] = {
                    rowsFrom(*down, index * rank, rank),
                    rowsFrom(*up, matrix->firstRow, matrix->nRows), scale};
                nCovered += static_cast<std::uint64_t>(matrix->nRows);
            }
        }
        if (nCovered != changed->nValues() / changed->shape[0]) {
            return unfit("the adapter changes the tensor " + name +
                         ", which this version cannot change");
        }
    }
    return adapter;
}

void AdapterSet::add(const AdapterWeights& adapter, float scale) {
    for (const auto& [place, change] : adapter.changes) {
        m_terms[place].push_back({&change, scale * change.scale});
    }
    for (const LowRank& change : adapter.embedding) {
        m_embedding.push_back({&change, scale * change.scale});
    }
}

std::span<const AdapterSet::Term> AdapterSet::termsOf(const Matrix& matrix) const {
    if (matrix.tensor == nullptr) return {};
    const auto found = m_terms.find({matrix.tensor, matrix.firstRow});
    return found != m_terms.end() ? std::span<const Term>(found->second) : std::span<const Term>();
}

void AdapterSet::changeEmbedding(int token, float* row) const {
    for (const Term& term : m_embedding) {
        const LowRank& change = *term.change;
        std::vector<float> low(static_cast<std::size_t>(change.rank()));
        std::vector<float> delta(static_cast<std::size_t>(change.up.nRows));
        change.down.kernels->dequantize(change.down.row(token), change.rank(), low.data());
        const void* input = low.data();
        float* output = delta.data();
        change.up.kernels->matmul({.weights = change.up.data,
                                   .rowBytes = change.up.rowBytes,
                                   .nRows = change.up.nRows,
                                   .nColumns = change.rank(),
                                   .inputs = &input,
                                   .outputs = &output,
                                   .nTokens = 1});
        m_kernels.addScaled(row, delta.data(), term.scale, change.up.nRows);
    }
}

}  // namespace conclave::engine
