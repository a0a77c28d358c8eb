// packed_avx2_tiles.h: what the AVX2 files of packed weights share. Only for files built with these
// flags (see kernels.h).
#pragma once

#include <immintrin.h>

#include "engine/kernels/packed.h"

namespace conclave::engine::packed_avx2 {

constexpr int kHalfRows = 8;  ///< rows of one register: the upper or the lower half of a panel

inline __m256i load256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

/// Four activations, in every lane.
inline __m256i fourOf(const std::int8_t* x) {
    return _mm256_set1_epi32(*reinterpret_cast<const int*>(x));
}

inline __m256 scalesOf(const std::uint16_t* halves) {
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
inline void accumulate16(__m256i& sum, __m256i products) {
    sum = _mm256_add_epi16(sum, products);
    asm("" : "+x"(sum));
}
inline void accumulate32(__m256i& sum, __m256i products) {
    sum = _mm256_add_epi32(sum, products);
    asm("" : "+x"(sum));
}

// What computes a block is inlined always: its sums live in registers, or it takes three times as
// long.
//
inline void store(float* out, __m256 values, int n) {
    if (n >= kHalfRows) {
        _mm256_storeu_ps(out, values);
    } else if (n > 0) {
        const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_maskstore_ps(out, _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lanes), values);
    }
}

/// sum += dot * token's scale * row's scale: the one chain that every shape of tile follows.
inline __m256 added(__m256 sum, __m256i dot, __m256 tokenScale, __m256 rowScale) {
    return _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(dot), tokenScale), rowScale, sum);
}

inline __m256 fromBytes(const std::uint8_t* bytes) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight));
}
inline __m256 fromBytes(const std::int8_t* bytes) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight));
}

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

/// Types with a scale and a minimum for each 32 columns, below two of a block of 256.
template <typename Integers>
struct WithMinima {
    using Panel = typename Integers::Panel;
    static constexpr TensorType kType = Integers::kType;
    static constexpr int kAheadBytes = Integers::kAheadBytes;

    template <int kHalves, int kTokens>
    [[gnu::always_inline]] static inline void add(const Panel* panels, int firstRow,
                                                  const Tokens<kTokens>& x, int block,
                                                  __m256 (&sums)[kHalves][kTokens]) {
        const Panel& panel = panels[block / 8];
        const typename Panel::Part& part = panel.parts[block % 8];
        __m256i dots[kHalves][kTokens];
        Integers::template dots<kHalves, kTokens>(part, firstRow, x, block, dots);
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
                sums[h][t] = added(sums[h][t], dots[h][t], scale, scales[h]);
                sums[h][t] = _mm256_fnmadd_ps(total, minima[h], sums[h][t]);
            }
        }
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
inline constexpr WeightKernels kType = {Type::kType, ActivationFormat::Int8Blocks, matmul<Type>,
                                        nullptr};

}  // namespace conclave::engine::packed_avx2
