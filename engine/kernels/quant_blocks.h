// quant_blocks.h: ggml's quantization blocks, as they lie in the file (no padding between them).
#pragma once

#include <cstdint>

namespace conclave::engine {

/// 32 weights: scale * value.
struct BlockQ8_0 {
    std::uint16_t scale;  ///< fp16
    std::int8_t values[32];
};
static_assert(sizeof(BlockQ8_0) == 34 && alignof(BlockQ8_0) == 2);

/// 32 weights: scale * (nibble - 8). Byte i holds weight i in its low and 16 + i in its high half.
struct BlockQ4_0 {
    std::uint16_t scale;  ///< fp16
    std::uint8_t nibbles[16];
};
static_assert(sizeof(BlockQ4_0) == 18 && alignof(BlockQ4_0) == 2);

}  // namespace conclave::engine
