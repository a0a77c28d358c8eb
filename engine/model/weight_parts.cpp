#include "engine/model/weight_parts.h"

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
