// packed_avx2.cpp: products of packed weights for AVX2. Compiled with these flags, see kernels.h.
#include <immintrin.h>

#include "engine/kernels/packed.h"

namespace conclave::engine {
namespace {

constexpr int kHalfRows = 8;  ///< rows of one register: the upper or the lower half of a panel

__m256i load256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

/// Four activations, in every lane.
__m256i fourOf(const std::int8_t* x) { return _mm256_set1_epi32(*reinterpret_cast<const int*>(x)); }

__m256 scalesOf(const std::uint16_t* halves) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves)));
}

/// Tokens in ActivationFormat::Int8Blocks. One pointer for each: its scales, sums and values are at
/// offsets that all tokens share, which leaves registers for the addresses of six tokens.
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
    __m256i sumOf(int t, int block) const {
        return _mm256_set1_epi32(reinterpret_cast<const int*>(base[t] + sums)[block]);
    }
    __m256 scaleOf(int t, int block) const {
        return _mm256_broadcast_ss(reinterpret_cast<const float*>(base[t]) + block);
    }
    const char* base[kTokens];
    std::ptrdiff_t sums;
    std::ptrdiff_t values;
};

/// sum += products, now: the compiler would otherwise compute all products of a block first and add
/// them up later, for which there are not enough registers (half the speed, by the memory traffic).
void accumulate16(__m256i& sum, __m256i products) {
    sum = _mm256_add_epi16(sum, products);
    asm("" : "+x"(sum));
}
void accumulate32(__m256i& sum, __m256i products) {
    sum = _mm256_add_epi32(sum, products);
    asm("" : "+x"(sum));
}

// dots: the integer products of a block, 8 rows in each register, without the scales.

struct Q8 {
    using Panel = PanelQ8_0;
    static constexpr TensorType kType = TensorType::Q8_0;
    static constexpr int kMaxTokens = 6;

    template <int kHalves, int kTokens>
    static void dots(const Panel& panel, int firstRow, const Tokens<kTokens>& x, int block,
                     __m256i (&sums)[kHalves][kTokens]) {
        for (int h = 0; h < kHalves; ++h) {
            for (int t = 0; t < kTokens; ++t) sums[h][t] = _mm256_setzero_si256();
        }
        const __m256i ones = _mm256_set1_epi16(1);
        for (int line = 0; line < 8; ++line) {
            for (int h = 0; h < kHalves; ++h) {
                const __m256i w = load256(panel.lines[line][firstRow + kHalfRows * h]);
                // maddubs wants one unsigned side: |w| * (x with w's sign). It cannot saturate,
                // since |w| <= 128 and |x| <= 127, and 2 * 128 * 127 < 32768.
                const __m256i magnitude = _mm256_abs_epi8(w);
                for (int t = 0; t < kTokens; ++t) {
                    const __m256i four = fourOf(x.valuesOf(t, block) + 4 * line);
                    const __m256i pairs =
                        _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(four, w));
                    accumulate32(sums[h][t], _mm256_madd_epi16(pairs, ones));
                }
            }
        }
    }
};

struct Q4 {
    using Panel = PanelQ4_0;
    static constexpr TensorType kType = TensorType::Q4_0;
    static constexpr int kMaxTokens = 6;

    /// 16 bits hold the sum of all 8 products of a lane: 8 * 2 * 15 * 127 = 30,480.
    template <int kHalves, int kTokens>
    static void dots(const Panel& panel, int firstRow, const Tokens<kTokens>& x, int block,
                     __m256i (&sums)[kHalves][kTokens]) {
        const __m256i lowHalf = _mm256_set1_epi8(15);
        for (int h = 0; h < kHalves; ++h) {
            for (int t = 0; t < kTokens; ++t) sums[h][t] = _mm256_setzero_si256();
        }
        for (int line = 0; line < 4; ++line) {
            __m256i low[kHalves];
            __m256i high[kHalves];
            for (int h = 0; h < kHalves; ++h) {
                const __m256i both = load256(panel.lines[line][firstRow + kHalfRows * h]);
                low[h] = _mm256_and_si256(both, lowHalf);
                high[h] = _mm256_and_si256(_mm256_srli_epi16(both, 4), lowHalf);
            }
            for (int t = 0; t < kTokens; ++t) {
                const __m256i first = fourOf(x.valuesOf(t, block) + 4 * line);
                for (int h = 0; h < kHalves; ++h) {
                    accumulate16(sums[h][t], _mm256_maddubs_epi16(low[h], first));
                }
                const __m256i second = fourOf(x.valuesOf(t, block) + 16 + 4 * line);
                for (int h = 0; h < kHalves; ++h) {
                    accumulate16(sums[h][t], _mm256_maddubs_epi16(high[h], second));
                }
            }
        }
        const __m256i ones = _mm256_set1_epi16(1);
        for (int t = 0; t < kTokens; ++t) {
            const __m256i offset = _mm256_slli_epi32(x.sumOf(t, block), 3);
            for (int h = 0; h < kHalves; ++h) {
                sums[h][t] = _mm256_sub_epi32(_mm256_madd_epi16(sums[h][t], ones), offset);
            }
        }
    }
};

void store(float* out, __m256 values, int n) {
    if (n >= kHalfRows) {
        _mm256_storeu_ps(out, values);
    } else if (n > 0) {
        const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_maskstore_ps(out, _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lanes), values);
    }
}

/// `kHalves` halves of a panel times `kTokens` tokens. Its shape only decides what is reused.
template <typename Type, int kHalves, int kTokens>
void tile(const MatmulArgs& args, const typename Type::Panel* panels, int row, int firstRow,
          int token) {
    const Tokens<kTokens> x(args.inputs + token, args.nColumns);
    const int nBlocks = args.nColumns / kActivationBlock;
    __m256 sums[kHalves][kTokens];
    for (int h = 0; h < kHalves; ++h) {
        for (int t = 0; t < kTokens; ++t) sums[h][t] = _mm256_setzero_ps();
    }
    for (int block = 0; block < nBlocks; ++block) {
        __m256i dots[kHalves][kTokens];
        Type::template dots<kHalves, kTokens>(panels[block], firstRow, x, block, dots);
        __m256 scales[kHalves];
        for (int h = 0; h < kHalves; ++h) {
            scales[h] = scalesOf(panels[block].scales + firstRow + kHalfRows * h);
        }
        for (int t = 0; t < kTokens; ++t) {
            const __m256 scale = x.scaleOf(t, block);
            for (int h = 0; h < kHalves; ++h) {
                const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(dots[h][t]), scale);
                sums[h][t] = _mm256_fmadd_ps(scaled, scales[h], sums[h][t]);
            }
        }
    }
    for (int h = 0; h < kHalves; ++h) {
        const int at = row + firstRow + kHalfRows * h;
        for (int t = 0; t < kTokens; ++t) {
            store(args.outputs[token + t] + at, sums[h][t], args.nRows - at);
        }
    }
}

/// One token, or the few that six do not fill, take whole panels; else a half times six tokens
/// reuses the weights most within 16 registers.
template <typename Type, int kTokens>
void tokens(const MatmulArgs& args, const typename Type::Panel* panels, int row, int token) {
    if constexpr (kTokens <= 2) {
        tile<Type, 2, kTokens>(args, panels, row, 0, token);
    } else {
        tile<Type, 1, kTokens>(args, panels, row, 0, token);
        tile<Type, 1, kTokens>(args, panels, row, kHalfRows, token);
    }
}

template <typename Type>
void matmul(const MatmulArgs& args) {
    for (int row = 0; row < args.nRows; row += kPanelRows) {
        const auto* panels = reinterpret_cast<const typename Type::Panel*>(
            args.weights + static_cast<std::size_t>(row) * args.rowBytes);
        int token = 0;
        for (; token + 6 <= args.nTokens; token += 6) tokens<Type, 6>(args, panels, row, token);
        switch (args.nTokens - token) {
            case 5: tokens<Type, 5>(args, panels, row, token); break;
            case 4: tokens<Type, 4>(args, panels, row, token); break;
            case 3: tokens<Type, 3>(args, panels, row, token); break;
            case 2: tokens<Type, 2>(args, panels, row, token); break;
            case 1: tokens<Type, 1>(args, panels, row, token); break;
            default: break;
        }
    }
}

template <typename Type>
constexpr WeightKernels kType = {Type::kType, ActivationFormat::Int8Blocks, matmul<Type>, nullptr};

constexpr WeightKernels kTypes[] = {kType<Q8>, kType<Q4>};

}  // namespace

const WeightKernels* avx2PackedKernels(TensorType type) {
    for (const WeightKernels& kernels : kTypes) {
        if (kernels.type == type) return &kernels;
    }
    return nullptr;
}

}  // namespace conclave::engine
