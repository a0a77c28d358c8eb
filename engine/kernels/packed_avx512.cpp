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
#include "engine/kernels/quant_blocks.h"

namespace conclave::engine {
namespace {

__m512i load512(const void* p) { return _mm512_loadu_si512(p); }

/// Four activations, in every lane.
__m512i fourOf(const std::int8_t* x) { return _mm512_set1_epi32(*reinterpret_cast<const int*>(x)); }

__m512 joined(__m256 low, __m256 high) {
    return _mm512_castpd_ps(_mm512_insertf64x4(_mm512_castps_pd(_mm512_castps256_ps512(low)),
                                               _mm256_castps_pd(high), 1));
}

__m512 scalesOf(const std::uint16_t* halves) {
#ifdef CONCLAVE_SIMDE
    const auto* from = reinterpret_cast<const __m128i*>(halves);
    const __m256 low = _mm256_cvtph_ps(_mm_loadu_si128(from));
    const __m256 high = _mm256_cvtph_ps(_mm_loadu_si128(from + 1));
    return joined(low, high);
#else
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves)));
#endif
}

__m512 fromIntegers(__m512i values) {
#ifdef CONCLAVE_SIMDE
    const __m256 low = _mm256_cvtepi32_ps(_mm512_castsi512_si256(values));
    const __m256 high = _mm256_cvtepi32_ps(_mm512_extracti64x4_epi64(values, 1));
    return joined(low, high);
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
        pairs = values + nColumns;
    }
    const std::int8_t* valuesOf(int t, int block) const {
        return reinterpret_cast<const std::int8_t*>(base[t] + values) +
               std::ptrdiff_t{kActivationBlock} * block;
    }
    int sumOf(int t, int block) const {
        return reinterpret_cast<const int*>(base[t] + sums)[block];
    }
    /// Of the first or the last 16 columns of a block.
    int sumOfGroup(int t, int block, int group) const {
        const auto* first =
            reinterpret_cast<const std::int16_t*>(base[t] + pairs) + std::ptrdiff_t{4} * block;
        const int sum = first[0] + first[1];
        return group == 0 ? sum : sumOf(t, block) - sum;
    }
    __m512 scaleOf(int t, int block) const {
        return _mm512_set1_ps(reinterpret_cast<const float*>(base[t])[block]);
    }
    const char* base[kTokens];
    std::ptrdiff_t sums;
    std::ptrdiff_t values;
    std::ptrdiff_t pairs;
};

// What computes a block is inlined always: its sums live in registers, or it takes three times as
// long.

/// sum += dot * token's scale * row's scale, as in packed_avx2.cpp.
__m512 added(__m512 sum, __m512i dot, __m512 tokenScale, __m512 rowScale) {
    return _mm512_fmadd_ps(_mm512_mul_ps(fromIntegers(dot), tokenScale), rowScale, sum);
}

/// sums += weights times the four activations from `column` of the block on. The compiler must not
/// mix it with what follows: the sums take all but a few registers.
template <int kPanels, int kTokens>
[[gnu::always_inline]] inline void addProducts(__m512i (&sums)[kPanels][kTokens],
                                               const __m512i (&weights)[kPanels],
                                               const Tokens<kTokens>& x, int block, int column) {
#pragma GCC unroll 6
    for (int t = 0; t < kTokens; ++t) {
        const __m512i four = fourOf(x.valuesOf(t, block) + column);
#pragma GCC unroll 2
        for (int p = 0; p < kPanels; ++p) {
            sums[p][t] = _mm512_dpbusd_epi32(sums[p][t], weights[p], four);
#ifndef CONCLAVE_SIMDE  // whose registers are arrays
            asm("" : "+v"(sums[p][t]));
#endif
        }
    }
}

// add: sums += the products of activation block `block`.

/// Types with one scale for each 32 columns.
template <typename Integers>
struct OneScale {
    using Panel = typename Integers::Panel;
    static constexpr TensorType kType = Integers::kType;

    template <int kPanels, int kTokens>
    [[gnu::always_inline]] static inline void add(const Panel* const (&panels)[kPanels],
                                                  const Tokens<kTokens>& x, int block,
                                                  __m512 (&sums)[kPanels][kTokens]) {
        __m512i dots[kPanels][kTokens];
        Integers::template dots<kPanels, kTokens>(panels, x, block, dots);
        __m512 scales[kPanels];
        for (int p = 0; p < kPanels; ++p) scales[p] = scalesOf(panels[p][block].scales);
        for (int t = 0; t < kTokens; ++t) {
            const __m512 scale = x.scaleOf(t, block);
            for (int p = 0; p < kPanels; ++p) {
                sums[p][t] = added(sums[p][t], dots[p][t], scale, scales[p]);
            }
        }
    }
};

__m128i load128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

__m512 fromUnsigned(__m128i all) {
#ifdef CONCLAVE_SIMDE
    return joined(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(all)),
                  _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(all, 8))));
#else
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(all));
#endif
}
__m512 fromBytes(const std::uint8_t* bytes) { return fromUnsigned(load128(bytes)); }
__m512 fromBytes(const std::int8_t* bytes) {
    const __m128i all = load128(bytes);
#ifdef CONCLAVE_SIMDE
    return joined(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(all)),
                  _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(all, 8))));
#else
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(all));
#endif
}

__m512 fromLowHalves(const std::uint8_t* bytes) {
    return fromUnsigned(_mm_and_si128(load128(bytes), _mm_set1_epi8(15)));
}
__m512 fromHighHalves(const std::uint8_t* bytes) {
    return fromUnsigned(_mm_and_si128(_mm_srli_epi16(load128(bytes), 4), _mm_set1_epi8(15)));
}

/// sums += dots * tokens' scales * scales - tokens' totals * minima.
/// @param totalOf  of a token, the sum of the activations that the dots belong to
template <int kPanels, int kTokens, typename Total>
[[gnu::always_inline]] inline void addWithMinima(const __m512i (&dots)[kPanels][kTokens],
                                                 const __m512 (&scales)[kPanels],
                                                 const __m512 (&minima)[kPanels],
                                                 const Tokens<kTokens>& x, int block,
                                                 const Total& totalOf,
                                                 __m512 (&sums)[kPanels][kTokens]) {
    for (int t = 0; t < kTokens; ++t) {
        const __m512 scale = x.scaleOf(t, block);
        const __m512 total = _mm512_mul_ps(fromIntegers(_mm512_set1_epi32(totalOf(t))), scale);
        for (int p = 0; p < kPanels; ++p) {
            sums[p][t] = added(sums[p][t], dots[p][t], scale, scales[p]);
            sums[p][t] = _mm512_fnmadd_ps(total, minima[p], sums[p][t]);
        }
    }
}

/// A scale and a minimum for each 32 columns, below two of a block of 256.
template <typename PanelOfType>
struct LargeBlocks {
    using Panel = PanelOfType;
    using Part = typename Panel::Part;

    static const Part& partOf(const Panel* panels, int block) {
        return panels[block / 8].parts[block % 8];
    }
    static __m512 scales(const Panel* panels, int block) {
        return _mm512_mul_ps(scalesOf(panels[block / 8].scale),
                             fromBytes(partOf(panels, block).scales));
    }
    static __m512 minima(const Panel* panels, int block) {
        return _mm512_mul_ps(scalesOf(panels[block / 8].minScale),
                             fromBytes(partOf(panels, block).minima));
    }
};

/// A scale and a minimum, which is added, in each block of 32.
template <typename PanelOfType>
struct SmallBlocks {
    using Panel = PanelOfType;
    using Part = Panel;

    static const Part& partOf(const Panel* panels, int block) { return panels[block]; }
    static __m512 scales(const Panel* panels, int block) { return scalesOf(panels[block].scales); }
    static __m512 minima(const Panel* panels, int block) {
        return _mm512_sub_ps(_mm512_setzero_ps(), scalesOf(panels[block].minima));
    }
};

/// Types of either.
template <typename Integers>
struct WithMinima {
    using Panel = typename Integers::Panel;
    static constexpr TensorType kType = Integers::kType;

    template <int kPanels, int kTokens>
    [[gnu::always_inline]] static inline void add(const Panel* const (&panels)[kPanels],
                                                  const Tokens<kTokens>& x, int block,
                                                  __m512 (&sums)[kPanels][kTokens]) {
        const typename Integers::Part* parts[kPanels];
        __m512i dots[kPanels][kTokens];
        __m512 scales[kPanels];
        __m512 minima[kPanels];
        for (int p = 0; p < kPanels; ++p) {
            parts[p] = &Integers::partOf(panels[p], block);
            scales[p] = Integers::scales(panels[p], block);
            minima[p] = Integers::minima(panels[p], block);
            for (int t = 0; t < kTokens; ++t) dots[p][t] = _mm512_setzero_si512();
        }
        Integers::template addDots<kPanels, kTokens>(parts, x, block, dots);
        addWithMinima(
            dots, scales, minima, x, block, [&](int t) { return x.sumOf(t, block); }, sums);
    }
};

/// Types with a scale, and perhaps a minimum, for each 16 columns.
template <typename Type>
struct TwoGroups {
    using Panel = typename Type::Panel;
    static constexpr TensorType kType = Type::kType;

    template <int kGroup, int kPanels, int kTokens>
    [[gnu::always_inline]] static inline void addGroup(const Panel* const (&panels)[kPanels],
                                                       const Tokens<kTokens>& x, int block,
                                                       __m512 (&sums)[kPanels][kTokens]) {
        __m512i dots[kPanels][kTokens];
        for (int t = 0; t < kTokens; ++t) {
            const __m512i start =
                Type::kOffset == 0
                    ? _mm512_setzero_si512()
                    : _mm512_set1_epi32(-Type::kOffset * x.sumOfGroup(t, block, kGroup));
            for (int p = 0; p < kPanels; ++p) dots[p][t] = start;
        }
#pragma GCC unroll 4
        for (int line = 0; line < 4; ++line) {
            __m512i w[kPanels];
            for (int p = 0; p < kPanels; ++p) {
                w[p] = Type::template weights<kGroup>(panels[p][block / 8].parts[block % 8], line);
            }
            addProducts(dots, w, x, block, 4 * line + 16 * kGroup);
        }
        __m512 scales[kPanels];
        __m512 minima[kPanels];
        for (int p = 0; p < kPanels; ++p) {
            const Panel& panel = panels[p][block / 8];
            const typename Panel::Part& part = panel.parts[block % 8];
            scales[p] = Type::scales(panel, part, kGroup);
            if constexpr (Type::kHasMinima) minima[p] = Type::minima(panel, part, kGroup);
        }
        if constexpr (Type::kHasMinima) {
            addWithMinima(
                dots, scales, minima, x, block,
                [&](int t) { return x.sumOfGroup(t, block, kGroup); }, sums);
        } else {
            for (int p = 0; p < kPanels; ++p) {
                for (int t = 0; t < kTokens; ++t) {
                    sums[p][t] = added(sums[p][t], dots[p][t], x.scaleOf(t, block), scales[p]);
                }
            }
        }
    }

    template <int kPanels, int kTokens>
    [[gnu::always_inline]] static inline void add(const Panel* const (&panels)[kPanels],
                                                  const Tokens<kTokens>& x, int block,
                                                  __m512 (&sums)[kPanels][kTokens]) {
        addGroup<0>(panels, x, block, sums);
        addGroup<1>(panels, x, block, sums);
    }
};

#include "engine/kernels/packed_avx512_types.inc"

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
        Type::template add<kPanels, kTokens>(panels, x, block, sums);
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

/// One token takes a panel at a time: the memory decides, and the CPU's prefetchers follow one
/// stretch better than two that alternate (by 20 % for Q4_0, and twice for Q4_K; measured on Zen 4,
/// where asking for lines ahead gained nothing).
template <typename Type>
void matmul(const MatmulArgs& args) {
    int row = 0;
    if (args.nTokens > 1) {
        for (; row + 2 * kPanelRows <= args.nRows; row += 2 * kPanelRows) {
            panelRow<Type, 2>(args, row);
        }
    }
    for (; row < args.nRows; row += kPanelRows) panelRow<Type, 1>(args, row);
}

template <typename Type>
constexpr WeightKernels kType = {Type::kType, ActivationFormat::Int8Blocks, matmul<Type>, nullptr};

#include "engine/kernels/packed_avx512_half_floats.inc"

constexpr WeightKernels kTypes[] = {
    kType<OneScale<Q8>>,   kType<OneScale<Q4>>,     kType<WithMinima<Q4_1>>,
    kType<OneScale<Q5>>,   kType<WithMinima<Q5_1>>, kType<TwoGroups<Q2K>>,
    kType<TwoGroups<Q3K>>, kType<WithMinima<Q4K>>,  kType<WithMinima<Q5K>>,
    kType<TwoGroups<Q6K>>, kType<OneScale<IQ4>>,    kType<IQ4XS>,
    kType<MXFP4>,          kHalfFloats<F16>,        kHalfFloats<BF16>,
};

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
