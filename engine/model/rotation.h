// rotation.h: what makes the keys and values of a head fit for few bits.
#pragma once

#include <span>

namespace conclave::engine {

/// Multiplies each `dim` values by a Hadamard matrix over the square root of its size, the largest
/// power of two that divides `dim`. It is its own inverse and keeps products of vectors, and
/// spreads a channel that stands out over all others, whose bits it would take in a quantized block
/// (QuaRot, arXiv:2404.00456).
/// @param values  a multiple of `dim`
void rotateHeads(std::span<float> values, int dim);

}  // namespace conclave::engine
