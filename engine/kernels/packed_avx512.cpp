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

constexpr int kLines = kActivationBlock / 4;

/// Tokens in ActivationFormat::Int8Blocks, as in packed_avx2.cpp.
template <int kTokens>
struct Tokens {
    Tokens(const void* const* inputs, int nColumns) {
        for (int t = 0; t < kTokens; ++t) base[t] = static_cast<const char*>(inputs[t]);
        sums = nColumns / kActivationBlock * static_cast<std::ptrdiff_t>(sizeof(float));
        values = 2 * sums;
        pairs = values + nColumns;
        totals = pairs + 2 * sums;
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
    /// The sum of a block times its scale, or that of one of two groups.
    template <int kGroups>
    __m512 totalOf(int t, int block, int group) const {
        if constexpr (kGroups == 1) {
            return _mm512_set1_ps(reinterpret_cast<const float*>(base[t] + totals)[block]);
        }
        return _mm512_mul_ps(fromIntegers(_mm512_set1_epi32(sumOfGroup(t, block, group))),
                             scaleOf(t, block));
    }
    const char* base[kTokens];
    std::ptrdiff_t sums;
    std::ptrdiff_t values;
    std::ptrdiff_t pairs;
    std::ptrdiff_t totals;
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

// What computes a block is inlined always: its sums live in registers, or it takes three times as
// long.

/// sum += dot * token's scale * row's scale, as in packed_avx2.cpp.
[[gnu::always_inline]] inline __m512 added(__m512 sum, __m512i dot, __m512 tokenScale,
                                           __m512 rowScale) {
    return _mm512_fmadd_ps(_mm512_mul_ps(fromIntegers(dot), tokenScale), rowScale, sum);
}

/// sums += weights times the four activations of a line. The compiler must not mix it with what
/// follows: the sums take all but a few registers.
template <int kPanels, int kTokens>
[[gnu::always_inline]] inline void addProducts(__m512i (&sums)[kPanels][kTokens],
                                               const __m512i (&weights)[kPanels],
                                               const Tokens<kTokens>& x, int block, int line) {
#pragma GCC unroll 6
    for (int t = 0; t < kTokens; ++t) {
        const __m512i four = fourOf(x.valuesOf(t, block) + 4 * line);
#pragma GCC unroll 2
        for (int p = 0; p < kPanels; ++p) {
            sums[p][t] = _mm512_dpbusd_epi32(sums[p][t], weights[p], four);
#ifndef CONCLAVE_SIMDE  // whose registers are arrays
            asm("" : "+v"(sums[p][t]));
#endif
        }
    }
}

/// sums += the products of activation block `block`, which is part `part` of the panels.
template <typename Type, int kPanels, int kTokens>
[[gnu::always_inline]] inline void addBlock(const typename Type::Panel* const (&panels)[kPanels],
                                            int part, const Tokens<kTokens>& x, int block,
                                            __m512 (&sums)[kPanels][kTokens]) {
    constexpr int kGroupLines = kLines / Type::kGroups;
#pragma GCC unroll 2
    for (int group = 0; group < Type::kGroups; ++group) {
        __m512i dots[kPanels][kTokens];
        for (int t = 0; t < kTokens; ++t) {
            __m512i start = _mm512_setzero_si512();
            if constexpr (Type::kOffset != 0) {
                const int sum =
                    Type::kGroups == 1 ? x.sumOf(t, block) : x.sumOfGroup(t, block, group);
                start = _mm512_set1_epi32(-Type::kOffset * sum);
            }
            for (int p = 0; p < kPanels; ++p) dots[p][t] = start;
        }
#pragma GCC unroll 8
        for (int i = 0; i < kGroupLines; ++i) {
            const int line = group * kGroupLines + i;
            __m512i weights[kPanels];
            for (int p = 0; p < kPanels; ++p) weights[p] = Type::weights(*panels[p], part, line);
            addProducts(dots, weights, x, block, line);
        }
        __m512 scales[kPanels];
        __m512 minima[kPanels];
        for (int p = 0; p < kPanels; ++p) {
            scales[p] = Type::scales(*panels[p], part, group);
            if constexpr (Type::kHasMinima) minima[p] = Type::minima(*panels[p], part, group);
        }
        for (int t = 0; t < kTokens; ++t) {
            const __m512 scale = x.scaleOf(t, block);
            for (int p = 0; p < kPanels; ++p) {
                sums[p][t] = added(sums[p][t], dots[p][t], scale, scales[p]);
            }
            if constexpr (Type::kHasMinima) {
                const __m512 total = x.template totalOf<Type::kGroups>(t, block, group);
                for (int p = 0; p < kPanels; ++p) {
                    sums[p][t] = _mm512_fnmadd_ps(total, minima[p], sums[p][t]);
                }
            }
        }
    }
}

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

/// Activation blocks of a panel.
template <typename Type>
constexpr int kParts = Type::Panel::kColumns / kActivationBlock;

constexpr int kFewTokens = 2;  ///< for which memory decides, see matmul()

/// What lies behind a tile's panels, mostly the next ones to be read, of which each of the panels'
/// tiles asks for a share while it computes: else the first tokens of every panel wait for memory
/// (prefill of Q8_0 by 5 to 8 %, of 4-bit types by 3; Zen 4). Into the second level of cache, as
/// the first has no room for both. Beyond the last panel nothing happens.
class PanelsAhead {
public:
    PanelsAhead(const MatmulArgs& args, int row, int nRows, int token, int nTokens) {
        if (args.nTokens < kLeastTokens) return;
        const auto nBlocks = static_cast<std::size_t>(args.nColumns / kActivationBlock);
        const std::size_t nLines = static_cast<std::size_t>(nRows) * args.rowBytes / kLineBytes;
        const auto lineOf = [&](int t) {
            return nLines * static_cast<std::size_t>(t) / static_cast<std::size_t>(args.nTokens);
        };
        const std::size_t first = lineOf(token);
        m_nOfBlock = (lineOf(token + nTokens) - first + nBlocks - 1) / nBlocks;
        m_next = args.weights + static_cast<std::size_t>(row + nRows) * args.rowBytes +
                 first * kLineBytes;
    }

    /// A block's share.
    [[gnu::always_inline]] void ask() {
        for (std::size_t i = 0; i < m_nOfBlock; ++i, m_next += kLineBytes) {
            __builtin_prefetch(m_next, 0, 2);
        }
    }

private:
    static constexpr int kLeastTokens = 12;  ///< with fewer, memory decides anyway
    static constexpr std::size_t kLineBytes = 64;
    const std::byte* m_next = nullptr;
    std::size_t m_nOfBlock = 0;  ///< lines
};

/// `kPanels` neighbouring panels times `kTokens` tokens. Its shape only decides what is reused.
template <typename Type, int kPanels, int kTokens>
void tile(const MatmulArgs& args, int row, int token) {
    PanelsAhead ahead(args, row, kPanels * kPanelRows, token, kTokens);
    const Tokens<kTokens> x(args.inputs + token, args.nColumns);
    const int nBlocks = args.nColumns / kActivationBlock;
    const typename Type::Panel* panels[kPanels];
    __m512 sums[kPanels][kTokens];
    for (int p = 0; p < kPanels; ++p) {
        panels[p] = reinterpret_cast<const typename Type::Panel*>(
            args.weights + static_cast<std::size_t>(row + kPanelRows * p) * args.rowBytes);
        for (int t = 0; t < kTokens; ++t) sums[p][t] = _mm512_setzero_ps();
    }
    // What belongs to a whole block of 256 is brought in once for its eight parts: one token reads
    // a quarter more a second then, and twice as much of Q6_K.
    for (int first = 0; first < nBlocks; first += kParts<Type>) {
        for (int part = 0; part < kParts<Type>; ++part) {
            if constexpr (kTokens > kFewTokens) ahead.ask();
            addBlock<Type, kPanels, kTokens>(panels, part, x, first + part, sums);
        }
        for (int p = 0; p < kPanels; ++p) ++panels[p];
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

/// One token or two take a panel at a time: the memory decides, and the CPU's prefetchers follow
/// one stretch better than two that alternate (one token by 20 % for Q4_0, and twice for Q4_K, two
/// tokens by 65 and 70 %; measured on Zen 4, where asking for lines ahead gained nothing).
template <typename Type>
void matmul(const MatmulArgs& args) {
    int row = 0;
    if (args.nTokens > kFewTokens) {
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
    kType<Q8>,  kType<Q4>,    kType<Q4_1>,  kType<Q5>,        kType<Q5_1>,
    kType<Q2K>, kType<Q3K>,   kType<Q4K>,   kType<Q5K>,       kType<Q6K>,
    kType<IQ4>, kType<IQ4XS>, kType<MXFP4>, kHalfFloats<F16>, kHalfFloats<BF16>,
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
