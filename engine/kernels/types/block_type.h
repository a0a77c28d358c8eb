// block_type.h: a quantized weight type, as the scalar kernels and the slower types of the other
// sets read it. A type is one file here, which says how to unpack one block, and one row in
// block_types.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

/// One block, in the form that all types share. Weight i, of group g = i / 16, is
///   (scale * scales[g]) * values[i] - minScale * minima[g]
/// rounded after each operation, which gives the very bits of ggml's reference.
struct UnpackedBlock {
    float scale;
    float minScale;           ///< 0 for types without minima
    std::int16_t scales[16];  ///< 2 of them for a block of 32
    std::int16_t minima[16];  ///< 0 to 63
    std::int8_t values[256];  ///< 32 of them for a block of 32
};

struct BlockType {
    TensorType type;
    int nValues;  ///< of one block: 32 or 256
    bool hasMinima;
    std::size_t blockBytes;
    void (*unpack)(const std::byte* bytes, UnpackedBlock& out);
};

/// All types, in the order in which the kernel tables list them.
inline constexpr int kBlockTypeCount = 22;
extern const BlockType kBlockTypes[kBlockTypeCount];

void unpackQ8_0(const std::byte* bytes, UnpackedBlock& out);
void unpackQ4_0(const std::byte* bytes, UnpackedBlock& out);
void unpackQ4_1(const std::byte* bytes, UnpackedBlock& out);
void unpackQ5_0(const std::byte* bytes, UnpackedBlock& out);
void unpackQ5_1(const std::byte* bytes, UnpackedBlock& out);
void unpackIQ4_NL(const std::byte* bytes, UnpackedBlock& out);
void unpackMXFP4(const std::byte* bytes, UnpackedBlock& out);
void unpackQ2_K(const std::byte* bytes, UnpackedBlock& out);
void unpackQ3_K(const std::byte* bytes, UnpackedBlock& out);
void unpackQ4_K(const std::byte* bytes, UnpackedBlock& out);
void unpackQ5_K(const std::byte* bytes, UnpackedBlock& out);
void unpackQ6_K(const std::byte* bytes, UnpackedBlock& out);
void unpackIQ4_XS(const std::byte* bytes, UnpackedBlock& out);
void unpackIQ2_XXS(const std::byte* bytes, UnpackedBlock& out);
void unpackIQ2_XS(const std::byte* bytes, UnpackedBlock& out);
void unpackIQ2_S(const std::byte* bytes, UnpackedBlock& out);
void unpackIQ3_XXS(const std::byte* bytes, UnpackedBlock& out);
void unpackIQ3_S(const std::byte* bytes, UnpackedBlock& out);
void unpackIQ1_S(const std::byte* bytes, UnpackedBlock& out);
void unpackIQ1_M(const std::byte* bytes, UnpackedBlock& out);
void unpackTQ1_0(const std::byte* bytes, UnpackedBlock& out);
void unpackTQ2_0(const std::byte* bytes, UnpackedBlock& out);

}  // namespace conclave::engine
