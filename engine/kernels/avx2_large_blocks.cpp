// avx2_large_blocks.cpp: products with weight types in blocks of 256, which hold integer scales for
// 16 or 32 weights below one fp16 scale.
//
// A block is 8 parts of 32 columns. Products within a part are multiplied by the part's integer
// scales while they are integers, which costs nothing: the instruction that adds them multiplies
// too. Then a part's 8 partial sums are converted and multiplied by (block's scale * token's
// scale).
//
// The types that few people run (IQ2, IQ3, TQ1_0) are unpacked by the scalar code, a block at a
// time for up to 32 tokens, and multiplied here.
#include "engine/kernels/avx2_tiles.h"
#include "engine/kernels/quant_blocks.h"
#include "engine/kernels/types/block_type.h"

namespace conclave::engine::avx2 {
namespace {

constexpr int kParts = 8;
constexpr int kBlockValues = 256;

// ------------------------------------------------------------------------------------- the types
// scales:  16 int16, those of the parts' first halves in the low lane, of the second in the high
// one values<part>:  32 integers, signed, or unsigned for types with minima minima:  8 floats: for
// each part, sum of (minimum * sum of the token's values that it covers)

/// 16 bytes to the order of `scales`.
__m128i evenThenOdd(__m128i bytes) {
    return _mm_shuffle_epi8(bytes,
                            _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15));
}

/// 8 scales of 32 weights each.
__m256i bothLanes(__m128i scales) { return _mm256_broadcastsi128_si256(scales); }

std::uint32_t word(const std::uint8_t* bytes) {
    return bytes[0] | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
           std::uint32_t{bytes[3]} << 24;
}

/// Bits `shift` to `shift` + 7 of each 16-bit lane brought down; callers mask the bytes.
template <int shift>
__m256i shifted(__m256i bytes) {
    if constexpr (shift >= 0) {
        return _mm256_srli_epi16(bytes, shift);
    } else {
        return _mm256_slli_epi16(bytes, -shift);
    }
}

__m256i masked(__m256i bytes, int mask) {
    return _mm256_and_si256(bytes, _mm256_set1_epi8(static_cast<char>(mask)));
}

/// 12 bytes of 6-bit scales and minima, see types/block_types.cpp.
struct SixBits {
    explicit SixBits(const std::uint8_t (&packed)[12]) {
        const std::uint32_t a = word(packed);
        const std::uint32_t b = word(packed + 4);
        const std::uint32_t c = word(packed + 8);
        const std::uint32_t high = 0x30303030;
        scales = _mm_set_epi32(0, 0, static_cast<int>((c & 0x0F0F0F0F) | (a >> 2 & high)),
                               static_cast<int>(a & 0x3F3F3F3F));
        minima = _mm_set_epi32(0, 0, static_cast<int>((c >> 4 & 0x0F0F0F0F) | (b >> 2 & high)),
                               static_cast<int>(b & 0x3F3F3F3F));
    }
    __m128i scales;  ///< 8 bytes
    __m128i minima;
};

__m256 wholeMinima(const std::uint8_t (&packed)[12], const std::int32_t* sums) {
    const __m256i minima = _mm256_cvtepu8_epi32(SixBits(packed).minima);
    return _mm256_cvtepi32_ps(_mm256_mullo_epi32(minima, load256(sums)));
}

struct Q4_K {
    static constexpr TensorType kType = TensorType::Q4_K;
    static constexpr bool kHasMinima = true;
    using Block = BlockQ4_K;
    static __m256i scales(const Block& block) {
        return bothLanes(_mm_cvtepu8_epi16(SixBits(block.scales).scales));
    }
    template <int part>
    static __m256i values(const Block& block) {
        return masked(shifted<part % 2 * 4>(load256(block.nibbles + 32 * (part / 2))), 15);
    }
    static __m256 minima(const Block& block, const std::int32_t* sums, __m256i) {
        return wholeMinima(block.scales, sums);
    }
};

struct Q5_K {
    static constexpr TensorType kType = TensorType::Q5_K;
    static constexpr bool kHasMinima = true;
    using Block = BlockQ5_K;
    static __m256i scales(const Block& block) {
        return bothLanes(_mm_cvtepu8_epi16(SixBits(block.scales).scales));
    }
    template <int part>
    static __m256i values(const Block& block) {
        const __m256i low = shifted<part % 2 * 4>(load256(block.nibbles + 32 * (part / 2)));
        const __m256i high = shifted<part - 4>(load256(block.highBits));
        return _mm256_or_si256(masked(low, 15), masked(high, 16));
    }
    static __m256 minima(const Block& block, const std::int32_t* sums, __m256i) {
        return wholeMinima(block.scales, sums);
    }
};

struct Q6_K {
    static constexpr TensorType kType = TensorType::Q6_K;
    static constexpr bool kHasMinima = false;
    using Block = BlockQ6_K;
    static __m256i scales(const Block& block) {
        return _mm256_cvtepi8_epi16(evenThenOdd(load128(block.scales)));
    }
    template <int part>
    static __m256i values(const Block& block) {
        const __m256i low =
            shifted<part / 2 % 2 * 4>(load256(block.nibbles + part / 4 * 64 + part % 2 * 32));
        const __m256i high = shifted<part % 4 * 2 - 4>(load256(block.highPairs + part / 4 * 32));
        return _mm256_sub_epi8(_mm256_or_si256(masked(low, 15), masked(high, 0x30)),
                               _mm256_set1_epi8(32));
    }
};

struct Q3_K {
    static constexpr TensorType kType = TensorType::Q3_K;
    static constexpr bool kHasMinima = false;
    using Block = BlockQ3_K;
    static __m256i scales(const Block& block) {
        const std::uint32_t a = word(block.scales);
        const std::uint32_t b = word(block.scales + 4);
        const std::uint32_t high = word(block.scales + 8);
        constexpr std::uint32_t kLow = 0x0F0F0F0F;
        constexpr std::uint32_t kHigh = 0x30303030;
        const __m128i bytes = _mm_set_epi32(static_cast<int>((b >> 4 & kLow) | (high >> 2 & kHigh)),
                                            static_cast<int>((a >> 4 & kLow) | (high & kHigh)),
                                            static_cast<int>((b & kLow) | (high << 2 & kHigh)),
                                            static_cast<int>((a & kLow) | (high << 4 & kHigh)));
        return _mm256_cvtepi8_epi16(evenThenOdd(_mm_sub_epi8(bytes, _mm_set1_epi8(32))));
    }
    template <int part>
    static __m256i values(const Block& block) {
        const __m256i low = shifted<part % 4 * 2>(load256(block.pairs + part / 4 * 32));
        const __m256i high = shifted<part - 2>(load256(block.highBits));
        return _mm256_sub_epi8(_mm256_or_si256(masked(low, 3), masked(high, 4)),
                               _mm256_set1_epi8(4));
    }
};

struct Q2_K {
    static constexpr TensorType kType = TensorType::Q2_K;
    static constexpr bool kHasMinima = true;
    using Block = BlockQ2_K;
    static __m256i scales(const Block& block) {
        const __m128i low = _mm_and_si128(load128(block.scales), _mm_set1_epi8(15));
        return _mm256_cvtepu8_epi16(evenThenOdd(low));
    }
    template <int part>
    static __m256i values(const Block& block) {
        return masked(shifted<part % 4 * 2>(load256(block.pairs + part / 4 * 32)), 3);
    }
    static __m256 minima(const Block& block, const std::int32_t*, __m256i halfSums) {
        const __m128i high =
            _mm_and_si128(_mm_srli_epi16(load128(block.scales), 4), _mm_set1_epi8(15));
        return _mm256_cvtepi32_ps(_mm256_madd_epi16(_mm256_cvtepu8_epi16(high), halfSums));
    }
};

struct IQ4_XS {
    static constexpr TensorType kType = TensorType::IQ4_XS;
    static constexpr bool kHasMinima = false;
    using Block = BlockIQ4_XS;
    static __m256i scales(const Block& block) {
        const std::uint32_t packed = word(block.scalesLow);
        const __m128i even = _mm_cvtsi32_si128(static_cast<int>(packed & 0x0F0F0F0F));
        const __m128i odd = _mm_cvtsi32_si128(static_cast<int>(packed >> 4 & 0x0F0F0F0F));
        const __m128i low = _mm_cvtepu8_epi16(_mm_unpacklo_epi8(even, odd));
        // The multiplication brings the pair of bits of each scale to the top.
        const __m128i top = _mm_mullo_epi16(
            _mm_set1_epi16(static_cast<short>(block.scalesHigh)),
            _mm_setr_epi16(1 << 14, 1 << 12, 1 << 10, 1 << 8, 1 << 6, 1 << 4, 4, 1));
        const __m128i high = _mm_slli_epi16(_mm_srli_epi16(top, 14), 4);
        return bothLanes(_mm_sub_epi16(_mm_or_si128(low, high), _mm_set1_epi16(32)));
    }
    template <int part>
    static __m256i values(const Block& block) {
        const __m128i both = load128(block.nibbles + 16 * part);
        const __m256i indices = masked(_mm256_set_m128i(_mm_srli_epi16(both, 4), both), 15);
        return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load128(kIq4Levels)), indices);
    }
};

struct TQ2_0 {
    static constexpr TensorType kType = TensorType::TQ2_0;
    static constexpr bool kHasMinima = false;
    using Block = BlockTQ2_0;
    static __m256i scales(const Block&) { return _mm256_set1_epi16(1); }
    template <int part>
    static __m256i values(const Block& block) {
        const __m256i pairs = shifted<part % 4 * 2>(load256(block.pairs + part / 4 * 32));
        return _mm256_sub_epi8(masked(pairs, 3), _mm256_set1_epi8(1));
    }
};

// -------------------------------------------------------------------------------------- the tile

/// For part p both lanes' scale p in every place.
template <int part>
__m256i scalesOf(__m256i scales) {
    constexpr short kBytes = static_cast<short>((2 * part + 1) << 8 | 2 * part);
    return _mm256_shuffle_epi8(scales, _mm256_set1_epi16(kBytes));
}

/// Sums of 16 values each, in order, as int16.
__m256i halfSums(const std::int8_t* values) {
    const __m256i ones = _mm256_set1_epi8(1);
    __m256i sums[kParts];  // the first halves' in the low lane
    for (int p = 0; p < kParts; ++p) {
        sums[p] = _mm256_maddubs_epi16(ones, load256(values + 32 * p));
    }
    for (int n = kParts / 2; n > 0; n /= 2) {
        for (int i = 0; i < n; ++i) sums[i] = _mm256_hadd_epi16(sums[2 * i], sums[2 * i + 1]);
    }
    const __m128i first = _mm256_castsi256_si128(sums[0]);
    const __m128i second = _mm256_extracti128_si256(sums[0], 1);
    return _mm256_set_m128i(_mm_unpackhi_epi16(first, second), _mm_unpacklo_epi16(first, second));
}

template <typename Type, int kRows, int kTokens>
struct LargeTile {
    using Block = typename Type::Block;

    const Block* weights[kRows];
    QuantizedToken x[kTokens];
    __m256 sums[kRows][kTokens];
    __m256i scales[kRows];
    alignas(32) float factors[kRows][kTokens][kParts];

    /// What is done once a block: the factors of its parts, and the minima.
    void open(int block) {
        __m256 tokenScales[kTokens];
        __m256i halves[kTokens];
        for (int t = 0; t < kTokens; ++t) {
            tokenScales[t] = _mm256_loadu_ps(x[t].scales + block * kParts);
            halves[t] = _mm256_setzero_si256();
            if constexpr (Type::kType == TensorType::Q2_K) {
                halves[t] = halfSums(x[t].values + block * kBlockValues);
            }
        }
        for (int r = 0; r < kRows; ++r) {
            const Block& packed = weights[r][block];
            scales[r] = Type::scales(packed);
            const __m256 scale = _mm256_set1_ps(fromHalf(packed.scale));
            for (int t = 0; t < kTokens; ++t) {
                _mm256_store_ps(factors[r][t], _mm256_mul_ps(scale, tokenScales[t]));
                if constexpr (Type::kHasMinima) {
                    const __m256 minima =
                        Type::minima(packed, x[t].sums + block * kParts, halves[t]);
                    const __m256 factor =
                        _mm256_mul_ps(_mm256_set1_ps(fromHalf(packed.minScale)), tokenScales[t]);
                    sums[r][t] = _mm256_fnmadd_ps(minima, factor, sums[r][t]);
                }
            }
        }
    }

    template <int part>
    void add(int block) {
        __m256i values[kTokens];
        for (int t = 0; t < kTokens; ++t) {
            values[t] = load256(x[t].values + block * kBlockValues + part * kActivationBlock);
        }
        for (int r = 0; r < kRows; ++r) {
            const __m256i w = Type::template values<part>(weights[r][block]);
            const __m256i magnitude = _mm256_abs_epi8(w);
            const __m256i scale = scalesOf<part>(scales[r]);
            for (int t = 0; t < kTokens; ++t) {
                // Neither saturates: |w| <= 127 and |x| <= 127.
                const __m256i pairs =
                    Type::kHasMinima
                        ? _mm256_maddubs_epi16(w, values[t])
                        : _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(values[t], w));
                const __m256 dots = _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, scale));
                const __m256 factor = _mm256_broadcast_ss(&factors[r][t][part]);
                sums[r][t] = _mm256_fmadd_ps(dots, factor, sums[r][t]);
            }
        }
    }

    void run(const MatmulArgs& args, int row, int token) {
        for (int r = 0; r < kRows; ++r) {
            weights[r] = reinterpret_cast<const Block*>(
                args.weights + static_cast<std::size_t>(row + r) * args.rowBytes);
        }
        for (int t = 0; t < kTokens; ++t) x[t].open(args.inputs[token + t], args.nColumns);
        for (int r = 0; r < kRows; ++r) {
            for (int t = 0; t < kTokens; ++t) sums[r][t] = _mm256_setzero_ps();
        }
        const int nBlocks = args.nColumns / kBlockValues;
        for (int block = 0; block < nBlocks; ++block) {
            open(block);
            add<0>(block);
            add<1>(block);
            add<2>(block);
            add<3>(block);
            add<4>(block);
            add<5>(block);
            add<6>(block);
            add<7>(block);
        }
        for (int r = 0; r < kRows; ++r) {
            for (int t = 0; t < kTokens; ++t) args.outputs[token + t][row + r] = sumOf(sums[r][t]);
        }
    }
};

template <typename Type>
struct LargeTiles {
    static constexpr int kRows = 2, kTokens = 4, kRowsAlone = 4;
    template <int rows, int tokens>
    static void run(const MatmulArgs& args, int row, int token) {
        LargeTile<Type, rows, tokens> tile;
        tile.run(args, row, token);
    }
};

// ------------------------------------------------------------------- types unpacked by scalar code

constexpr int kTokensAtOnce = 32;

/// A block in the order that scalesOf and the loop below want.
__m256 addBlock(const UnpackedBlock& block, __m256i scales, const QuantizedToken& x, int index,
                __m256 sum) {
    const __m256 d = _mm256_set1_ps(block.scale);
    alignas(32) float factors[kParts];
    _mm256_store_ps(factors, _mm256_mul_ps(d, _mm256_loadu_ps(x.scales + index * kParts)));
    for (int part = 0; part < kParts; ++part) {
        const __m256i w = load256(block.values + 32 * part);
        const __m256i v = load256(x.values + index * kBlockValues + 32 * part);
        const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(v, w));
        const __m256i bytes = _mm256_set1_epi16(static_cast<short>((2 * part + 1) << 8 | 2 * part));
        const __m256i dots = _mm256_madd_epi16(pairs, _mm256_shuffle_epi8(scales, bytes));
        sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots), _mm256_broadcast_ss(factors + part), sum);
    }
    return sum;
}

void matmulUnpacked(const BlockType& type, const MatmulArgs& args) {
    const int nBlocks = args.nColumns / kBlockValues;
    for (int row = 0; row < args.nRows; ++row) {
        const std::byte* packed = args.weights + static_cast<std::size_t>(row) * args.rowBytes;
        for (int first = 0; first < args.nTokens; first += kTokensAtOnce) {
            const int n =
                args.nTokens - first < kTokensAtOnce ? args.nTokens - first : kTokensAtOnce;
            __m256 sums[kTokensAtOnce];
            for (int t = 0; t < n; ++t) sums[t] = _mm256_setzero_ps();
            for (int block = 0; block < nBlocks; ++block) {
                UnpackedBlock unpacked;
                type.unpack(packed + static_cast<std::size_t>(block) * type.blockBytes, unpacked);
                // Pairs of scales to even ones in the low lane, odd ones in the high lane.
                const __m256i apart =
                    _mm256_shuffle_epi8(load256(unpacked.scales),
                                        _mm256_broadcastsi128_si256(_mm_setr_epi8(
                                            0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15)));
                const __m256i scales = _mm256_permute4x64_epi64(apart, 0b11'01'10'00);
                for (int t = 0; t < n; ++t) {
                    QuantizedToken x;
                    x.open(args.inputs[first + t], args.nColumns);
                    sums[t] = addBlock(unpacked, scales, x, block, sums[t]);
                }
            }
            for (int t = 0; t < n; ++t) args.outputs[first + t][row] = sumOf(sums[t]);
        }
    }
}

template <TensorType type>
void matmulRare(const MatmulArgs& args) {
    for (const BlockType& each : kBlockTypes) {
        if (each.type == type) return matmulUnpacked(each, args);
    }
}

template <typename Type>
constexpr TypeKernels kKernels = {Type::kType, matmul<LargeTiles<Type>>, nullptr};
template <TensorType type>
constexpr TypeKernels kRare = {type, matmulRare<type>, nullptr};

constexpr TypeKernels kTypes[] = {
    kKernels<Q4_K>,
    kKernels<Q5_K>,
    kKernels<Q6_K>,
    kKernels<Q3_K>,
    kKernels<Q2_K>,
    kKernels<IQ4_XS>,
    kKernels<TQ2_0>,
    kRare<TensorType::TQ1_0>,
    kRare<TensorType::IQ2_XXS>,
    kRare<TensorType::IQ2_XS>,
    kRare<TensorType::IQ2_S>,
    kRare<TensorType::IQ3_XXS>,
    kRare<TensorType::IQ3_S>,
    kRare<TensorType::IQ1_S>,
    kRare<TensorType::IQ1_M>,
};

}  // namespace

TypeList largeBlocks() { return {kTypes, sizeof(kTypes) / sizeof(kTypes[0])}; }

}  // namespace conclave::engine::avx2
