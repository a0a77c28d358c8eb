// row_sum.h: adds quantized rows of an embedding table, the whole arithmetic of a static embedder.
#pragma once

#include <cstddef>

namespace conclave::engine {

/// sum[i] += row[i], for a row of `nValues` values as it lies in the file.
using AddRow = void (*)(const std::byte* row, std::size_t nValues, float* sum);

/// For Q8_0 (blocks of 32: fp16 scale, 32 int8) and F16 rows, by the best way this CPU has. Every
/// way gives the same bits: each value is one product and one sum, never fused.
[[nodiscard]] AddRow addRowQ8();
[[nodiscard]] AddRow addRowF16();
/// Plain F32 rows, which need no conversion.
[[nodiscard]] AddRow addRowF32();

/// The number that 16 bits of IEEE half precision stand for.
[[nodiscard]] float halfToFloat(unsigned short bits);

}  // namespace conclave::engine
