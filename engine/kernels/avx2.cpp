// avx2.cpp: kernels for AVX2, FMA and F16C. Compiled with these flags, see kernels.h.
// Products with quantized weights are in avx2_small_blocks.cpp and avx2_large_blocks.cpp.
#include <immintrin.h>

#include "engine/kernels/attention_tiles.h"
#include "engine/kernels/avx2_tiles.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/lane_sums.h"
#include "engine/kernels/packed.h"
#include "engine/kernels/types/block_type.h"

namespace conclave::engine {
namespace {

using avx2::fromHalf;
using avx2::sumOf;

// ------------------------------------------------------------------------------ small helpers

/// Lanes 0 to n-1 set, for masked loads and stores of the last n < 8 values of a row.
__m256i tailMask(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

__m256 load(const float* x, int i, int n) {
    return n - i >= 8 ? _mm256_loadu_ps(x + i) : _mm256_maskload_ps(x + i, tailMask(n - i));
}

void store(float* x, int i, int n, __m256 value) {
    if (n - i >= 8) {
        _mm256_storeu_ps(x + i, value);
    } else {
        _mm256_maskstore_ps(x + i, tailMask(n - i), value);
    }
}

float maxOf(__m256 lanes) {
    __m128 max = _mm_max_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
    max = _mm_max_ps(max, _mm_movehl_ps(max, max));
    return _mm_cvtss_f32(_mm_max_ss(max, _mm_movehdup_ps(max)));
}

/// e^x within 2 ulp, for x clamped to [-87, 88]: 2^k * p(r), r in [-ln2/2, ln2/2], by the Taylor
/// polynomial of degree 7 (its error at ln2/2 is below 6e-9).
__m256 expOf(__m256 x) {
    const auto constant = [](float c) { return _mm256_set1_ps(c); };
    x = _mm256_min_ps(_mm256_max_ps(x, constant(-87.0f)), constant(88.0f));
    const __m256 k = _mm256_round_ps(_mm256_mul_ps(x, constant(1.44269504f)),
                                     _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    // ln 2 in two parts: the first has few enough bits for k times it to be exact.
    __m256 r = _mm256_fnmadd_ps(k, constant(0.693359375f), x);
    r = _mm256_fnmadd_ps(k, constant(-2.12194440e-4f), r);
    __m256 p = constant(1.0f / 5040);
    p = _mm256_fmadd_ps(p, r, constant(1.0f / 720));
    p = _mm256_fmadd_ps(p, r, constant(1.0f / 120));
    p = _mm256_fmadd_ps(p, r, constant(1.0f / 24));
    p = _mm256_fmadd_ps(p, r, constant(1.0f / 6));
    p = _mm256_fmadd_ps(p, r, constant(0.5f));
    p = _mm256_fmadd_ps(p, r, constant(1.0f));
    p = _mm256_fmadd_ps(p, r, constant(1.0f));
    const __m256i exponent =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(p, _mm256_castsi256_ps(exponent));
}

// ------------------------------------------------------- weight types that are read as floats
// load8: weights i to i+7 of a row; value: weight i.

struct F32 {
    static constexpr TensorType kType = TensorType::F32;
    static __m256 load8(const std::byte* row, int i) {
        return _mm256_loadu_ps(reinterpret_cast<const float*>(row) + i);
    }
    static float value(const std::byte* row, int i) {
        return _mm_cvtss_f32(_mm_load_ss(reinterpret_cast<const float*>(row) + i));
    }
};

struct F16 {
    static constexpr TensorType kType = TensorType::F16;
    static __m256 load8(const std::byte* row, int i) {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row + 2 * i)));
    }
    static float value(const std::byte* row, int i) {
        return fromHalf(*reinterpret_cast<const std::uint16_t*>(row + 2 * i));
    }
};

struct BF16 {
    static constexpr TensorType kType = TensorType::BF16;
    static __m256 load8(const std::byte* row, int i) {
        const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + 2 * i));
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
    }
    static float value(const std::byte* row, int i) {
        const std::uint32_t bits = *reinterpret_cast<const std::uint16_t*>(row + 2 * i);
        return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(static_cast<int>(bits << 16))));
    }
};

// ----------------------------------------------------------------------------- matrix products

template <typename Type, int kRows, int kTokens>
void floatTile(const MatmulArgs& args, int row, int token) {
    const std::byte* weights[kRows];
    const float* x[kTokens];
    __m256 sums[kRows][kTokens];
    for (int r = 0; r < kRows; ++r) {
        weights[r] = args.weights + static_cast<std::size_t>(row + r) * args.rowBytes;
    }
    for (int t = 0; t < kTokens; ++t) x[t] = static_cast<const float*>(args.inputs[token + t]);
        // Unrolled, or the compiler calls for a block of zeros in memory.
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (int t = 0; t < kTokens; ++t) sums[r][t] = _mm256_setzero_ps();
    }
    int i = 0;
    for (; i + 8 <= args.nColumns; i += 8) {
        __m256 values[kTokens];
        for (int t = 0; t < kTokens; ++t) values[t] = _mm256_loadu_ps(x[t] + i);
        for (int r = 0; r < kRows; ++r) {
            const __m256 w = Type::load8(weights[r], i);
            for (int t = 0; t < kTokens; ++t) {
                sums[r][t] = _mm256_fmadd_ps(w, values[t], sums[r][t]);
            }
        }
    }
    if constexpr (kRows == 8 && kTokens == 1) {
        if (i == args.nColumns) {
            const __m256 lanes[8] = {sums[0][0], sums[1][0], sums[2][0], sums[3][0],
                                     sums[4][0], sums[5][0], sums[6][0], sums[7][0]};
            _mm256_storeu_ps(args.outputs[token] + row, summed(lanes));
            return;
        }
    }
    for (int r = 0; r < kRows; ++r) {
        for (int t = 0; t < kTokens; ++t) {
            float sum = sumOf(sums[r][t]);
            for (int j = i; j < args.nColumns; ++j) sum += Type::value(weights[r], j) * x[t][j];
            args.outputs[token + t][row + r] = sum;
        }
    }
}

template <typename Type>
struct FloatTiles {
    static constexpr int kRows = 4, kTokens = 3, kRowsAlone = 8;
    template <int rows, int tokens>
    static void run(const MatmulArgs& args, int row, int token) {
        floatTile<Type, rows, tokens>(args, row, token);
    }
};

template <typename Type>
void dequantizeFloat(const std::byte* row, int n, float* out) {
    int i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, Type::load8(row, i));
    for (; i < n; ++i) out[i] = Type::value(row, i);
}

// ------------------------------------------------------------------------------ vector functions

constexpr float kSmallestBlock = 1e-30f;

/// The sum of all 32-bit lanes, each of which holds two of 16 bits.
__m128i pairsOf(__m128i lanes) {
    lanes = _mm_add_epi16(lanes, _mm_unpackhi_epi64(lanes, lanes));
    return _mm_add_epi16(lanes, _mm_shuffle_epi32(lanes, 1));
}

void quantizePart(const float* x, int first, int n, int dim, void* out) {
    const int nBlocks = n / kActivationBlock;
    const int before = first / kActivationBlock;
    auto* scales = static_cast<float*>(out) + before;
    auto* sums = reinterpret_cast<std::int32_t*>(scales + dim / kActivationBlock);
    auto* values =
        reinterpret_cast<std::int8_t*>(static_cast<float*>(out) + 2 * (dim / kActivationBlock)) +
        first;
    auto* pairs =
        reinterpret_cast<std::int32_t*>(values - first + dim) + std::ptrdiff_t{2} * before;
    auto* totals = static_cast<float*>(out) + 4 * (dim / kActivationBlock) + dim / 4 + before;
    const __m256 signBit = _mm256_set1_ps(-0.0f);
    for (int block = 0; block < nBlocks; ++block) {
        __m256 in[4];
        __m256 magnitude = _mm256_setzero_ps();
        for (int i = 0; i < 4; ++i) {
            in[i] = _mm256_loadu_ps(x + block * kActivationBlock + 8 * i);
            magnitude = _mm256_max_ps(_mm256_andnot_ps(signBit, in[i]), magnitude);
        }
        const float largest = maxOf(magnitude);
        const __m256 inverse = _mm256_set1_ps(largest > kSmallestBlock ? 127.0f / largest : 0.0f);
        __m256i q[4];
        for (int i = 0; i < 4; ++i) q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(in[i], inverse));
        // Packing works within 128-bit halves; the permutation restores the order.
        const __m256i bytes = _mm256_permutevar8x32_epi32(
            _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3])),
            _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(values + block * kActivationBlock), bytes);
        const __m256i ofLines = _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes);
        const __m128i half = pairsOf(_mm256_castsi256_si128(ofLines));
        const __m128i all = _mm_add_epi16(half, pairsOf(_mm256_extracti128_si256(ofLines, 1)));
        pairs[2 * block] = _mm_cvtsi128_si32(half);
        pairs[2 * block + 1] = _mm_cvtsi128_si32(all);
        sums[block] = _mm_cvtsi128_si32(_mm_madd_epi16(all, _mm_set1_epi16(1)));
        scales[block] = largest / 127.0f;
        totals[block] = static_cast<float>(sums[block]) * scales[block];
    }
}

void quantize(const float* x, int n, void* out) { quantizePart(x, 0, n, n, out); }

void toHalf(const float* x, int n, std::uint16_t* out) {
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
    }
    for (; i < n; ++i) {
        const __m128i half = _mm_cvtps_ph(_mm_load_ss(x + i), _MM_FROUND_TO_NEAREST_INT);
        out[i] = static_cast<std::uint16_t>(_mm_extract_epi16(half, 0));
    }
}

void halvesOfQ8(const std::byte* row, int n, std::uint16_t* out) {
    constexpr int kValues = 32;
    constexpr int kScaleBytes = 2;
    for (int first = 0; first < n; first += kValues, row += kScaleBytes + kValues) {
        const __m256 scale = _mm256_set1_ps(fromHalf(*reinterpret_cast<const std::uint16_t*>(row)));
        for (int i = 0; i < kValues; i += 8) {
            const __m128i bytes =
                _mm_loadl_epi64(reinterpret_cast<const __m128i*>(row + kScaleBytes + i));
            const __m256 values = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
            _mm_storeu_si128(
                reinterpret_cast<__m128i*>(out + first + i),
                _mm256_cvtps_ph(_mm256_mul_ps(values, scale), _MM_FROUND_TO_NEAREST_INT));
        }
    }
}

void rmsNorm(const float* x, const float* weight, int n, float epsilon, float* out) {
    __m256 squares = _mm256_setzero_ps();
    for (int i = 0; i < n; i += 8) {
        const __m256 values = load(x, i, n);
        squares = _mm256_fmadd_ps(values, values, squares);
    }
    const float mean = sumOf(squares) / static_cast<float>(n);
    const __m256 scale =
        _mm256_set1_ps(1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(mean + epsilon))));
    for (int i = 0; i < n; i += 8) {
        store(out, i, n, _mm256_mul_ps(_mm256_mul_ps(load(x, i, n), scale), load(weight, i, n)));
    }
}

float exponentials(float* x, int n, float scale, float* max) {
    __m256 largestLanes = _mm256_set1_ps(x[0]);
    for (int i = 0; i + 8 <= n; i += 8) {
        largestLanes = _mm256_max_ps(largestLanes, _mm256_loadu_ps(x + i));
    }
    float largest = maxOf(largestLanes);
    for (int i = n & ~7; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
    __m256 sums = _mm256_setzero_ps();
    for (int i = 0; i < n; i += 8) {
        const __m256 shifted = _mm256_sub_ps(load(x, i, n), _mm256_set1_ps(largest));
        __m256 e = expOf(_mm256_mul_ps(shifted, _mm256_set1_ps(scale)));
        if (n - i < 8) e = _mm256_and_ps(e, _mm256_castsi256_ps(tailMask(n - i)));
        store(x, i, n, e);
        sums = _mm256_add_ps(sums, e);
    }
    *max = largest;
    return sumOf(sums);
}

void softmax(float* x, int n, float scale) {
    float max = 0.0f;
    const __m256 inverse = _mm256_set1_ps(1.0f / exponentials(x, n, scale, &max));
    for (int i = 0; i < n; i += 8) store(x, i, n, _mm256_mul_ps(load(x, i, n), inverse));
}

void swiglu(const float* gate, const float* up, int n, float* out) {
    const __m256 one = _mm256_set1_ps(1.0f);
    for (int i = 0; i < n; i += 8) {
        const __m256 g = load(gate, i, n);
        const __m256 e = expOf(_mm256_sub_ps(_mm256_setzero_ps(), g));
        const __m256 silu = _mm256_div_ps(g, _mm256_add_ps(one, e));
        store(out, i, n, _mm256_mul_ps(silu, load(up, i, n)));
    }
}

void addScaled(float* y, const float* x, float scale, int n) {
    const __m256 factor = _mm256_set1_ps(scale);
    for (int i = 0; i < n; i += 8) {
        store(y, i, n, _mm256_fmadd_ps(factor, load(x, i, n), load(y, i, n)));
    }
}

/// `kQueries` queries times 8 * kVectors values, positions first to end - 1.
// Unrolled early, or the compiler keeps the sums in memory.
template <int kQueries, int kVectors>
void weightedSumTile(const WeightedSumArgs& args, int query, int d, int first, int end) {
    __m256 sums[kQueries][kVectors];
    const float* weights[kQueries];
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) {
        weights[q] = args.weights[query + q];
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
            sums[q][v] = _mm256_loadu_ps(args.outputs[query + q] + d + 8 * v);
        }
    }
    const std::uint16_t* values = args.values + static_cast<std::size_t>(first) * args.stride + d;
    for (int position = first; position < end; ++position, values += args.stride) {
        if constexpr (kQueries == 1) {  // each value is used once: no register waits for it
            const __m256 weight = _mm256_broadcast_ss(weights[0] + position);
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) {
                const __m256 in = _mm256_cvtph_ps(
                    _mm_loadu_si128(reinterpret_cast<const __m128i*>(values + 8 * v)));
                sums[0][v] = _mm256_fmadd_ps(weight, in, sums[0][v]);
                asm("" : "+x"(sums[0][v]));
            }
            continue;
        }
        __m256 in[kVectors];
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
            in[v] =
                _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values + 8 * v)));
        }
#pragma GCC unroll 8
        for (int q = 0; q < kQueries; ++q) {
            const __m256 weight = _mm256_broadcast_ss(weights[q] + position);
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) {
                sums[q][v] = _mm256_fmadd_ps(weight, in[v], sums[q][v]);
            }
        }
    }
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
            _mm256_storeu_ps(args.outputs[query + q] + d + 8 * v, sums[q][v]);
        }
    }
}

/// `kQueries` queries, values from `d` on as far as whole tiles go; returns where they end.
template <int kQueries, int kVectors>
int weightedSumRow(const WeightedSumArgs& args, int query, int d, int first, int end) {
    for (; d + 8 * kVectors <= args.dim; d += 8 * kVectors) {
        weightedSumTile<kQueries, kVectors>(args, query, d, first, end);
    }
    return d;
}

/// `kQueries` queries, in tiles of kVectors, then smaller ones, then value by value.
template <int kQueries, int kVectors>
void weightedSumQueries(const WeightedSumArgs& args, int query, int first, int end) {
    int d = weightedSumRow<kQueries, kVectors>(args, query, 0, first, end);
    if constexpr (kVectors > 4) d = weightedSumRow<kQueries, 4>(args, query, d, first, end);
    if constexpr (kVectors > 2) d = weightedSumRow<kQueries, 2>(args, query, d, first, end);
    for (; d < args.dim; ++d) {
        for (int q = query; q < query + kQueries; ++q) {
            const std::uint16_t* values =
                args.values + static_cast<std::size_t>(first) * args.stride + d;
            __m128 sum = _mm_load_ss(args.outputs[q] + d);
            for (int position = first; position < end; ++position, values += args.stride) {
                const __m128 weight = _mm_load_ss(args.weights[q] + position);
                sum = _mm_fmadd_ss(weight, _mm_set_ss(fromHalf(*values)), sum);
            }
            args.outputs[q][d] = _mm_cvtss_f32(sum);
        }
    }
}

/// Some positions at a time, whose values stay in the first-level cache for all queries.
void weightedSum(const WeightedSumArgs& args) {
    constexpr int kPositions = 32;
    for (int first = 0; first < args.nPositions; first += kPositions) {
        const int end = first + kPositions < args.nPositions ? first + kPositions : args.nPositions;
        int query = 0;
        for (; query + 6 <= args.nQueries; query += 6) {
            weightedSumQueries<6, 2>(args, query, first, end);
        }
        if (query + 4 <= args.nQueries) {
            weightedSumQueries<4, 2>(args, query, first, end);
            query += 4;
        }
        if (query + 2 <= args.nQueries) {
            weightedSumQueries<2, 4>(args, query, first, end);
            query += 2;
        }
        if (query < args.nQueries) weightedSumQueries<1, 8>(args, query, first, end);
    }
}

struct Lanes {
    using Vector = __m256;
    static constexpr int kCount = 8;
    static Vector zero() { return _mm256_setzero_ps(); }
    static Vector load(const float* p) { return _mm256_loadu_ps(p); }
    static Vector fromHalves(const std::uint16_t* p) {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    static Vector broadcast(const float* p) { return _mm256_broadcast_ss(p); }
    static void store(float* p, Vector lanes) { _mm256_storeu_ps(p, lanes); }
    static Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
    static Vector fma(Vector a, Vector b, Vector sum) { return _mm256_fmadd_ps(a, b, sum); }
};

template <typename Type>
constexpr WeightKernels kFloatType = {Type::kType, ActivationFormat::Float32,
                                      avx2::matmul<FloatTiles<Type>>, dequantizeFloat<Type>};

/// Every type that scalar has; products are this set's, and so is what else is worth it.
struct WeightTypes {
    WeightTypes() {
        rows[0] = kFloatType<F32>;
        rows[1] = kFloatType<F16>;
        rows[2] = kFloatType<BF16>;
        for (int i = 0; i < kBlockTypeCount; ++i) {
            rows[3 + i] = *scalarKernels().find(kBlockTypes[i].type);
            replace(avx2::smallBlocks(), rows[3 + i]);
            replace(avx2::largeBlocks(), rows[3 + i]);
        }
    }

    static void replace(const avx2::TypeList& types, WeightKernels& row) {
        for (int i = 0; i < types.n; ++i) {
            if (types.types[i].type != row.type) continue;
            row.matmul = types.types[i].matmul;
            if (types.types[i].dequantize != nullptr) row.dequantize = types.types[i].dequantize;
        }
    }

    WeightKernels rows[3 + kBlockTypeCount];
};

}  // namespace

const KernelTable& avx2Kernels() {
    static const WeightTypes types;
    static const KernelTable table = {
        .isa = "avx2",
        .weightTypes = types.rows,
        .nWeightTypes = 3 + kBlockTypeCount,
        .quantize = quantize,
        .quantizePart = quantizePart,
        .toHalf = toHalf,
        .halvesOfQ8 = halvesOfQ8,
        .rmsNorm = rmsNorm,
        .exponentials = exponentials,
        .softmax = softmax,
        .swiglu = swiglu,
        .addScaled = addScaled,
        .weightedSum = weightedSum,
        .attention = &TilesOfAttention<Lanes>::kTable,
        .latents = avx2LatentTiles(),
        .packed = avx2PackedKernels,
    };
    return table;
}

}  // namespace conclave::engine
