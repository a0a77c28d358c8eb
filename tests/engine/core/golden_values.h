// golden_values.h: the numbers that tests/golden/make_weight_types.py starts from, made again.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace conclave::engine::test {

/// splitmix64
class GoldenRandom {
public:
    explicit GoldenRandom(std::uint64_t seed) : m_state(seed) {}

    std::uint64_t next() {
        m_state += 0x9E3779B97F4A7C15u;
        std::uint64_t z = m_state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }

    /// About normal, in steps of 2^-15.
    float bell() {
        const std::uint64_t z = next();
        std::int64_t total = -131070;
        for (const int shift : {0, 16, 32, 48}) {
            total += static_cast<std::int64_t>(z >> shift & 0xFFFFu);
        }
        return static_cast<float>(total) / 32768.0f;
    }

private:
    std::uint64_t m_state;
};

inline std::vector<std::byte> goldenBytes(std::uint64_t seed, std::size_t n) {
    GoldenRandom random(seed);
    std::vector<std::byte> bytes((n + 7) / 8 * 8);
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
        const std::uint64_t word = random.next();
        std::memcpy(bytes.data() + at, &word, sizeof(word));
    }
    bytes.resize(n);
    return bytes;
}

inline std::vector<float> goldenRows(std::string_view kind, std::uint64_t seed, int nRows,
                                     int nColumns) {
    GoldenRandom random(seed);
    std::vector<float> values;
    for (int row = 0; row < nRows; ++row) {
        for (int column = 0; column < nColumns; ++column) {
            float value = random.bell();
            if (kind == "outliers" && column % 37 == 5) {
                value *= 64.0f;
            } else if (kind == "tiny") {
                value *= 0x1p-40f;
            } else if (kind == "huge") {
                value *= 0x1p14f;
            } else if (kind == "zeros" && column / 16 % 3 != 0) {
                value = 0.0f;
            } else if (kind == "constant") {
                value = 0.375f * static_cast<float>(row - 1);
            } else if (kind == "positive") {
                value = std::fabs(value) + 1.0f;
            } else if (kind == "grid") {
                value =
                    std::nearbyint(value * 4.0f) / 4.0f + 0.0f;  // no -0, which Python lacks here
            }
            values.push_back(value);
        }
    }
    return values;
}

inline std::vector<float> goldenImportances(std::uint64_t seed, int n) {
    GoldenRandom random(seed);
    std::vector<float> values(static_cast<std::size_t>(n));
    for (float& value : values) value = std::fabs(random.bell()) + 0x1p-10f;
    return values;
}

/// FNV-1a of 64 bits, as 16 digits.
inline std::string goldenHash(std::span<const std::byte> bytes) {
    std::uint64_t value = 0xCBF29CE484222325u;
    for (const std::byte byte : bytes) {
        value = (value ^ static_cast<std::uint64_t>(byte)) * 0x100000001B3u;
    }
    char text[17];
    std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(value));
    return text;
}

/// Of floats, with every NaN as the same one.
inline std::string goldenHash(std::span<const float> values) {
    std::vector<float> same(values.begin(), values.end());
    constexpr std::uint32_t kNan = 0x7FC00000u;
    for (float& value : same) {
        if (std::isnan(value)) std::memcpy(&value, &kNan, sizeof(value));
    }
    return goldenHash(std::as_bytes(std::span(same)));
}

inline std::string hex(std::span<const std::byte> bytes) {
    std::string text;
    char digits[3];
    for (const std::byte byte : bytes) {
        std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned>(byte));
        text += digits;
    }
    return text;
}

}  // namespace conclave::engine::test
