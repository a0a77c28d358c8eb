// limits.h: how much a template may make of what a model file or a document brings.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace conclave::engine::jinja {

/// Bytes of text whose handling costs as much as one step.
inline constexpr std::size_t kBytesAStep = 16;
inline constexpr std::size_t kLongestText = std::size_t{16} << 20u;
/// Lists within lists and dicts within dicts.
inline constexpr int kDeepestValue = 60;

/// A name in a message.
inline std::string quoted(std::string_view name) {
    return std::string(1, '\'').append(name).append(1, '\'');
}

}  // namespace conclave::engine::jinja
