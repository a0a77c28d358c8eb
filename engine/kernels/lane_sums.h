// lane_sums.h: sums across the lanes of many registers. Only for files built with AVX2's flags or
// more (see kernels.h), which include the intrinsics before; always inlined, so that no file gets
// another's instructions from the linker.
#pragma once

namespace conclave::engine {

/// Adds up the lanes of eight registers at once: halves first, then pairs, then neighbours, as
/// sumOf does for one, in a third of the instructions.
[[gnu::always_inline]] inline __m256 summed(const __m256 (&sums)[8]) {
    __m256 halves[4];  // of sums 2i and 2i + 1, four lanes each
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        const __m256 a = sums[2 * i];
        const __m256 b = sums[2 * i + 1];
        halves[i] =
            _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
    }
    __m256 pairs[2];  // of sums 4i, 4i + 2, 4i + 1, 4i + 3, two lanes each
#pragma GCC unroll 4
    for (int i = 0; i < 2; ++i) {
        const __m256d a = _mm256_castps_pd(halves[2 * i]);
        const __m256d b = _mm256_castps_pd(halves[2 * i + 1]);
        pairs[i] = _mm256_add_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(a, b)),
                                 _mm256_castpd_ps(_mm256_unpackhi_pd(a, b)));
    }
    const __m256 mixed = _mm256_add_ps(_mm256_shuffle_ps(pairs[0], pairs[1], 0x88),
                                       _mm256_shuffle_ps(pairs[0], pairs[1], 0xdd));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_permutevar8x32_ps(mixed, order);
}

}  // namespace conclave::engine
