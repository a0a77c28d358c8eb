#include "retrieval/dense_scores.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace conclave::retrieval {

void addDenseScoresScalar(const std::uint8_t* counts, const float* norms, std::size_t nRows,
                          float weight, float* scores) {
    for (std::size_t row = 0; row < nRows; ++row) {
        const auto tf = static_cast<float>((counts[row / 2] >> (row % 2 * 4)) & 0xFU);
        scores[row] += weight * (tf / (tf + norms[row]));
    }
}

#if defined(__x86_64__)
namespace {

/// Without FMA, which would round once where the plain code rounds twice.
__attribute__((target("avx2"))) void addDenseScoresAvx2(const std::uint8_t* counts,
                                                        const float* norms, std::size_t nRows,
                                                        float weight, float* scores) {
    constexpr std::size_t kLanesOfStep = 8;
    const __m256 weights = _mm256_set1_ps(weight);
    const __m128i lowBits = _mm_set1_epi8(0xF);
    std::size_t row = 0;
    for (; row + kLanesOfStep <= nRows; row += kLanesOfStep) {
        std::int32_t four = 0;
        std::memcpy(&four, counts + row / 2, sizeof four);
        const __m128i bytes = _mm_cvtsi32_si128(four);
        const __m128i even = _mm_and_si128(bytes, lowBits);
        const __m128i odd = _mm_and_si128(_mm_srli_epi16(bytes, 4), lowBits);
        const __m256 tf = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_unpacklo_epi8(even, odd)));
        const __m256 share = _mm256_div_ps(tf, _mm256_add_ps(tf, _mm256_loadu_ps(norms + row)));
        _mm256_storeu_ps(scores + row, _mm256_add_ps(_mm256_loadu_ps(scores + row),
                                                     _mm256_mul_ps(weights, share)));
    }
    addDenseScoresScalar(counts + row / 2, norms + row, nRows - row, weight, scores + row);
}

}  // namespace
#endif

AddDenseScores addDenseScores() {
#if defined(__x86_64__)
    static const AddDenseScores chosen =
        __builtin_cpu_supports("avx2") != 0 ? addDenseScoresAvx2 : addDenseScoresScalar;
    return chosen;
#else
    return addDenseScoresScalar;
#endif
}

}  // namespace conclave::retrieval
