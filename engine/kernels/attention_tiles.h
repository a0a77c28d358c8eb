// attention_tiles.h: attention of many queries over the same positions, for any register width.
// Only for files built with AVX2's flags or more (see kernels.h), which include the intrinsics
// before. `Lanes` is a type of such a file's unnamed namespace, so that the linker never gives one
// file the functions of another:
//   Vector, kCount     a register, and how many floats it holds
//   zero, load, fromHalves, broadcast, store, add, fma
//
// For few queries a score is summed in kCount lanes, lane j over the dimensions j, kCount + j, ...,
// and the lanes are added up: those kCount / 2 apart first, neighbours last. Here a register holds
// one dimension of kCount keys, what was a lane is a register, and registers are added up in the
// same order. So the bits are the same, and no score needs a shuffle.
#pragma once

#include "engine/kernels/kernels.h"

namespace conclave::engine {

template <typename Lanes>
struct TilesOfAttention {
    using Vector = typename Lanes::Vector;
    static constexpr int kLanes = Lanes::kCount;
    static constexpr int kVectors = 2;
    static constexpr int kWidth = kVectors * kLanes;  ///< keys of a panel, dimensions of a block
    static constexpr int kQueries = 6;

    /// In which turn each lane's sum is made: 0, 8, 4, 12, 2, ... of 16 follow one another, so that
    /// few sums wait for those they are added to. These are the bits of the lane, reversed.
    struct Turns {
        constexpr Turns() : of{} {
            for (int lane = 0; lane < kLanes; ++lane) {
                for (int bit = 1; bit < kLanes; bit *= 2)
                    of[lane] = 2 * of[lane] + (lane / bit & 1);
            }
        }
        int of[kLanes];
    };
    static constexpr Turns kTurns{};

    // Panels hold the dimensions in the order in which scoreTile() takes them.

    // NOLINTNEXTLINE(readability-non-const-parameter)
    static void packQueries(const float* const* queries, int n, int dim, float* panels) {
        const int nSteps = dim / kLanes;
        for (int first = 0; first < n; first += kQueries, panels += kQueries * dim) {
            for (int q = 0; q < kQueries; ++q) {
                const float* query = first + q < n ? queries[first + q] : nullptr;
                for (int step = 0; step < nSteps; ++step) {
                    for (int lane = 0; lane < kLanes; ++lane) {
                        panels[(kTurns.of[lane] * nSteps + step) * kQueries + q] =
                            query == nullptr ? 0.0f : query[step * kLanes + lane];
                    }
                }
            }
        }
    }

    /// Rows to columns, eight of eight. Interleaving the first four with the last four moves each
    /// number's row and column, read as one number of six bits, round by a bit; three times that
    /// swap row and column.
    static void transpose(__m128i (&rows)[8]) {
#pragma GCC unroll 3
        for (int round = 0; round < 3; ++round) {
            __m128i next[8];
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i) {
                next[2 * i] = _mm_unpacklo_epi16(rows[i], rows[i + 4]);
                next[2 * i + 1] = _mm_unpackhi_epi16(rows[i], rows[i + 4]);
            }
#pragma GCC unroll 8
            for (int i = 0; i < 8; ++i) rows[i] = next[i];
        }
    }

    /// By lines of the cache: those of eight keys at a time, since keys often lie so that their
    /// lines displace one another, and all that is written meanwhile stays in the first level.
    static void packKeys(const std::uint16_t* keys, std::size_t stride, int n, int dim,
                         float* panel) {
        constexpr int kLine = 32;
        const int nSteps = dim / kLanes;
        for (int line = 0; line < dim; line += kLine) {
            for (int first = 0; first < kWidth; first += 8) {
                const std::uint16_t* key[8];
                for (int i = 0; i < 8; ++i) {  // columns without a key take the last one's
                    const int at = first + i < n ? first + i : n - 1;
                    key[i] = keys + static_cast<std::size_t>(at) * stride + line;
                }
#pragma GCC unroll 4
                for (int d = 0; d < kLine; d += 8) {
                    if (line + d >= dim) break;
                    __m128i rows[8];
#pragma GCC unroll 8
                    for (int i = 0; i < 8; ++i) {
                        rows[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key[i] + d));
                    }
                    transpose(rows);
                    float* to = panel + (line + d) / kLanes * kWidth + first;
#pragma GCC unroll 8
                    for (int i = 0; i < 8; ++i) {
                        _mm256_storeu_ps(to + kTurns.of[d % kLanes + i] * nSteps * kWidth,
                                         _mm256_cvtph_ps(rows[i]));
                    }
                }
            }
        }
    }

    struct Sums {
        Vector of[kQueries][kVectors];
    };

    /// Sums of the next nLanes lanes, each over its dimensions, added up: the first half of them
    /// plus the second.
    template <int nLanes>
    [[gnu::always_inline]] static Sums sumsOf(const float*& queries, const float*& keys,
                                              int nSteps) {
        Sums sums;
        if constexpr (nLanes > 1) {
            const Sums first = sumsOf<nLanes / 2>(queries, keys, nSteps);
            const Sums second = sumsOf<nLanes / 2>(queries, keys, nSteps);
#pragma GCC unroll 6
            for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 2
                for (int v = 0; v < kVectors; ++v) {
                    sums.of[q][v] = Lanes::add(first.of[q][v], second.of[q][v]);
                }
            }
            return sums;
        }
#pragma GCC unroll 6
        for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 2
            for (int v = 0; v < kVectors; ++v) sums.of[q][v] = Lanes::zero();
        }
        for (int step = 0; step < nSteps; ++step, queries += kQueries, keys += kWidth) {
            Vector key[kVectors];
#pragma GCC unroll 2
            for (int v = 0; v < kVectors; ++v) key[v] = Lanes::load(keys + v * kLanes);
#pragma GCC unroll 6
            for (int q = 0; q < kQueries; ++q) {
                const Vector query = Lanes::broadcast(queries + q);
#pragma GCC unroll 2
                for (int v = 0; v < kVectors; ++v) {
                    sums.of[q][v] = Lanes::fma(key[v], query, sums.of[q][v]);
                }
            }
        }
        return sums;
    }

    /// A panel of queries times one of keys.
    static void scoreTile(const float* queries, const float* keys, int nSteps, float* scores,
                          std::size_t stride) {
        const Sums sums = sumsOf<kLanes>(queries, keys, nSteps);
#pragma GCC unroll 6
        for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 2
            for (int v = 0; v < kVectors; ++v) {
                Lanes::store(scores + static_cast<std::size_t>(q) * stride + v * kLanes,
                             sums.of[q][v]);
            }
        }
    }

    static void scores(const float* queries, int nQueries, const float* keys, int dim,
                       float* scores, std::size_t stride) {
        for (int q = 0; q < nQueries; q += kQueries) {
            const auto at = static_cast<std::size_t>(q);
            scoreTile(queries + at * static_cast<std::size_t>(dim), keys, dim / kLanes,
                      scores + at * stride, stride);
        }
    }

    // Values are unpacked in blocks of kWidth dimensions, position by position; the last block may
    // be half as wide.

    static void unpackValues(const std::uint16_t* values, std::size_t stride, int n, int dim,
                             float* blocks) {
        for (int position = 0; position < n; ++position, values += stride) {
            for (int d = 0; d < dim; d += kLanes) {
                const int begin = d / kWidth * kWidth;
                const int width = dim - begin < kWidth ? kLanes : kWidth;
                Lanes::store(blocks + begin * n + position * width + d % kWidth,
                             Lanes::fromHalves(values + d));
            }
        }
    }

    template <int nVectors>
    static void valueTile(const float* weights, std::size_t weightStride, const float* values,
                          int n, float* outputs, std::size_t outputStride) {
        Vector sums[kQueries][nVectors];
        const float* weight[kQueries];
#pragma GCC unroll 6
        for (int q = 0; q < kQueries; ++q) {
            weight[q] = weights + static_cast<std::size_t>(q) * weightStride;
#pragma GCC unroll 2
            for (int v = 0; v < nVectors; ++v) {
                sums[q][v] =
                    Lanes::load(outputs + static_cast<std::size_t>(q) * outputStride + v * kLanes);
            }
        }
        for (int position = 0; position < n; ++position, values += nVectors * kLanes) {
            Vector value[nVectors];
#pragma GCC unroll 2
            for (int v = 0; v < nVectors; ++v) value[v] = Lanes::load(values + v * kLanes);
#pragma GCC unroll 6
            for (int q = 0; q < kQueries; ++q) {
                const Vector w = Lanes::broadcast(weight[q] + position);
#pragma GCC unroll 2
                for (int v = 0; v < nVectors; ++v) sums[q][v] = Lanes::fma(w, value[v], sums[q][v]);
            }
        }
#pragma GCC unroll 6
        for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 2
            for (int v = 0; v < nVectors; ++v) {
                Lanes::store(outputs + static_cast<std::size_t>(q) * outputStride + v * kLanes,
                             sums[q][v]);
            }
        }
    }

    /// Blocks outside: one of them stays in the first-level cache for all queries.
    static void weightedSum(const float* weights, std::size_t weightStride, int nQueries,
                            const float* blocks, int n, int dim, float* outputs) {
        const auto outputStride = static_cast<std::size_t>(dim);
        for (int d = 0; d < dim; d += kWidth) {
            for (int q = 0; q < nQueries; q += kQueries) {
                const float* w = weights + static_cast<std::size_t>(q) * weightStride;
                float* out = outputs + static_cast<std::size_t>(q) * outputStride + d;
                if (dim - d < kWidth) {
                    valueTile<1>(w, weightStride, blocks + d * n, n, out, outputStride);
                } else {
                    valueTile<kVectors>(w, weightStride, blocks + d * n, n, out, outputStride);
                }
            }
        }
    }

    static constexpr AttentionTiles kTable = {.nQueries = kQueries,
                                              .nKeys = kWidth,
                                              .dimUnit = kLanes,
                                              .packQueries = packQueries,
                                              .packKeys = packKeys,
                                              .scores = scores,
                                              .unpackValues = unpackValues,
                                              .weightedSum = weightedSum};
};

}  // namespace conclave::engine
