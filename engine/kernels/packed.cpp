// packed.cpp: brings weights into panels. Built without any set's flags.
#include "engine/kernels/packed.h"

#include <cstring>

#include "engine/kernels/quant_blocks.h"
#include "engine/kernels/types/unpack.h"

namespace conclave::engine {
namespace {

// Models wait for this, so it works on four rows at a time, whose words become lines by shuffles:
// word by word it takes two to four times as long, byte by byte ten times that.

constexpr int kRowsAtOnce = 4;
constexpr std::size_t kCacheLineBytes = 64;
constexpr std::uint32_t kLowBits = 0x01010101U;  ///< of each byte

/// Four words of a row, or one word of each of four rows.
using Words [[gnu::vector_size(16)]] = std::uint32_t;

template <typename Block>
using FourRows = const Block* const (&)[kRowsAtOnce];

template <typename Word>
Word wordAt(const void* bytes) {
    Word word;
    std::memcpy(&word, bytes, sizeof(word));
    return word;
}

// ------------------------------------------------------------------------------- parts of a block

/// Turns word i of row k into word k of line i.
void transpose(Words (&words)[kRowsAtOnce]) {
    const Words low01 = __builtin_shufflevector(words[0], words[1], 0, 4, 1, 5);
    const Words low23 = __builtin_shufflevector(words[2], words[3], 0, 4, 1, 5);
    const Words high01 = __builtin_shufflevector(words[0], words[1], 2, 6, 3, 7);
    const Words high23 = __builtin_shufflevector(words[2], words[3], 2, 6, 3, 7);
    words[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    words[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    words[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    words[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

/// Four words of each of four rows become rows `row` to `row + 3` of four lines.
/// @param wordsOf  wordsOf(k): of the k-th of the rows
template <typename Value, typename WordsOf>
void packLines(Value (*lines)[kPanelRows][4], int row, const WordsOf& wordsOf) {
    Words words[kRowsAtOnce] = {wordsOf(0), wordsOf(1), wordsOf(2), wordsOf(3)};
    transpose(words);
    for (int line = 0; line < kRowsAtOnce; ++line) {
        std::memcpy(lines[line][row], &words[line], sizeof(Words));
    }
}

/// 32 columns of each row as a block of 32 holds them: the first 16 in the low halves.
template <typename Block>
void packNibbles(FourRows<Block> from, PanelHalfBytes& lines, int row) {
    packLines(lines, row, [&](int k) { return wordAt<Words>(from[k]->nibbles); });
}

/// 32 columns of each row as a block of 256 holds them: in halves of 32 bytes that two parts share.
/// @param first  of the halves, in Block::nibbles
/// @param shift  of the part's half: 0 or 4
template <typename Block>
void packHalves(FourRows<Block> from, std::ptrdiff_t first, int shift, PanelHalfBytes& lines,
                int row) {
    constexpr std::uint32_t kHalves = 15 * kLowBits;
    packLines(lines, row, [&](int k) {
        const std::uint8_t* bytes = from[k]->nibbles + first;
        const Words low = wordAt<Words>(bytes) >> shift & kHalves;
        const Words high = wordAt<Words>(bytes + sizeof(Words)) >> shift & kHalves;
        return low | high << 4;
    });
}

/// @param bits  of each row, the fifth bits of 32 columns in their order
void packFifthBits(Words bits, PanelFifthBits& high, int row) {
    // Column 16h + 4j + c goes to bit 8c + 2j + h: its number's binary digits change places, and
    // to exchange two digits moves all bits of which they differ by the same distance.
    const auto exchange = [&](int distance, std::uint32_t lower) {
        const Words change = (bits >> distance ^ bits) & lower;
        bits ^= change ^ change << distance;
    };
    exchange(15, 0x0000aaaaU);  // h and the lower digit of c
    exchange(14, 0x0000ccccU);  // that and the higher one, which are in order then
    exchange(6, 0x00cc00ccU);
    exchange(2, 0x0c0c0c0cU);
    std::memcpy(high[row], &bits, sizeof(bits));
}

/// @param bytes  of each of 32 columns, the fifth bit is bit `shift`
void packFifthBits(const std::uint8_t* bytes, int shift, PanelFifthBits& high, int row) {
    const Words low = (wordAt<Words>(bytes) >> shift & kLowBits) << Words{0, 2, 4, 6};
    const Words up = (wordAt<Words>(bytes + sizeof(Words)) >> shift & kLowBits)
                     << Words{1, 3, 5, 7};
    const Words both = low | up;
    const std::uint32_t all = both[0] | both[1] | both[2] | both[3];
    std::memcpy(high[row], &all, sizeof(all));
}

/// @param bytesOf  bytesOf(k): with two bits of each of the k-th row's 32 columns, from bit
///                 2 * quarter on
template <typename BytesOf>
void packPairs(int quarter, PanelPairs& pairs, int row, const BytesOf& bytesOf) {
    Words words[kRowsAtOnce];
    for (int k = 0; k < kRowsAtOnce; ++k) {
        const std::uint8_t* bytes = bytesOf(k);
        constexpr std::uint32_t kPairs = 3 * kLowBits;
        // Bits 0-1 of columns 4j to 4j + 3, bits 2-3 of those 16 further on.
        words[k] = (wordAt<Words>(bytes) >> (2 * quarter) & kPairs) |
                   (wordAt<Words>(bytes + sizeof(Words)) >> (2 * quarter) & kPairs) << 2;
    }
    transpose(words);
    for (int line = 0; line < 2; ++line) {
        const Words both = words[2 * line] | words[2 * line + 1] << 4;
        std::memcpy(pairs[line][row], &both, sizeof(both));
    }
}

/// Scales, minima and lines of Q4_K and Q5_K.
template <typename Block, typename Panel>
void packWithMinima(FourRows<Block> from, Panel& panel, int row) {
    for (int k = 0; k < kRowsAtOnce; ++k) {
        panel.scale[row + k] = from[k]->scale;
        panel.minScale[row + k] = from[k]->minScale;
        std::uint8_t scales[8];
        std::uint8_t minima[8];
        unpackSixBits(from[k]->scales, scales, minima);
        for (int i = 0; i < 8; ++i) {
            panel.parts[i].scales[row + k] = scales[i];
            panel.parts[i].minima[row + k] = minima[i];
        }
    }
    for (int i = 0; i < 8; ++i) {
        packHalves(from, std::ptrdiff_t{32} * (i / 2), i % 2 * 4, panel.parts[i].lines, row);
    }
}

/// The minimum of each row.
template <typename Block>
void packMinima(FourRows<Block> from, std::uint16_t* minima, int row) {
    for (int k = 0; k < kRowsAtOnce; ++k) minima[row + k] = from[k]->minimum;
}

/// The scale of each row.
template <typename Block>
void packScales(FourRows<Block> from, std::uint16_t* scales, int row) {
    for (int k = 0; k < kRowsAtOnce; ++k) scales[row + k] = from[k]->scale;
}

// ------------------------------------------------------------------------- one block of each type

void packRows(FourRows<BlockQ8_0> from, PanelQ8_0& panel, int row) {
    for (int half = 0; half < 2; ++half) {
        packLines(panel.lines + std::ptrdiff_t{4} * half, row, [&](int k) {
            return wordAt<Words>(from[k]->values + std::ptrdiff_t{16} * half);
        });
    }
    packScales(from, panel.scales, row);
}

void packRows(FourRows<BlockQ4_0> from, PanelQ4_0& panel, int row) {
    packNibbles(from, panel.lines, row);
    packScales(from, panel.scales, row);
}

void packRows(FourRows<BlockQ4_1> from, PanelQ4_1& panel, int row) {
    packNibbles(from, panel.lines, row);
    packScales(from, panel.scales, row);
    packMinima(from, panel.minima, row);
}

void packRows(FourRows<BlockQ5_0> from, PanelQ5_0& panel, int row) {
    packNibbles(from, panel.lines, row);
    const auto bitsOf = [&](int k) { return wordAt<std::uint32_t>(from[k]->highBits); };
    packFifthBits(Words{bitsOf(0), bitsOf(1), bitsOf(2), bitsOf(3)}, panel.high, row);
    packScales(from, panel.scales, row);
}

void packRows(FourRows<BlockQ5_1> from, PanelQ5_1& panel, int row) {
    packNibbles(from, panel.lines, row);
    const auto bitsOf = [&](int k) { return wordAt<std::uint32_t>(from[k]->highBits); };
    packFifthBits(Words{bitsOf(0), bitsOf(1), bitsOf(2), bitsOf(3)}, panel.high, row);
    packScales(from, panel.scales, row);
    packMinima(from, panel.minima, row);
}

void packRows(FourRows<BlockQ2_K> from, PanelQ2_K& panel, int row) {
    for (int k = 0; k < kRowsAtOnce; ++k) {
        panel.scale[row + k] = from[k]->scale;
        panel.minScale[row + k] = from[k]->minScale;
    }
    for (int i = 0; i < 8; ++i) {
        PanelQ2_K::Part& part = panel.parts[i];
        packPairs(i % 4, part.pairs, row,
                  [&](int k) { return from[k]->pairs + std::ptrdiff_t{32} * (i / 4); });
        for (int k = 0; k < kRowsAtOnce; ++k) {
            part.scales[0][row + k] = from[k]->scales[2 * i];
            part.scales[1][row + k] = from[k]->scales[2 * i + 1];
        }
    }
}

void packRows(FourRows<BlockQ3_K> from, PanelQ3_K& panel, int row) {
    packScales(from, panel.scale, row);
    std::int8_t scales[kRowsAtOnce][16];
    for (int k = 0; k < kRowsAtOnce; ++k) unpackScales(*from[k], scales[k]);
    for (int i = 0; i < 8; ++i) {
        PanelQ3_K::Part& part = panel.parts[i];
        packPairs(i % 4, part.pairs, row,
                  [&](int k) { return from[k]->pairs + std::ptrdiff_t{32} * (i / 4); });
        for (int k = 0; k < kRowsAtOnce; ++k) {
            packFifthBits(from[k]->highBits, i, part.high, row + k);
            part.scales[0][row + k] = scales[k][2 * i];
            part.scales[1][row + k] = scales[k][2 * i + 1];
        }
    }
}

void packRows(FourRows<BlockQ4_K> from, PanelQ4_K& panel, int row) {
    packWithMinima(from, panel, row);
}

void packRows(FourRows<BlockQ5_K> from, PanelQ5_K& panel, int row) {
    packWithMinima(from, panel, row);
    for (int i = 0; i < 8; ++i) {
        for (int k = 0; k < kRowsAtOnce; ++k) {
            packFifthBits(from[k]->highBits, i, panel.parts[i].high, row + k);
        }
    }
}

void packRows(FourRows<BlockQ6_K> from, PanelQ6_K& panel, int row) {
    packScales(from, panel.scale, row);
    for (int i = 0; i < 8; ++i) {
        PanelQ6_K::Part& part = panel.parts[i];
        const std::ptrdiff_t half = i / 4;
        const int quarter = i % 4;
        packHalves(from, 64 * half + 32 * (quarter % 2), quarter / 2 * 4, part.lines, row);
        packPairs(quarter, part.high, row, [&](int k) { return from[k]->highPairs + 32 * half; });
        for (int k = 0; k < kRowsAtOnce; ++k) {
            part.scales[0][row + k] = from[k]->scales[2 * i];
            part.scales[1][row + k] = from[k]->scales[2 * i + 1];
        }
    }
}

void packRows(FourRows<BlockIQ4_NL> from, PanelIQ4_NL& panel, int row) {
    packNibbles(from, panel.lines, row);
    packScales(from, panel.scales, row);
}

void packRows(FourRows<BlockIQ4_XS> from, PanelIQ4_XS& panel, int row) {
    packScales(from, panel.scale, row);
    for (int i = 0; i < 8; ++i) {
        packLines(panel.parts[i].lines, row,
                  [&](int k) { return wordAt<Words>(from[k]->nibbles + std::ptrdiff_t{16} * i); });
        for (int k = 0; k < kRowsAtOnce; ++k) {
            const int low = from[k]->scalesLow[i / 2] >> (i % 2 * 4) & 15;
            const int high = from[k]->scalesHigh >> (2 * i) & 3;
            panel.parts[i].scales[row + k] = static_cast<std::int8_t>((low | high << 4) - 32);
        }
    }
}

void packRows(FourRows<BlockMXFP4> from, PanelMXFP4& panel, int row) {
    packNibbles(from, panel.lines, row);
    for (int k = 0; k < kRowsAtOnce; ++k) panel.exponents[row + k] = from[k]->exponent;
}

// ------------------------------------------------------------------------------------- all types

void packHalfFloats(const std::byte* rows, std::size_t rowBytes, int nRows, int nColumns,
                    std::byte* out) {
    auto* panels = reinterpret_cast<PanelHalfFloats*>(out);
    if (nRows < kPanelRows) {
        std::memset(panels, 0, static_cast<std::size_t>(nColumns) * sizeof(PanelHalfFloats));
    }
    // A cache line of each row at a time.
    constexpr int kStep = 32;
    for (int first = 0; first < nColumns; first += kStep) {
        const int end = first + kStep < nColumns ? first + kStep : nColumns;
        for (int row = 0; row < nRows; ++row) {
            const std::byte* values = rows + static_cast<std::size_t>(row) * rowBytes;
            for (int column = first; column < end; ++column) {
                std::memcpy(&panels[column].values[row],
                            values + sizeof(std::uint16_t) * static_cast<std::size_t>(column),
                            sizeof(std::uint16_t));
            }
        }
    }
}

template <typename Block, typename Panel>
void pack(const std::byte* rows, std::size_t rowBytes, int nRows, int nBlocks, std::byte* out) {
    auto* panels = reinterpret_cast<Panel*>(out);
    if (nRows < kPanelRows) {
        std::memset(panels, 0, static_cast<std::size_t>(nBlocks) * sizeof(Panel));
    }
    static constexpr Block kNoBlock{};  // of rows that are not there
    const std::byte* next = rows + kPanelRows * rowBytes;
    for (int block = 0; block < nBlocks; ++block) {
        // The next panel's rows in the order of the file, since so many at once as here are more
        // than the CPU foresees by itself; into the second level, as the first has no room for
        // both. Beyond the last one nothing happens.
        for (std::size_t i = 0; i < kPanelRows * sizeof(Block); i += kCacheLineBytes) {
            __builtin_prefetch(next + i, 0, 2);
        }
        next += kPanelRows * sizeof(Block);
        for (int first = 0; first < nRows; first += kRowsAtOnce) {
            const auto blockOf = [&](int row) {
                const std::byte* blocks = rows + static_cast<std::size_t>(row) * rowBytes;
                return row < nRows ? reinterpret_cast<const Block*>(blocks) + block : &kNoBlock;
            };
            const Block* const four[kRowsAtOnce] = {blockOf(first), blockOf(first + 1),
                                                    blockOf(first + 2), blockOf(first + 3)};
            packRows(four, panels[block], first);
        }
    }
}

template <typename Block, typename Panel>
constexpr PackedFormat format(TensorType type) {
    return {type, Panel::kColumns, sizeof(Panel), pack<Block, Panel>};
}

constexpr PackedFormat kFormats[] = {
    format<BlockQ8_0, PanelQ8_0>(TensorType::Q8_0),
    format<BlockQ4_0, PanelQ4_0>(TensorType::Q4_0),
    format<BlockQ4_1, PanelQ4_1>(TensorType::Q4_1),
    format<BlockQ5_0, PanelQ5_0>(TensorType::Q5_0),
    format<BlockQ5_1, PanelQ5_1>(TensorType::Q5_1),
    format<BlockQ2_K, PanelQ2_K>(TensorType::Q2_K),
    format<BlockQ3_K, PanelQ3_K>(TensorType::Q3_K),
    format<BlockQ4_K, PanelQ4_K>(TensorType::Q4_K),
    format<BlockQ5_K, PanelQ5_K>(TensorType::Q5_K),
    format<BlockQ6_K, PanelQ6_K>(TensorType::Q6_K),
    format<BlockIQ4_NL, PanelIQ4_NL>(TensorType::IQ4_NL),
    format<BlockIQ4_XS, PanelIQ4_XS>(TensorType::IQ4_XS),
    format<BlockMXFP4, PanelMXFP4>(TensorType::MXFP4),
    {TensorType::F16, 1, sizeof(PanelHalfFloats), packHalfFloats},
    {TensorType::BF16, 1, sizeof(PanelHalfFloats), packHalfFloats},
};

}  // namespace

const PackedFormat* packedFormat(TensorType type) {
    for (const PackedFormat& known : kFormats) {
        if (known.type == type) return &known;
    }
    return nullptr;
}

}  // namespace conclave::engine
