// packed_avx512.cpp: products of packed weights for AVX-512 with VNNI. Compiled with these flags,
// see kernels.h. With CONCLAVE_SIMDE the same source runs on any CPU, see avx512.cpp.
#ifdef CONCLAVE_SIMDE
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
#define AVX512_PACKED_KERNELS simdeAvx512PackedKernels
#else
#include <immintrin.h>
#define AVX512_PACKED_KERNELS avx512PackedKernels
#endif

#include "engine/kernels/packed.h"

namespace conclave::engine {
namespace {

__m512i load512(const void* p) { return _mm512_loadu_si512(p); }

/// Four activations, in every lane.
__m512i fourOf(const std::int8_t* x) { return _mm512_set1_epi32(*reinterpret_cast<const int*>(x)); }

__m512 scalesOf(const std::uint16_t* halves) {
#ifdef CONCLAVE_SIMDE
    const auto* from = reinterpret_cast<const __m128i*>(halves);
    const __m256 low = _mm256_cvtph_ps(_mm_loadu_si128(from));
    const __m256 high = _mm256_cvtph_ps(_mm_loadu_si128(from + 1));
    return _mm512_castpd_ps(_mm512_insertf64x4(_mm512_castps_pd(_mm512_castps256_ps512(low)),
                                               _mm256_castps_pd(high), 1));
#else
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves)));
#endif
}

__m512 fromIntegers(__m512i values) {
#ifdef CONCLAVE_SIMDE
    const __m256 low = _mm256_cvtepi32_ps(_mm512_castsi512_si256(values));
    const __m256 high = _mm256_cvtepi32_ps(_mm512_extracti64x4_epi64(values, 1));
    return _mm512_castpd_ps(_mm512_insertf64x4(_mm512_castps_pd(_mm512_castps256_ps512(low)),
                                               _mm256_castps_pd(high), 1));
#else
    return _mm512_cvtepi32_ps(values);
#endif
}

/// Tokens in ActivationFormat::Int8Blocks, as in packed_avx2.cpp.
template <int kTokens>
struct Tokens {
    Tokens(const void* const* inputs, int nColumns) {
        for (int t = 0; t < kTokens; ++t) base[t] = static_cast<const char*>(inputs[t]);
        sums = nColumns / kActivationBlock * static_cast<std::ptrdiff_t>(sizeof(float));
        values = 2 * sums;
    }
    const std::int8_t* valuesOf(int t, int block) const {
        return reinterpret_cast<const std::int8_t*>(base[t] + values) +
               std::ptrdiff_t{kActivationBlock} * block;
    }
    int sumOf(int t, int block) const {
        return reinterpret_cast<const int*>(base[t] + sums)[block];
    }
    __m512 scaleOf(int t, int block) const {
        return _mm512_set1_ps(reinterpret_cast<const float*>(base[t])[block]);
    }
    const char* base[kTokens];
    std::ptrdiff_t sums;
    std::ptrdiff_t values;
};

// dots: the integer products of a block of kPanels panels, 16 rows in each register. vpdpbusd
// multiplies unsigned by signed bytes, so weights are read with an offset added, and a sum starts
// from minus the offset times the sum of the activations.

struct Q8 {
    using Panel = PanelQ8_0;
    static constexpr TensorType kType = TensorType::Q8_0;

    template <int kPanels, int kTokens>
    static void dots(const Panel* const (&panels)[kPanels], const Tokens<kTokens>& x, int block,
                     __m512i (&sums)[kPanels][kTokens]) {
        const __m512i signBit = _mm512_set1_epi8(-128);
        for (int t = 0; t < kTokens; ++t) {
            const __m512i start = _mm512_set1_epi32(-128 * x.sumOf(t, block));
            for (int p = 0; p < kPanels; ++p) sums[p][t] = start;
        }
        for (int line = 0; line < 8; ++line) {
            __m512i w[kPanels];
            for (int p = 0; p < kPanels; ++p) {
                w[p] = _mm512_xor_si512(load512(panels[p][block].lines[line]), signBit);
            }
            for (int t = 0; t < kTokens; ++t) {
                const __m512i four = fourOf(x.valuesOf(t, block) + 4 * line);
                for (int p = 0; p < kPanels; ++p) {
                    sums[p][t] = _mm512_dpbusd_epi32(sums[p][t], w[p], four);
                }
            }
        }
    }
};

struct Q4 {
    using Panel = PanelQ4_0;
    static constexpr TensorType kType = TensorType::Q4_0;

    template <int kPanels, int kTokens>
    static void dots(const Panel* const (&panels)[kPanels], const Tokens<kTokens>& x, int block,
                     __m512i (&sums)[kPanels][kTokens]) {
        const __m512i lowHalf = _mm512_set1_epi8(15);
        for (int t = 0; t < kTokens; ++t) {
            const __m512i start = _mm512_set1_epi32(-8 * x.sumOf(t, block));
            for (int p = 0; p < kPanels; ++p) sums[p][t] = start;
        }
        for (int line = 0; line < 4; ++line) {
            __m512i low[kPanels];
            __m512i high[kPanels];
            for (int p = 0; p < kPanels; ++p) {
                const __m512i both = load512(panels[p][block].lines[line]);
                low[p] = _mm512_and_si512(both, lowHalf);
                high[p] = _mm512_and_si512(_mm512_srli_epi16(both, 4), lowHalf);
            }
            for (int t = 0; t < kTokens; ++t) {
                const __m512i first = fourOf(x.valuesOf(t, block) + 4 * line);
                const __m512i second = fourOf(x.valuesOf(t, block) + 16 + 4 * line);
                for (int p = 0; p < kPanels; ++p) {
                    sums[p][t] = _mm512_dpbusd_epi32(sums[p][t], low[p], first);
                    sums[p][t] = _mm512_dpbusd_epi32(sums[p][t], high[p], second);
                }
            }
        }
    }
};

void store(float* out, __m512 values, int n) {
    if (n >= kPanelRows) {
        _mm512_storeu_ps(out, values);
    } else {
        float all[kPanelRows];
        _mm512_storeu_ps(all, values);
        for (int i = 0; i < n; ++i) out[i] = all[i];
    }
}

/// `kPanels` neighbouring panels times `kTokens` tokens. Its shape only decides what is reused.
template <typename Type, int kPanels, int kTokens>
void tile(const MatmulArgs& args, int row, int token) {
    const Tokens<kTokens> x(args.inputs + token, args.nColumns);
    const int nBlocks = args.nColumns / kActivationBlock;
    const typename Type::Panel* panels[kPanels];
    __m512 sums[kPanels][kTokens];
    for (int p = 0; p < kPanels; ++p) {
        panels[p] = reinterpret_cast<const typename Type::Panel*>(
            args.weights + static_cast<std::size_t>(row + kPanelRows * p) * args.rowBytes);
        for (int t = 0; t < kTokens; ++t) sums[p][t] = _mm512_setzero_ps();
    }
    for (int block = 0; block < nBlocks; ++block) {
        __m512i dots[kPanels][kTokens];
        Type::template dots<kPanels, kTokens>(panels, x, block, dots);
        __m512 scales[kPanels];
        for (int p = 0; p < kPanels; ++p) scales[p] = scalesOf(panels[p][block].scales);
        for (int t = 0; t < kTokens; ++t) {
            const __m512 scale = x.scaleOf(t, block);
            for (int p = 0; p < kPanels; ++p) {
                const __m512 scaled = _mm512_mul_ps(fromIntegers(dots[p][t]), scale);
                sums[p][t] = _mm512_fmadd_ps(scaled, scales[p], sums[p][t]);
            }
        }
    }
    for (int p = 0; p < kPanels; ++p) {
        const int at = row + kPanelRows * p;
        for (int t = 0; t < kTokens; ++t) {
            store(args.outputs[token + t] + at, sums[p][t], args.nRows - at);
        }
    }
}

template <typename Type, int kPanels>
void panelRow(const MatmulArgs& args, int row) {
    int token = 0;
    for (; token + 6 <= args.nTokens; token += 6) tile<Type, kPanels, 6>(args, row, token);
    switch (args.nTokens - token) {
        case 5: tile<Type, kPanels, 5>(args, row, token); break;
        case 4: tile<Type, kPanels, 4>(args, row, token); break;
        case 3: tile<Type, kPanels, 3>(args, row, token); break;
        case 2: tile<Type, kPanels, 2>(args, row, token); break;
        case 1: tile<Type, kPanels, 1>(args, row, token); break;
        default: break;
    }
}

template <typename Type>
void matmul(const MatmulArgs& args) {
    int row = 0;
    for (; row + 2 * kPanelRows <= args.nRows; row += 2 * kPanelRows) panelRow<Type, 2>(args, row);
    for (; row < args.nRows; row += kPanelRows) panelRow<Type, 1>(args, row);
}

template <typename Type>
constexpr WeightKernels kType = {Type::kType, ActivationFormat::Int8Blocks, matmul<Type>, nullptr};

constexpr WeightKernels kTypes[] = {kType<Q8>, kType<Q4>};

}  // namespace

#ifdef CONCLAVE_SIMDE
const WeightKernels* simdeAvx512PackedKernels(TensorType type);
#endif

const WeightKernels* AVX512_PACKED_KERNELS(TensorType type) {
    for (const WeightKernels& kernels : kTypes) {
        if (kernels.type == type) return &kernels;
    }
    return nullptr;
}

}  // namespace conclave::engine
