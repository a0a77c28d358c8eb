// packed_avx2_tiles.h: how AVX2 computes products of packed weights, whatever their type. Only for
// files built with these flags (see kernels.h).
//
// A type describes itself by a struct:
//   Panel                     see packed.h
//   kType, kAheadBytes        the latter for prefetch()
//   kGroups                   1 or 2 groups of columns in 32 that have a scale of their own
//   kHasMinima                weights are scale * integer - minimum
//   kOffset                   what makes its integers unsigned
//   weights(panels, block, line, row)   kOffset + the integers of columns 4 * line to 4 * line + 3
//                             of 8 rows, from the panel of activation block `block`
//   scales(panels, block, group, row), minima(panels, block, group, row)   of 8 rows
//
// vpmaddubsw multiplies unsigned by signed bytes and adds pairs of products in 16 bits; all pairs
// of a group are added up in 16 bits too. Sums with the offset in them may go round, but without it
// they fit (see fits()), so kOffset times the sums of the activations is taken off before they are
// widened. Integers that are too wide for that are widened pair by pair.
//
// With AVX-VNNI (CONCLAVE_AVXVNNI) one instruction does all that, for any 8 bits. Only the tiles'
// namespace tells the two apart, so that the linker never takes the one's functions for the
// other's.
#pragma once

#include <immintrin.h>

#if defined CONCLAVE_SIMDE
#include <simde/x86/avx512/dpbusd.h>
#define CONCLAVE_TILES packed_avxvnni_by_simde
#elif defined CONCLAVE_AVXVNNI
#define CONCLAVE_TILES packed_avxvnni
#else
#define CONCLAVE_TILES packed_avx2
#endif

#include "engine/kernels/packed.h"

namespace conclave::engine::CONCLAVE_TILES {

constexpr int kHalfRows = 8;  ///< rows of one register: the upper or the lower half of a panel
constexpr int kHalves = 2;
constexpr int kLines = kActivationBlock / 4;

inline __m256i load256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

inline __m256 scalesOf(const std::uint16_t* halves) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves)));
}
inline __m256 fromBytes(const std::uint8_t* bytes) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight));
}
/// Four bits of each of 8 bytes, from bit `place` on.
inline __m256 fromHalves(const std::uint8_t* bytes, int place) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
    const __m256i words = _mm256_srli_epi32(_mm256_cvtepu8_epi32(eight), place);
    return _mm256_cvtepi32_ps(_mm256_and_si256(words, _mm256_set1_epi32(15)));
}
inline __m256 fromBytes(const std::int8_t* bytes) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight));
}

inline __m256i lowHalves(__m256i bytes) { return _mm256_and_si256(bytes, _mm256_set1_epi8(15)); }
/// Four bits of each byte of a line, of columns 4 * line to 4 * line + 3.
inline __m256i halvesOf(const PanelHalfBytes& lines, int line, int row) {
    const __m256i both = load256(lines[line % 4][row]);
    return lowHalves(line < 4 ? both : _mm256_srli_epi16(both, 4));
}

/// Tokens in ActivationFormat::Int8Blocks. One pointer for each: what belongs to a block is at
/// offsets that all tokens share, which leaves registers for the addresses of six tokens.
template <int kTokens>
struct Tokens {
    Tokens(const void* const* inputs, int nColumns) {
        for (int t = 0; t < kTokens; ++t) base[t] = static_cast<const char*>(inputs[t]);
        sums = nColumns / kActivationBlock * static_cast<std::ptrdiff_t>(sizeof(float));
        values = 2 * sums;
        pairs = values + nColumns;
        totals = pairs + 2 * sums;
    }
    /// The four values that belong to a line, in every lane.
    __m256i fourOf(int t, int block, int line) const {
        const char* at = base[t] + values + std::ptrdiff_t{kActivationBlock} * block + 4 * line;
        return _mm256_set1_epi32(*reinterpret_cast<const int*>(at));
    }
    __m256i sumOf(int t, int block) const {
        return _mm256_set1_epi32(reinterpret_cast<const int*>(base[t] + sums)[block]);
    }
    /// Sums as vpmaddubsw forms them, of the first 16 columns (0) or of all 32 (1).
    __m256i pairSumsOf(int t, int block, int which) const {
        return _mm256_set1_epi32(reinterpret_cast<const int*>(base[t] + pairs)[2 * block + which]);
    }
    /// Of the first or the last 16 columns of a block.
    __m256i sumOfGroup(int t, int block, int group) const {
        const __m256i first = _mm256_madd_epi16(pairSumsOf(t, block, 0), _mm256_set1_epi16(1));
        return group == 0 ? first : _mm256_sub_epi32(sumOf(t, block), first);
    }
    __m256 scaleOf(int t, int block) const {
        return _mm256_broadcast_ss(reinterpret_cast<const float*>(base[t]) + block);
    }
    /// The sum of a block times its scale, or that of one of two groups.
    template <int kGroups>
    __m256 totalOf(int t, int block, int group) const {
        if constexpr (kGroups == 1) {
            return _mm256_broadcast_ss(reinterpret_cast<const float*>(base[t] + totals) + block);
        }
        return _mm256_mul_ps(_mm256_cvtepi32_ps(sumOfGroup(t, block, group)), scaleOf(t, block));
    }
    const char* base[kTokens];
    std::ptrdiff_t sums;
    std::ptrdiff_t values;
    std::ptrdiff_t pairs;
    std::ptrdiff_t totals;
};

/// sum += products, now: the compiler would otherwise compute all products of a block first and add
/// them up later, for which there are not enough registers (half the speed, by the memory traffic).
inline void accumulate16(__m256i& sum, __m256i products) {
    sum = _mm256_add_epi16(sum, products);
    asm("" : "+x"(sum));
}

/// 16-bit sums of pairs, widened to the sums of a lane.
inline __m256i widened(__m256i sums) { return _mm256_madd_epi16(sums, _mm256_set1_epi16(1)); }

template <int kOffset>
inline __m256i offsetTimes(__m256i pairSums) {
    if constexpr (kOffset == 8) return _mm256_slli_epi16(pairSums, 3);
    if constexpr (kOffset == 16) return _mm256_slli_epi16(pairSums, 4);
    if constexpr (kOffset == 32) return _mm256_slli_epi16(pairSums, 5);
    return _mm256_mullo_epi16(pairSums, _mm256_set1_epi16(kOffset));
}

/// Whether a type's integers, kOffset + lowest to kOffset + highest, give sums that fit.
constexpr bool fits(int lowest, int highest, int offset, int nGroups) {
    constexpr int kLargest = 127;  // of activations
    const int ofPair = 2 * kLargest * (highest + offset);
    const int magnitude = highest > -lowest ? highest : -lowest;
    return ofPair < 32768 && 16 / nGroups * magnitude * kLargest < 32768;
}

// What computes a block is inlined always: its sums live in registers, or it takes three times as
// long.

/// The integer products of a group, 8 rows in each register, without the scales.
template <typename Type>
struct NarrowIntegers {
    template <int kTokens>
    [[gnu::always_inline]] static inline void dots(const typename Type::Panel* panels, int at,
                                                   int group, const Tokens<kTokens>& x, int block,
                                                   __m256i (&sums)[kHalves][kTokens]) {
        constexpr int kGroupLines = kLines / Type::kGroups;
#pragma GCC unroll 8
        for (int i = 0; i < kGroupLines; ++i) {
            const int line = group * kGroupLines + i;
            const __m256i lower = Type::weights(panels, at, line, 0);
            const __m256i upper = Type::weights(panels, at, line, kHalfRows);
            for (int t = 0; t < kTokens; ++t) {
                const __m256i four = x.fourOf(t, block, line);
                if (i == 0) {
                    sums[0][t] = _mm256_maddubs_epi16(lower, four);
                    sums[1][t] = _mm256_maddubs_epi16(upper, four);
                } else {
                    accumulate16(sums[0][t], _mm256_maddubs_epi16(lower, four));
                    accumulate16(sums[1][t], _mm256_maddubs_epi16(upper, four));
                }
            }
        }
        for (int t = 0; t < kTokens; ++t) {
            __m256i offset = _mm256_setzero_si256();
            if constexpr (Type::kOffset != 0) {
                offset = x.pairSumsOf(t, block, Type::kGroups == 1 || group == 1);
                if (group == 1) offset = _mm256_sub_epi16(offset, x.pairSumsOf(t, block, 0));
                offset = offsetTimes<Type::kOffset>(offset);
            }
            for (auto& half : sums) {
                half[t] = widened(_mm256_sub_epi16(half[t], offset));
                if constexpr (Type::kOffset != 0 && Type::kHasMinima) {
                    half[t] = _mm256_add_epi32(
                        half[t],
                        _mm256_mullo_epi32(x.sumOf(t, block), _mm256_set1_epi32(Type::kOffset)));
                }
            }
        }
    }
};

/// The same of integers of 8 bits, whose offset is zero. One side has to be unsigned: |w| times (x
/// with the sign of w). Two products fit into 16 bits, since |w| <= 128 and |x| <= 127, and more do
/// not.
template <typename Type>
struct WideIntegers {
    template <int kTokens>
    [[gnu::always_inline]] static inline void dots(const typename Type::Panel* panels, int at,
                                                   int /*group*/, const Tokens<kTokens>& x,
                                                   int block, __m256i (&sums)[kHalves][kTokens]) {
#pragma GCC unroll 8
        for (int line = 0; line < kLines; ++line) {
            const __m256i lower = Type::weights(panels, at, line, 0);
            const __m256i upper = Type::weights(panels, at, line, kHalfRows);
            const __m256i lowerMagnitude = _mm256_abs_epi8(lower);
            const __m256i upperMagnitude = _mm256_abs_epi8(upper);
            for (int t = 0; t < kTokens; ++t) {
                const __m256i four = x.fourOf(t, block, line);
                const __m256i a =
                    widened(_mm256_maddubs_epi16(lowerMagnitude, _mm256_sign_epi8(four, lower)));
                const __m256i b =
                    widened(_mm256_maddubs_epi16(upperMagnitude, _mm256_sign_epi8(four, upper)));
                sums[0][t] = line == 0 ? a : _mm256_add_epi32(sums[0][t], a);
                asm("" : "+x"(sums[0][t]));
                sums[1][t] = line == 0 ? b : _mm256_add_epi32(sums[1][t], b);
                asm("" : "+x"(sums[1][t]));
            }
        }
    }
};

constexpr int kByteOffset = 128;  ///< makes signed bytes unsigned
[[gnu::always_inline]] inline __m256i asUnsigned(__m256i bytes) {
    return _mm256_xor_si256(bytes, _mm256_set1_epi8(static_cast<char>(kByteOffset)));
}

#ifdef CONCLAVE_AVXVNNI
/// sums += four unsigned times four signed bytes of each lane.
[[gnu::always_inline]] inline void accumulate32(__m256i& sums, __m256i weights, __m256i four) {
#ifdef CONCLAVE_SIMDE
    sums = simde_mm256_dpbusd_epi32(sums, weights, four);
#else
    sums = _mm256_dpbusd_avx_epi32(sums, weights, four);
#endif
    asm("" : "+x"(sums));
}

/// The same of any integers by AVX-VNNI, which adds up in 32 bits. Types with minima have no
/// negative integers, and nothing to take off.
template <typename Type>
struct VnniIntegers {
    static constexpr int kOffset = Type::kIsWide      ? kByteOffset
                                   : Type::kHasMinima ? 0
                                                      : Type::kOffset;

    /// Minus the offset times the sum of the group's activations.
    template <int kTokens>
    [[gnu::always_inline]] static inline __m256i startOf(const Tokens<kTokens>& x, int t, int block,
                                                         int group) {
        if constexpr (kOffset == 0) return _mm256_setzero_si256();
        const __m256i sum = Type::kGroups == 1 ? x.sumOf(t, block) : x.sumOfGroup(t, block, group);
        return _mm256_mullo_epi32(sum, _mm256_set1_epi32(-kOffset));
    }

    template <int kTokens>
    [[gnu::always_inline]] static inline void dots(const typename Type::Panel* panels, int at,
                                                   int group, const Tokens<kTokens>& x, int block,
                                                   __m256i (&sums)[kHalves][kTokens]) {
        constexpr int kGroupLines = kLines / Type::kGroups;
        for (int t = 0; t < kTokens; ++t) sums[0][t] = sums[1][t] = startOf(x, t, block, group);
#pragma GCC unroll 8
        for (int i = 0; i < kGroupLines; ++i) {
            const int line = group * kGroupLines + i;
            __m256i lower = Type::weights(panels, at, line, 0);
            __m256i upper = Type::weights(panels, at, line, kHalfRows);
            if constexpr (Type::kIsWide) {
                lower = asUnsigned(lower);
                upper = asUnsigned(upper);
            }
            for (int t = 0; t < kTokens; ++t) {
                const __m256i four = x.fourOf(t, block, line);
                accumulate32(sums[0][t], lower, four);
                accumulate32(sums[1][t], upper, four);
            }
        }
    }
};
#endif

/// sum += dot * token's scale * row's scale: the one chain that every shape of tile follows.
inline __m256 added(__m256 sum, __m256i dot, __m256 tokenScale, __m256 rowScale) {
    return _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(dot), tokenScale), rowScale, sum);
}

/// Which of them a type has.
#ifdef CONCLAVE_AVXVNNI
template <typename Type, bool kIsWide>
struct IntegersOf {
    using Integers = VnniIntegers<Type>;
};
#else
template <typename Type, bool kIsWide>
struct IntegersOf {
    using Integers = NarrowIntegers<Type>;
};
template <typename Type>
struct IntegersOf<Type, true> {
    using Integers = WideIntegers<Type>;
};
#endif

/// sums += the products of activation block `block`, which is block `at` of the panels.
template <typename Type, int kTokens>
[[gnu::always_inline]] inline void addBlock(const typename Type::Panel* panels, int at,
                                            const Tokens<kTokens>& x, int block,
                                            __m256 (&sums)[kHalves][kTokens]) {
    using Integers = typename IntegersOf<Type, Type::kIsWide>::Integers;
#pragma GCC unroll 2
    for (int group = 0; group < Type::kGroups; ++group) {
        __m256i dots[kHalves][kTokens];
        Integers::template dots<kTokens>(panels, at, group, x, block, dots);
        __m256 scales[kHalves];
        __m256 minima[kHalves];
        for (int h = 0; h < kHalves; ++h) {
            scales[h] = Type::scales(panels, at, group, kHalfRows * h);
            if constexpr (Type::kHasMinima) {
                minima[h] = Type::minima(panels, at, group, kHalfRows * h);
            }
        }
        for (int t = 0; t < kTokens; ++t) {
            const __m256 scale = x.scaleOf(t, block);
            __m256 total = scale;
            if constexpr (Type::kHasMinima) {
                total = x.template totalOf<Type::kGroups>(t, block, group);
            }
            for (int h = 0; h < kHalves; ++h) {
                sums[h][t] = added(sums[h][t], dots[h][t], scale, scales[h]);
                if constexpr (Type::kHasMinima) {
                    sums[h][t] = _mm256_fnmadd_ps(total, minima[h], sums[h][t]);
                }
            }
        }
    }
}

/// Asks for weights that come later. The CPU's own prefetcher stops at each page of 4 KiB; in
/// decode this gains a quarter for Q4_0 and two fifths for the K types (measured on Zen 3).
template <typename Type>
[[gnu::always_inline]] inline void prefetch(const typename Type::Panel* panels, int block) {
    constexpr int kLine = 64;
    constexpr int kBlocks = Type::Panel::kColumns / kActivationBlock;
    constexpr int kBytes = sizeof(typename Type::Panel) / kBlocks;
    const char* ahead = reinterpret_cast<const char*>(panels) +
                        static_cast<std::ptrdiff_t>(block) * kBytes + Type::kAheadBytes;
    for (int at = 0; at < kBytes; at += kLine) _mm_prefetch(ahead + at, _MM_HINT_T0);
}

/// Lanes of rows that the matrix has.
inline __m256i present(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline void store(float* out, __m256 values, int n) {
    if (n >= kHalfRows) {
        _mm256_storeu_ps(out, values);
    } else if (n > 0) {
        _mm256_maskstore_ps(out, present(n), values);
    }
}
inline __m256 load(const float* out, int n) {
    if (n >= kHalfRows) return _mm256_loadu_ps(out);
    return n > 0 ? _mm256_maskload_ps(out, present(n)) : _mm256_setzero_ps();
}

/// Blocks [first, first + n) of a panel times `kTokens` tokens. What came before is in the outputs.
/// @param panels  begins with block `first`
template <typename Type, int kTokens>
[[gnu::noinline]] void tile(const MatmulArgs& args, const typename Type::Panel* panels, int first,
                            int n, int row, int token) {
    const Tokens<kTokens> x(args.inputs + token, args.nColumns);
    __m256 room[kHalves][kTokens];
    auto* sums = &room;
    if constexpr (kTokens > 2) asm("" : "+r"(sums));
    for (int h = 0; h < kHalves; ++h) {
        const int at = row + kHalfRows * h;
        for (int t = 0; t < kTokens; ++t) {
            (*sums)[h][t] = first == 0 ? _mm256_setzero_ps()
                                       : load(args.outputs[token + t] + at, args.nRows - at);
        }
    }
    for (int block = 0; block < n; ++block) {
        if constexpr (kTokens <= 2) prefetch<Type>(panels, block);
        addBlock<Type, kTokens>(panels, block, x, first + block, *sums);
        // The integers of many tokens take all registers, so their sums are in memory. The compiler
        // must not know what they are, or it keeps them a second time.
        if constexpr (kTokens > 2) asm("" : "+m"(*sums));
    }
    for (int h = 0; h < kHalves; ++h) {
        const int at = row + kHalfRows * h;
        for (int t = 0; t < kTokens; ++t) {
            store(args.outputs[token + t] + at, (*sums)[h][t], args.nRows - at);
        }
    }
}

/// As many as 16 registers hold the integers of.
template <typename Type>
constexpr int tokensAtOnce() {
#ifdef CONCLAVE_AVXVNNI
    return 6;
#else
    return Type::kIsWide ? 4 : 6;
#endif
}

/// All tokens from `token` on, at most tokensAtOnce().
template <typename Type>
void tokens(const MatmulArgs& args, const typename Type::Panel* panels, int first, int n, int row,
            int token) {
    constexpr int kMost = tokensAtOnce<Type>();
    switch (args.nTokens - token) {
        case 1: tile<Type, 1>(args, panels, first, n, row, token); break;
        case 2: tile<Type, 2>(args, panels, first, n, row, token); break;
        case 3: tile<Type, 3>(args, panels, first, n, row, token); break;
        case 4: tile<Type, 4>(args, panels, first, n, row, token); break;
        case 5: tile < Type, kMost<5 ? kMost : 5>(args, panels, first, n, row, token); break;
        default: tile<Type, kMost>(args, panels, first, n, row, token); break;
    }
}

/// A type's weights as the tiles of many tokens read them: unpacked to bytes once for all of them.
template <typename Type>
struct Unpacked {
    struct alignas(32) Panel {
        static constexpr int kColumns = kActivationBlock;
        std::uint8_t lines[kLines][kPanelRows][4];
        float scales[Type::kGroups][kPanelRows];
        float minima[Type::kHasMinima ? Type::kGroups : 1]
                    [Type::kHasMinima ? kPanelRows : kHalfRows];
    };
#ifdef CONCLAVE_AVXVNNI
    static constexpr bool kIsWide = false;
    static constexpr int kOffset = Type::kIsWide ? kByteOffset : Type::kOffset;
#else
    static constexpr bool kIsWide = Type::kIsWide;
    static constexpr int kOffset = Type::kOffset;
#endif
    static constexpr int kAheadBytes = 0;
    static constexpr int kGroups = Type::kGroups;
    static constexpr bool kHasMinima = Type::kHasMinima;

    static __m256i weights(const Panel* panels, int block, int line, int row) {
        return load256(panels[block].lines[line][row]);
    }
    static __m256 scales(const Panel* panels, int block, int group, int row) {
        return _mm256_load_ps(panels[block].scales[group] + row);
    }
    static __m256 minima(const Panel* panels, int block, int group, int row) {
        return _mm256_load_ps(panels[block].minima[group] + row);
    }

    static void fill(const typename Type::Panel* from, int first, int n, Panel* to) {
        for (int block = 0; block < n; ++block) {
            Panel& panel = to[block];
            for (int row = 0; row < kPanelRows; row += kHalfRows) {
#pragma GCC unroll 8
                for (int line = 0; line < kLines; ++line) {
                    __m256i weights = Type::weights(from, first + block, line, row);
                    if constexpr (kIsWide != Type::kIsWide) weights = asUnsigned(weights);
                    _mm256_store_si256(reinterpret_cast<__m256i*>(panel.lines[line][row]), weights);
                }
                for (int group = 0; group < kGroups; ++group) {
                    _mm256_store_ps(panel.scales[group] + row,
                                    Type::scales(from, first + block, group, row));
                    if constexpr (kHasMinima) {
                        _mm256_store_ps(panel.minima[group] + row,
                                        Type::minima(from, first + block, group, row));
                    }
                }
            }
        }
    }
};

/// A few tokens read the panels; for more, some columns of a panel are unpacked at a time, as many
/// as stay in the first-level cache.
template <typename Type>
void matmul(const MatmulArgs& args) {
    constexpr int kBlocksAtOnce = 32;
    constexpr int kTokensAtOnce = tokensAtOnce<Type>();
    const int nBlocks = args.nColumns / kActivationBlock;
    for (int row = 0; row < args.nRows; row += kPanelRows) {
        const auto* panels = reinterpret_cast<const typename Type::Panel*>(
            args.weights + static_cast<std::size_t>(row) * args.rowBytes);
        if (args.nTokens <= kTokensAtOnce) {
            tokens<Type>(args, panels, 0, nBlocks, row, 0);
            continue;
        }
        typename Unpacked<Type>::Panel unpacked[kBlocksAtOnce];
        for (int first = 0; first < nBlocks; first += kBlocksAtOnce) {
            const int n = nBlocks - first < kBlocksAtOnce ? nBlocks - first : kBlocksAtOnce;
            Unpacked<Type>::fill(panels, first, n, unpacked);
            for (int token = 0; token < args.nTokens; token += kTokensAtOnce) {
                tokens<Unpacked<Type>>(args, unpacked, first, n, row, token);
            }
        }
    }
}

/// What types have in common.
template <typename PanelOfType, TensorType type>
struct Narrow {
    using Panel = PanelOfType;
    static constexpr TensorType kType = type;
    static constexpr bool kIsWide = false;
    static constexpr int kAheadBytes = 3072;
    static constexpr int kGroups = 1;
    static constexpr bool kHasMinima = false;
    static constexpr int kOffset = 0;
};
template <typename PanelOfType, TensorType type>
struct Wide : Narrow<PanelOfType, type> {
    static constexpr bool kIsWide = true;
};

template <typename Type>
inline constexpr WeightKernels kType = {Type::kType, ActivationFormat::Int8Blocks, matmul<Type>,
                                        nullptr};

}  // namespace conclave::engine::CONCLAVE_TILES
