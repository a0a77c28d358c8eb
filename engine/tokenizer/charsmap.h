// charsmap.h: SentencePiece's precompiled text normalisation.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::engine {

/// Replacements for byte sequences: a double array (Darts-clone's layout) that maps a sequence to
/// the offset of its zero-terminated replacement.
class Charsmap {
public:
    /// No replacements.
    Charsmap() = default;

    /// `blob`: u32 size of the double array in bytes, the array, the replacements.
    /// Errors: Corrupt.
    [[nodiscard]] static Result<Charsmap> parse(std::span<const std::uint8_t> blob);

    struct Match {
        std::size_t length = 0;        ///< bytes of the text; 0: nothing matches
        std::string_view replacement;  ///< borrows from this
    };
    /// The longest sequence that `text` begins with.
    [[nodiscard]] Match longestMatch(std::string_view text) const;

    /// True if `text` is a sequence of the map or the beginning of one.
    [[nodiscard]] bool begins(std::string_view text) const;

private:
    std::vector<std::uint32_t> m_units;
    std::string m_replacements;
};

}  // namespace conclave::engine
