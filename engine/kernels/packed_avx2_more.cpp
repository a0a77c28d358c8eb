// packed_avx2_more.cpp: products of packed weights of five bits, and of four that index levels, for
// AVX2. Compiled with these flags, see kernels.h.
#include "engine/kernels/packed_avx2_tiles.h"
#include "engine/kernels/packed_more.h"
#include "engine/kernels/quant_blocks.h"

namespace conclave::engine {
namespace packed_avx2 {
namespace {

using Lines = std::uint8_t[4][kPanelRows][4];

__m256i lowHalves(__m256i bytes) { return _mm256_and_si256(bytes, _mm256_set1_epi8(15)); }

/// Bit `place` of each byte, as bit 4.
__m256i fifthBit(__m256i high, int place) {
    const __m256i shifted =
        place <= 4 ? _mm256_slli_epi16(high, 4 - place) : _mm256_srli_epi16(high, place - 4);
    return _mm256_and_si256(shifted, _mm256_set1_epi8(16));
}

/// Products of five bits, 0 to 31, as 32-bit sums. Those of a line fit into 16 bits:
/// 4 * 31 * 127 = 15,748.
template <int kHalves, int kTokens>
[[gnu::always_inline]] inline void fiveBitDots(const Lines& lines, const PanelFifthBits& fifths,
                                               int firstRow, const Tokens<kTokens>& x, int block,
                                               __m256i (&sums)[kHalves][kTokens]) {
    const __m256i ones = _mm256_set1_epi16(1);
    for (int h = 0; h < kHalves; ++h) {
        for (int t = 0; t < kTokens; ++t) sums[h][t] = _mm256_setzero_si256();
    }
#pragma GCC unroll 4
    for (int line = 0; line < 4; ++line) {
        for (int h = 0; h < kHalves; ++h) {
            const int row = firstRow + kHalfRows * h;
            const __m256i both = load256(lines[line][row]);
            const __m256i high = load256(fifths[row]);
            const __m256i first = _mm256_or_si256(lowHalves(both), fifthBit(high, 2 * line));
            const __m256i second = _mm256_or_si256(lowHalves(_mm256_srli_epi16(both, 4)),
                                                   fifthBit(high, 2 * line + 1));
            for (int t = 0; t < kTokens; ++t) {
                const std::int8_t* values = x.valuesOf(t, block) + 4 * line;
                const __m256i pairs =
                    _mm256_add_epi16(_mm256_maddubs_epi16(first, fourOf(values)),
                                     _mm256_maddubs_epi16(second, fourOf(values + 16)));
                accumulate32(sums[h][t], _mm256_madd_epi16(pairs, ones));
            }
        }
    }
}

/// Products of levels, as 32-bit sums.
/// @param kSmall  no level is above 12: all 8 products of a lane fit into 16 bits
///                (8 * 2 * 12 * 127 = 24,384), else only those of one line's half
template <bool kSmall, int kHalves, int kTokens>
[[gnu::always_inline]] inline void levelDots(const Lines& lines, const std::int8_t (&levels)[16],
                                             int firstRow, const Tokens<kTokens>& x, int block,
                                             __m256i (&sums)[kHalves][kTokens]) {
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256i table =
        _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(levels)));
    for (int h = 0; h < kHalves; ++h) {
        for (int t = 0; t < kTokens; ++t) sums[h][t] = _mm256_setzero_si256();
    }
    for (int line = 0; line < 4; ++line) {
        for (int h = 0; h < kHalves; ++h) {
            const __m256i both = load256(lines[line][firstRow + kHalfRows * h]);
#pragma GCC unroll 2
            for (int half = 0; half < 2; ++half) {
                const __m256i index = lowHalves(half == 0 ? both : _mm256_srli_epi16(both, 4));
                const __m256i w = _mm256_shuffle_epi8(table, index);
                const __m256i magnitude = _mm256_abs_epi8(w);
                for (int t = 0; t < kTokens; ++t) {
                    const __m256i four = fourOf(x.valuesOf(t, block) + 16 * half + 4 * line);
                    const __m256i pairs =
                        _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(four, w));
                    if constexpr (kSmall) {
                        accumulate16(sums[h][t], pairs);
                    } else {
                        accumulate32(sums[h][t], _mm256_madd_epi16(pairs, ones));
                    }
                }
            }
        }
    }
    if constexpr (kSmall) {
        for (int h = 0; h < kHalves; ++h) {
            for (int t = 0; t < kTokens; ++t) sums[h][t] = _mm256_madd_epi16(sums[h][t], ones);
        }
    }
}

struct Q5 {
    using Panel = PanelQ5_0;
    static constexpr TensorType kType = TensorType::Q5_0;
    static constexpr int kAheadBytes = 3072;

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void dots(const Panel& panel, int firstRow,
                                                   const Tokens<kTokens>& x, int block,
                                                   __m256i (&sums)[kHalves][kTokens]) {
        fiveBitDots<kHalves, kTokens>(panel.lines, panel.high, firstRow, x, block, sums);
        for (int t = 0; t < kTokens; ++t) {
            const __m256i offset = _mm256_slli_epi32(x.sumOf(t, block), 4);
            for (int h = 0; h < kHalves; ++h) sums[h][t] = _mm256_sub_epi32(sums[h][t], offset);
        }
    }
};

struct Q5K {
    using Panel = PanelQ5_K;
    static constexpr TensorType kType = TensorType::Q5_K;
    static constexpr int kAheadBytes = 3072;

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void dots(const Panel::Part& part, int firstRow,
                                                   const Tokens<kTokens>& x, int block,
                                                   __m256i (&sums)[kHalves][kTokens]) {
        fiveBitDots<kHalves, kTokens>(part.lines, part.high, firstRow, x, block, sums);
    }
};

struct IQ4 {
    using Panel = PanelIQ4_NL;
    static constexpr TensorType kType = TensorType::IQ4_NL;
    static constexpr int kAheadBytes = 3072;

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void dots(const Panel& panel, int firstRow,
                                                   const Tokens<kTokens>& x, int block,
                                                   __m256i (&sums)[kHalves][kTokens]) {
        levelDots<false, kHalves, kTokens>(panel.lines, kIq4Levels, firstRow, x, block, sums);
    }
};

struct IQ4XS {
    using Panel = PanelIQ4_XS;
    static constexpr TensorType kType = TensorType::IQ4_XS;
    static constexpr int kAheadBytes = 3072;

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void add(const Panel* panels, int firstRow,
                                                  const Tokens<kTokens>& x, int block,
                                                  __m256 (&sums)[kHalves][kTokens]) {
        const Panel& panel = panels[block / 8];
        const Panel::Part& part = panel.parts[block % 8];
        __m256i dots[kHalves][kTokens];
        levelDots<false, kHalves, kTokens>(part.lines, kIq4Levels, firstRow, x, block, dots);
        for (int h = 0; h < kHalves; ++h) {
            const int row = firstRow + kHalfRows * h;
            const __m256 scales =
                _mm256_mul_ps(scalesOf(panel.scale + row), fromBytes(part.scales + row));
            for (int t = 0; t < kTokens; ++t) {
                sums[h][t] = added(sums[h][t], dots[h][t], x.scaleOf(t, block), scales);
            }
        }
    }
};

struct MXFP4 {
    using Panel = PanelMXFP4;
    static constexpr TensorType kType = TensorType::MXFP4;
    static constexpr int kAheadBytes = 3072;

    /// 2^(exponent - 128), see types/mxfp4.cpp.
    static __m256 powers(const std::uint8_t* exponents) {
        const __m256i exponent =
            _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(exponents)));
        const __m256i normal =
            _mm256_slli_epi32(_mm256_sub_epi32(exponent, _mm256_set1_epi32(1)), 23);
        const __m256i subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), exponent);
        const __m256i isNormal = _mm256_cmpgt_epi32(exponent, _mm256_set1_epi32(1));
        return _mm256_castsi256_ps(_mm256_blendv_epi8(subnormal, normal, isNormal));
    }

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void add(const Panel* panels, int firstRow,
                                                  const Tokens<kTokens>& x, int block,
                                                  __m256 (&sums)[kHalves][kTokens]) {
        const Panel& panel = panels[block];
        __m256i dots[kHalves][kTokens];
        levelDots<true, kHalves, kTokens>(panel.lines, kMxfp4Levels, firstRow, x, block, dots);
        for (int h = 0; h < kHalves; ++h) {
            const __m256 scales = powers(panel.exponents + firstRow + kHalfRows * h);
            for (int t = 0; t < kTokens; ++t) {
                sums[h][t] = added(sums[h][t], dots[h][t], x.scaleOf(t, block), scales);
            }
        }
    }
};

constexpr WeightKernels kMoreTypes[] = {kType<OneScale<Q5>>, kType<WithMinima<Q5K>>,
                                        kType<OneScale<IQ4>>, kType<IQ4XS>, kType<MXFP4>};

}  // namespace
}  // namespace packed_avx2

const WeightKernels* avx2PackedKernelsMore(TensorType type) {
    for (const WeightKernels& kernels : packed_avx2::kMoreTypes) {
        if (kernels.type == type) return &kernels;
    }
    return nullptr;
}

}  // namespace conclave::engine
