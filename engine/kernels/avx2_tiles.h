// avx2_tiles.h: what the AVX2 files share. Only for files built with these flags (see kernels.h).
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "engine/kernels/kernels.h"

namespace conclave::engine::avx2 {

/// What this set has of its own for a weight type; scalar's dequantize serves where it is null.
struct TypeKernels {
    TensorType type;
    void (*matmul)(const MatmulArgs& args);
    void (*dequantize)(const std::byte* row, int n, float* out);
};

struct TypeList {
    const TypeKernels* types;
    int n;
};

[[nodiscard]] TypeList smallBlocks();  ///< types in blocks of 32
[[nodiscard]] TypeList largeBlocks();  ///< types in blocks of 256

inline float sumOf(__m256 lanes) {
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

inline float fromHalf(std::uint16_t half) {
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}

inline __m256i load256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline __m128i load128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

/// A token in ActivationFormat::Int8Blocks.
struct QuantizedToken {
    const float* scales;
    const std::int32_t* sums;
    const std::int8_t* values;

    void open(const void* data, int n) {
        scales = static_cast<const float*>(data);
        sums = reinterpret_cast<const std::int32_t*>(scales + n / kActivationBlock);
        values = reinterpret_cast<const std::int8_t*>(sums + n / kActivationBlock);
    }
};

// A tile is kRows rows times kTokens tokens, one register of 8 partial sums each. The tile's shape
// only decides what is reused: every pair of row and token sees the same operations.

/// Rows outside, tokens inside: a few rows stay in the first-level cache for all tokens. A single
/// token takes more rows at once, to keep enough independent sums in flight.
template <typename Tiles>
void matmul(const MatmulArgs& args) {
    int row = 0;
    if (args.nTokens == 1) {
        for (; row + Tiles::kRowsAlone <= args.nRows; row += Tiles::kRowsAlone) {
            Tiles::template run<Tiles::kRowsAlone, 1>(args, row, 0);
        }
    }
    for (; row + Tiles::kRows <= args.nRows; row += Tiles::kRows) {
        int token = 0;
        for (; token + Tiles::kTokens <= args.nTokens; token += Tiles::kTokens) {
            Tiles::template run<Tiles::kRows, Tiles::kTokens>(args, row, token);
        }
        if (Tiles::kTokens == 3 && token + 2 == args.nTokens) {
            Tiles::template run<Tiles::kRows, 2>(args, row, token);
            token += 2;
        }
        for (; token < args.nTokens; ++token)
            Tiles::template run<Tiles::kRows, 1>(args, row, token);
    }
    for (; row < args.nRows; ++row) {
        for (int token = 0; token < args.nTokens; ++token) {
            Tiles::template run<1, 1>(args, row, token);
        }
    }
}

}  // namespace conclave::engine::avx2
