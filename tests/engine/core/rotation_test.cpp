// Keys that are rotated before they are quantized.
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "engine/kernels/kernels.h"
#include "engine/model/rotation.h"
#include "engine/quantize/row_quantizer.h"

namespace conclave::engine {
namespace {

std::vector<float> normalValues(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(n);
    for (float& value : values) value = normal(random);
    return values;
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
    return sum;
}

TEST(Rotation, IsItsOwnInverseAndKeepsProducts) {
    for (const int dim : {128, 96, 80, 576, 1}) {
        const auto n = static_cast<std::size_t>(dim) * 3;
        const std::vector<float> a = normalValues(n, 1);
        const std::vector<float> b = normalValues(n, 2);
        std::vector<float> rotatedA = a;
        std::vector<float> rotatedB = b;
        rotateHeads(rotatedA, dim);
        rotateHeads(rotatedB, dim);
        EXPECT_NEAR(dot(rotatedA, rotatedB), dot(a, b), 1e-4) << dim;
        EXPECT_EQ(rotatedA == a, dim == 1);
        rotateHeads(rotatedA, dim);
        for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(rotatedA[i], a[i], 1e-5) << dim;
    }
}

/// Mean error of a query's products with keys that were quantized.
double errorOfScores(TensorType type, bool isRotated) {
    constexpr int kDim = 128;
    constexpr unsigned kKeys = 200;
    std::vector<float> query = normalValues(kDim, 99);
    query[37] = 0.0f;  // else the channel that stands out is all there is
    double total = 0.0;
    for (unsigned i = 0; i < kKeys; ++i) {
        std::vector<float> key = normalValues(kDim, i);
        key[37] += 40.0f;  // as keys of Qwen2 have it
        const double exact = dot(query, key);
        std::vector<float> asked = query;
        if (isRotated) {
            rotateHeads(asked, kDim);
            rotateHeads(key, kDim);
        }
        std::vector<std::byte> blocks(kDim * sizeof(float));
        quantize::rowQuantizer(type)(key, {}, blocks.data());
        scalarKernels().find(type)->dequantize(blocks.data(), kDim, key.data());
        total += std::abs(dot(asked, key) - exact);
    }
    return total / kKeys;
}

TEST(Rotation, KeepsAChannelThatStandsOutFromTakingTheBitsOfItsBlock) {
    EXPECT_LT(errorOfScores(TensorType::Q4_0, true), 0.7 * errorOfScores(TensorType::Q4_0, false));
    EXPECT_LT(errorOfScores(TensorType::Q8_0, true), 0.7 * errorOfScores(TensorType::Q8_0, false));
}

}  // namespace
}  // namespace conclave::engine
