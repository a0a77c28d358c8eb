#include "engine/model/attend_tile.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "engine/model/activation.h"

namespace conclave::engine {
namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

/// As KvCache keeps them: the last block may be filled up.
std::size_t bytesOfRow(TensorType type, int dim) {
    const TypeTraits& traits = *typeTraits(type);
    return (size(dim) + traits.blockValues - 1) / traits.blockValues * traits.blockBytes;
}

/// False if one is infinite or no number: kernels that look for the largest would lose it.
bool areFinite(const float* scores, int n) {
    constexpr std::uint32_t kExponent = 0x7f800000;
    std::uint32_t nWrong = 0;
    for (int i = 0; i < n; ++i) {
        nWrong += (std::bit_cast<std::uint32_t>(scores[i]) & kExponent) == kExponent ? 1 : 0;
    }
    return nWrong == 0;
}

}  // namespace

std::vector<AttendTile> attendTiles(const AttendArgs& args, int mostQueries) {
    const int group = args.nHeads / args.nKvHeads;
    const int headsPerTile = std::min(group, mostQueries);
    const int tokensPerTile = std::max(1, mostQueries / group);
    std::vector<AttendTile> tiles;
    for (int end = args.nTokens; end > 0; end -= std::min(end, tokensPerTile)) {
        const int nTokens = std::min(end, tokensPerTile);
        for (int head = 0; head < args.nHeads;
             head += std::min(headsPerTile, group - head % group)) {
            tiles.push_back({.firstToken = end - nTokens,
                             .nTokens = nTokens,
                             .firstHead = head,
                             .nHeads = std::min(headsPerTile, group - head % group)});
        }
    }
    return tiles;
}

Positions seenBy(const AttendArgs& args, int token) {
    const int end = args.firstPosition + token + 1;
    if (args.window == 0) return {0, end};
    if (args.windowIsChunk) return {(end - 1) / args.window * args.window, end};
    return {std::max(0, end - args.window), end};
}

Positions seenBy(const AttendArgs& args, const AttendTile& tile, int first, int last) {
    return {seenBy(args, tile.token(first)).first, seenBy(args, tile.token(last)).end};
}

void weighSeen(const KernelTable& kernels, const AttendArgs& args, Positions seen, Positions walked,
               float* scores, AttendShare& share) {
    share.sum = 0.0f;
    if (seen.size() <= 0) {
        std::fill_n(scores, walked.size(), 0.0f);
        return;
    }
    float* first = scores + (seen.first - walked.first);
    if (!areFinite(first, seen.size())) {
        // Keys beyond fp16, for one. The logits will be no numbers, which is told.
        std::fill_n(scores, walked.size(), 0.0f);
        share.max = 0.0f;
        share.sum = std::numeric_limits<float>::quiet_NaN();
        return;
    }
    float scale = args.scale;
    if (args.softCap > 0.0f) {
        for (float& score : std::span(first, size(seen.size()))) score *= scale;
        softCap(first, args.softCap, seen.size());
        scale = 1.0f;
    }
    share.sum = kernels.exponentials(first, seen.size(), scale, &share.max);
    share.max *= scale;
    std::fill(scores, first, 0.0f);
    std::fill(first + seen.size(), scores + walked.size(), 0.0f);
}

void join(AttendShare& total, const AttendShare& part, int valueDim) {
    if (part.sum == 0.0f) return;
    if (total.sum == 0.0f) {
        total.max = part.max;
        total.sum = part.sum;
        std::copy_n(part.values, valueDim, total.values);
        return;
    }
    const float max = std::max(total.max, part.max);
    const float keep = std::exp(total.max - max);
    const float take = std::exp(part.max - max);
    total.max = max;
    total.sum = total.sum * keep + part.sum * take;
    for (int d = 0; d < valueDim; ++d) {
        total.values[d] = total.values[d] * keep + part.values[d] * take;
    }
}

void finish(const AttendArgs& args, int head, AttendShare& total) {
    float factor = 1.0f / total.sum;
    if (!args.sinks.empty()) {
        const float sink = args.sinks[size(head)];
        const float max = std::max(total.max, sink);
        const float keep = std::exp(total.max - max);
        factor = keep / (total.sum * keep + std::exp(sink - max));
    }
    for (int d = 0; d < args.valueDim; ++d) total.values[d] *= factor;
}

void CachedHalves::prefetch(Positions positions) const {
    constexpr std::size_t kLine = 64;
    constexpr int kRead = 0;
    constexpr int kSecondLevel = 2;
    const std::byte* from = row(positions.first);
    const std::size_t rowBytes = bytesOfRow(m_type, m_dim);
    for (int i = 0; i < positions.size(); ++i, from += m_rowBytes) {
        for (std::size_t at = 0; at < rowBytes; at += kLine) {
            __builtin_prefetch(from + at, kRead, kSecondLevel);
        }
    }
}

CachedHalves::Rows CachedHalves::rows(Positions positions) const {
    const std::byte* from = row(positions.first);
    if (m_type == TensorType::F16) {
        return {reinterpret_cast<const std::uint16_t*>(from), m_rowBytes / sizeof(std::uint16_t)};
    }
    thread_local std::vector<std::uint16_t> halves;
    thread_local std::vector<float> floats;  // one row
    std::uint16_t* to = atLeast(halves, size(positions.size()) * size(m_dim));
    const auto block = static_cast<int>(typeTraits(m_type)->blockValues);
    const int whole = (m_dim + block - 1) / block * block;
    float* numbers = atLeast(floats, size(whole));
    const WeightKernels& type = *m_kernels->find(m_type);
    const bool isDirect = m_type == TensorType::Q8_0 && whole == m_dim;
    for (int i = 0; i < positions.size(); ++i, from += m_rowBytes) {
        if (isDirect) {
            m_kernels->halvesOfQ8(from, m_dim, to + size(i) * size(m_dim));
            continue;
        }
        type.dequantize(from, whole, numbers);
        m_kernels->toHalf(numbers, m_dim, to + size(i) * size(m_dim));
    }
    return {to, size(m_dim)};
}

}  // namespace conclave::engine
