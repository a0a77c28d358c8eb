// packed_avx2.cpp: products of packed weights for AVX2. Compiled with these flags, see kernels.h.
#include "engine/kernels/packed_avx2_tiles.h"
#include "engine/kernels/packed_more.h"

namespace conclave::engine {
namespace packed_avx2 {
namespace {

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

// add: sums += the products of activation block `block`.

struct Q4K {
    using Panel = PanelQ4_K;
    static constexpr TensorType kType = TensorType::Q4_K;
    static constexpr int kAheadBytes = 3072;

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void dots(const Panel::Part& part, int firstRow,
                                                   const Tokens<kTokens>& x, int block,
                                                   __m256i (&sums)[kHalves][kTokens]) {
        nibbleDots<kHalves, kTokens>(part.lines, firstRow, x, block, sums);
        const __m256i ones = _mm256_set1_epi16(1);
        for (int h = 0; h < kHalves; ++h) {
            for (int t = 0; t < kTokens; ++t) sums[h][t] = _mm256_madd_epi16(sums[h][t], ones);
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

constexpr WeightKernels kTypes[] = {kType<OneScale<Q8>>, kType<OneScale<Q4>>,
                                    kType<WithMinima<Q4K>>, kType<Q6K>};

}  // namespace
}  // namespace packed_avx2

const WeightKernels* avx2PackedKernels(TensorType type) {
    for (const WeightKernels& kernels : packed_avx2::kTypes) {
        if (kernels.type == type) return &kernels;
    }
    return avx2PackedKernelsMore(type);
}

}  // namespace conclave::engine
