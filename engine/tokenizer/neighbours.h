// neighbours.h: where a text can be cut without changing its tokens.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace conclave::engine {

/// Which bytes, and which characters of three bytes, follow one another within a piece. Between two
/// characters that do so in no piece no token can lie, so that the parts of a text can be cut into
/// tokens one by one. That is far kinder to the caches, and most parts are words that are a token
/// as a whole.
class Neighbours {
public:
    void add(std::string_view piece) {
        for (std::size_t i = 1; i < piece.size(); ++i) {
            m_pairs.set(pair(piece[i - 1], piece[i]));
            if (isBetweenLong(piece, i)) m_longPairs.set(longPair(piece, i));
        }
    }

    /// Where the part of `text` ends that begins at `begin`.
    [[nodiscard]] std::size_t partEnd(std::string_view text, std::size_t begin) const {
        std::size_t end = begin + 1;
        while (end < text.size() && (isInsideCharacter(text[end]) || mayFollow(text, begin, end))) {
            ++end;
        }
        return end;
    }

    /// True for a character of three bytes at `begin` that is a part by itself.
    [[nodiscard]] bool isAlone(std::string_view text, std::size_t begin) const {
        const std::size_t end = begin + 3;
        return end <= text.size() && isLong(text, begin) &&
               (end == text.size() ||
                (!isInsideCharacter(text[end]) && !mayFollow(text, begin, end)));
    }

private:
    [[nodiscard]] bool mayFollow(std::string_view text, std::size_t begin, std::size_t end) const {
        if (!m_pairs.test(pair(text[end - 1], text[end]))) return false;
        // Bytes of Chinese all follow one another somewhere; few of its characters do.
        return end - begin < 3 || !isBetweenLong(text, end) ||
               m_longPairs.test(longPair(text, end));
    }

    /// Three bytes before `at` and three from there are a character each.
    static bool isBetweenLong(std::string_view text, std::size_t at) {
        return at >= 3 && text.size() - at >= 3 && isLong(text, at) && isLong(text, at - 3);
    }
    static bool isLong(std::string_view text, std::size_t at) {
        return (static_cast<unsigned char>(text[at]) & 0xF0u) == 0xE0u &&
               isInsideCharacter(text[at + 1]) && isInsideCharacter(text[at + 2]);
    }
    /// A hash: pairs that share one are cut less often than they might be.
    static std::size_t longPair(std::string_view text, std::size_t at) {
        const auto bits = [&](std::size_t i) {
            return std::uint32_t{static_cast<unsigned char>(text[i])} << 12u |
                   (static_cast<unsigned char>(text[i + 1]) & 0x3Fu) << 6u |
                   (static_cast<unsigned char>(text[i + 2]) & 0x3Fu);
        };
        constexpr std::uint32_t kFactor = 0x9E3779B1u;
        return (bits(at - 3) * kFactor + bits(at)) * kFactor >> (32u - kLongBits);
    }
    static std::size_t pair(char left, char right) {
        return std::size_t{static_cast<unsigned char>(left)} << 8u |
               static_cast<unsigned char>(right);
    }
    static bool isInsideCharacter(char c) {
        return (static_cast<unsigned char>(c) & 0xC0u) == 0x80;
    }

    static constexpr std::uint32_t kLongBits = 18;
    std::bitset<std::size_t{1} << 16u> m_pairs;
    std::bitset<std::size_t{1} << kLongBits> m_longPairs;
};

}  // namespace conclave::engine
