// row_sum.h: adds quantized rows of an embedding table, the whole arithmetic of a static embedder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace conclave::engine {

/// sum[i] += row[i] for every row, in their order.
/// @param table  rows of `nValues` values as they lie in the file, `rowBytes` apart
/// @param rows  numbers of the rows to add; one may come several times
/// @param sum  shape [nValues]
using AddRows = void (*)(const std::byte* table, std::size_t rowBytes,
                         std::span<const std::int32_t> rows, std::span<float> sum);

/// For Q8_0 (blocks of 32: fp16 scale, 32 int8) and F16 rows, by the best way this CPU has. Every
/// way gives the same bits: each value is one product and one sum, never fused.
[[nodiscard]] AddRows addRowsQ8();
[[nodiscard]] AddRows addRowsF16();
/// Plain F32 rows, which need no conversion.
[[nodiscard]] AddRows addRowsF32();

/// The number that 16 bits of IEEE half precision stand for.
[[nodiscard]] float halfToFloat(unsigned short bits);

}  // namespace conclave::engine
