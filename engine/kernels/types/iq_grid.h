// iq_grid.h: what the IQ2 and IQ3 types have in common: points of a grid, and signs.
#pragma once

#include <cstdint>

namespace conclave::engine {

// Each writes the values of a point, 8 for IQ2 and 4 for IQ3; index is below 256, 512, 1024, 256
// and 512.
void gridIQ2_XXS(int index, std::int8_t* out);
void gridIQ2_XS(int index, std::int8_t* out);
void gridIQ2_S(int index, std::int8_t* out);
void gridIQ3_XXS(int index, std::int8_t* out);
void gridIQ3_S(int index, std::int8_t* out);

/// Negates value i of 8 where bit i is set.
void applySigns(unsigned bits, std::int8_t* values);

/// The eighth sign bit follows from seven: their number of ones together is even.
[[nodiscard]] unsigned evenSigns(unsigned sevenBits);

}  // namespace conclave::engine
