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

// What computes a block is inlined always: its sums live in registers, or it takes three times as
// long.
//
// dots: the integer products of a block, 8 rows in each register, without the scales.

struct Q8 {
    using Panel = PanelQ8_0;
    static constexpr TensorType kType = TensorType::Q8_0;
    static constexpr int kAheadBytes = 1024;

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void dots(const Panel& panel, int firstRow,
                                                   const Tokens<kTokens>& x, int block,
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

/// Products of nibbles, 0 to 15, as 16-bit sums of a lane's even and odd columns. All 8 products of
/// a lane fit: 8 * 2 * 15 * 127 = 30,480.
template <int kHalves, int kTokens>
[[gnu::always_inline]] inline void nibbleDots(const std::uint8_t (&lines)[4][kPanelRows][4],
                                              int firstRow, const Tokens<kTokens>& x, int block,
                                              __m256i (&sums)[kHalves][kTokens]) {
    const __m256i lowHalf = _mm256_set1_epi8(15);
    for (int h = 0; h < kHalves; ++h) {
        for (int t = 0; t < kTokens; ++t) sums[h][t] = _mm256_setzero_si256();
    }
    for (int line = 0; line < 4; ++line) {
        __m256i low[kHalves];
        __m256i high[kHalves];
        for (int h = 0; h < kHalves; ++h) {
            const __m256i both = load256(lines[line][firstRow + kHalfRows * h]);
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
}

struct Q4 {
    using Panel = PanelQ4_0;
    static constexpr TensorType kType = TensorType::Q4_0;
    static constexpr int kAheadBytes = 3072;

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void dots(const Panel& panel, int firstRow,
                                                   const Tokens<kTokens>& x, int block,
                                                   __m256i (&sums)[kHalves][kTokens]) {
        nibbleDots<kHalves, kTokens>(panel.lines, firstRow, x, block, sums);
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

/// sum += dot * token's scale * row's scale: the one chain that every shape of tile follows.
__m256 added(__m256 sum, __m256i dot, __m256 tokenScale, __m256 rowScale) {
    return _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(dot), tokenScale), rowScale, sum);
}

// add: sums += the products of activation block `block`.

/// Types with one scale for each 32 columns.
template <typename Integers>
struct OneScale {
    using Panel = typename Integers::Panel;
    static constexpr TensorType kType = Integers::kType;
    static constexpr int kAheadBytes = Integers::kAheadBytes;

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void add(const Panel* panels, int firstRow,
                                                  const Tokens<kTokens>& x, int block,
                                                  __m256 (&sums)[kHalves][kTokens]) {
        const Panel& panel = panels[block];
        __m256i dots[kHalves][kTokens];
        Integers::template dots<kHalves, kTokens>(panel, firstRow, x, block, dots);
        __m256 scales[kHalves];
        for (int h = 0; h < kHalves; ++h) {
            scales[h] = scalesOf(panel.scales + firstRow + kHalfRows * h);
        }
        for (int t = 0; t < kTokens; ++t) {
            const __m256 scale = x.scaleOf(t, block);
            for (int h = 0; h < kHalves; ++h) {
                sums[h][t] = added(sums[h][t], dots[h][t], scale, scales[h]);
            }
        }
    }
};

__m256 fromBytes(const std::uint8_t* bytes) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight));
}
__m256 fromBytes(const std::int8_t* bytes) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight));
}

struct Q4K {
    using Panel = PanelQ4_K;
    static constexpr TensorType kType = TensorType::Q4_K;
    static constexpr int kAheadBytes = 3072;

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void add(const Panel* panels, int firstRow,
                                                  const Tokens<kTokens>& x, int block,
                                                  __m256 (&sums)[kHalves][kTokens]) {
        const Panel& panel = panels[block / 8];
        const Panel::Part& part = panel.parts[block % 8];
        __m256i dots[kHalves][kTokens];
        nibbleDots<kHalves, kTokens>(part.lines, firstRow, x, block, dots);
        const __m256i ones = _mm256_set1_epi16(1);
        __m256 scales[kHalves];
        __m256 minima[kHalves];
        for (int h = 0; h < kHalves; ++h) {
            const int row = firstRow + kHalfRows * h;
            scales[h] = _mm256_mul_ps(scalesOf(panel.scale + row), fromBytes(part.scales + row));
            minima[h] = _mm256_mul_ps(scalesOf(panel.minScale + row), fromBytes(part.minima + row));
        }
        for (int t = 0; t < kTokens; ++t) {
            const __m256 scale = x.scaleOf(t, block);
            const __m256 total = _mm256_mul_ps(_mm256_cvtepi32_ps(x.sumOf(t, block)), scale);
            for (int h = 0; h < kHalves; ++h) {
                const __m256i dot = _mm256_madd_epi16(dots[h][t], ones);
                sums[h][t] = added(sums[h][t], dot, scale, scales[h]);
                sums[h][t] = _mm256_fnmadd_ps(total, minima[h], sums[h][t]);
            }
        }
    }
};

struct Q6K {
    using Panel = PanelQ6_K;
    static constexpr TensorType kType = TensorType::Q6_K;
    static constexpr int kAheadBytes = 3072;

    /// Weights of one half-byte of a line, -32 to 31.
    template <int kGroup>
    static __m256i weights(const Panel::Part& part, int row, int line) {
        const __m256i nibbles = load256(part.lines[line][row]);
        const __m256i pairs = load256(part.high[line / 2][row]);
        const __m256i low = _mm256_and_si256(kGroup == 0 ? nibbles : _mm256_srli_epi16(nibbles, 4),
                                             _mm256_set1_epi8(15));
        // To bits 4 and 5, from bits 0, 2, 4 or 6.
        const int from = line % 2 * 4 + 2 * kGroup;
        const __m256i shifted =
            from <= 4 ? _mm256_slli_epi16(pairs, 4 - from) : _mm256_srli_epi16(pairs, from - 4);
        const __m256i high = _mm256_and_si256(shifted, _mm256_set1_epi8(0x30));
        return _mm256_sub_epi8(_mm256_or_si256(low, high), _mm256_set1_epi8(32));
    }

    /// 16 bits hold the sum of 16 products: 4 * 2 * 32 * 127 = 32,512.
    template <int kGroup, int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void addGroup(const Panel& panel, const Panel::Part& part,
                                                       int firstRow, const Tokens<kTokens>& x,
                                                       int block,
                                                       __m256 (&sums)[kHalves][kTokens]) {
        __m256i dots[kHalves][kTokens];
        for (int h = 0; h < kHalves; ++h) {
            for (int t = 0; t < kTokens; ++t) dots[h][t] = _mm256_setzero_si256();
        }
        for (int line = 0; line < 4; ++line) {
            for (int h = 0; h < kHalves; ++h) {
                const __m256i w = weights<kGroup>(part, firstRow + kHalfRows * h, line);
                const __m256i magnitude = _mm256_abs_epi8(w);
                for (int t = 0; t < kTokens; ++t) {
                    const __m256i four = fourOf(x.valuesOf(t, block) + 16 * kGroup + 4 * line);
                    accumulate16(dots[h][t],
                                 _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(four, w)));
                }
            }
        }
        const __m256i ones = _mm256_set1_epi16(1);
        for (int h = 0; h < kHalves; ++h) {
            const int row = firstRow + kHalfRows * h;
            const __m256 scales =
                _mm256_mul_ps(scalesOf(panel.scale + row), fromBytes(part.scales[kGroup] + row));
            for (int t = 0; t < kTokens; ++t) {
                sums[h][t] = added(sums[h][t], _mm256_madd_epi16(dots[h][t], ones),
                                   x.scaleOf(t, block), scales);
            }
        }
    }

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void add(const Panel* panels, int firstRow,
                                                  const Tokens<kTokens>& x, int block,
                                                  __m256 (&sums)[kHalves][kTokens]) {
        const Panel& panel = panels[block / 8];
        const Panel::Part& part = panel.parts[block % 8];
        addGroup<0>(panel, part, firstRow, x, block, sums);
        addGroup<1>(panel, part, firstRow, x, block, sums);
    }
};

/// Asks for weights that come later. The CPU's own prefetcher stops at each page of 4 KiB; in
/// decode this gains a quarter for Q4_0 and two fifths for the K types (measured on Zen 3).
template <typename Type>
[[gnu::always_inline]] inline void prefetch(const typename Type::Panel* panels, int block) {
    constexpr int kLine = 64;
    constexpr int kBlocks = Type::Panel::kColumns / kActivationBlock;
    constexpr int kBytes = sizeof(typename Type::Panel) / kBlocks;
    const char* ahead = reinterpret_cast<const char*>(panels) +
                        static_cast<std::ptrdiff_t>(block) * kBytes + Type::kAheadBytes;
    for (int at = 0; at < kBytes; at += kLine) _mm_prefetch(ahead + at, _MM_HINT_T0);
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
        if constexpr (kTokens <= 2) prefetch<Type>(panels, block);
        Type::template add<kHalves, kTokens>(panels, firstRow, x, block, sums);
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

constexpr WeightKernels kTypes[] = {kType<OneScale<Q8>>, kType<OneScale<Q4>>, kType<Q4K>,
                                    kType<Q6K>};

}  // namespace

const WeightKernels* avx2PackedKernels(TensorType type) {
    for (const WeightKernels& kernels : kTypes) {
        if (kernels.type == type) return &kernels;
    }
    return nullptr;
}

}  // namespace conclave::engine
