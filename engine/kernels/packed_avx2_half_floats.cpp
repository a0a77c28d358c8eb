// packed_avx2_half_floats.cpp: products of packed weights in F16 and BF16 for AVX2. Compiled with
// these flags, see kernels.h.
#include <immintrin.h>

#include "engine/kernels/packed.h"

namespace conclave::engine {
namespace {

constexpr int kHalfRows = 8;       ///< rows of one register: the upper or the lower half of a panel
constexpr int kAheadBytes = 3072;  ///< see prefetch() in packed_avx2_tiles.h

__m128i load8(const std::uint16_t* values) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(values));
}

struct F16 {
    static constexpr TensorType kType = TensorType::F16;
    static __m256 load(const std::uint16_t* values) { return _mm256_cvtph_ps(load8(values)); }
};

struct BF16 {
    static constexpr TensorType kType = TensorType::BF16;
    static __m256 load(const std::uint16_t* values) {
        const __m256i bits = _mm256_cvtepu16_epi32(load8(values));
        return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
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

/// `kPanels` neighbouring panels times `kTokens` tokens. Its shape only decides what is reused:
/// each lane adds up kSumColumns products, and then such sums, in order.
template <typename Float, int kPanels, int kTokens>
[[gnu::noinline]] void tile(const MatmulArgs& args, int row, int token) {
    constexpr int kHalves = 2 * kPanels;
    const PanelHalfFloats* panels[kPanels];
    const float* x[kTokens];
    for (int p = 0; p < kPanels; ++p) {
        panels[p] = reinterpret_cast<const PanelHalfFloats*>(
            args.weights + static_cast<std::size_t>(row + kPanelRows * p) * args.rowBytes);
    }
    for (int t = 0; t < kTokens; ++t) x[t] = static_cast<const float*>(args.inputs[token + t]);
    __m256 totals[kHalves][kTokens];
    for (auto& ofHalf : totals) {
        for (__m256& total : ofHalf) total = _mm256_setzero_ps();
    }
    for (int first = 0; first < args.nColumns; first += kSumColumns) {
        const int end = first + kSumColumns < args.nColumns ? first + kSumColumns : args.nColumns;
        __m256 sums[kHalves][kTokens];
        for (auto& ofHalf : sums) {
            for (__m256& sum : ofHalf) sum = _mm256_setzero_ps();
        }
        for (int column = first; column < end; ++column) {
            if constexpr (kTokens <= 2) {
                for (int p = 0; p < kPanels; ++p) {
                    const char* next = reinterpret_cast<const char*>(panels[p] + column);
                    if (column % 2 == 0) _mm_prefetch(next + kAheadBytes, _MM_HINT_T0);
                }
            }
            __m256 w[kHalves];
            for (int h = 0; h < kHalves; ++h) {
                w[h] = Float::load(panels[h / 2][column].values + kHalfRows * (h % 2));
            }
            for (int t = 0; t < kTokens; ++t) {
                const __m256 value = _mm256_broadcast_ss(x[t] + column);
                for (int h = 0; h < kHalves; ++h) {
                    sums[h][t] = _mm256_fmadd_ps(w[h], value, sums[h][t]);
                }
            }
        }
        for (int h = 0; h < kHalves; ++h) {
            for (int t = 0; t < kTokens; ++t) {
                totals[h][t] = _mm256_add_ps(totals[h][t], sums[h][t]);
            }
        }
        // The sums take all registers; the compiler must not keep totals there too.
        if constexpr (kHalves * kTokens > 4) asm("" : "+m"(totals));
    }
    for (int h = 0; h < kHalves; ++h) {
        const int at = row + kHalfRows * h;
        for (int t = 0; t < kTokens; ++t) {
            store(args.outputs[token + t] + at, totals[h][t], args.nRows - at);
        }
    }
}

template <typename Float>
void manyTokens(const MatmulArgs& args, int row) {
    int token = 0;
    for (; token + 6 <= args.nTokens; token += 6) tile<Float, 1, 6>(args, row, token);
    switch (args.nTokens - token) {
        case 5: tile<Float, 1, 5>(args, row, token); break;
        case 4: tile<Float, 1, 4>(args, row, token); break;
        case 3: tile<Float, 1, 3>(args, row, token); break;
        case 2: tile<Float, 1, 2>(args, row, token); break;
        case 1: tile<Float, 1, 1>(args, row, token); break;
        default: break;
    }
}

/// One token has too few sums in a panel to keep the multipliers busy, so it takes two.
template <typename Float>
void matmul(const MatmulArgs& args) {
    int row = 0;
    if (args.nTokens == 1) {
        for (; row + 2 * kPanelRows <= args.nRows; row += 2 * kPanelRows) {
            tile<Float, 2, 1>(args, row, 0);
        }
    }
    for (; row < args.nRows; row += kPanelRows) manyTokens<Float>(args, row);
}

template <typename Float>
constexpr WeightKernels kKernels = {Float::kType, ActivationFormat::Float32, matmul<Float>,
                                    nullptr};

}  // namespace

const WeightKernels* avx2PackedHalfFloats(TensorType type) {
    if (type == TensorType::F16) return &kKernels<F16>;
    return type == TensorType::BF16 ? &kKernels<BF16> : nullptr;
}

}  // namespace conclave::engine
