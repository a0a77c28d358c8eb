#include "engine/tokenizer/byte_alphabet.h"

#include "base/utf8.h"

namespace conclave::engine {

ByteAlphabet::ByteAlphabet() {
    m_bytes.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < m_characters.size(); ++byte) {
        const bool printable =
            (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
        m_characters[byte] = printable ? char32_t{byte} : next++;
        m_bytes[m_characters[byte]] = static_cast<std::int16_t>(byte);
    }
}

const ByteAlphabet& ByteAlphabet::get() {
    static const ByteAlphabet kAlphabet;
    return kAlphabet;
}

std::string ByteAlphabet::spell(std::string_view bytes) const {
    std::string text;
    for (const char c : bytes) appendUtf8(text, m_characters[static_cast<unsigned char>(c)]);
    return text;
}

std::string ByteAlphabet::bytes(std::string_view text) const {
    std::string result;
    for (std::size_t position = 0; position < text.size();) {
        const std::size_t begin = position;
        const char32_t c = nextCodePoint(text, position);
        if (c < kNCharacters && m_bytes[c] >= 0) {
            result += static_cast<char>(m_bytes[c]);
        } else {
            result += text.substr(begin, position - begin);
        }
    }
    return result;
}

}  // namespace conclave::engine
