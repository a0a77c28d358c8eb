// avx2_small_blocks.cpp: products with weight types in blocks of 32.
#include "engine/kernels/avx2_tiles.h"
#include "engine/kernels/quant_blocks.h"

namespace conclave::engine::avx2 {
namespace {

// ------------------------------------------------------------------------------------- the types
// values: the block's 32 integers in order, signed, or 0 to 31 for types with a minimum.

/// Low nibbles, then high ones.
__m256i nibbles(const std::uint8_t (&packed)[16]) {
    const __m128i both = load128(packed);
    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(both, 4), both), _mm256_set1_epi8(15));
}

/// All bits of byte i set where bit i is.
__m256i spreadBits(const std::uint8_t (&bits)[4]) {
    const std::uint32_t word = bits[0] | std::uint32_t{bits[1]} << 8 |
                               std::uint32_t{bits[2]} << 16 | std::uint32_t{bits[3]} << 24;
    const __m256i spread = _mm256_shuffle_epi8(
        _mm256_set1_epi32(static_cast<int>(word)),
        _mm256_set_epi64x(0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0));
    const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
    return _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit);
}

__m256i levels(const std::int8_t (&table)[16], const std::uint8_t (&packed)[16]) {
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load128(table)), nibbles(packed));
}

struct Q8_0 {
    static constexpr TensorType kType = TensorType::Q8_0;
    static constexpr bool kHasMinimum = false;
    using Block = BlockQ8_0;
    static float scale(const Block& block) { return fromHalf(block.scale); }
    static __m256i values(const Block& block) { return load256(block.values); }
};

struct Q4_0 {
    static constexpr TensorType kType = TensorType::Q4_0;
    static constexpr bool kHasMinimum = false;
    using Block = BlockQ4_0;
    static float scale(const Block& block) { return fromHalf(block.scale); }
    static __m256i values(const Block& block) {
        return _mm256_sub_epi8(nibbles(block.nibbles), _mm256_set1_epi8(8));
    }
};

struct Q4_1 {
    static constexpr TensorType kType = TensorType::Q4_1;
    static constexpr bool kHasMinimum = true;
    using Block = BlockQ4_1;
    static float scale(const Block& block) { return fromHalf(block.scale); }
    static float minimum(const Block& block) { return fromHalf(block.minimum); }
    static __m256i values(const Block& block) { return nibbles(block.nibbles); }
};

struct Q5_0 {
    static constexpr TensorType kType = TensorType::Q5_0;
    static constexpr bool kHasMinimum = false;
    using Block = BlockQ5_0;
    static float scale(const Block& block) { return fromHalf(block.scale); }
    static __m256i values(const Block& block) {
        // nibble - 16, unless the fifth bit is set
        const __m256i minus16 =
            _mm256_andnot_si256(spreadBits(block.highBits), _mm256_set1_epi8(-16));
        return _mm256_or_si256(nibbles(block.nibbles), minus16);
    }
};

struct Q5_1 {
    static constexpr TensorType kType = TensorType::Q5_1;
    static constexpr bool kHasMinimum = true;
    using Block = BlockQ5_1;
    static float scale(const Block& block) { return fromHalf(block.scale); }
    static float minimum(const Block& block) { return fromHalf(block.minimum); }
    static __m256i values(const Block& block) {
        const __m256i high = _mm256_and_si256(spreadBits(block.highBits), _mm256_set1_epi8(16));
        return _mm256_or_si256(nibbles(block.nibbles), high);
    }
};

struct IQ4_NL {
    static constexpr TensorType kType = TensorType::IQ4_NL;
    static constexpr bool kHasMinimum = false;
    using Block = BlockIQ4_NL;
    static float scale(const Block& block) { return fromHalf(block.scale); }
    static __m256i values(const Block& block) { return levels(kIq4Levels, block.nibbles); }
};

struct MXFP4 {
    static constexpr TensorType kType = TensorType::MXFP4;
    static constexpr bool kHasMinimum = false;
    using Block = BlockMXFP4;
    static float scale(const Block& block) {
        const std::uint32_t exponent = block.exponent;
        const std::uint32_t bits = exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23;
        return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(static_cast<int>(bits))));
    }
    static __m256i values(const Block& block) { return levels(kMxfp4Levels, block.nibbles); }
};

// -------------------------------------------------------------------------------------- the tile

template <typename Type, int kRows, int kTokens>
void blockTile(const MatmulArgs& args, int row, int token) {
    using Block = typename Type::Block;
    const int nBlocks = args.nColumns / kActivationBlock;
    const Block* weights[kRows];
    QuantizedToken x[kTokens];
    __m256 sums[kRows][kTokens];
    for (int r = 0; r < kRows; ++r) {
        weights[r] = reinterpret_cast<const Block*>(
            args.weights + static_cast<std::size_t>(row + r) * args.rowBytes);
    }
    for (int t = 0; t < kTokens; ++t) x[t].open(args.inputs[token + t], args.nColumns);
    for (int r = 0; r < kRows; ++r) {
        for (int t = 0; t < kTokens; ++t) sums[r][t] = _mm256_setzero_ps();
    }
    for (int block = 0; block < nBlocks; ++block) {
        __m256i values[kTokens];
        __m256 totals[kTokens];
        for (int t = 0; t < kTokens; ++t) {
            values[t] = load256(x[t].values + block * kActivationBlock);
            if constexpr (Type::kHasMinimum) {  // an eighth for each lane
                totals[t] = _mm256_set1_ps(static_cast<float>(x[t].sums[block]) *
                                           (x[t].scales[block] * 0.125f));
            }
        }
        for (int r = 0; r < kRows; ++r) {
            const Block& packed = weights[r][block];
            const __m256i w = Type::values(packed);
            const __m256i magnitude = _mm256_abs_epi8(w);
            const __m256 scale = _mm256_set1_ps(Type::scale(packed));
            for (int t = 0; t < kTokens; ++t) {
                __m256i pairs;
                if constexpr (Type::kHasMinimum) {
                    pairs = _mm256_maddubs_epi16(w, values[t]);
                    const __m256 minimum = _mm256_set1_ps(Type::minimum(packed));
                    sums[r][t] = _mm256_fmadd_ps(minimum, totals[t], sums[r][t]);
                } else {
                    // maddubs wants one unsigned side: |w| * (x with w's sign). It cannot saturate,
                    // since |w| <= 128 and |x| <= 127, and 2 * 128 * 127 < 32768.
                    pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(values[t], w));
                }
                const __m256i quads = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
                const __m256 factor =
                    _mm256_mul_ps(scale, _mm256_broadcast_ss(x[t].scales + block));
                sums[r][t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(quads), factor, sums[r][t]);
            }
        }
    }
    for (int r = 0; r < kRows; ++r) {
        for (int t = 0; t < kTokens; ++t) args.outputs[token + t][row + r] = sumOf(sums[r][t]);
    }
}

template <typename Type>
struct BlockTiles {
    static constexpr int kRows = 2, kTokens = 4, kRowsAlone = 4;
    template <int rows, int tokens>
    static void run(const MatmulArgs& args, int row, int token) {
        blockTile<Type, rows, tokens>(args, row, token);
    }
};

template <typename Type>
void dequantizeBlocks(const std::byte* row, int n, float* out) {
    const auto* blocks = reinterpret_cast<const typename Type::Block*>(row);
    for (int block = 0; block < n / kActivationBlock; ++block) {
        const __m256i values = Type::values(blocks[block]);
        const __m256 scale = _mm256_set1_ps(Type::scale(blocks[block]));
        const __m128i halves[2] = {_mm256_castsi256_si128(values),
                                   _mm256_extracti128_si256(values, 1)};
        for (int part = 0; part < 4; ++part) {
            const __m128i bytes =
                part % 2 == 0 ? halves[part / 2] : _mm_srli_si128(halves[part / 2], 8);
            __m256 floats = _mm256_mul_ps(scale, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)));
            if constexpr (Type::kHasMinimum) {
                floats = _mm256_add_ps(floats, _mm256_set1_ps(Type::minimum(blocks[block])));
            }
            _mm256_storeu_ps(out + block * kActivationBlock + part * 8, floats);
        }
    }
}

template <typename Type>
constexpr TypeKernels kKernels = {Type::kType, matmul<BlockTiles<Type>>, dequantizeBlocks<Type>};

constexpr TypeKernels kTypes[] = {
    kKernels<Q8_0>, kKernels<Q4_0>,   kKernels<Q4_1>,  kKernels<Q5_0>,
    kKernels<Q5_1>, kKernels<IQ4_NL>, kKernels<MXFP4>,
};

}  // namespace

TypeList smallBlocks() { return {kTypes, sizeof(kTypes) / sizeof(kTypes[0])}; }

}  // namespace conclave::engine::avx2
