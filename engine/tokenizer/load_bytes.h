// load_bytes.h: the bytes of a short word as a number, without a call or a loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace conclave::engine {

template <typename Word>
[[nodiscard]] std::uint64_t loadBytes(const char* from) {
    Word word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
}

/// Up to eight bytes, the first one lowest; those that are missing are zero.
[[nodiscard]] inline std::uint64_t loadUpTo8(const char* from, std::size_t n) {
    if (n == 8) return loadBytes<std::uint64_t>(from);
    if (n >= 4) {
        return loadBytes<std::uint32_t>(from) | loadBytes<std::uint32_t>(from + n - 4)
                                                    << (8 * (n - 4));
    }
    if (n == 0) return 0;
    const auto byteAt = [&](std::size_t i) { return loadBytes<std::uint8_t>(from + i) << (8 * i); };
    return byteAt(0) | byteAt(n / 2) | byteAt(n - 1);
}

}  // namespace conclave::engine
