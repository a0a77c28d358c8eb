// hash64.h: a fast hash against accidental damage, not against an attacker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace conclave::engine {

/// XXH64 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). The hash of one part as the seed of the
/// next one makes a hash of all.
[[nodiscard]] std::uint64_t hash64(std::span<const std::byte> bytes, std::uint64_t seed = 0);

[[nodiscard]] inline std::uint64_t hash64(std::string_view text, std::uint64_t seed = 0) {
    return hash64(std::as_bytes(std::span(text)), seed);
}

}  // namespace conclave::engine
