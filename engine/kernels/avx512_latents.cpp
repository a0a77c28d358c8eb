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

#include "engine/kernels/latent_tiles.h"

namespace conclave::engine {
namespace {

struct Lanes {
    using Vector = __m512i;
    using Floats = __m512;
    static constexpr int kCount = 16;
    static constexpr int kTile = 4;

    static Vector zero() { return _mm512_setzero_si512(); }
    /// In a register: what several products need is loaded once.
    [[gnu::always_inline]] static inline Vector load(const std::int16_t* p) {
        Vector numbers = _mm512_loadu_si512(p);
#ifndef CONCLAVE_SIMDE  // whose registers are arrays
        asm("" : "+v"(numbers));
#endif
        return numbers;
    }
    static Vector broadcast(const std::int16_t* pair) {
        return _mm512_broadcastd_epi32(_mm_loadu_si32(pair));
    }
    /// In place: g++ 12 copies a sum before each product and back behind it.
    [[gnu::always_inline]] static inline void addProducts(Vector& sum, Vector a, Vector b) {
        sum = _mm512_dpwssd_epi32(sum, a, b);
#ifndef CONCLAVE_SIMDE
        asm("" : "+v"(sum));
#endif
    }
    static void store(std::int16_t* p, Vector numbers) { _mm512_storeu_si512(p, numbers); }
    static Vector larger(Vector a, Vector b) {
        return _mm512_max_epu16(a, _mm512_and_si512(b, _mm512_set1_epi16(0x7fff)));
    }
    static int largestOf(Vector bits) {
        return largestOf16(
            _mm256_max_epu16(_mm512_castsi512_si256(bits), _mm512_extracti64x4_epi64(bits, 1)));
    }
    static __m256i fixedHalf(__m256i halves, float factor) {
#ifdef CONCLAVE_SIMDE
        return fixed16(halves, _mm256_set1_ps(factor));
#else
        const __m512 numbers = _mm512_mul_ps(_mm512_cvtph_ps(halves), _mm512_set1_ps(factor));
        return _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(numbers));
#endif
    }
    static Vector fixed(Vector halves, float factor) {
        const __m256i low = fixedHalf(_mm512_castsi512_si256(halves), factor);
        const __m256i high = fixedHalf(_mm512_extracti64x4_epi64(halves, 1), factor);
        return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    static void interleave(const std::int16_t* a, const std::int16_t* b, std::int16_t* low,
                           std::int16_t* high) {
        alignas(64) static constexpr std::int16_t kFirst[] = {
            0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
            8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
        const Vector first = load(kFirst);
        const Vector second = _mm512_add_epi16(first, _mm512_set1_epi16(16));
        const Vector even = load(a);
        const Vector odd = load(b);
        _mm512_store_si512(low, _mm512_permutex2var_epi16(even, first, odd));
        _mm512_store_si512(high, _mm512_permutex2var_epi16(even, second, odd));
    }

    static Floats fromIntegers(Vector values) {
#ifdef CONCLAVE_SIMDE
        const __m256 low = _mm256_cvtepi32_ps(_mm512_castsi512_si256(values));
        const __m256 high = _mm256_cvtepi32_ps(_mm512_extracti64x4_epi64(values, 1));
        return _mm512_castpd_ps(_mm512_insertf64x4(_mm512_castps_pd(_mm512_castps256_ps512(low)),
                                                   _mm256_castps_pd(high), 1));
#else
        return _mm512_cvtepi32_ps(values);
#endif
    }
    static Floats scaled(Vector values, float scale) {
        return _mm512_mul_ps(fromIntegers(values), _mm512_set1_ps(scale));
    }
    static Floats addScaled(Floats sum, Vector values, float scale) {
        return _mm512_fmadd_ps(fromIntegers(values), _mm512_set1_ps(scale), sum);
    }
    static Floats loadFloats(const float* p) { return _mm512_loadu_ps(p); }
    static void storeFloats(float* p, Floats values) { _mm512_storeu_ps(p, values); }

    static __m128 sums(const Floats (&lanes)[4]) {
        const auto pairs = [](Floats a, Floats b) {
            return _mm512_castps_pd(
                _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)));
        };
        const __m512d first = pairs(lanes[0], lanes[1]);
        const __m512d second = pairs(lanes[2], lanes[3]);
        const Floats fours = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(first, second)),
                                           _mm512_castpd_ps(_mm512_unpackhi_pd(first, second)));
        const __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(fours), 1));
        const __m256 eights = _mm256_add_ps(_mm512_castps512_ps256(fours), upper);
        return _mm_add_ps(_mm256_castps256_ps128(eights), _mm256_extractf128_ps(eights, 1));
    }
};

}  // namespace

#ifdef CONCLAVE_SIMDE
const LatentTiles* simdeAvx512LatentTiles();
#endif

const LatentTiles* AVX512_LATENT_TILES() { return &TilesOfLatents<Lanes>::kTable; }

}  // namespace conclave::engine
