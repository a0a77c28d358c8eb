// What `conclave models verify` finds in weights: numbers that are NaN or infinite.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/kernels/types/block_type.h"
#include "gguf_writer.h"
#include "models.h"

namespace conclave::engine {
namespace {

/// A file of one tensor.
std::filesystem::path fileOf(TensorType type, std::uint64_t nValues, const std::string& data) {
    test::GgufWriter file;
    file.text("general.architecture", "llama");
    file.tensor("token_embd.weight", {nValues}, static_cast<std::uint32_t>(type), 0);
    file.data = data;
    return file.write("weights.gguf");
}

std::uint64_t nBadOf(const std::filesystem::path& path) {
    const auto found = findNonFiniteWeights(path);
    EXPECT_TRUE(found) << found.error().detail;
    return found && !found->empty() ? found->at(0).n : 0;
}

/// As the scalar kernels unpack it.
bool isFiniteBlock(const BlockType& type, const char* bytes) {
    UnpackedBlock block{};
    type.unpack(reinterpret_cast<const std::byte*>(bytes), block);
    for (int i = 0; i < type.nValues; ++i) {
        const int group = i / 16;
        const float value = block.scale * static_cast<float>(block.scales[group]) *
                                static_cast<float>(block.values[i]) -
                            block.minScale * static_cast<float>(block.minima[group]);
        if (!std::isfinite(value)) return false;
    }
    return true;
}

TEST(FiniteWeights, AgreeWithWhatBlocksOfEveryTypeUnpackTo) {
    constexpr std::size_t kBlocks = 2000;
    for (const BlockType& type : kBlockTypes) {
        std::mt19937 random(1);
        std::string data(kBlocks * type.blockBytes, '\0');
        for (char& byte : data) byte = static_cast<char>(random());
        std::uint64_t nBad = 0;
        for (std::size_t i = 0; i < kBlocks; ++i) {
            nBad += isFiniteBlock(type, data.data() + i * type.blockBytes) ? 0 : 1;
        }
        const auto path = fileOf(type.type, kBlocks * static_cast<std::size_t>(type.nValues), data);
        EXPECT_GT(nBad, 0U) << typeTraits(type.type)->name;  // of random bits, one in 32
        EXPECT_EQ(nBadOf(path), nBad) << typeTraits(type.type)->name;
        EXPECT_TRUE(findNonFiniteWeights(path)->at(0).inBlocks);
    }
}

TEST(FiniteWeights, OfPlainTypesAreCountedOneByOne) {
    // Longer than what one thread takes at once; what is wrong stands at both ends.
    constexpr std::size_t kValues = 300'000;
    const auto check = [&](TensorType type, auto fine, const auto& wrong) {
        std::vector<decltype(fine)> values(kValues, fine);
        const auto write = [&] {
            return fileOf(type, kValues,
                          std::string(reinterpret_cast<const char*>(values.data()),
                                      values.size() * sizeof(fine)));
        };
        EXPECT_EQ(nBadOf(write()), 0U) << typeTraits(type)->name;
        std::copy(wrong.begin(), wrong.end() - 1, values.begin());
        values.back() = wrong.back();
        EXPECT_EQ(nBadOf(write()), wrong.size()) << typeTraits(type)->name;
        EXPECT_FALSE(findNonFiniteWeights(write())->at(0).inBlocks);
    };
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    check(TensorType::F32, std::numeric_limits<float>::lowest(),
          std::vector{kInfinity, -kInfinity, std::nanf("")});
    check(TensorType::F64, std::numeric_limits<double>::max(),
          std::vector<double>{-kInfinity, std::nan("")});
    // The largest finite one; infinities and a NaN.
    check(TensorType::F16, std::uint16_t{0x7bff},
          std::vector<std::uint16_t>{0x7c00, 0xfc00, 0x7e00});
    check(TensorType::BF16, std::uint16_t{0xff7f},
          std::vector<std::uint16_t>{0x7f80, 0xff80, 0x7fc0});
    // Bits that would be NaN are a number here.
    EXPECT_EQ(nBadOf(fileOf(TensorType::I32, 8, std::string(32, '\xff'))), 0U);
}

TEST(FiniteWeights, OfModelsAreFiniteAndReadToTheirEnd) {
    std::uint64_t doneBytes = 0;
    std::uint64_t totalBytes = 0;
    const auto found = findNonFiniteWeights(test::parity("gpt-oss-q8.gguf"),
                                            [&](std::uint64_t done, std::uint64_t total) {
                                                EXPECT_GT(done, doneBytes);
                                                doneBytes = done;
                                                totalBytes = total;
                                                return true;
                                            });
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_TRUE(found->empty());
    EXPECT_GT(totalBytes, 0U);
    EXPECT_EQ(doneBytes, totalBytes);
    const auto stopped = findNonFiniteWeights(test::parity("gpt-oss-q8.gguf"),
                                              [](std::uint64_t, std::uint64_t) { return false; });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace conclave::engine
