// packed_avxvnni.cpp: AVX2's set with products of packed weights by AVX-VNNI (Alder Lake and later,
// Zen 5): CPUs of many laptops, which lack AVX-512. Compiled with these flags, see kernels.h.
// With CONCLAVE_SIMDE the same source runs on any CPU, see avx512.cpp.
#define CONCLAVE_AVXVNNI
#include "engine/kernels/packed_avx2_tiles.h"
#include "engine/kernels/quant_blocks.h"

#ifdef CONCLAVE_SIMDE
#define AVXVNNI_KERNELS simdeAvxVnniKernels
#else
#define AVXVNNI_KERNELS avxVnniKernels
#endif

namespace conclave::engine {
namespace CONCLAVE_TILES {
namespace {
#include "engine/kernels/packed_avx2_types.inc"

const WeightKernels* packedKernels(TensorType type) {
    const WeightKernels* floats = avx2PackedHalfFloats(type);
    return floats != nullptr ? floats : byteKernels(type);
}

KernelTable table() {
    KernelTable set = avx2Kernels();
    set.isa = "avxvnni";
    set.packed = packedKernels;
    return set;
}

}  // namespace
}  // namespace CONCLAVE_TILES

const KernelTable& AVXVNNI_KERNELS();

const KernelTable& AVXVNNI_KERNELS() {
    static const KernelTable set = CONCLAVE_TILES::table();
    return set;
}

}  // namespace conclave::engine
