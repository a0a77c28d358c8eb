// byte_alphabet.h: GPT-2's way to write any bytes as printable characters.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace conclave::engine {

/// Most of Latin-1 stands for itself, the remaining bytes, in order, for U+0100 and on.
class ByteAlphabet {
public:
    [[nodiscard]] static const ByteAlphabet& get();

    [[nodiscard]] std::string spell(std::string_view bytes) const;
    /// Characters outside the alphabet stay as they are: some files hold plain text.
    [[nodiscard]] std::string bytes(std::string_view text) const;

private:
    ByteAlphabet();

    static constexpr std::size_t kNCharacters = 0x144;  ///< the last one is U+0143
    std::array<char32_t, 256> m_characters{};
    std::array<std::int16_t, kNCharacters> m_bytes{};  ///< -1: not in the alphabet
};

}  // namespace conclave::engine
