// avx512_latents.cpp: attention over latents for AVX-512 with VNNI. Compiled with these flags, see
// kernels.h. With CONCLAVE_SIMDE the same source runs on any CPU, see avx512.cpp.
#ifdef CONCLAVE_SIMDE
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
#define AVX512_LATENT_TILES simdeAvx512LatentTiles
#else
#include <immintrin.h>
#define AVX512_LATENT_TILES avx512LatentTiles
#endif

#include "engine/kernels/kernels.h"

namespace conclave::engine {
namespace {

constexpr int kPositions = 32;
constexpr int kStep = 32;  ///< numbers of a register
constexpr int kTile = 4;   ///< queries, and positions, whose products stand in registers at once
// A lane of 32 bits adds up the products of two numbers from each of 16 registers, or of 32
// positions: 32 * 8191^2 < 2^31.
constexpr float kLargest = 8191.0f;
constexpr int kMostDims = 512;

int rowLength(int latentDim, int keyDim) {
    return latentDim + (keyDim - latentDim + kStep - 1) / kStep * kStep;
}

// ------------------------------------------------------------------------------------- fixed point

float fromHalf(int half) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half))); }

/// What makes kLargest of the largest number; the other way round it is the scale.
float inverseOf(float largest) { return largest > 0.0f ? kLargest / largest : 0.0f; }

void storeFixed(__m256 low, __m256 high, __m256 inverse, std::int16_t* to) {
    const __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(low, inverse));
    const __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(high, inverse));
    const __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), both);
}

__m256i load16(const std::uint16_t* halves) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves));
}

/// The largest of 16 numbers without sign. What is not finite has the largest bits.
int largestOf(__m256i halves) {
    const __m128i eight =
        _mm_max_epu16(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
    const __m128i ones = _mm_set1_epi16(-1);
    const __m128i least = _mm_minpos_epu16(_mm_xor_si128(eight, ones));
    return ~_mm_cvtsi128_si32(least) & 0xffff;
}

/// fp16 to fixed point.
/// @param n  a multiple of 16
/// @returns the scale
float fixedFromHalves(const std::uint16_t* from, int n, std::int16_t* to) {
    __m256i most = _mm256_setzero_si256();
    for (int i = 0; i < n; i += 16) {
        const __m256i sizes = _mm256_and_si256(load16(from + i), _mm256_set1_epi16(0x7fff));
        most = _mm256_max_epu16(most, sizes);
    }
    const float largest = fromHalf(largestOf(most));
    const __m256 inverse = _mm256_set1_ps(inverseOf(largest));
    for (int i = 0; i < n; i += 16) {
        const __m256i halves = load16(from + i);
        storeFixed(_mm256_cvtph_ps(_mm256_castsi256_si128(halves)),
                   _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1)), inverse, to + i);
    }
    return largest / kLargest;
}

/// The same of fp32.
float fixedFromFloats(const float* from, int n, std::int16_t* to) {
    __m256i most = _mm256_setzero_si256();
    for (int i = 0; i < n; i += 8) {
        const __m256i bits = _mm256_castps_si256(_mm256_loadu_ps(from + i));
        most = _mm256_max_epi32(most, _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff)));
    }
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1));
    const float largest = _mm_cvtss_f32(_mm_castsi128_ps(four));
    // Less than this has no inverse in fp32, and counts for nothing.
    constexpr float kLeast = 1e-30f;
    const __m256 inverse = _mm256_set1_ps(largest < kLeast ? 0.0f : inverseOf(largest));
    for (int i = 0; i < n; i += 16) {
        storeFixed(_mm256_loadu_ps(from + i), _mm256_loadu_ps(from + i + 8), inverse, to + i);
    }
    return largest / kLargest;
}

void packKeys(const std::uint16_t* keys, std::size_t stride, int n, int latentDim, int keyDim,
              std::int16_t* block, float* scales) {
    const int length = rowLength(latentDim, keyDim);
    const int nRotated = keyDim - latentDim;
    for (int i = 0; i < kPositions; ++i, block += length) {
        scales[i] = 0.0f;
        scales[kPositions + i] = 0.0f;
        if (i >= n) continue;
        const std::uint16_t* key = keys + static_cast<std::size_t>(i) * stride;
        scales[i] = fixedFromHalves(key, latentDim, block);
        if (nRotated % kStep == 0) {
            scales[kPositions + i] = fixedFromHalves(key + latentDim, nRotated, block + latentDim);
            continue;
        }
        std::uint16_t rotated[kMostDims] = {};
        for (int d = 0; d < nRotated; ++d) rotated[d] = key[latentDim + d];
        scales[kPositions + i] = fixedFromHalves(rotated, length - latentDim, block + latentDim);
    }
}

void packQuery(const float* query, int latentDim, int keyDim, std::int16_t* row, float* scales) {
    scales[0] = fixedFromFloats(query, latentDim, row);
    float rotated[kMostDims] = {};
    for (int d = latentDim; d < keyDim; ++d) rotated[d - latentDim] = query[d];
    scales[1] = fixedFromFloats(rotated, rowLength(latentDim, keyDim) - latentDim, row + latentDim);
}

// ------------------------------------------------------------------------------------------ scores

/// In a register: what several products need is loaded once.
[[gnu::always_inline]] inline __m512i load512(const std::int16_t* p) {
    __m512i numbers = _mm512_loadu_si512(p);
#ifndef CONCLAVE_SIMDE
    asm("" : "+v"(numbers));
#endif
    return numbers;
}

/// sum += a * b, in place: g++ 12 copies a sum before each product and back behind it.
[[gnu::always_inline]] inline void addProducts(__m512i& sum, __m512i a, __m512i b) {
    sum = _mm512_dpwssd_epi32(sum, a, b);
#ifndef CONCLAVE_SIMDE
    asm("" : "+v"(sum));
#endif
}

/// Numbers `first` to `end` - 1 of some queries and positions.
/// @param sums  [query][position], written
[[gnu::always_inline]] inline void multiply(__m512i (&sums)[kTile][kTile],
                                            const std::int16_t* queries, const std::int16_t* keys,
                                            int length, int first, int end) {
#pragma GCC unroll 4
    for (int q = 0; q < kTile; ++q) {
#pragma GCC unroll 4
        for (int p = 0; p < kTile; ++p) sums[q][p] = _mm512_setzero_si512();
    }
    for (int d = first; d < end; d += kStep) {
        __m512i key[kTile];
#pragma GCC unroll 4
        for (int p = 0; p < kTile; ++p) key[p] = load512(keys + p * length + d);
#pragma GCC unroll 4
        for (int q = 0; q < kTile; ++q) {
            const __m512i query = load512(queries + q * length + d);
#pragma GCC unroll 4
            for (int p = 0; p < kTile; ++p) addProducts(sums[q][p], query, key[p]);
        }
    }
}

__m512 fromIntegers(__m512i values) {
#ifdef CONCLAVE_SIMDE
    const __m256 low = _mm256_cvtepi32_ps(_mm512_castsi512_si256(values));
    const __m256 high = _mm256_cvtepi32_ps(_mm512_extracti64x4_epi64(values, 1));
    return _mm512_castpd_ps(_mm512_insertf64x4(_mm512_castps_pd(_mm512_castps256_ps512(low)),
                                               _mm256_castps_pd(high), 1));
#else
    return _mm512_cvtepi32_ps(values);
#endif
}

/// Each register's lanes added up: four sums.
__m128 sumsOf(const __m512 (&lanes)[kTile]) {
    const auto pairs = [](__m512 a, __m512 b) {
        return _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    };
    const __m512d first = _mm512_castps_pd(pairs(lanes[0], lanes[1]));
    const __m512d second = _mm512_castps_pd(pairs(lanes[2], lanes[3]));
    const __m512 fours = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(first, second)),
                                       _mm512_castpd_ps(_mm512_unpackhi_pd(first, second)));
    const __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(fours), 1));
    const __m256 eights = _mm256_add_ps(_mm512_castps512_ps256(fours), upper);
    return _mm_add_ps(_mm256_castps256_ps128(eights), _mm256_extractf128_ps(eights, 1));
}

/// Four queries and four positions. A score's latent and rotated part meet lane by lane.
void scoreTile(const std::int16_t* queries, const float* queryScales, const std::int16_t* keys,
               const float* keyScales, int latentDim, int length, float* scores,
               std::size_t stride) {
    __m512i sums[kTile][kTile];
    __m512 lanes[kTile][kTile];
    multiply(sums, queries, keys, length, 0, latentDim);
#pragma GCC unroll 4
    for (int q = 0; q < kTile; ++q) {
#pragma GCC unroll 4
        for (int p = 0; p < kTile; ++p) {
            const __m512 scale = _mm512_set1_ps(queryScales[2 * q] * keyScales[p]);
            lanes[q][p] = _mm512_mul_ps(fromIntegers(sums[q][p]), scale);
        }
    }
    multiply(sums, queries, keys, length, latentDim, length);
#pragma GCC unroll 4
    for (int q = 0; q < kTile; ++q) {
#pragma GCC unroll 4
        for (int p = 0; p < kTile; ++p) {
            const __m512 scale = _mm512_set1_ps(queryScales[2 * q + 1] * keyScales[kPositions + p]);
            lanes[q][p] = _mm512_fmadd_ps(fromIntegers(sums[q][p]), scale, lanes[q][p]);
        }
        _mm_storeu_ps(scores + static_cast<std::size_t>(q) * stride, sumsOf(lanes[q]));
    }
}

/// Half a block of keys stays in the first-level cache for all queries.
void scores(const std::int16_t* queries, const float* queryScales, int nQueries,
            const std::int16_t* block, const float* blockScales, int latentDim, int keyDim,
            float* scores, std::size_t stride) {
    constexpr int kHalf = kPositions / 2;
    const int length = rowLength(latentDim, keyDim);
    for (int first = 0; first < kPositions; first += kHalf) {
        for (int q = 0; q < nQueries; q += kTile) {
            const std::int16_t* rows = queries + static_cast<std::size_t>(q) * length;
            float* to = scores + static_cast<std::size_t>(q) * stride;
            for (int p = first; p < first + kHalf; p += kTile) {
                scoreTile(rows, queryScales + static_cast<std::ptrdiff_t>(2) * q,
                          block + p * length, blockScales + p, latentDim, length, to + p, stride);
            }
        }
    }
}

// ------------------------------------------------------------------------------------------ values

/// Weights of some queries times the positions' scales.
struct Weights {
    static constexpr int kQueries = 64;
    alignas(64) std::int16_t of[kQueries][kPositions];
    float scales[kQueries];
};

void packWeights(const float* weights, std::size_t stride, int nQueries, const float* valueScales,
                 Weights& packed) {
    alignas(64) float scaled[kPositions];
    for (int q = 0; q < nQueries; ++q, weights += stride) {
        for (int p = 0; p < kPositions; p += 16) {
            _mm512_store_ps(scaled + p, _mm512_mul_ps(_mm512_loadu_ps(weights + p),
                                                      _mm512_loadu_ps(valueScales + p)));
        }
        packed.scales[q] = fixedFromFloats(scaled, kPositions, packed.of[q]);
    }
}

/// The numbers of 16 * nVectors dimensions, those of positions 2i and 2i + 1 side by side.
template <int nVectors>
void interleave(const std::int16_t* values, int length, std::int16_t* pairs) {
    // Numbers 0 to 15 of two registers, in turn, and 16 to 31.
    alignas(64) static constexpr std::int16_t kLow[kStep] = {
        0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
        8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
    const __m512i low = load512(kLow);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    for (int p = 0; p < kPositions; p += 2, values += 2 * length, pairs += nVectors * kStep) {
#pragma GCC unroll 2
        for (int v = 0; v < nVectors; v += 2) {
            const __m512i first = load512(values + v * 16);
            const __m512i second = load512(values + length + v * 16);
            _mm512_store_si512(pairs + v * kStep, _mm512_permutex2var_epi16(first, low, second));
            _mm512_store_si512(pairs + (v + 1) * kStep,
                               _mm512_permutex2var_epi16(first, high, second));
        }
    }
}

/// Some dimensions of all queries whose weights are packed.
template <int nVectors>
void sumTiles(const Weights& weights, int nQueries, const std::int16_t* values, int length,
              float* outputs, std::size_t outputStride) {
    alignas(64) std::int16_t pairs[kPositions / 2 * nVectors * kStep];
    interleave<nVectors>(values, length, pairs);
    for (int first = 0; first < nQueries; first += kTile) {
        __m512i sums[kTile][nVectors];
#pragma GCC unroll 4
        for (int q = 0; q < kTile; ++q) {
#pragma GCC unroll 4
            for (int v = 0; v < nVectors; ++v) sums[q][v] = _mm512_setzero_si512();
        }
        const std::int16_t* pair = pairs;
        for (int p = 0; p < kPositions; p += 2, pair += nVectors * kStep) {
            __m512i value[nVectors];
#pragma GCC unroll 4
            for (int v = 0; v < nVectors; ++v) value[v] = load512(pair + v * kStep);
#pragma GCC unroll 4
            for (int q = 0; q < kTile; ++q) {
                const __m512i weight =
                    _mm512_broadcastd_epi32(_mm_loadu_si32(&weights.of[first + q][p]));
#pragma GCC unroll 4
                for (int v = 0; v < nVectors; ++v) {
                    addProducts(sums[q][v], weight, value[v]);
                }
            }
        }
#pragma GCC unroll 4
        for (int q = 0; q < kTile; ++q) {
            float* to = outputs + static_cast<std::size_t>(first + q) * outputStride;
            const __m512 scale = _mm512_set1_ps(weights.scales[first + q]);
#pragma GCC unroll 4
            for (int v = 0; v < nVectors; ++v) {
                const __m512 sum = _mm512_loadu_ps(to + v * 16);
                _mm512_storeu_ps(to + v * 16,
                                 _mm512_fmadd_ps(fromIntegers(sums[q][v]), scale, sum));
            }
        }
    }
}

void weightedSum(const float* weights, std::size_t stride, int nQueries, const std::int16_t* block,
                 const float* blockScales, int latentDim, int keyDim, float* outputs) {
    constexpr int kWidth = 64;
    const int length = rowLength(latentDim, keyDim);
    const auto outputStride = static_cast<std::size_t>(latentDim);
    Weights packed;
    for (int first = 0; first < nQueries; first += Weights::kQueries) {
        const int n = nQueries - first < Weights::kQueries ? nQueries - first : Weights::kQueries;
        packWeights(weights + static_cast<std::size_t>(first) * stride, stride, n, blockScales,
                    packed);
        float* to = outputs + static_cast<std::size_t>(first) * outputStride;
        for (int d = 0; d < latentDim; d += kWidth) {
            if (latentDim - d < kWidth) {
                sumTiles<2>(packed, n, block + d, length, to + d, outputStride);
            } else {
                sumTiles<4>(packed, n, block + d, length, to + d, outputStride);
            }
        }
    }
}

constexpr LatentTiles kTable = {.nPositions = kPositions,
                                .nQueries = kTile,
                                .dimUnit = kStep,
                                .mostDims = kMostDims,
                                .rowLength = rowLength,
                                .packKeys = packKeys,
                                .packQuery = packQuery,
                                .scores = scores,
                                .weightedSum = weightedSum};

}  // namespace

const LatentTiles* AVX512_LATENT_TILES();

const LatentTiles* AVX512_LATENT_TILES() { return &kTable; }

}  // namespace conclave::engine
