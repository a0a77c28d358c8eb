// latent_tiles.h: attention over latents in fixed point, for any register width. Only for files
// built with AVX2's flags or more (see kernels.h), which include the intrinsics before. `Lanes` is
// a type of such a file's unnamed namespace, so that the linker never gives one file the functions
// of another:
//   Vector, Floats, kCount   registers of int32 or of pairs of int16, of fp32, how many they hold
//   kTile                    queries whose sums stand in registers for four positions at once
//   zero, load, store, broadcast   of pairs of int16
//   addProducts(sum, a, b)   sum += both products of each pair
//   interleave(a, b, low, high)   the numbers of two registers side by side
//   scaled(ints, scale), addScaled(floats, ints, scale), loadFloats, storeFloats
//   sums(lanes)              those of four registers' lanes
//   larger(a, b)             the larger one's bits, of a and fp16 numbers b without their signs
//   largestOf(a)             the largest bits of a register
//   fixed(halves, factor)    a register of fp16 numbers times a factor, as integers
#pragma once

#include "engine/kernels/kernels.h"

namespace conclave::engine {

namespace {

/// 16 numbers times a factor, as integers.
inline __m256i fixed16(__m256 low, __m256 high, __m256 factor) {
    const __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(low, factor));
    const __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(high, factor));
    return _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8);
}
inline __m256i fixed16(__m256i halves, __m256 factor) {
    return fixed16(_mm256_cvtph_ps(_mm256_castsi256_si128(halves)),
                   _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1)), factor);
}

/// The largest of 16 numbers.
inline int largestOf16(__m256i numbers) {
    const __m128i eight =
        _mm_max_epu16(_mm256_castsi256_si128(numbers), _mm256_extracti128_si256(numbers, 1));
    const __m128i least = _mm_minpos_epu16(_mm_xor_si128(eight, _mm_set1_epi16(-1)));
    return ~_mm_cvtsi128_si32(least) & 0xffff;
}

}  // namespace

template <typename Lanes>
struct TilesOfLatents {
    using Vector = typename Lanes::Vector;
    using Floats = typename Lanes::Floats;
    static constexpr int kPositions = 32;
    static constexpr int kRowStep = 32;  ///< numbers that rows are filled up to
    static constexpr int kLanes = Lanes::kCount;
    static constexpr int kStep = 2 * kLanes;  ///< numbers of a register
    static constexpr int kQueries = Lanes::kTile;
    static constexpr int kKeys = 4;     ///< of a tile
    static constexpr int kVectors = 4;  ///< of a tile of values
    static constexpr int kMostDims = 512;
    // A lane of 32 bits adds up the products of two numbers from each register of a row, or of 32
    // positions: kMostDims / kLanes * kLargest^2 < 2^31.
    static constexpr float kLargest = kLanes == 16 ? 8191.0f : 5791.0f;

    static int rowLength(int latentDim, int keyDim) {
        return latentDim + (keyDim - latentDim + kRowStep - 1) / kRowStep * kRowStep;
    }

    // --------------------------------------------------------------------------------- fixed point

    static float fromHalf(int half) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half))); }

    /// What makes kLargest of the largest number; the other way round it is the scale.
    static float inverseOf(float largest) { return largest > 0.0f ? kLargest / largest : 0.0f; }

    /// A row's scale, and whether its largest number stands so far out that the others keep too few
    /// bits: then what is left of them becomes a row of its own.
    struct Fixed {
        float scale = 0.0f;
        bool isRough = false;
    };

    /// @param squares  of the numbers, added up lane by lane
    static Fixed fixedOf(float largest, Vector squares, int n) {
        // Numbers drawn from a normal distribution, or one with longer tails, hardly ever have so
        // large a one among them: eight times the mean, or in short rows two fifths of the squares.
        constexpr float kMostOverMean = 64.0f;
        constexpr float kMostShare = 0.4f;
        alignas(64) float lanes[kLanes];
        Lanes::storeFloats(lanes, Lanes::scaled(squares, 1.0f));
        __m128 four = _mm_setzero_ps();
        for (int i = 0; i < kLanes; i += 4) four = _mm_add_ps(four, _mm_load_ps(lanes + i));
        four = _mm_hadd_ps(four, four);
        const float sum = _mm_cvtss_f32(_mm_hadd_ps(four, four));
        const float byMean = kMostOverMean * sum / static_cast<float>(n);
        const float byShare = kMostShare * sum;
        const float most = byMean < byShare ? byMean : byShare;
        return {largest / kLargest, largest > 0.0f && kLargest * kLargest > most};
    }

    /// fp16 to fixed point.
    /// @param n  a multiple of 32
    static Fixed fixedFromHalves(const std::uint16_t* from, int n, std::int16_t* to) {
        const auto* halves = reinterpret_cast<const std::int16_t*>(from);
        Vector most = Lanes::zero();
        for (int i = 0; i < n; i += kStep) most = Lanes::larger(most, Lanes::load(halves + i));
        const float largest = fromHalf(Lanes::largestOf(most));
        const float inverse = inverseOf(largest);
        Vector squares = Lanes::zero();
        for (int i = 0; i < n; i += kStep) {
            const Vector numbers = Lanes::fixed(Lanes::load(halves + i), inverse);
            Lanes::store(to + i, numbers);
            Lanes::addProducts(squares, numbers, numbers);
        }
        return fixedOf(largest, squares, n);
    }

    /// The same of fp32.
    static Fixed fixedFromFloats(const float* from, int n, std::int16_t* to) {
        __m256i most = _mm256_setzero_si256();
        for (int i = 0; i < n; i += 8) {
            const __m256i bits = _mm256_castps_si256(_mm256_loadu_ps(from + i));
            most = _mm256_max_epi32(most, _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff)));
        }
        __m128i four =
            _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
        four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
        four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1));
        const float largest = _mm_cvtss_f32(_mm_castsi128_ps(four));
        // Less than this has no inverse in fp32, and counts for nothing.
        constexpr float kLeast = 1e-30f;
        const __m256 inverse = _mm256_set1_ps(largest < kLeast ? 0.0f : inverseOf(largest));
        for (int i = 0; i < n; i += 16) {
            const __m256 low = _mm256_loadu_ps(from + i);
            const __m256i numbers = fixed16(low, _mm256_loadu_ps(from + i + 8), inverse);
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), numbers);
        }
        Vector squares = Lanes::zero();
        for (int i = 0; i < n; i += kStep) {
            const Vector numbers = Lanes::load(to + i);
            Lanes::addProducts(squares, numbers, numbers);
        }
        return fixedOf(largest < kLeast ? 0.0f : largest, squares, n);
    }

    /// What fixed point has left of some numbers.
    /// @param n  a multiple of 16
    /// @returns the scale
    static float fixRest(const float* numbers, const std::int16_t* fixed, float scale, int n,
                         std::int16_t* to) {
        float rest[kMostDims];
        const __m256 scales = _mm256_set1_ps(scale);
        for (int i = 0; i < n; i += 8) {
            const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i*>(fixed + i));
            const __m256 held = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(eight));
            _mm256_storeu_ps(rest + i,
                             _mm256_fnmadd_ps(held, scales, _mm256_loadu_ps(numbers + i)));
        }
        return fixedFromFloats(rest, n, to).scale;
    }

    /// The rotated part of a row, filled up with zeros.
    template <typename T>
    struct Rotated {
        Rotated(const T* row, int latentDim, int keyDim) {
            for (int d = latentDim; d < keyDim; ++d) numbers[d - latentDim] = row[d];
        }
        T numbers[kMostDims] = {};
    };

    /// Both parts of what a row has left.
    static void packRest(const float* latent, const float* rotated, int latentDim, int nRotated,
                         const std::int16_t* row, Fixed ofLatent, Fixed ofRotated,
                         std::int16_t* restRow, float* latentScale, float* rotatedScale) {
        *latentScale = fixRest(latent, row, ofLatent.scale, latentDim, restRow);
        *rotatedScale =
            fixRest(rotated, row + latentDim, ofRotated.scale, nRotated, restRow + latentDim);
    }

    static void prefetch(const std::uint16_t* numbers, int n) {
        constexpr int kLine = 32;
        for (int i = 0; i < n; i += kLine) _mm_prefetch(numbers + i, _MM_HINT_T1);
    }

    static bool packKeys(const std::uint16_t* keys, std::size_t stride, int n, int nAhead,
                         int latentDim, int keyDim, bool wantsRests, FixedRows block,
                         FixedRows rest, bool* isRough) {
        const int length = rowLength(latentDim, keyDim);
        const int nRotated = length - latentDim;
        bool anyIsRough = false;
        for (int i = 0; i < kPositions; ++i) {
            isRough[i] = false;
            for (float* scales : {block.scales, rest.scales}) {
                scales[i] = 0.0f;
                scales[kPositions + i] = 0.0f;
            }
            if (i >= n) continue;
            const std::uint16_t* key = keys + static_cast<std::size_t>(i) * stride;
            std::int16_t* row = block.rows + i * length;
            if (i < nAhead) prefetch(key + kPositions * stride, keyDim);
            const Fixed latent = fixedFromHalves(key, latentDim, row);
            const Fixed rotated =
                nRotated == keyDim - latentDim
                    ? fixedFromHalves(key + latentDim, nRotated, row + latentDim)
                    : fixedFromHalves(Rotated<std::uint16_t>(key, latentDim, keyDim).numbers,
                                      nRotated, row + latentDim);
            block.scales[i] = latent.scale;
            block.scales[kPositions + i] = rotated.scale;
            isRough[i] = latent.isRough || rotated.isRough;
            anyIsRough = anyIsRough || isRough[i];
            if (!isRough[i] && !wantsRests) continue;
            float numbers[kMostDims];
            for (int d = 0; d < latentDim; d += 8) {
                const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key + d));
                _mm256_storeu_ps(numbers + d, _mm256_cvtph_ps(halves));
            }
            float behind[kMostDims] = {};
            for (int d = latentDim; d < keyDim; ++d) behind[d - latentDim] = fromHalf(key[d]);
            packRest(numbers, behind, latentDim, nRotated, row, latent, rotated,
                     rest.rows + i * length, rest.scales + i, rest.scales + kPositions + i);
        }
        return anyIsRough;
    }

    static bool packQuery(const float* query, int latentDim, int keyDim, bool wantsRest,
                          FixedRows row, FixedRows rest) {
        const int nRotated = rowLength(latentDim, keyDim) - latentDim;
        const Rotated<float> behind(query, latentDim, keyDim);
        const Fixed latent = fixedFromFloats(query, latentDim, row.rows);
        const Fixed rotated = fixedFromFloats(behind.numbers, nRotated, row.rows + latentDim);
        row.scales[0] = latent.scale;
        row.scales[1] = rotated.scale;
        rest.scales[0] = 0.0f;
        rest.scales[1] = 0.0f;
        const bool isRough = latent.isRough || rotated.isRough;
        if (!isRough && !wantsRest) return false;
        packRest(query, behind.numbers, latentDim, nRotated, row.rows, latent, rotated, rest.rows,
                 rest.scales, rest.scales + 1);
        return isRough;
    }

    // -------------------------------------------------------------------------------------- scores

    /// Numbers `first` to `end` - 1 of some queries and positions.
    /// @param sums  [query][position], written
    [[gnu::always_inline]] static inline void multiply(Vector (&sums)[kQueries][kKeys],
                                                       const std::int16_t* queries,
                                                       const std::int16_t* keys, int length,
                                                       int first, int end) {
#pragma GCC unroll 4
        for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
            for (int p = 0; p < kKeys; ++p) sums[q][p] = Lanes::zero();
        }
        for (int d = first; d < end; d += kStep) {
            Vector key[kKeys];
#pragma GCC unroll 4
            for (int p = 0; p < kKeys; ++p) key[p] = Lanes::load(keys + p * length + d);
#pragma GCC unroll 4
            for (int q = 0; q < kQueries; ++q) {
                const Vector query = Lanes::load(queries + q * length + d);
#pragma GCC unroll 4
                for (int p = 0; p < kKeys; ++p) Lanes::addProducts(sums[q][p], query, key[p]);
            }
        }
    }

    /// Some queries and four positions. A score's latent and rotated part meet lane by lane.
    static void scoreTile(const std::int16_t* queries, const float* queryScales,
                          const std::int16_t* keys, const float* keyScales, int latentDim,
                          int length, float* scores, std::size_t stride) {
        Vector sums[kQueries][kKeys];
        Floats lanes[kQueries][kKeys];
        multiply(sums, queries, keys, length, 0, latentDim);
#pragma GCC unroll 4
        for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
            for (int p = 0; p < kKeys; ++p) {
                lanes[q][p] = Lanes::scaled(sums[q][p], queryScales[2 * q] * keyScales[p]);
            }
        }
        multiply(sums, queries, keys, length, latentDim, length);
#pragma GCC unroll 4
        for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
            for (int p = 0; p < kKeys; ++p) {
                const float scale = queryScales[2 * q + 1] * keyScales[kPositions + p];
                lanes[q][p] = Lanes::addScaled(lanes[q][p], sums[q][p], scale);
            }
            float* to = scores + static_cast<std::size_t>(q) * stride;
            _mm_storeu_ps(to, _mm_add_ps(_mm_loadu_ps(to), Lanes::sums(lanes[q])));
        }
    }

    /// Half a block of keys stays in the first-level cache for all queries.
    static void scores(FixedRows queries, int nQueries, FixedRows block, int latentDim, int keyDim,
                       float* scores, std::size_t stride) {
        constexpr int kHalf = kPositions / 2;
        const int length = rowLength(latentDim, keyDim);
        for (int first = 0; first < kPositions; first += kHalf) {
            for (int q = 0; q < nQueries; q += kQueries) {
                const std::int16_t* rows = queries.rows + static_cast<std::ptrdiff_t>(q) * length;
                float* to = scores + static_cast<std::size_t>(q) * stride;
                for (int p = first; p < first + kHalf; p += kKeys) {
                    scoreTile(rows, queries.scales + static_cast<std::ptrdiff_t>(2) * q,
                              block.rows + p * length, block.scales + p, latentDim, length, to + p,
                              stride);
                }
            }
        }
    }

    // -------------------------------------------------------------------------------------- values

    /// Weights of some queries times the positions' scales.
    struct Weights {
        static constexpr int kMost = 64;
        alignas(64) std::int16_t of[kMost][kPositions];
        float scales[kMost];
    };

    static void packWeights(const float* weights, std::size_t stride, int nQueries,
                            const float* valueScales, Weights& packed) {
        alignas(64) float scaled[kPositions];
        for (int q = 0; q < nQueries; ++q, weights += stride) {
            for (int p = 0; p < kPositions; p += 8) {
                const __m256 weight = _mm256_loadu_ps(weights + p);
                const __m256 product = _mm256_mul_ps(weight, _mm256_loadu_ps(valueScales + p));
                // What a query does not see is nothing to it, even if it is no number.
                const __m256 isSeen = _mm256_cmp_ps(weight, _mm256_setzero_ps(), _CMP_NEQ_UQ);
                _mm256_store_ps(scaled + p, _mm256_and_ps(product, isSeen));
            }
            packed.scales[q] = fixedFromFloats(scaled, kPositions, packed.of[q]).scale;
        }
    }

    /// Some dimensions of all queries whose weights are packed.
    /// @param nVectors  registers of fp32 that the dimensions fill
    template <int nVectors>
    static void sumTiles(const Weights& weights, int nQueries, const std::int16_t* values,
                         int length, float* outputs, std::size_t outputStride) {
        // The numbers of positions 2i and 2i + 1 side by side.
        alignas(64) std::int16_t pairs[kPositions / 2 * nVectors * kStep];
        for (int p = 0; p < kPositions; p += 2) {
            const std::int16_t* row = values + p * length;
#pragma GCC unroll 2
            for (int v = 0; v < nVectors; v += 2) {
                std::int16_t* to = pairs + (p / 2 * nVectors + v) * kStep;
                Lanes::interleave(row + v * kLanes, row + length + v * kLanes, to, to + kStep);
            }
        }
        for (int first = 0; first < nQueries; first += kQueries) {
            Vector sums[kQueries][nVectors];
#pragma GCC unroll 4
            for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
                for (int v = 0; v < nVectors; ++v) sums[q][v] = Lanes::zero();
            }
            const std::int16_t* pair = pairs;
            for (int p = 0; p < kPositions; p += 2, pair += nVectors * kStep) {
                Vector value[nVectors];
#pragma GCC unroll 4
                for (int v = 0; v < nVectors; ++v) value[v] = Lanes::load(pair + v * kStep);
#pragma GCC unroll 4
                for (int q = 0; q < kQueries; ++q) {
                    const Vector weight = Lanes::broadcast(&weights.of[first + q][p]);
#pragma GCC unroll 4
                    for (int v = 0; v < nVectors; ++v) {
                        Lanes::addProducts(sums[q][v], weight, value[v]);
                    }
                }
            }
#pragma GCC unroll 4
            for (int q = 0; q < kQueries; ++q) {
                float* to = outputs + static_cast<std::size_t>(first + q) * outputStride;
#pragma GCC unroll 4
                for (int v = 0; v < nVectors; ++v) {
                    float* at = to + v * kLanes;
                    const Floats sum = Lanes::loadFloats(at);
                    Lanes::storeFloats(
                        at, Lanes::addScaled(sum, sums[q][v], weights.scales[first + q]));
                }
            }
        }
    }

    static void weightedSum(const float* weights, std::size_t stride, int nQueries, FixedRows block,
                            int latentDim, int keyDim, float* outputs) {
        constexpr int kWidth = kVectors * kLanes;
        const int length = rowLength(latentDim, keyDim);
        const auto outputStride = static_cast<std::size_t>(latentDim);
        Weights packed;
        for (int first = 0; first < nQueries; first += Weights::kMost) {
            const int n = nQueries - first < Weights::kMost ? nQueries - first : Weights::kMost;
            packWeights(weights + static_cast<std::size_t>(first) * stride, stride, n, block.scales,
                        packed);
            float* to = outputs + static_cast<std::size_t>(first) * outputStride;
            for (int d = 0; d < latentDim; d += kWidth) {
                if (latentDim - d < kWidth) {
                    sumTiles<2>(packed, n, block.rows + d, length, to + d, outputStride);
                } else {
                    sumTiles<kVectors>(packed, n, block.rows + d, length, to + d, outputStride);
                }
            }
        }
    }

    static constexpr LatentTiles kTable = {.nPositions = kPositions,
                                           .nQueries = kQueries,
                                           .dimUnit = kRowStep,
                                           .mostDims = kMostDims,
                                           .rowLength = rowLength,
                                           .packKeys = packKeys,
                                           .packQuery = packQuery,
                                           .scores = scores,
                                           .weightedSum = weightedSum};
};

}  // namespace conclave::engine
