// kernels.h: the arithmetic of the engine, one table of functions per instruction set.
//
// Every set computes one (row, token) result as one chain of operations that depends on nothing but
// the row and the token. So a token gives the same bits alone or in a batch, on one thread or many;
// only between sets do results differ, by rounding.
//
// The files of the sets are compiled with flags of their own. They call no inline function of a
// shared header: the linker may keep that copy for the whole program, and an older CPU would stop.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/gguf/gguf_file.h"

namespace conclave::engine {

/// Values in one block of quantized activations, as in Q8_0 and Q4_0 weights.
inline constexpr int kActivationBlock = 32;

/// The form in which a weight type's kernel reads a token.
enum class ActivationFormat : std::uint8_t {
    Float32,  ///< n floats
    /// n / 32 float scales, n / 32 int32 sums of the values, n int8 values, n / 32 times two pairs
    /// of int16: sums of the values in columns 4j, 4j+1 and in columns 4j+2, 4j+3, first of the
    /// block's first 16 columns, then of all 32; and n / 32 floats: the sums times the scales
    Int8Blocks,
};

/// Bytes of one token of n values; a multiple of 64. n is a multiple of 32 for Int8Blocks.
[[nodiscard]] std::size_t activationBytes(ActivationFormat format, int n);

/// outputs[token][row] = dot(weights row, inputs[token])
struct MatmulArgs {
    const std::byte* weights = nullptr;  ///< the first row
    std::size_t rowBytes = 0;            ///< from one row to the next
    int nRows = 0;
    int nColumns = 0;
    const void* const* inputs = nullptr;  ///< [nTokens], each in the type's activation format
    float* const* outputs = nullptr;      ///< [nTokens], each of nRows values
    int nTokens = 0;
};

/// What a kernel set does with one weight type.
struct WeightKernels {
    TensorType type;
    ActivationFormat input;
    void (*matmul)(const MatmulArgs& args);
    /// @param n  multiple of the type's block
    void (*dequantize)(const std::byte* row, int n, float* out);
};

/// outputs[query][d] += sum over positions p of weights[query][p] * values[p][d], in order of p.
struct WeightedSumArgs {
    const float* const* weights = nullptr;  ///< [nQueries], each of nPositions
    const std::uint16_t* values = nullptr;  ///< fp16, the first position
    std::size_t stride = 0;                 ///< values from one position to the next
    int nPositions = 0;
    int dim = 0;
    int nQueries = 0;
    float* const* outputs = nullptr;  ///< [nQueries], each of dim values
};

/// Attention of many queries over the same positions, whose keys and values are unpacked to fp32
/// once for all of them. Results have the bits of F16's matmul and of weightedSum.
struct AttentionTiles {
    int nQueries;  ///< of a panel
    int nKeys;     ///< of a panel
    int dimUnit;   ///< all dimensions are multiples of it

    /// @param panels  written: n queries in panels, the last filled up with zeros
    void (*packQueries)(const float* const* queries, int n, int dim, float* panels);
    /// @param keys  1 to nKeys of them, fp16, `stride` values from one to the next
    /// @param panel  written, nKeys * dim
    void (*packKeys)(const std::uint16_t* keys, std::size_t stride, int n, int dim, float* panel);
    /// scores[query * stride + key] = dot(query, key) for whole panels; keys that packKeys() did
    /// not get have some score.
    void (*scores)(const float* queryPanels, int nQueries, const float* keyPanel, int dim,
                   float* scores, std::size_t stride);
    /// @param blocks  written, n * dim
    void (*unpackValues)(const std::uint16_t* values, std::size_t stride, int n, int dim,
                         float* blocks);
    /// outputs[query * dim + d] += sum over n positions p of weights[query * stride + p] *
    /// values[p][d], in order of p, for whole panels of queries.
    void (*weightedSum)(const float* weights, std::size_t stride, int nQueries, const float* blocks,
                        int n, int dim, float* outputs);
};

/// Rows of int16, and two scales of each: of the latent and of the rotated part.
struct FixedRows {
    std::int16_t* rows = nullptr;
    float* scales = nullptr;
};

/// Attention over latents: one key of a position serves all query heads, and its beginning is the
/// position's value. Keys, queries and weights are read as fixed-point numbers of 13 to 14 bits,
/// whose products add up exactly in 32 bits, two at a time: twice as many as of fp32. That is as
/// exact as fp16 for numbers of like sizes. Where one stands out, the others keep too few bits:
/// what such a row has left is a second row, whose products are added.
struct LatentTiles {
    int nPositions;  ///< of a block
    int nQueries;    ///< rows of queries come in multiples of it
    int dimUnit;     ///< the latent's size is a multiple of it
    int mostDims;    ///< of a latent, and of a rotated part: what 32 bits hold

    /// Numbers in a row of `keyDim`, whose rotated part is filled up with zeros.
    int (*rowLength)(int latentDim, int keyDim);
    /// @param keys  1 to nPositions of them, fp16, `stride` values from one to the next
    /// @param nAhead  keys from `keys` + nPositions * stride on that the next call will read: they
    ///                are asked for from memory
    /// @param block  written, [nPositions][rowLength], and [latent, rotated][nPositions] scales
    /// @param rest  the same of what rows have left, of those that need it or, if the caller wants
    ///              them, of all; else scales of zero
    /// @param isRough  written, [nPositions]: rows whose products need both rests, theirs and the
    ///                 query's; so do those of rough queries
    /// @returns true if one is
    bool (*packKeys)(const std::uint16_t* keys, std::size_t stride, int n, int nAhead,
                     int latentDim, int keyDim, bool wantsRests, FixedRows block, FixedRows rest,
                     bool* isRough);
    /// @param row  written, [rowLength], and the scales of latent and rotated part
    /// @param rest  the same of what it has left, if it needs that or the caller wants it; else
    ///              scales of zero
    /// @returns true if the query is rough
    bool (*packQuery)(const float* query, int latentDim, int keyDim, bool wantsRest, FixedRows row,
                      FixedRows rest);
    /// scores[query * stride + position] += dot(query, key); to positions that packKeys() did not
    /// get zero is added.
    void (*scores)(FixedRows queries, int nQueries, FixedRows block, int latentDim, int keyDim,
                   float* scores, std::size_t stride);
    /// outputs[query * latentDim + d] += sum over a block's positions p of
    /// weights[query * stride + p] * value p's number d. Weights of positions that packKeys() did
    /// not get must be zero.
    void (*weightedSum)(const float* weights, std::size_t stride, int nQueries, FixedRows block,
                        int latentDim, int keyDim, float* outputs);
};

struct KernelTable {
    const char* isa;
    const WeightKernels* weightTypes;
    int nWeightTypes;

    /// Blocks of 32: scale = max |x| / 127, values rounded to nearest even. The same in every set.
    void (*quantize)(const float* x, int n, void* out);
    /// The same of values [first, first + n) of a token of `dim` values; all multiples of 32.
    /// @param out  the whole token
    void (*quantizePart)(const float* x, int first, int n, int dim, void* out);
    /// fp32 to fp16, to nearest even.
    void (*toHalf)(const float* x, int n, std::uint16_t* out);
    /// n values in blocks of Q8_0 to fp16, with the bits that fp32 in between gives.
    void (*halvesOfQ8)(const std::byte* row, int n, std::uint16_t* out);
    /// out = x / sqrt(mean(x^2) + epsilon) * weight; out may be x.
    void (*rmsNorm)(const float* x, const float* weight, int n, float epsilon, float* out);
    /// x = exp(scale * (x - max x)), n >= 1, scale > 0. Writes the maximum, returns the results'
    /// sum.
    float (*exponentials)(float* x, int n, float scale, float* max);
    /// x = softmax(scale * x), n >= 1.
    void (*softmax)(float* x, int n, float scale);
    /// out = silu(gate) * up; out may be gate or up.
    void (*swiglu)(const float* gate, const float* up, int n, float* out);
    /// y += scale * x
    void (*addScaled)(float* y, const float* x, float scale, int n);
    void (*weightedSum)(const WeightedSumArgs& args);
    /// Null if the set gains nothing by many queries.
    const AttentionTiles* attention;
    /// Null if the set has none: latents are read as all keys are.
    const LatentTiles* latents;
    /// Products of a type's weights in panels (see packed.h), or null if they are not packed.
    const WeightKernels* (*packed)(TensorType type);

    /// Null if the set has no kernel for this type.
    [[nodiscard]] const WeightKernels* find(TensorType type) const;
};

/// The table for this CPU, chosen once: the best set it has, or the one CONCLAVE_ISA names.
[[nodiscard]] const KernelTable& kernels();

/// The set of that name, or null if it does not exist or this CPU lacks it.
[[nodiscard]] const KernelTable* kernelSet(const char* isa);

[[nodiscard]] const KernelTable& scalarKernels();
[[nodiscard]] const KernelTable& avx2Kernels();     ///< needs hasAvx2()
[[nodiscard]] const KernelTable& avxVnniKernels();  ///< needs hasAvxVnni()
[[nodiscard]] const KernelTable& avx512Kernels();   ///< needs hasAvx512()

/// Parts of these tables that have files of their own.
[[nodiscard]] const LatentTiles* avx2LatentTiles();
[[nodiscard]] const LatentTiles* avx512LatentTiles();

}  // namespace conclave::engine
