// packed_avx2.cpp: products of packed weights for AVX2. Compiled with these flags, see kernels.h.
#include "engine/kernels/packed_avx2_tiles.h"
#include "engine/kernels/quant_blocks.h"

namespace conclave::engine {
namespace packed_avx2 {
namespace {
#include "engine/kernels/packed_avx2_types.inc"
}  // namespace
}  // namespace packed_avx2

const WeightKernels* avx2PackedKernels(TensorType type) {
    const WeightKernels* floats = avx2PackedHalfFloats(type);
    return floats != nullptr ? floats : packed_avx2::byteKernels(type);
}

}  // namespace conclave::engine
