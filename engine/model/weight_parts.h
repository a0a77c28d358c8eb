// weight_parts.h: what the weights of decoders and of encoders have in common.
#pragma once

#include <string>
#include <vector>

#include "engine/model/tensor_finder.h"
#include "engine/model/weights.h"

namespace conclave::engine {

/// Rows [first, first + nRows) of a matrix.
[[nodiscard]] Matrix rowsOf(const Matrix& matrix, int first, int nRows);

/// Errors: Unsupported, if there are tensors that the file's architecture does not use (names
/// some).
[[nodiscard]] Result<void> requireNone(const std::vector<std::string>& unread,
                                       const GgufFile& file);

struct QueryKeyValueShape {
    int embeddingDim = 0;
    int queryDim = 0;  ///< of all heads together
    int kvDim = 0;
    bool needsBias = false;  ///< else used if the file has it
};

/// Queries, keys and values, which some files hold as one tensor.
void loadQueryKeyValue(TensorFinder& finder, const QueryKeyValueShape& shape,
                       GroupedAttentionWeights& weights);

}  // namespace conclave::engine
