// recommended_sampling.h: how a model's file wants it to be sampled.
#pragma once

#include "engine/engine.h"
#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

/// Fills in `sampling` and `recommendedSampling` from llama.cpp's keys general.sampling.*. Values
/// that are out of range or of another kind are passed over, and the log says so.
void readRecommendedSampling(const GgufFile& file, ModelInfo& info);

}  // namespace conclave::engine
