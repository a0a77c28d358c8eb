// row_quantizer.h: a row of floats to the blocks of a weight type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/gguf/gguf_file.h"

namespace conclave::engine::quantize {

/// Writes x.size() / blockValues blocks, the same bytes as ggml's quantizer.
/// @param x  finite; a multiple of the type's block
/// @param importances  one for each column (mean square of what the column is multiplied by), or
///                     empty; types that have no use for them ignore them
using QuantizeRow = void (*)(std::span<const float> x, std::span<const float> importances,
                             std::byte* out);

/// Null for types that cannot be written.
[[nodiscard]] QuantizeRow rowQuantizer(TensorType type);

void quantizeF32(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeF16(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeBF16(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeQ8_0(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeQ4_0(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeQ4_1(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeQ5_0(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeQ5_1(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeMXFP4(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeIQ4_NL(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeIQ4_XS(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeQ2_K(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeQ3_K(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeQ4_K(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeQ5_K(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeQ6_K(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeTQ1_0(std::span<const float> x, std::span<const float> importances, std::byte* out);
void quantizeTQ2_0(std::span<const float> x, std::span<const float> importances, std::byte* out);

// ------------------------------------------------------------------------ for the types' files

/// fp16 bits, to nearest even; and back.
[[nodiscard]] std::uint16_t toHalfBits(float value);

/// Mean square of a few values, summed in order.
[[nodiscard]] float meanSquare(std::span<const float> x);

/// weights[i] = importances[i] * sqrt(meanSquare + x[i]^2): what an error at i costs.
void weigh(std::span<const float> x, std::span<const float> importances, float meanSquare,
           float* weights);

}  // namespace conclave::engine::quantize
