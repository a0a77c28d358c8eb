#include "engine/embedding/row_sum.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include <immintrin.h>

namespace conclave::engine {
namespace {

constexpr std::size_t kQ8Values = 32;
constexpr std::size_t kQ8Bytes = 34;

std::uint16_t loadHalf(const std::byte* bytes) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes, sizeof bits);
    return bits;
}

void addQ8Plain(const std::byte* row, std::size_t nValues, float* sum) {
    for (std::size_t i = 0; i < nValues; i += kQ8Values, row += kQ8Bytes) {
        const float scale = halfToFloat(loadHalf(row));
        for (std::size_t k = 0; k < kQ8Values; ++k) {
            sum[i + k] += scale * static_cast<float>(std::to_integer<std::int8_t>(row[2 + k]));
        }
    }
}

void addF16Plain(const std::byte* row, std::size_t nValues, float* sum) {
    for (std::size_t i = 0; i < nValues; ++i) sum[i] += halfToFloat(loadHalf(row + 2 * i));
}

void addF32Plain(const std::byte* row, std::size_t nValues, float* sum) {
    for (std::size_t i = 0; i < nValues; ++i) {
        float value = 0.0f;
        std::memcpy(&value, row + sizeof value * i, sizeof value);
        sum[i] += value;
    }
}

__attribute__((target("avx2"))) void addQ8Avx2(const std::byte* row, std::size_t nValues,
                                               float* sum) {
    constexpr std::size_t kLanes = 8;
    for (std::size_t i = 0; i < nValues; i += kQ8Values, row += kQ8Bytes) {
        const __m256 scale = _mm256_set1_ps(halfToFloat(loadHalf(row)));
        for (std::size_t k = 0; k < kQ8Values; k += kLanes) {
            std::int64_t eight = 0;
            std::memcpy(&eight, row + 2 + k, sizeof eight);
            const __m256 values =
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_cvtsi64_si128(eight)));
            float* target = sum + i + k;
            _mm256_storeu_ps(target,
                             _mm256_add_ps(_mm256_loadu_ps(target), _mm256_mul_ps(scale, values)));
        }
    }
}

__attribute__((target("avx2,f16c"))) void addF16Avx2(const std::byte* row, std::size_t nValues,
                                                     float* sum) {
    constexpr std::size_t kLanes = 8;
    std::size_t i = 0;
    for (; i + kLanes <= nValues; i += kLanes) {
        __m128i halves;
        std::memcpy(&halves, row + 2 * i, sizeof halves);
        _mm256_storeu_ps(sum + i, _mm256_add_ps(_mm256_loadu_ps(sum + i), _mm256_cvtph_ps(halves)));
    }
    addF16Plain(row + 2 * i, nValues - i, sum + i);
}

}  // namespace

float halfToFloat(unsigned short bits) {
    const std::uint32_t sign = (std::uint32_t{bits} & 0x8000u) << 16u;
    const std::uint32_t exponent = (std::uint32_t{bits} >> 10u) & 0x1Fu;
    const std::uint32_t mantissa = std::uint32_t{bits} & 0x3FFu;
    if (exponent == 0) {
        constexpr float kSmallest = 0x1.0p-24f;
        const float value = static_cast<float>(mantissa) * kSmallest;
        return sign != 0 ? -value : value;
    }
    constexpr std::uint32_t kBiasDifference = 127 - 15;
    const std::uint32_t wideExponent = exponent == 0x1F ? 0xFFu : exponent + kBiasDifference;
    return std::bit_cast<float>(sign | (wideExponent << 23u) | (mantissa << 13u));
}

AddRow addRowQ8() { return __builtin_cpu_supports("avx2") ? addQ8Avx2 : addQ8Plain; }

AddRow addRowF16() {
    const bool hasBoth = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
    return hasBoth ? addF16Avx2 : addF16Plain;
}

AddRow addRowF32() { return addF32Plain; }

}  // namespace conclave::engine
