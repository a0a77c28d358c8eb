// mxfp4.cpp: 4-bit floats with a power of two for 32 (OCP Microscaling Formats 1.0).
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {

/// 2^(exponent - 128), half of the format's scale because kMxfp4Levels are doubled. The two
/// smallest are subnormal in fp32.
void unpackMXFP4(const std::byte* bytes, UnpackedBlock& out) {
    const auto block = readBlock<BlockMXFP4>(bytes);
    const std::uint32_t exponent = block.exponent;
    const std::uint32_t bits = exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23;
    setOneScale(out, std::bit_cast<float>(bits));
    splitNibbles(block.nibbles, out.values, [](int nibble, int) { return kMxfp4Levels[nibble]; });
}

}  // namespace conclave::engine
