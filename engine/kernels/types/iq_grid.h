// iq_grid.h: what the IQ1, IQ2 and IQ3 types have in common: points of a grid, and signs.
#pragma once

#include <cstdint>

namespace conclave::engine {

// The values of a point, 8 bytes for IQ2 and 4 for IQ3, the first in the lowest byte. None is 0.
// index is below 256, 512, 1024, 256 and 512.
[[nodiscard]] std::uint64_t gridIQ2_XXS(int index);
[[nodiscard]] std::uint64_t gridIQ2_XS(int index);
[[nodiscard]] std::uint64_t gridIQ2_S(int index);
[[nodiscard]] std::uint32_t gridIQ3_XXS(int index);
[[nodiscard]] std::uint32_t gridIQ3_S(int index);

/// Writes the 8 values of a point of IQ1's grid, -1 to 1, in eighths and moved by one of them.
/// @param index  below 2048
void writeMoved(int index, bool movesDown, std::int8_t* out);

/// Writes 8 values, value i negated where bit i is set.
void writeSigned(std::uint64_t values, unsigned bits, std::int8_t* out);

/// The eighth sign bit follows from seven: their number of ones together is even.
[[nodiscard]] unsigned evenSigns(unsigned sevenBits);

}  // namespace conclave::engine
