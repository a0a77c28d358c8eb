// fit.h: finding the integers and the scale that render a few values best.
//
// These are the searches of ggml's quantizers, with its constants and the order of its roundings,
// so that the same values give the same bytes: files can be compared, and a model quantized here is
// the model that others have tested. Sums run in fp32, in order, on purpose.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace conclave::engine::quantize {

/// To the nearest integer, ties to even, for |value| < 2^22; beyond it the result is of no use but
/// the same as ggml's.
[[nodiscard]] inline int nearest(float value) {
    constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: the sum's last bit is worth one
    return static_cast<int>(std::bit_cast<std::uint32_t>(value + kShift) & 0x7FFFFFu) - 0x400000;
}

[[nodiscard]] inline int nearestWithin(float value, int least, int most) {
    const int rounded = nearest(value);
    return rounded < least ? least : rounded > most ? most : rounded;
}

/// Below this a group of values counts as zero.
inline constexpr float kLeastMagnitude = 1e-15f;

/// The first value of largest magnitude.
[[nodiscard]] float extremeOf(std::span<const float> x);

/// x ~ scale * level, levels from -half to half - 1. Tries 19 scales around the one that takes the
/// extreme value to -half, and keeps the one with the least weighted squared error.
/// @param weights  as many as values, or empty for the squares of the values
/// @param levels  written, with `half` added: 0 to 2 * half - 1
[[nodiscard]] float fitSymmetric(std::span<const float> x, std::span<const float> weights, int half,
                                 std::uint8_t* levels);

/// As fitSymmetric with the squares as weights, by improving one level after the other.
[[nodiscard]] float fitOneByOne(std::span<const float> x, int half, std::uint8_t* levels);

struct ScaleAndMinimum {
    float scale = 0.0f;
    float minimum = 0.0f;  ///< >= 0, to be subtracted
};

/// Scales tried by fitAboveMinimum: (first + step * i + most) / range for i = 0 to nSteps.
struct Search {
    float first;
    float step;
    int nSteps;
    bool isAbsolute;  ///< weigh the magnitude of errors instead of their square
};

/// x ~ scale * level - minimum, levels from 0 to most.
[[nodiscard]] ScaleAndMinimum fitAboveMinimum(std::span<const float> x,
                                              std::span<const float> weights, int most,
                                              const Search& search, std::uint8_t* levels);

/// x ~ scale * level, levels from 0 to most; for scales of groups.
[[nodiscard]] float fitPositive(std::span<const float> x, std::span<const float> weights, int most,
                                std::uint8_t* levels);

}  // namespace conclave::engine::quantize
