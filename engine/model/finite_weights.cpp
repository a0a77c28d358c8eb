// finite_weights.cpp: weights that are NaN or infinite, of a file on disk.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "engine/engine.h"
#include "engine/kernels/quant_blocks.h"
#include "engine/model/model_info.h"
#include "engine/runtime/thread_pool.h"

namespace conclave::engine {
namespace {

/// Looked at between two reports of progress, and by one task of it. Pages are read ahead, so that
/// tasks side by side do not slow a disk down.
constexpr std::size_t kReportBytes = std::size_t{64} << 20;
constexpr std::size_t kTaskBytes = std::size_t{1} << 20;

/// A number whose exponent has all bits set is infinite or none.
constexpr std::uint16_t kHalfExponent = 0x7c00;
constexpr std::uint16_t kBfloatExponent = 0x7f80;
constexpr std::uint32_t kFloatExponent = 0x7f800000;
constexpr std::uint64_t kDoubleExponent = 0x7ff0000000000000;

template <typename Bits>
bool isFinite(Bits number, Bits exponent) {
    return (number & exponent) != exponent;
}

/// How many blocks (of plain types: values) of the data are not finite.
using Count = std::uint64_t (*)(std::span<const std::byte> data);

template <typename Block, typename IsGood>
std::uint64_t countBad(std::span<const std::byte> data, const IsGood& isGood) {
    std::uint64_t nBad = 0;
    for (std::size_t at = 0; at < data.size(); at += sizeof(Block)) {
        Block block;
        std::memcpy(&block, data.data() + at, sizeof(Block));
        nBad += isGood(block) ? 0u : 1u;
    }
    return nBad;
}

template <typename Bits, Bits kExponent>
std::uint64_t countNumbers(std::span<const std::byte> data) {
    return countBad<Bits>(data, [](Bits number) { return isFinite(number, kExponent); });
}

/// Integers cannot go wrong; the scales that they are multiplied with can.
template <typename Block, std::uint16_t Block::*... kScales>
std::uint64_t countBlocks(std::span<const std::byte> data) {
    return countBad<Block>(
        data, [](const Block& block) { return (isFinite(block.*kScales, kHalfExponent) && ...); });
}

/// Four bits of the scale are at the end of each word.
std::uint64_t countIq1M(std::span<const std::byte> data) {
    return countBad<BlockIQ1_M>(data, [](const BlockIQ1_M& block) {
        const auto& words = block.scales;
        const auto top = static_cast<std::uint16_t>((words[3] & 0xf000) | (words[2] >> 12) << 8);
        return isFinite(top, kHalfExponent);
    });
}

/// 255 is NaN; from 253 on the largest level, 12, would be infinite.
std::uint64_t countMxfp4(std::span<const std::byte> data) {
    constexpr std::uint8_t kLargest = 252;
    return countBad<BlockMXFP4>(data,
                                [](const BlockMXFP4& block) { return block.exponent <= kLargest; });
}

/// Null for types of integers, and those that no model file has.
Count counterOf(TensorType type) {
    switch (type) {
        case TensorType::F64: return countNumbers<std::uint64_t, kDoubleExponent>;
        case TensorType::F32: return countNumbers<std::uint32_t, kFloatExponent>;
        case TensorType::F16: return countNumbers<std::uint16_t, kHalfExponent>;
        case TensorType::BF16: return countNumbers<std::uint16_t, kBfloatExponent>;
        case TensorType::Q8_0: return countBlocks<BlockQ8_0, &BlockQ8_0::scale>;
        case TensorType::Q4_0: return countBlocks<BlockQ4_0, &BlockQ4_0::scale>;
        case TensorType::Q5_0: return countBlocks<BlockQ5_0, &BlockQ5_0::scale>;
        case TensorType::Q4_1:
            return countBlocks<BlockQ4_1, &BlockQ4_1::scale, &BlockQ4_1::minimum>;
        case TensorType::Q5_1:
            return countBlocks<BlockQ5_1, &BlockQ5_1::scale, &BlockQ5_1::minimum>;
        case TensorType::IQ4_NL: return countBlocks<BlockIQ4_NL, &BlockIQ4_NL::scale>;
        case TensorType::MXFP4: return countMxfp4;
        case TensorType::Q2_K:
            return countBlocks<BlockQ2_K, &BlockQ2_K::scale, &BlockQ2_K::minScale>;
        case TensorType::Q3_K: return countBlocks<BlockQ3_K, &BlockQ3_K::scale>;
        case TensorType::Q4_K:
            return countBlocks<BlockQ4_K, &BlockQ4_K::scale, &BlockQ4_K::minScale>;
        case TensorType::Q5_K:
            return countBlocks<BlockQ5_K, &BlockQ5_K::scale, &BlockQ5_K::minScale>;
        case TensorType::Q6_K: return countBlocks<BlockQ6_K, &BlockQ6_K::scale>;
        case TensorType::IQ4_XS: return countBlocks<BlockIQ4_XS, &BlockIQ4_XS::scale>;
        case TensorType::IQ2_XXS: return countBlocks<BlockIQ2_XXS, &BlockIQ2_XXS::scale>;
        case TensorType::IQ2_XS: return countBlocks<BlockIQ2_XS, &BlockIQ2_XS::scale>;
        case TensorType::IQ2_S: return countBlocks<BlockIQ2_S, &BlockIQ2_S::scale>;
        case TensorType::IQ3_XXS: return countBlocks<BlockIQ3_XXS, &BlockIQ3_XXS::scale>;
        case TensorType::IQ3_S: return countBlocks<BlockIQ3_S, &BlockIQ3_S::scale>;
        case TensorType::IQ1_S: return countBlocks<BlockIQ1_S, &BlockIQ1_S::scale>;
        case TensorType::IQ1_M: return countIq1M;
        case TensorType::TQ1_0: return countBlocks<BlockTQ1_0, &BlockTQ1_0::scale>;
        case TensorType::TQ2_0: return countBlocks<BlockTQ2_0, &BlockTQ2_0::scale>;
        default: return nullptr;
    }
}

/// On all threads.
std::uint64_t countIn(std::span<const std::byte> data, Count count, std::size_t blockBytes,
                      ThreadPool& pool) {
    const std::size_t step = kTaskBytes / blockBytes * blockBytes;
    const auto nTasks = static_cast<int>((data.size() + step - 1) / step);
    std::atomic<std::uint64_t> nBad = 0;
    pool.run(nTasks, [&](int task) {
        const std::size_t first = static_cast<std::size_t>(task) * step;
        nBad += count(data.subspan(first, std::min(step, data.size() - first)));
    });
    return nBad;
}

}  // namespace

Result<std::vector<NonFiniteTensor>> findNonFiniteWeights(
    const std::filesystem::path& path,
    const std::function<bool(std::uint64_t doneBytes, std::uint64_t totalBytes)>& progress) {
    const auto file = openModelFile(path);
    if (!file) return tl::unexpected(file.error());
    std::uint64_t totalBytes = 0;
    for (const TensorInfo& tensor : file->tensors()) totalBytes += tensor.data.size();
    ThreadPool pool(defaultThreadCount());
    std::vector<NonFiniteTensor> found;
    std::uint64_t doneBytes = 0;
    for (const TensorInfo& tensor : file->tensors()) {
        const TypeTraits& traits = *typeTraits(tensor.type);
        const Count count = counterOf(tensor.type);
        const std::size_t step = kReportBytes / traits.blockBytes * traits.blockBytes;
        NonFiniteTensor bad{tensor.name, std::string(traits.name), traits.blockValues > 1, 0};
        for (std::size_t at = 0; at < tensor.data.size(); at += step) {
            const auto part = tensor.data.subspan(at, std::min(step, tensor.data.size() - at));
            if (count != nullptr) bad.n += countIn(part, count, traits.blockBytes, pool);
            doneBytes += part.size();
            if (progress && !progress(doneBytes, totalBytes)) {
                return fail(ErrorCode::Cancelled, "the weights were not read to their end");
            }
        }
        if (bad.n > 0) found.push_back(std::move(bad));
    }
    if (file->isDamaged()) {
        return fail(ErrorCode::Io, path.string() + " could not be read to its end");
    }
    return found;
}

}  // namespace conclave::engine
