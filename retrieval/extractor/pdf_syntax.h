// pdf_syntax.h: tokens and values of a PDF, read strictly: what one reader could take for this and
// another for that is an error here. For those who only rely on a file whose meaning is certain.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace conclave::retrieval::extractor {

/// White space of ISO 32000-1, 7.2.2.
[[nodiscard]] constexpr bool isPdfSpace(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\0';
}
[[nodiscard]] constexpr bool isPdfDelimiter(char c) {
    return std::string_view("()<>[]{}/%").find(c) != std::string_view::npos;
}

struct PdfValue {
    enum class Kind { Null, Boolean, Number, Name, String, Array, Dictionary, Reference };
    Kind kind = Kind::Null;
    double number = 0.0;          ///< of a reference: the object's number
    std::string text;             ///< a name without its slash, or the bytes of a string
    std::vector<PdfValue> items;  ///< of a dictionary: each key followed by its value

    [[nodiscard]] bool isName(std::string_view name) const {
        return kind == Kind::Name && text == name;
    }
    /// Null if this is no dictionary or has no such key.
    [[nodiscard]] const PdfValue* find(std::string_view key) const;
};

class PdfLexer {
public:
    enum class Token {
        End,
        Bad,  ///< not certain; nothing behind it counts
        Number,
        Name,
        String,
        ArrayStart,
        ArrayEnd,
        DictionaryStart,
        DictionaryEnd,
        Word
    };
    explicit PdfLexer(std::string_view bytes, std::size_t at = 0) : m_bytes(bytes), m_at(at) {}

    Token next();
    [[nodiscard]] double number() const { return m_number; }
    [[nodiscard]] bool isInteger() const { return m_isInteger; }
    /// Of a name, a string or a word.
    [[nodiscard]] const std::string& text() const { return m_text; }
    [[nodiscard]] std::size_t at() const { return m_at; }
    void moveTo(std::size_t at) { m_at = at; }

private:
    void skipSpace();
    Token readNumberOrWord();
    Token readName();
    Token readString();
    Token readHexString();

    std::string_view m_bytes;
    std::size_t m_at;
    double m_number = 0.0;
    bool m_isInteger = false;
    std::string m_text;
};

/// The value that begins with `token`, which `lexer` gave last. None if it is not certain.
[[nodiscard]] std::optional<PdfValue> readPdfValue(PdfLexer& lexer, PdfLexer::Token token,
                                                   int depth = 0);

}  // namespace conclave::retrieval::extractor
