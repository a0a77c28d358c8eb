#include "retrieval/int8_dot.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace conclave::retrieval {

std::int32_t int8DotScalar(const std::int8_t* code, const std::int16_t* query, std::size_t n) {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        sum += static_cast<std::int32_t>(code[i]) * static_cast<std::int32_t>(query[i]);
    }
    return sum;
}

#if defined(__x86_64__)
namespace {

__attribute__((target("avx2"))) std::int32_t sumOf(__m256i eight) {
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(1, 0, 3, 2)));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(four);
}

__attribute__((target("avx2"))) std::int32_t int8DotAvx2(const std::int8_t* code,
                                                         const std::int16_t* query, std::size_t n) {
    constexpr std::size_t kStep = 32;
    __m256i low = _mm256_setzero_si256();
    __m256i high = _mm256_setzero_si256();
    std::size_t i = 0;
    for (; i + kStep <= n; i += kStep) {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(code + i));
        const __m256i first = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes));
        const __m256i second = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(bytes, 1));
        const __m256i q0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + i));
        const __m256i q1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + i + 16));
        low = _mm256_add_epi32(low, _mm256_madd_epi16(first, q0));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(second, q1));
    }
    return sumOf(_mm256_add_epi32(low, high)) + int8DotScalar(code + i, query + i, n - i);
}

__attribute__((target("avx2,avx512vl,avx512vnni"))) std::int32_t int8DotVnni(
    const std::int8_t* code, const std::int16_t* query, std::size_t n) {
    constexpr std::size_t kStep = 32;
    __m256i low = _mm256_setzero_si256();
    __m256i high = _mm256_setzero_si256();
    std::size_t i = 0;
    for (; i + kStep <= n; i += kStep) {
        const auto* bytes = reinterpret_cast<const __m128i*>(code + i);
        const auto* values = reinterpret_cast<const __m256i*>(query + i);
        low = _mm256_dpwssd_epi32(low, _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes)),
                                  _mm256_loadu_si256(values));
        high = _mm256_dpwssd_epi32(high, _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes + 1)),
                                   _mm256_loadu_si256(values + 1));
    }
    return sumOf(_mm256_add_epi32(low, high)) + int8DotScalar(code + i, query + i, n - i);
}

}  // namespace
#endif

Int8Dot int8Dot() {
#if defined(__x86_64__)
    static const Int8Dot chosen = [] {
        if (__builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512vl") != 0) {
            return int8DotVnni;
        }
        return __builtin_cpu_supports("avx2") != 0 ? int8DotAvx2 : int8DotScalar;
    }();
    return chosen;
#else
    return int8DotScalar;
#endif
}

}  // namespace conclave::retrieval
