// avx2_latents.cpp: attention over latents for AVX2. Compiled with its flags, see kernels.h.
#include <immintrin.h>

#include "engine/kernels/latent_tiles.h"

namespace conclave::engine {
namespace {

struct Lanes {
    using Vector = __m256i;
    using Floats = __m256;
    static constexpr int kCount = 8;
    static constexpr int kTile = 2;

    static Vector zero() { return _mm256_setzero_si256(); }
    /// In a register: what several products need is loaded once.
    [[gnu::always_inline]] static inline Vector load(const std::int16_t* p) {
        Vector numbers = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        asm("" : "+x"(numbers));
        return numbers;
    }
    static Vector broadcast(const std::int16_t* pair) {
        return _mm256_broadcastd_epi32(_mm_loadu_si32(pair));
    }
    /// One behind the other: g++ 12 makes all products first, and has no registers left for a sum.
    [[gnu::always_inline]] static inline void addProducts(Vector& sum, Vector a, Vector b) {
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
        asm("" : "+x"(sum));
    }
    static void store(std::int16_t* p, Vector numbers) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), numbers);
    }
    static Vector larger(Vector a, Vector b) {
        return _mm256_max_epu16(a, _mm256_and_si256(b, _mm256_set1_epi16(0x7fff)));
    }
    static int largestOf(Vector bits) { return largestOf16(bits); }
    static Vector fixed(Vector halves, float factor) {
        return fixed16(halves, _mm256_set1_ps(factor));
    }
    static void interleave(const std::int16_t* a, const std::int16_t* b, std::int16_t* low,
                           std::int16_t* high) {
        const Vector even = load(a);
        const Vector odd = load(b);
        const Vector quarters = _mm256_unpacklo_epi16(even, odd);  // 0 to 3, and 8 to 11
        const Vector others = _mm256_unpackhi_epi16(even, odd);
        _mm256_store_si256(reinterpret_cast<__m256i*>(low),
                           _mm256_permute2x128_si256(quarters, others, 0x20));
        _mm256_store_si256(reinterpret_cast<__m256i*>(high),
                           _mm256_permute2x128_si256(quarters, others, 0x31));
    }

    static Floats scaled(Vector values, float scale) {
        return _mm256_mul_ps(_mm256_cvtepi32_ps(values), _mm256_set1_ps(scale));
    }
    static Floats addScaled(Floats sum, Vector values, float scale) {
        return _mm256_fmadd_ps(_mm256_cvtepi32_ps(values), _mm256_set1_ps(scale), sum);
    }
    static Floats loadFloats(const float* p) { return _mm256_loadu_ps(p); }
    static void storeFloats(float* p, Floats values) { _mm256_storeu_ps(p, values); }

    static __m128 sums(const Floats (&lanes)[4]) {
        const __m256 fours =
            _mm256_hadd_ps(_mm256_hadd_ps(lanes[0], lanes[1]), _mm256_hadd_ps(lanes[2], lanes[3]));
        return _mm_add_ps(_mm256_castps256_ps128(fours), _mm256_extractf128_ps(fours, 1));
    }
};

}  // namespace

const LatentTiles* avx2LatentTiles() { return &TilesOfLatents<Lanes>::kTable; }

}  // namespace conclave::engine
