// blas.h: dense products of F32 weights, by OpenBLAS.
#pragma once

#include <span>

#include "engine/model/weights.h"

namespace conclave::engine {

/// Ends the threads that OpenBLAS starts when the program is loaded, the first time it is called:
/// products run on the pool's threads, and an idle one of OpenBLAS spins for a tenth of a
/// second, which a first prompt on all cores would feel. Called where models are loaded.
void endBlasThreads();

/// outputs[token][r] = dot(row firstRow + r of weights, inputs[token]), on the calling
/// thread: the pool's threads each call it for rows of their own. `weights` is F32.
void multiplyWithBlas(const Matrix& weights, int firstRow, int nRows,
                      std::span<const void* const> inputs, std::span<float* const> outputs);

}  // namespace conclave::engine
