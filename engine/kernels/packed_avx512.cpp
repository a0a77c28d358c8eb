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
#include "engine/kernels/packed_more.h"
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

// What computes a block is inlined always: its sums live in registers, or it takes three times as
// long.
//
// dots: the integer products of a block of kPanels panels, 16 rows in each register. vpdpbusd
// multiplies unsigned by signed bytes, so weights are read with an offset added, and a sum starts
// from minus the offset times the sum of the activations.

struct Q8 {
    using Panel = PanelQ8_0;
    static constexpr TensorType kType = TensorType::Q8_0;

    template <int kPanels, int kTokens>
    [[gnu::always_inline]] static inline void dots(const Panel* const (&panels)[kPanels],
                                                   const Tokens<kTokens>& x, int block,
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

/// sums += products of nibbles, 0 to 15.
template <int kPanels, int kTokens>
[[gnu::always_inline]] inline void addNibbles(
    const std::uint8_t (*const (&lines)[kPanels])[kPanelRows][4], const Tokens<kTokens>& x,
    int block, __m512i (&sums)[kPanels][kTokens]) {
    const __m512i lowHalf = _mm512_set1_epi8(15);
    for (int line = 0; line < 4; ++line) {
        __m512i low[kPanels];
        __m512i high[kPanels];
        for (int p = 0; p < kPanels; ++p) {
            const __m512i both = load512(lines[p][line]);
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

struct Q4 {
    using Panel = PanelQ4_0;
    static constexpr TensorType kType = TensorType::Q4_0;

    template <int kPanels, int kTokens>
    [[gnu::always_inline]] static inline void dots(const Panel* const (&panels)[kPanels],
                                                   const Tokens<kTokens>& x, int block,
                                                   __m512i (&sums)[kPanels][kTokens]) {
        const std::uint8_t(*lines[kPanels])[kPanelRows][4];
        for (int p = 0; p < kPanels; ++p) {
            lines[p] = panels[p][block].lines;
            for (int t = 0; t < kTokens; ++t) {
                sums[p][t] = _mm512_set1_epi32(-8 * x.sumOf(t, block));
            }
        }
        addNibbles<kPanels, kTokens>(lines, x, block, sums);
    }
};

/// sum += dot * token's scale * row's scale, as in packed_avx2.cpp.
__m512 added(__m512 sum, __m512i dot, __m512 tokenScale, __m512 rowScale) {
    return _mm512_fmadd_ps(_mm512_mul_ps(fromIntegers(dot), tokenScale), rowScale, sum);
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

__m512 fromBytes(const std::uint8_t* bytes) {
    const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
    return joined(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(all)),
                  _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(all, 8))));
}
__m512 fromBytes(const std::int8_t* bytes) {
    const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
    return joined(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(all)),
                  _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(all, 8))));
}

/// Types with a scale and a minimum for each 32 columns, below two of a block of 256.
template <typename Integers>
struct WithMinima {
    using Panel = typename Integers::Panel;
    static constexpr TensorType kType = Integers::kType;

    template <int kPanels, int kTokens>
    [[gnu::always_inline]] static inline void add(const Panel* const (&panels)[kPanels],
                                                  const Tokens<kTokens>& x, int block,
                                                  __m512 (&sums)[kPanels][kTokens]) {
        const typename Panel::Part* parts[kPanels];
        __m512i dots[kPanels][kTokens];
        __m512 scales[kPanels];
        __m512 minima[kPanels];
        for (int p = 0; p < kPanels; ++p) {
            const Panel& panel = panels[p][block / 8];
            parts[p] = panel.parts + block % 8;
            scales[p] = _mm512_mul_ps(scalesOf(panel.scale), fromBytes(parts[p]->scales));
            minima[p] = _mm512_mul_ps(scalesOf(panel.minScale), fromBytes(parts[p]->minima));
            for (int t = 0; t < kTokens; ++t) dots[p][t] = _mm512_setzero_si512();
        }
        Integers::template addDots<kPanels, kTokens>(parts, x, block, dots);
        for (int t = 0; t < kTokens; ++t) {
            const __m512 scale = x.scaleOf(t, block);
            const __m512 total =
                _mm512_mul_ps(_mm512_set1_ps(static_cast<float>(x.sumOf(t, block))), scale);
            for (int p = 0; p < kPanels; ++p) {
                sums[p][t] = added(sums[p][t], dots[p][t], scale, scales[p]);
                sums[p][t] = _mm512_fnmadd_ps(total, minima[p], sums[p][t]);
            }
        }
    }
};

struct Q4K {
    using Panel = PanelQ4_K;
    static constexpr TensorType kType = TensorType::Q4_K;

    template <int kPanels, int kTokens>
    [[gnu::always_inline]] static inline void addDots(const Panel::Part* const (&parts)[kPanels],
                                                      const Tokens<kTokens>& x, int block,
                                                      __m512i (&dots)[kPanels][kTokens]) {
        const std::uint8_t(*lines[kPanels])[kPanelRows][4];
        for (int p = 0; p < kPanels; ++p) lines[p] = parts[p]->lines;
        addNibbles<kPanels, kTokens>(lines, x, block, dots);
    }
};

#include "engine/kernels/packed_avx512_more.inc"

struct Q6K {
    using Panel = PanelQ6_K;
    static constexpr TensorType kType = TensorType::Q6_K;

    /// Weights of one half-byte of a line, 0 to 63.
    template <int kGroup>
    static __m512i weights(const Panel::Part& part, int line) {
        const __m512i nibbles = load512(part.lines[line]);
        const __m512i pairs = load512(part.high[line / 2]);
        const __m512i low = _mm512_and_si512(kGroup == 0 ? nibbles : _mm512_srli_epi16(nibbles, 4),
                                             _mm512_set1_epi8(15));
        // To bits 4 and 5, from bits 0, 2, 4 or 6.
        const int from = line % 2 * 4 + 2 * kGroup;
        const __m512i shifted = from == 0   ? _mm512_slli_epi16(pairs, 4)
                                : from == 2 ? _mm512_slli_epi16(pairs, 2)
                                : from == 4 ? pairs
                                            : _mm512_srli_epi16(pairs, 2);
        return _mm512_or_si512(low, _mm512_and_si512(shifted, _mm512_set1_epi8(0x30)));
    }

    template <int kGroup, int kPanels, int kTokens>
    [[gnu::always_inline]] static inline void addGroup(const Panel* const (&panels)[kPanels],
                                                       const Tokens<kTokens>& x, int block,
                                                       __m512 (&sums)[kPanels][kTokens]) {
        __m512i dots[kPanels][kTokens];
        for (int t = 0; t < kTokens; ++t) {
            const std::int8_t* values = x.valuesOf(t, block) + 16 * kGroup;
            int total = 0;
            for (int i = 0; i < 16; ++i) total += values[i];
            for (int p = 0; p < kPanels; ++p) dots[p][t] = _mm512_set1_epi32(-32 * total);
        }
        for (int line = 0; line < 4; ++line) {
            for (int p = 0; p < kPanels; ++p) {
                const __m512i w = weights<kGroup>(panels[p][block / 8].parts[block % 8], line);
                for (int t = 0; t < kTokens; ++t) {
                    const std::int8_t* values = x.valuesOf(t, block) + 16 * kGroup;
                    dots[p][t] = _mm512_dpbusd_epi32(dots[p][t], w, fourOf(values + 4 * line));
                }
            }
        }
        for (int p = 0; p < kPanels; ++p) {
            const Panel& panel = panels[p][block / 8];
            const __m512 scales = _mm512_mul_ps(scalesOf(panel.scale),
                                                fromBytes(panel.parts[block % 8].scales[kGroup]));
            for (int t = 0; t < kTokens; ++t) {
                sums[p][t] = added(sums[p][t], dots[p][t], x.scaleOf(t, block), scales);
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

template <typename Type>
void matmul(const MatmulArgs& args) {
    int row = 0;
    for (; row + 2 * kPanelRows <= args.nRows; row += 2 * kPanelRows) panelRow<Type, 2>(args, row);
    for (; row < args.nRows; row += kPanelRows) panelRow<Type, 1>(args, row);
}

template <typename Type>
constexpr WeightKernels kType = {Type::kType, ActivationFormat::Int8Blocks, matmul<Type>, nullptr};

constexpr WeightKernels kTypes[] = {
    kType<OneScale<Q8>>,  kType<OneScale<Q4>>, kType<WithMinima<Q4K>>,
    kType<Q6K>,           kType<OneScale<Q5>>, kType<WithMinima<Q5K>>,
    kType<OneScale<IQ4>>, kType<IQ4XS>,        kType<MXFP4>,
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
