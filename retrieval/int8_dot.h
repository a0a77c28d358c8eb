// int8_dot.h: the inner loop of exact vector search.
#pragma once

#include <cstddef>
#include <cstdint>

namespace conclave::retrieval {

/// Largest |query| value for which no sum overflows up to kMaxDotDimension values.
inline constexpr int kMaxDotQuery = 8191;
inline constexpr std::size_t kMaxDotDimension = 2048;

/// Sum of code[i] * query[i] over `n` values; the same integer on every CPU.
using Int8Dot = std::int32_t (*)(const std::int8_t* code, const std::int16_t* query, std::size_t n);

[[nodiscard]] std::int32_t int8DotScalar(const std::int8_t* code, const std::int16_t* query,
                                         std::size_t n);

/// The fastest one for this CPU.
[[nodiscard]] Int8Dot int8Dot();

}  // namespace conclave::retrieval
