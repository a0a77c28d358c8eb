// fingerprint.h: tells one version of a model from another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace conclave::engine {

/// FNV-1a, 64 bits.
class Fingerprint {
public:
    void add(std::span<const std::byte> bytes) {
        for (const std::byte b : bytes) {
            m_hash = (m_hash ^ std::to_integer<std::uint64_t>(b)) * 0x100000001B3u;
        }
    }
    void add(std::string_view text) { add(std::as_bytes(std::span(text))); }

    [[nodiscard]] std::string hex() const {
        char text[17] = {};
        std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(m_hash));
        return text;
    }

private:
    std::uint64_t m_hash = 0xCBF29CE484222325u;
};

}  // namespace conclave::engine
