// neighbours.h: where a text can be cut without changing its tokens.
#pragma once

#include <bitset>
#include <cstddef>
#include <string_view>

namespace conclave::engine {

/// Which bytes follow one another within a piece. Between two characters that do so in no piece no
/// token can lie, so that the parts of a text can be cut into tokens one by one. That is far kinder
/// to the caches, and most parts are words that are a token as a whole.
class Neighbours {
public:
    void add(std::string_view piece) {
        for (std::size_t i = 1; i < piece.size(); ++i) m_pairs.set(pair(piece[i - 1], piece[i]));
    }

    /// Where the part of `text` ends that begins at `begin`.
    [[nodiscard]] std::size_t partEnd(std::string_view text, std::size_t begin) const {
        std::size_t end = begin + 1;
        while (end < text.size() &&
               (isInsideCharacter(text[end]) || m_pairs.test(pair(text[end - 1], text[end])))) {
            ++end;
        }
        return end;
    }

private:
    static std::size_t pair(char left, char right) {
        return std::size_t{static_cast<unsigned char>(left)} << 8u |
               static_cast<unsigned char>(right);
    }
    static bool isInsideCharacter(char c) {
        return (static_cast<unsigned char>(c) & 0xC0u) == 0x80;
    }

    std::bitset<std::size_t{1} << 16u> m_pairs;
};

}  // namespace conclave::engine
