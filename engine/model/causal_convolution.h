// causal_convolution.h: the short convolution over past tokens that recurrent layers begin with.
#pragma once

#include "engine/model/products.h"
#include "engine/model/weights.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {

/// Each channel of a token becomes the weighted sum of its own last inputs, with a bias if there is
/// one: out = f(taps * in), f being SiLU if that is asked for. Channels are shared out among
/// threads, tokens taken one by one, so that any batches give the same bits.
/// @param before  the last inputs before the batch, [kernel - 1][channels], oldest first; moved on
///                by the batch
/// @param in, out  [token][channels]; not the same
void convolve(ThreadPool& pool, const ConvolutionWeights& weights, int nTokens, float* before,
              Rows& in, Rows& out, bool hasSilu);

}  // namespace conclave::engine
