// avx512.cpp: kernels for AVX-512 with VNNI. Compiled with these flags, see kernels.h.
// Matrix products and attention's sums are here; the short vector functions are AVX2's, which every
// such CPU has too.
//
// With CONCLAVE_SIMDE the same source runs on any CPU through SIMDe, for the tests. Its version 0.7
// lacks a few conversions, which `convert` below does in halves; the arithmetic is the same.
#ifdef CONCLAVE_SIMDE
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
#else
#include <immintrin.h>
#endif

#include "engine/kernels/attention_tiles.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/lane_sums.h"
#include "engine/kernels/packed.h"
#include "engine/kernels/quant_blocks.h"
#include "engine/kernels/types/block_type.h"

#ifdef CONCLAVE_SIMDE
#define AVX512_KERNELS simdeAvx512Kernels
#define AVX512_PACKED_KERNELS simdeAvx512PackedKernels
#define AVX512_LATENT_TILES simdeAvx512LatentTiles
#else
#define AVX512_KERNELS avx512Kernels
#define AVX512_PACKED_KERNELS avx512PackedKernels
#define AVX512_LATENT_TILES avx512LatentTiles
#endif

namespace conclave::engine {
#ifdef CONCLAVE_SIMDE
const WeightKernels* simdeAvx512PackedKernels(TensorType type);
const LatentTiles* simdeAvx512LatentTiles();
#endif
namespace {

// ---------------------------------------------------------------------------------- conversions

__m512 joined(__m256 low, __m256 high) {
    return _mm512_castpd_ps(_mm512_insertf64x4(_mm512_castps_pd(_mm512_castps256_ps512(low)),
                                               _mm256_castps_pd(high), 1));
}

__m256i load256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
__m128i load128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

/// 16 fp16 values.
__m512 fromHalves(const void* p) {
#ifdef CONCLAVE_SIMDE
    const auto* halves = static_cast<const std::uint16_t*>(p);
    return joined(_mm256_cvtph_ps(load128(halves)), _mm256_cvtph_ps(load128(halves + 8)));
#else
    return _mm512_cvtph_ps(load256(p));
#endif
}

/// 16 bf16 values: the upper halves of fp32.
__m512 fromBfloats(const void* p) {
#ifdef CONCLAVE_SIMDE
    const auto* halves = static_cast<const std::uint16_t*>(p);
    const __m256i low = _mm256_slli_epi32(_mm256_cvtepu16_epi32(load128(halves)), 16);
    const __m256i high = _mm256_slli_epi32(_mm256_cvtepu16_epi32(load128(halves + 8)), 16);
    return joined(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high));
#else
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load256(p)), 16));
#endif
}

__m512 fromIntegers(__m512i values) {
#ifdef CONCLAVE_SIMDE
    return joined(_mm256_cvtepi32_ps(_mm512_castsi512_si256(values)),
                  _mm256_cvtepi32_ps(_mm512_extracti64x4_epi64(values, 1)));
#else
    return _mm512_cvtepi32_ps(values);
#endif
}

float fromHalf(std::uint16_t half) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half))); }

__m256 halvesAdded(__m512 lanes) {
    const __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(lanes), 1));
    return _mm256_add_ps(_mm512_castps512_ps256(lanes), upper);
}

float sumOf(__m512 lanes) {
    const __m256 eight = halvesAdded(lanes);
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

// ------------------------------------------------------- weight types that are read as floats
// load16: weights i to i+15 of a row; value: weight i.

struct F32 {
    static constexpr TensorType kType = TensorType::F32;
    static __m512 load16(const std::byte* row, int i) {
        return _mm512_loadu_ps(reinterpret_cast<const float*>(row) + i);
    }
    static float value(const std::byte* row, int i) {
        return _mm_cvtss_f32(_mm_load_ss(reinterpret_cast<const float*>(row) + i));
    }
};

struct F16 {
    static constexpr TensorType kType = TensorType::F16;
    static __m512 load16(const std::byte* row, int i) { return fromHalves(row + 2 * i); }
    static float value(const std::byte* row, int i) {
        return fromHalf(*reinterpret_cast<const std::uint16_t*>(row + 2 * i));
    }
};

struct BF16 {
    static constexpr TensorType kType = TensorType::BF16;
    static __m512 load16(const std::byte* row, int i) { return fromBfloats(row + 2 * i); }
    static float value(const std::byte* row, int i) {
        const std::uint32_t bits = *reinterpret_cast<const std::uint16_t*>(row + 2 * i);
        return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(static_cast<int>(bits << 16))));
    }
};

// ----------------------------------------------------------------- weight types in blocks of 32
// vpdpbusd multiplies unsigned by signed bytes, so weights are read with kOffset added, and the
// product starts from -kOffset times the sum of the activations.

struct Q8_0 {
    static constexpr TensorType kType = TensorType::Q8_0;
    static constexpr int kOffset = 128;
    using Block = BlockQ8_0;
    static __m256i values(const Block& block) {
        return _mm256_xor_si256(load256(block.values), _mm256_set1_epi8(-128));
    }
};

struct Q4_0 {
    static constexpr TensorType kType = TensorType::Q4_0;
    static constexpr int kOffset = 8;
    using Block = BlockQ4_0;
    static __m256i values(const Block& block) {
        const __m128i packed = load128(block.nibbles);
        const __m256i both = _mm256_set_m128i(_mm_srli_epi16(packed, 4), packed);
        return _mm256_and_si256(both, _mm256_set1_epi8(15));
    }
};

// ----------------------------------------------------------------------------- matrix products
// As in avx2_tiles.h: a tile's shape decides what is reused, never in which order a result is
// summed.

template <typename Type, int kRows, int kTokens>
void floatTile(const MatmulArgs& args, int row, int token) {
    const std::byte* weights[kRows];
    const float* x[kTokens];
    __m512 sums[kRows][kTokens];
    for (int r = 0; r < kRows; ++r) {
        weights[r] = args.weights + static_cast<std::size_t>(row + r) * args.rowBytes;
    }
    for (int t = 0; t < kTokens; ++t) x[t] = static_cast<const float*>(args.inputs[token + t]);
        // Unrolled, or the compiler calls for a block of zeros in memory.
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (int t = 0; t < kTokens; ++t) sums[r][t] = _mm512_setzero_ps();
    }
    int i = 0;
    for (; i + 16 <= args.nColumns; i += 16) {
        __m512 values[kTokens];
        for (int t = 0; t < kTokens; ++t) values[t] = _mm512_loadu_ps(x[t] + i);
        for (int r = 0; r < kRows; ++r) {
            const __m512 w = Type::load16(weights[r], i);
            for (int t = 0; t < kTokens; ++t) {
                sums[r][t] = _mm512_fmadd_ps(w, values[t], sums[r][t]);
            }
        }
    }
    if (i == args.nColumns) {
        if constexpr (kRows == 8 && kTokens == 1) {
            __m256 lanes[8];
#pragma GCC unroll 8
            for (int r = 0; r < 8; ++r) lanes[r] = halvesAdded(sums[r][0]);
            _mm256_storeu_ps(args.outputs[token] + row, summed(lanes));
            return;
        }
        if constexpr (kRows == 4 && kTokens % 2 == 0) {
#pragma GCC unroll 4
            for (int t = 0; t < kTokens; t += 2) {
                __m256 lanes[8];
#pragma GCC unroll 8
                for (int r = 0; r < 8; ++r) lanes[r] = halvesAdded(sums[r % 4][t + r / 4]);
                const __m256 both = summed(lanes);
                _mm_storeu_ps(args.outputs[token + t] + row, _mm256_castps256_ps128(both));
                _mm_storeu_ps(args.outputs[token + t + 1] + row, _mm256_extractf128_ps(both, 1));
            }
            return;
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (int t = 0; t < kTokens; ++t) {
            float sum = sumOf(sums[r][t]);
            for (int j = i; j < args.nColumns; ++j) sum += Type::value(weights[r], j) * x[t][j];
            args.outputs[token + t][row + r] = sum;
        }
    }
}

/// Two neighbouring blocks in one register: the first in lanes 0 to 7, the second in 8 to 15.
__m512i pairOf(__m256i first, __m256i second) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
}

/// `value` in the lowest lane, else zero.
__m256i inLowestLane(int value) {
    return _mm256_set_m128i(_mm_setzero_si128(), _mm_cvtsi32_si128(value));
}

/// A token in ActivationFormat::Int8Blocks.
struct QuantizedToken {
    const float* scales;
    const std::int32_t* sums;
    const std::int8_t* values;
};

template <typename Type, int kRows, int kTokens>
void blockTile(const MatmulArgs& args, int row, int token) {
    using Block = typename Type::Block;
    const int nBlocks = args.nColumns / kActivationBlock;
    const Block* weights[kRows];
    QuantizedToken x[kTokens];
    __m512 sums[kRows][kTokens];
    for (int r = 0; r < kRows; ++r) {
        weights[r] = reinterpret_cast<const Block*>(
            args.weights + static_cast<std::size_t>(row + r) * args.rowBytes);
    }
    for (int t = 0; t < kTokens; ++t) {
        x[t].scales = static_cast<const float*>(args.inputs[token + t]);
        x[t].sums = reinterpret_cast<const std::int32_t*>(x[t].scales + nBlocks);
        x[t].values = reinterpret_cast<const std::int8_t*>(x[t].sums + nBlocks);
    }
    for (int r = 0; r < kRows; ++r) {
        for (int t = 0; t < kTokens; ++t) sums[r][t] = _mm512_setzero_ps();
    }
    const __m256i zeros = _mm256_setzero_si256();
    for (int block = 0; block < nBlocks; block += 2) {
        const bool isPair = block + 1 < nBlocks;  // else the upper lanes stay zero
        __m512i values[kTokens];
        __m512i starts[kTokens];
        __m512 scales[kTokens];
        for (int t = 0; t < kTokens; ++t) {
            const std::int8_t* v = x[t].values + block * kActivationBlock;
            const std::int32_t* s = x[t].sums + block;
            const float* scale = x[t].scales + block;
            values[t] = pairOf(load256(v), isPair ? load256(v + kActivationBlock) : zeros);
            starts[t] = pairOf(inLowestLane(-Type::kOffset * s[0]),
                               isPair ? inLowestLane(-Type::kOffset * s[1]) : zeros);
            scales[t] = joined(_mm256_set1_ps(scale[0]),
                               isPair ? _mm256_set1_ps(scale[1]) : _mm256_setzero_ps());
        }
        for (int r = 0; r < kRows; ++r) {
            const Block* w = weights[r] + block;
            const __m512i bytes = pairOf(Type::values(w[0]), isPair ? Type::values(w[1]) : zeros);
            const __m512 scale =
                joined(_mm256_set1_ps(fromHalf(w[0].scale)),
                       isPair ? _mm256_set1_ps(fromHalf(w[1].scale)) : _mm256_setzero_ps());
            for (int t = 0; t < kTokens; ++t) {
                const __m512i dots = _mm512_dpbusd_epi32(starts[t], bytes, values[t]);
                sums[r][t] = _mm512_fmadd_ps(fromIntegers(dots), _mm512_mul_ps(scale, scales[t]),
                                             sums[r][t]);
            }
        }
    }
    for (int r = 0; r < kRows; ++r) {
        for (int t = 0; t < kTokens; ++t) args.outputs[token + t][row + r] = sumOf(sums[r][t]);
    }
}

template <typename Type>
struct FloatTiles {
    static constexpr int kRows = 4, kTokens = 6, kRowsAlone = 8;
    template <int rows, int tokens>
    static void run(const MatmulArgs& args, int row, int token) {
        floatTile<Type, rows, tokens>(args, row, token);
    }
};

template <typename Type>
struct BlockTiles {
    static constexpr int kRows = 4, kTokens = 4, kRowsAlone = 8;
    template <int rows, int tokens>
    static void run(const MatmulArgs& args, int row, int token) {
        blockTile<Type, rows, tokens>(args, row, token);
    }
};

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
        if (token + 4 <= args.nTokens) {
            Tiles::template run<Tiles::kRows, 4>(args, row, token);
            token += 4;
        }
        for (; token + 2 <= args.nTokens; token += 2) {
            Tiles::template run<Tiles::kRows, 2>(args, row, token);
        }
        for (; token < args.nTokens; ++token) {
            Tiles::template run<Tiles::kRows, 1>(args, row, token);
        }
    }
    for (; row < args.nRows; ++row) {
        for (int token = 0; token < args.nTokens; ++token) {
            Tiles::template run<1, 1>(args, row, token);
        }
    }
}

// ------------------------------------------------------------------------------ attention's sums

/// `kQueries` queries times 16 * kVectors values.
// Unrolled early, or the compiler keeps the sums in memory.
template <int kQueries, int kVectors>
void weightedSumTile(const WeightedSumArgs& args, int query, int d) {
    __m512 sums[kQueries][kVectors];
    const float* weights[kQueries];
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) {
        weights[q] = args.weights[query + q];
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
            sums[q][v] = _mm512_loadu_ps(args.outputs[query + q] + d + 16 * v);
        }
    }
    const std::uint16_t* values = args.values + d;
    for (int position = 0; position < args.nPositions; ++position, values += args.stride) {
        __m512 in[kVectors];
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) in[v] = fromHalves(values + 16 * v);
#pragma GCC unroll 8
        for (int q = 0; q < kQueries; ++q) {
            const __m512 weight = _mm512_set1_ps(weights[q][position]);
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) {
                sums[q][v] = _mm512_fmadd_ps(weight, in[v], sums[q][v]);
            }
        }
    }
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
            _mm512_storeu_ps(args.outputs[query + q] + d + 16 * v, sums[q][v]);
        }
    }
}

/// `kQueries` queries, in tiles of kVectors, then smaller ones, then value by value.
template <int kQueries, int kVectors>
void weightedSumQueries(const WeightedSumArgs& args, int query, int d = 0) {
    for (; d + 16 * kVectors <= args.dim; d += 16 * kVectors) {
        weightedSumTile<kQueries, kVectors>(args, query, d);
    }
    if constexpr (kVectors > 1) {
        weightedSumQueries<kQueries, kVectors / 2>(args, query, d);
        return;
    }
    for (; d < args.dim; ++d) {
        for (int q = query; q < query + kQueries; ++q) {
            const std::uint16_t* values = args.values + d;
            float sum = args.outputs[q][d];
            for (int position = 0; position < args.nPositions; ++position, values += args.stride) {
                sum += args.weights[q][position] * fromHalf(*values);
            }
            args.outputs[q][d] = sum;
        }
    }
}

/// Few queries take many values at a time, so that a position's memory is read in one go.
void weightedSum(const WeightedSumArgs& args) {
    int query = 0;
    for (; query + 8 <= args.nQueries; query += 8) weightedSumQueries<8, 2>(args, query);
    if (query + 4 <= args.nQueries) {
        weightedSumQueries<4, 4>(args, query);
        query += 4;
    }
    if (query + 2 <= args.nQueries) {
        weightedSumQueries<2, 8>(args, query);
        query += 2;
    }
    if (query < args.nQueries) weightedSumQueries<1, 8>(args, query);
}

void halvesOfQ8(const std::byte* row, int n, std::uint16_t* out) {
#ifdef CONCLAVE_SIMDE
    avx2Kernels().halvesOfQ8(row, n, out);
#else
    constexpr int kValues = 32;
    constexpr int kScaleBytes = 2;
    for (int first = 0; first < n; first += kValues, row += kScaleBytes + kValues) {
        const __m512 scale = _mm512_set1_ps(fromHalf(*reinterpret_cast<const std::uint16_t*>(row)));
#pragma GCC unroll 2
        for (int i = 0; i < kValues; i += 16) {
            const __m512i integers = _mm512_cvtepi8_epi32(load128(row + kScaleBytes + i));
            const __m512 values = _mm512_mul_ps(_mm512_cvtepi32_ps(integers), scale);
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + first + i),
                                _mm512_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT));
        }
    }
#endif
}

struct Lanes {
    using Vector = __m512;
    static constexpr int kCount = 16;
    static Vector zero() { return _mm512_setzero_ps(); }
    static Vector load(const float* p) { return _mm512_loadu_ps(p); }
    static Vector fromHalves(const std::uint16_t* p) { return engine::fromHalves(p); }
    static Vector broadcast(const float* p) { return _mm512_set1_ps(*p); }
    static void store(float* p, Vector lanes) { _mm512_storeu_ps(p, lanes); }
    static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
    static Vector fma(Vector a, Vector b, Vector sum) { return _mm512_fmadd_ps(a, b, sum); }
};

/// AVX2's row of every type; those with a kernel here have their products replaced.
struct WeightTypes {
    WeightTypes() {
        for (int i = 0; i < kCount; ++i) {
            rows[i] = avx2Kernels().weightTypes[i];
            replace<F32>(rows[i], matmul<FloatTiles<F32>>);
            replace<F16>(rows[i], matmul<FloatTiles<F16>>);
            replace<BF16>(rows[i], matmul<FloatTiles<BF16>>);
            replace<Q8_0>(rows[i], matmul<BlockTiles<Q8_0>>);
            replace<Q4_0>(rows[i], matmul<BlockTiles<Q4_0>>);
        }
    }

    template <typename Type>
    static void replace(WeightKernels& row, void (*matmulOfType)(const MatmulArgs&)) {
        if (row.type == Type::kType) row.matmul = matmulOfType;
    }

    static constexpr int kCount = 3 + kBlockTypeCount;
    WeightKernels rows[kCount];
};

}  // namespace

const KernelTable& AVX512_KERNELS();

const KernelTable& AVX512_KERNELS() {
    static const WeightTypes types;
    static const KernelTable table = {
        .isa = "avx512",
        .weightTypes = types.rows,
        .nWeightTypes = WeightTypes::kCount,
        .quantize = avx2Kernels().quantize,
        .quantizePart = avx2Kernels().quantizePart,
        .toHalf = avx2Kernels().toHalf,
        .halvesOfQ8 = halvesOfQ8,
        .rmsNorm = avx2Kernels().rmsNorm,
        .exponentials = avx2Kernels().exponentials,
        .softmax = avx2Kernels().softmax,
        .swiglu = avx2Kernels().swiglu,
        .addScaled = avx2Kernels().addScaled,
        .weightedSum = weightedSum,
        .attention = &TilesOfAttention<Lanes>::kTable,
        .latents = AVX512_LATENT_TILES(),
        .packed = AVX512_PACKED_KERNELS,
    };
    return table;
}

}  // namespace conclave::engine
