// unpack.h: helpers of the files that describe weight types. They are inline, so no file that is
// built with a kernel set's flags may include this header (see kernels.h).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/kernels/quant_blocks.h"
#include "engine/kernels/types/block_type.h"

namespace conclave::engine {

/// The value of fp16 bits.
[[nodiscard]] float fromHalfBits(std::uint16_t half);

/// The 8 scales and 8 minima of 6 bits that Q4_K and Q5_K share.
void unpackSixBits(const std::uint8_t (&packed)[12], std::uint8_t (&scales)[8],
                   std::uint8_t (&minima)[8]);

/// The 16 scales of Q3_K, -32 to 31.
void unpackScales(const BlockQ3_K& block, std::int8_t (&scales)[16]);

template <typename Block>
[[nodiscard]] Block readBlock(const std::byte* bytes) {
    Block block;
    std::memcpy(&block, bytes, sizeof(Block));
    return block;
}

/// For a block of 32 with one scale.
inline void setOneScale(UnpackedBlock& out, float scale) {
    out.scale = scale;
    out.minScale = 0.0f;
    out.scales[0] = out.scales[1] = 1;
    out.minima[0] = out.minima[1] = 0;
}

/// `scale` with no minima, for a block of 256; its `scales` are the type's business.
inline void setScale(UnpackedBlock& out, float scale) {
    out.scale = scale;
    out.minScale = 0.0f;
    std::memset(out.minima, 0, sizeof(out.minima));
}

/// Nibbles as blocks of 32 hold them: the low halves first.
template <typename Value>
void splitNibbles(const std::uint8_t (&nibbles)[16], std::int8_t* out, const Value& value) {
    for (int i = 0; i < 16; ++i) {
        out[i] = static_cast<std::int8_t>(value(nibbles[i] & 15, i));
        out[16 + i] = static_cast<std::int8_t>(value(nibbles[i] >> 4, 16 + i));
    }
}

}  // namespace conclave::engine
