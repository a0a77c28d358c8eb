// adapter_shape.h: the sizes of a LoRA adapter, for which no model is needed.
#pragma once

#include "base/result.h"
#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

/// Of an open adapter file, whatever model it is for; see readAdapterInfo for name, type and sizes.
struct AdapterShape {
    double alpha = 0.0;  ///< 0 where there is none
    int rank = 0;        ///< the largest
    int nTensors = 0;
};
[[nodiscard]] Result<AdapterShape> readAdapterShape(const GgufFile& file);

}  // namespace conclave::engine
