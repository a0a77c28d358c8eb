#include "engine/quantize/row_quantizer.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "engine/kernels/kernels.h"

namespace conclave::engine::quantize {

QuantizeRow rowQuantizer(TensorType type) {
    switch (type) {
        case TensorType::F32: return quantizeF32;
        case TensorType::F16: return quantizeF16;
        case TensorType::BF16: return quantizeBF16;
        case TensorType::Q8_0: return quantizeQ8_0;
        case TensorType::Q4_0: return quantizeQ4_0;
        case TensorType::Q4_1: return quantizeQ4_1;
        case TensorType::Q5_0: return quantizeQ5_0;
        case TensorType::Q5_1: return quantizeQ5_1;
        case TensorType::MXFP4: return quantizeMXFP4;
        case TensorType::IQ4_NL: return quantizeIQ4_NL;
        case TensorType::IQ4_XS: return quantizeIQ4_XS;
        case TensorType::Q2_K: return quantizeQ2_K;
        case TensorType::Q3_K: return quantizeQ3_K;
        case TensorType::Q4_K: return quantizeQ4_K;
        case TensorType::Q5_K: return quantizeQ5_K;
        case TensorType::Q6_K: return quantizeQ6_K;
        case TensorType::TQ1_0: return quantizeTQ1_0;
        case TensorType::TQ2_0: return quantizeTQ2_0;
        default: return nullptr;
    }
}

void quantizeF32(std::span<const float> x, std::span<const float>, std::byte* out) {
    std::memcpy(out, x.data(), x.size_bytes());
}

void quantizeF16(std::span<const float> x, std::span<const float>, std::byte* out) {
    for (const float value : x) {
        const std::uint16_t half = toHalfBits(value);
        std::memcpy(out, &half, sizeof(half));
        out += sizeof(half);
    }
}

void quantizeBF16(std::span<const float> x, std::span<const float>, std::byte* out) {
    for (const float value : x) {  // the upper half, to nearest even
        const auto bits = std::bit_cast<std::uint32_t>(value);
        const auto upper = static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
        std::memcpy(out, &upper, sizeof(upper));
        out += sizeof(upper);
    }
}

std::uint16_t toHalfBits(float value) {
    std::uint16_t half = 0;
    scalarKernels().toHalf(&value, 1, &half);
    return half;
}

float meanSquare(std::span<const float> x) {
    float sum = 0.0f;
    for (const float value : x) sum += value * value;
    return sum / static_cast<float>(x.size());
}

void weigh(std::span<const float> x, std::span<const float> importances, float meanSquare,
           float* weights) {
    for (std::size_t i = 0; i < x.size(); ++i) {
        weights[i] = importances[i] * std::sqrt(meanSquare + x[i] * x[i]);
    }
}

}  // namespace conclave::engine::quantize
