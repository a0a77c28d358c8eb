// packed_avx2.cpp: products of packed weights for AVX2. Compiled with these flags, see kernels.h.
#include "engine/kernels/packed_avx2_tiles.h"
#include "engine/kernels/quant_blocks.h"

namespace conclave::engine {
namespace packed_avx2 {
namespace {

// See packed_avx2_tiles.h for what a type says of itself.

/// The part of a panel of 256 columns that belongs to an activation block.
template <typename Panel>
[[gnu::always_inline]] inline const typename Panel::Part& partOf(const Panel* panels, int block) {
    return panels[block / 8].parts[block % 8];
}

/// Types with one scale for each 32 columns.
template <typename Base>
struct OneScale : Base {
    static __m256 scales(const typename Base::Panel* panels, int block, int /*group*/, int row) {
        return scalesOf(panels[block].scales + row);
    }
};

/// Types with a scale and a minimum for each 32 columns, below two of a block of 256.
template <typename Base>
struct WithMinima : Base {
    using Panel = typename Base::Panel;
    static constexpr bool kHasMinima = true;

    static __m256 scales(const Panel* panels, int block, int /*group*/, int row) {
        return _mm256_mul_ps(scalesOf(panels[block / 8].scale + row),
                             fromBytes(partOf(panels, block).scales + row));
    }
    static __m256 minima(const Panel* panels, int block, int row) {
        return _mm256_mul_ps(scalesOf(panels[block / 8].minScale + row),
                             fromBytes(partOf(panels, block).minima + row));
    }
};

// --------------------------------------------------------------------------- four and eight bits

struct Q4 : OneScale<Narrow<PanelQ4_0, TensorType::Q4_0>> {
    static constexpr int kOffset = 8;
    static_assert(fits(-8, 7, kOffset, kGroups));

    static __m256i weights(const Panel* panels, int block, int line, int row) {
        return halvesOf(panels[block].lines, line, row);
    }
};

struct Q4K : WithMinima<Narrow<PanelQ4_K, TensorType::Q4_K>> {
    static_assert(fits(0, 15, kOffset, kGroups));

    static __m256i weights(const Panel* panels, int block, int line, int row) {
        return halvesOf(partOf(panels, block).lines, line, row);
    }
};

struct Q8 : OneScale<Wide<PanelQ8_0, TensorType::Q8_0>> {
    static constexpr int kAheadBytes = 1024;

    static __m256i weights(const Panel* panels, int block, int line, int row) {
        return load256(panels[block].lines[line][row]);
    }
};

// ------------------------------------------------------------------------------ five and six bits

/// `kBits` bits of each byte from bit `place` on, as bit 4 and above.
template <int kBits>
[[gnu::always_inline]] inline __m256i highBits(__m256i bytes, int place) {
    const __m256i shifted =
        place <= 4 ? _mm256_slli_epi16(bytes, 4 - place) : _mm256_srli_epi16(bytes, place - 4);
    return _mm256_and_si256(shifted, _mm256_set1_epi8(((1 << kBits) - 1) << 4));
}

[[gnu::always_inline]] inline __m256i fiveBits(const PanelHalfBytes& lines,
                                               const PanelFifthBits& fifths, int line, int row) {
    return _mm256_or_si256(halvesOf(lines, line, row),
                           highBits<1>(load256(fifths[row]), line % 4 * 2 + line / 4));
}

struct Q5 : OneScale<Narrow<PanelQ5_0, TensorType::Q5_0>> {
    static constexpr int kOffset = 16;
    static_assert(fits(-16, 15, kOffset, kGroups));

    [[gnu::always_inline]] static __m256i weights(const Panel* panels, int block, int line,
                                                  int row) {
        return fiveBits(panels[block].lines, panels[block].high, line, row);
    }
};

/// Integers from 0 to 31 would not fit: 16 is taken off in 16 bits and added again in 32.
struct Q5K : WithMinima<Narrow<PanelQ5_K, TensorType::Q5_K>> {
    static constexpr int kOffset = 16;
    static_assert(fits(-16, 15, kOffset, kGroups));

    [[gnu::always_inline]] static __m256i weights(const Panel* panels, int block, int line,
                                                  int row) {
        const auto& part = partOf(panels, block);
        return fiveBits(part.lines, part.high, line, row);
    }
};

struct Q6K : Narrow<PanelQ6_K, TensorType::Q6_K> {
    static constexpr int kGroups = 2;
    static constexpr int kOffset = 32;
    static_assert(fits(-32, 31, kOffset, kGroups));

    [[gnu::always_inline]] static __m256i weights(const Panel* panels, int block, int line,
                                                  int row) {
        const auto& part = partOf(panels, block);
        const __m256i pairs = load256(part.high[line % 4 / 2][row]);
        return _mm256_or_si256(halvesOf(part.lines, line, row),
                               highBits<2>(pairs, line % 2 * 4 + line / 4 * 2));
    }
    static __m256 scales(const Panel* panels, int block, int group, int row) {
        return _mm256_mul_ps(scalesOf(panels[block / 8].scale + row),
                             fromBytes(partOf(panels, block).scales[group] + row));
    }
};

// -------------------------------------------------------------------------- four bits for a level

inline __m128i load128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

[[gnu::always_inline]] inline __m256i levels(__m128i table, const PanelHalfBytes& lines, int line,
                                             int row) {
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), halvesOf(lines, line, row));
}

struct IQ4 : OneScale<Wide<PanelIQ4_NL, TensorType::IQ4_NL>> {
    static __m256i weights(const Panel* panels, int block, int line, int row) {
        return levels(load128(kIq4Levels), panels[block].lines, line, row);
    }
};

struct IQ4XS : Wide<PanelIQ4_XS, TensorType::IQ4_XS> {
    static __m256i weights(const Panel* panels, int block, int line, int row) {
        return levels(load128(kIq4Levels), partOf(panels, block).lines, line, row);
    }
    static __m256 scales(const Panel* panels, int block, int /*group*/, int row) {
        return _mm256_mul_ps(scalesOf(panels[block / 8].scale + row),
                             fromBytes(partOf(panels, block).scales + row));
    }
};

struct MXFP4 : Narrow<PanelMXFP4, TensorType::MXFP4> {
    static constexpr int kOffset = 12;
    static_assert(fits(-12, 12, kOffset, kGroups));

    static __m256i weights(const Panel* panels, int block, int line, int row) {
        const __m128i table = _mm_add_epi8(load128(kMxfp4Levels), _mm_set1_epi8(kOffset));
        return levels(table, panels[block].lines, line, row);
    }
    /// 2^(exponent - 128), see types/mxfp4.cpp.
    static __m256 scales(const Panel* panels, int block, int /*group*/, int row) {
        const __m256i exponent = _mm256_cvtepu8_epi32(
            _mm_loadl_epi64(reinterpret_cast<const __m128i*>(panels[block].exponents + row)));
        const __m256i normal =
            _mm256_slli_epi32(_mm256_sub_epi32(exponent, _mm256_set1_epi32(1)), 23);
        const __m256i subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), exponent);
        const __m256i isNormal = _mm256_cmpgt_epi32(exponent, _mm256_set1_epi32(1));
        return _mm256_castsi256_ps(_mm256_blendv_epi8(subnormal, normal, isNormal));
    }
};

constexpr WeightKernels kTypes[] = {kType<Q8>,  kType<Q4>,  kType<Q5>,    kType<Q4K>,  kType<Q5K>,
                                    kType<Q6K>, kType<IQ4>, kType<IQ4XS>, kType<MXFP4>};

}  // namespace
}  // namespace packed_avx2

const WeightKernels* avx2PackedKernels(TensorType type) {
    for (const WeightKernels& kernels : packed_avx2::kTypes) {
        if (kernels.type == type) return &kernels;
    }
    return type == TensorType::BF16 ? &avx2PackedBF16() : nullptr;
}

}  // namespace conclave::engine
