#include "engine/model/weight_parts.h"

#include <algorithm>

namespace conclave::engine {
namespace {

std::vector<float> valuesOf(const std::vector<float>& all, int first, int n) {
    if (all.empty()) return {};
    return {all.begin() + first, all.begin() + first + n};
}

}  // namespace

Matrix rowsOf(const Matrix& matrix, int first, int nRows) {
    Matrix part = matrix;
    part.nRows = nRows;
    part.firstRow += first;
    if (matrix.data != nullptr) part.data = matrix.row(first);
    return part;
}

Result<void> requireNone(const std::vector<std::string>& unread, const GgufFile& file) {
    if (unread.empty()) return {};
    constexpr std::size_t kShown = 3;
    std::string names;
    for (std::size_t i = 0; i < std::min(kShown, unread.size()); ++i) {
        names += (i == 0 ? "" : ", ") + unread[i];
    }
    if (unread.size() > kShown) names += " and " + std::to_string(unread.size() - kShown) + " more";
    return fail(ErrorCode::Unsupported,
                "the model file has parts that the architecture " +
                    std::string(file.string("general.architecture").value_or("")) +
                    " does not use, so that it would be computed wrongly: " + names +
                    "; get a file that was converted for llama.cpp");
}

void loadQueryKeyValue(TensorFinder& finder, const QueryKeyValueShape& shape,
                       GroupedAttentionWeights& weights) {
    const auto [embeddingDim, queryDim, kvDim, needsBias] = shape;
    if (finder.has("attn_qkv.weight")) {
        const int all = queryDim + 2 * kvDim;
        const Matrix matrix = finder.matrix("attn_qkv.weight", all, embeddingDim);
        weights.query = rowsOf(matrix, 0, queryDim);
        weights.key = rowsOf(matrix, queryDim, kvDim);
        weights.value = rowsOf(matrix, queryDim + kvDim, kvDim);
        const auto bias = finder.vectorIf(needsBias, "attn_qkv.bias", all);
        weights.queryBias = valuesOf(bias, 0, queryDim);
        weights.keyBias = valuesOf(bias, queryDim, kvDim);
        weights.valueBias = valuesOf(bias, queryDim + kvDim, kvDim);
        return;
    }
    weights.query = finder.matrix("attn_q.weight", queryDim, embeddingDim);
    weights.key = finder.matrix("attn_k.weight", kvDim, embeddingDim);
    weights.value = finder.matrix("attn_v.weight", kvDim, embeddingDim);
    weights.queryBias = finder.vectorIf(needsBias, "attn_q.bias", queryDim);
    weights.keyBias = finder.vectorIf(needsBias, "attn_k.bias", kvDim);
    weights.valueBias = finder.vectorIf(needsBias, "attn_v.bias", kvDim);
}

}  // namespace conclave::engine
