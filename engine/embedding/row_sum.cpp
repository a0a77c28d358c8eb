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

/// Calls `addRow(row, sum)` for each row.
template <typename AddRow>
void forEachRow(const std::byte* table, std::size_t rowBytes, std::span<const std::int32_t> rows,
                std::span<float> sum, AddRow&& addRow) {
    for (const std::int32_t row : rows)
        addRow(table + static_cast<std::size_t>(row) * rowBytes, sum);
}

void addQ8Plain(const std::byte* table, std::size_t rowBytes, std::span<const std::int32_t> rows,
                std::span<float> sum) {
    forEachRow(table, rowBytes, rows, sum, [](const std::byte* row, std::span<float> target) {
        for (std::size_t i = 0; i < target.size(); i += kQ8Values, row += kQ8Bytes) {
            const float scale = halfToFloat(loadHalf(row));
            for (std::size_t k = 0; k < kQ8Values; ++k) {
                target[i + k] +=
                    scale * static_cast<float>(std::to_integer<std::int8_t>(row[2 + k]));
            }
        }
    });
}

void addF16Plain(const std::byte* table, std::size_t rowBytes, std::span<const std::int32_t> rows,
                 std::span<float> sum) {
    forEachRow(table, rowBytes, rows, sum, [](const std::byte* row, std::span<float> target) {
        for (std::size_t i = 0; i < target.size(); ++i) {
            target[i] += halfToFloat(loadHalf(row + 2 * i));
        }
    });
}

void addF32Plain(const std::byte* table, std::size_t rowBytes, std::span<const std::int32_t> rows,
                 std::span<float> sum) {
    forEachRow(table, rowBytes, rows, sum, [](const std::byte* row, std::span<float> target) {
        for (std::size_t i = 0; i < target.size(); ++i) {
            float value = 0.0f;
            std::memcpy(&value, row + sizeof value * i, sizeof value);
            target[i] += value;
        }
    });
}

constexpr std::size_t kLanes = 8;

/// Brings all rows of a text into the second-level cache: the table is larger than that, and which
/// rows come next no processor can guess.
void prefetchRows(const std::byte* table, std::size_t rowBytes,
                  std::span<const std::int32_t> rows) {
    constexpr std::size_t kCacheLine = 64;
    for (const std::int32_t row : rows) {
        const std::byte* begin = table + static_cast<std::size_t>(row) * rowBytes;
        for (std::size_t i = 0; i < rowBytes; i += kCacheLine) {
            __builtin_prefetch(begin + i, 0, 2);
        }
    }
}

/// The sums of `kBlocks` blocks stay in registers while all rows pass by.
template <std::size_t kBlocks>
__attribute__((target("avx2,f16c"))) void addBlocksAvx2(const std::byte* block,
                                                        std::size_t rowBytes,
                                                        std::span<const std::int32_t> rows,
                                                        float* sum) {
    constexpr std::size_t kParts = kQ8Values / kLanes;
    __m256 parts[kBlocks * kParts];
    for (std::size_t k = 0; k < kBlocks * kParts; ++k) parts[k] = _mm256_loadu_ps(sum + k * kLanes);
    for (const std::int32_t row : rows) {
        const std::byte* values = block + static_cast<std::size_t>(row) * rowBytes;
        for (std::size_t b = 0; b < kBlocks; ++b, values += kQ8Bytes) {
            const __m256 scale =
                _mm256_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(loadHalf(values))));
            for (std::size_t k = 0; k < kParts; ++k) {
                std::int64_t eight = 0;
                std::memcpy(&eight, values + 2 + k * kLanes, sizeof eight);
                const __m256 numbers =
                    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_cvtsi64_si128(eight)));
                __m256& part = parts[b * kParts + k];
                part = _mm256_add_ps(part, _mm256_mul_ps(scale, numbers));
            }
        }
    }
    for (std::size_t k = 0; k < kBlocks * kParts; ++k) {
        _mm256_storeu_ps(sum + k * kLanes, parts[k]);
    }
}

__attribute__((target("avx2,f16c"))) void addQ8Avx2(const std::byte* table, std::size_t rowBytes,
                                                    std::span<const std::int32_t> rows,
                                                    std::span<float> sum) {
    prefetchRows(table, rowBytes, rows);
    const std::size_t nBlocks = sum.size() / kQ8Values;
    std::size_t block = 0;
    for (; block + 2 <= nBlocks; block += 2) {
        addBlocksAvx2<2>(table + block * kQ8Bytes, rowBytes, rows, sum.data() + block * kQ8Values);
    }
    if (block < nBlocks) {
        addBlocksAvx2<1>(table + block * kQ8Bytes, rowBytes, rows, sum.data() + block * kQ8Values);
    }
}

/// As addBlocksAvx2(), in registers of twice the width. A half and eight bits have an exact
/// product, so that adding it in one step rounds as two steps do.
template <std::size_t kBlocks>
__attribute__((target("avx512f,f16c"))) void addBlocksAvx512(const std::byte* block,
                                                             std::size_t rowBytes,
                                                             std::span<const std::int32_t> rows,
                                                             float* sum) {
    constexpr std::size_t kWide = 16;
    constexpr std::size_t kParts = kQ8Values / kWide;
    __m512 parts[kBlocks * kParts];
    for (std::size_t k = 0; k < kBlocks * kParts; ++k) parts[k] = _mm512_loadu_ps(sum + k * kWide);
    for (const std::int32_t row : rows) {
        const std::byte* values = block + static_cast<std::size_t>(row) * rowBytes;
        for (std::size_t b = 0; b < kBlocks; ++b, values += kQ8Bytes) {
            const __m512 scale =
                _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(loadHalf(values))));
            for (std::size_t k = 0; k < kParts; ++k) {
                __m128i sixteen;
                std::memcpy(&sixteen, values + 2 + k * kWide, sizeof sixteen);
                const __m512 numbers = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(sixteen));
                __m512& part = parts[b * kParts + k];
                part = _mm512_fmadd_ps(scale, numbers, part);
            }
        }
    }
    for (std::size_t k = 0; k < kBlocks * kParts; ++k) {
        _mm512_storeu_ps(sum + k * kWide, parts[k]);
    }
}

__attribute__((target("avx512f,f16c"))) void addQ8Avx512(const std::byte* table,
                                                         std::size_t rowBytes,
                                                         std::span<const std::int32_t> rows,
                                                         std::span<float> sum) {
    // All 256 values of the bundled table at once: each row is read from its begin to its end.
    constexpr std::size_t kAtOnce = 8;
    prefetchRows(table, rowBytes, rows);
    const std::size_t nBlocks = sum.size() / kQ8Values;
    std::size_t block = 0;
    for (; block + kAtOnce <= nBlocks; block += kAtOnce) {
        addBlocksAvx512<kAtOnce>(table + block * kQ8Bytes, rowBytes, rows,
                                 sum.data() + block * kQ8Values);
    }
    for (; block < nBlocks; ++block) {
        addBlocksAvx512<1>(table + block * kQ8Bytes, rowBytes, rows,
                           sum.data() + block * kQ8Values);
    }
}

__attribute__((target("avx2,f16c"))) void addF16Avx2(const std::byte* table, std::size_t rowBytes,
                                                     std::span<const std::int32_t> rows,
                                                     std::span<float> sum) {
    const std::size_t nWhole = sum.size() / kLanes * kLanes;
    for (const std::int32_t row : rows) {
        const std::byte* values = table + static_cast<std::size_t>(row) * rowBytes;
        for (std::size_t i = 0; i < nWhole; i += kLanes) {
            __m128i halves;
            std::memcpy(&halves, values + 2 * i, sizeof halves);
            float* target = sum.data() + i;
            _mm256_storeu_ps(target,
                             _mm256_add_ps(_mm256_loadu_ps(target), _mm256_cvtph_ps(halves)));
        }
    }
    addF16Plain(table + 2 * nWhole, rowBytes, rows, sum.subspan(nWhole));
}

/// Every CPU with AVX2 has F16C, which compilers cannot all ask for.
bool hasAvx2() { return __builtin_cpu_supports("avx2") != 0; }

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

AddRows addRowsQ8() {
    if (__builtin_cpu_supports("avx512f") != 0) return addQ8Avx512;
    return hasAvx2() ? addQ8Avx2 : addQ8Plain;
}
AddRows addRowsF16() { return hasAvx2() ? addF16Avx2 : addF16Plain; }
AddRows addRowsF32() { return addF32Plain; }

}  // namespace conclave::engine
