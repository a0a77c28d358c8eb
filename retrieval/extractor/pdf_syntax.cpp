#include "retrieval/extractor/pdf_syntax.h"

#include <algorithm>
#include <utility>

namespace conclave::retrieval::extractor {
namespace {

/// Longer words and names are cut by some readers.
constexpr std::size_t kLongestWord = 127;
constexpr std::size_t kLongestString = 32'000;
constexpr int kDeepest = 24;
constexpr std::size_t kMostItems = 1'000'000;

int hexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool isRegular(char c) { return !isPdfSpace(c) && !isPdfDelimiter(c); }

/// Sign, digits, at most one point: nothing that readers disagree on.
std::optional<double> toNumber(std::string_view word) {
    const bool isNegative = word.starts_with('-');
    if (isNegative || word.starts_with('+')) word.remove_prefix(1);
    const auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
    std::size_t nDigits = 0;
    std::size_t nPoints = 0;
    for (const char c : word) {
        if (isDigit(c)) {
            ++nDigits;
        } else if (c == '.') {
            ++nPoints;
        } else {
            return std::nullopt;
        }
    }
    constexpr std::size_t kMostDigits = 18;
    if (nDigits == 0 || nDigits > kMostDigits || nPoints > 1) return std::nullopt;
    double value = 0.0;
    double scale = 1.0;
    bool isBehindPoint = false;
    for (const char c : word) {
        if (c == '.') {
            isBehindPoint = true;
            continue;
        }
        value = value * 10.0 + (c - '0');
        if (isBehindPoint) scale *= 10.0;
    }
    value /= scale;
    constexpr double kMost = 2147483647.0;  // beyond it some readers wrap around
    if (value > kMost) return std::nullopt;
    return isNegative ? -value : value;
}

}  // namespace

const PdfValue* PdfValue::find(std::string_view key) const {
    if (kind != Kind::Dictionary) return nullptr;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        if (items[i].text == key) return &items[i + 1];
    }
    return nullptr;
}

void PdfLexer::skipSpace() {
    while (m_at < m_bytes.size()) {
        if (m_bytes[m_at] == '%') {
            m_at = std::min(m_bytes.find_first_of("\r\n", m_at), m_bytes.size());
        } else if (isPdfSpace(m_bytes[m_at])) {
            ++m_at;
        } else {
            return;
        }
    }
}

PdfLexer::Token PdfLexer::next() {
    skipSpace();
    if (m_at == m_bytes.size()) return Token::End;
    const char c = m_bytes[m_at];
    const bool isTwice = m_at + 1 < m_bytes.size() && m_bytes[m_at + 1] == c;
    switch (c) {
        case '/': return readName();
        case '(': return readString();
        case '[': ++m_at; return Token::ArrayStart;
        case ']': ++m_at; return Token::ArrayEnd;
        case '<':
            if (!isTwice) return readHexString();
            m_at += 2;
            return Token::DictionaryStart;
        case '>':
            if (!isTwice) return Token::Bad;
            m_at += 2;
            return Token::DictionaryEnd;
        case ')':
        case '{':
        case '}': return Token::Bad;
        default: return readNumberOrWord();
    }
}

PdfLexer::Token PdfLexer::readNumberOrWord() {
    const std::size_t start = m_at;
    while (m_at < m_bytes.size() && isRegular(m_bytes[m_at])) ++m_at;
    const std::string_view word = m_bytes.substr(start, m_at - start);
    if (word.size() > kLongestWord) return Token::Bad;
    const char first = word.front();
    if ((first >= '0' && first <= '9') || first == '-' || first == '+' || first == '.') {
        const auto value = toNumber(word);
        if (!value) return Token::Bad;
        m_number = *value;
        m_isInteger = first >= '0' && first <= '9' && word.find('.') == std::string_view::npos;
        return Token::Number;
    }
    // Bytes above ASCII are white space to some readers.
    const auto isAscii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (!std::all_of(word.begin(), word.end(), isAscii)) return Token::Bad;
    m_text = word;
    return Token::Word;
}

PdfLexer::Token PdfLexer::readName() {
    m_text.clear();
    for (++m_at; m_at < m_bytes.size() && isRegular(m_bytes[m_at]); ++m_at) {
        char c = m_bytes[m_at];
        if (static_cast<unsigned char>(c) >= 0x80) return Token::Bad;
        if (c == '#') {
            if (m_at + 2 >= m_bytes.size()) return Token::Bad;
            const int high = hexDigit(m_bytes[m_at + 1]);
            const int low = hexDigit(m_bytes[m_at + 2]);
            if (high < 0 || low < 0) return Token::Bad;
            c = static_cast<char>(high * 16 + low);
            m_at += 2;
        }
        m_text.push_back(c);
    }
    return m_text.size() <= kLongestWord ? Token::Name : Token::Bad;
}

PdfLexer::Token PdfLexer::readString() {
    m_text.clear();
    int depth = 1;
    for (++m_at; m_at < m_bytes.size(); ++m_at) {
        char c = m_bytes[m_at];
        if (c == '(') {
            ++depth;
        } else if (c == ')') {
            if (--depth == 0) {
                ++m_at;
                return m_text.size() <= kLongestString ? Token::String : Token::Bad;
            }
        } else if (c == '\\') {
            if (++m_at == m_bytes.size()) return Token::Bad;
            c = m_bytes[m_at];
            if (c == '\r' || c == '\n') {
                if (c == '\r' && m_at + 1 < m_bytes.size() && m_bytes[m_at + 1] == '\n') ++m_at;
                continue;
            }
            if (c >= '0' && c <= '7') {
                int value = 0;
                std::size_t nDigits = 0;
                while (nDigits < 3 && m_at < m_bytes.size() && m_bytes[m_at] >= '0' &&
                       m_bytes[m_at] <= '7') {
                    value = value * 8 + (m_bytes[m_at] - '0');
                    ++m_at;
                    ++nDigits;
                }
                --m_at;
                c = static_cast<char>(value & 0xFF);
            } else {
                constexpr std::string_view kEscapes = "nrtbf";
                constexpr std::string_view kMeanings = "\n\r\t\b\f";
                const std::size_t which = kEscapes.find(c);
                if (which != std::string_view::npos) c = kMeanings[which];
            }
        }
        m_text.push_back(c);
    }
    return Token::Bad;
}

PdfLexer::Token PdfLexer::readHexString() {
    m_text.clear();
    int high = -1;
    for (++m_at; m_at < m_bytes.size(); ++m_at) {
        const char c = m_bytes[m_at];
        if (isPdfSpace(c)) continue;
        if (c == '>') {
            ++m_at;
            if (high >= 0) m_text.push_back(static_cast<char>(high * 16));
            return m_text.size() <= kLongestString ? Token::String : Token::Bad;
        }
        const int digit = hexDigit(c);
        if (digit < 0) return Token::Bad;
        if (high < 0) {
            high = digit;
        } else {
            m_text.push_back(static_cast<char>(high * 16 + digit));
            high = -1;
        }
    }
    return Token::Bad;
}

namespace {

/// A number, or the reference that it begins.
PdfValue numberOrReference(PdfLexer& lexer) {
    PdfValue value;
    value.kind = PdfValue::Kind::Number;
    value.number = lexer.number();
    if (!lexer.isInteger()) return value;
    const std::size_t behind = lexer.at();
    if (lexer.next() == PdfLexer::Token::Number && lexer.isInteger() &&
        lexer.next() == PdfLexer::Token::Word && lexer.text() == "R") {
        value.kind = PdfValue::Kind::Reference;
        return value;
    }
    lexer.moveTo(behind);
    return value;
}

std::optional<PdfValue> readArray(PdfLexer& lexer, int depth) {
    PdfValue array;
    array.kind = PdfValue::Kind::Array;
    while (array.items.size() < kMostItems) {
        const auto token = lexer.next();
        if (token == PdfLexer::Token::ArrayEnd) return array;
        auto item = readPdfValue(lexer, token, depth + 1);
        if (!item) return std::nullopt;
        array.items.push_back(std::move(*item));
    }
    return std::nullopt;
}

/// Readers take this one or that.
bool hasKeyTwice(const PdfValue& dictionary) {
    std::vector<std::string_view> keys;
    for (std::size_t i = 0; i < dictionary.items.size(); i += 2) {
        keys.push_back(dictionary.items[i].text);
    }
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

std::optional<PdfValue> readDictionary(PdfLexer& lexer, int depth) {
    PdfValue dictionary;
    dictionary.kind = PdfValue::Kind::Dictionary;
    while (dictionary.items.size() < kMostItems) {
        const auto token = lexer.next();
        if (token == PdfLexer::Token::DictionaryEnd) {
            if (hasKeyTwice(dictionary)) return std::nullopt;
            return dictionary;
        }
        if (token != PdfLexer::Token::Name) return std::nullopt;
        PdfValue key;
        key.kind = PdfValue::Kind::Name;
        key.text = lexer.text();
        auto item = readPdfValue(lexer, lexer.next(), depth + 1);
        if (!item) return std::nullopt;
        dictionary.items.push_back(std::move(key));
        dictionary.items.push_back(std::move(*item));
    }
    return std::nullopt;
}

}  // namespace

std::optional<PdfValue> readPdfValue(PdfLexer& lexer, PdfLexer::Token token, int depth) {
    if (depth > kDeepest) return std::nullopt;
    PdfValue value;
    switch (token) {
        case PdfLexer::Token::Number: return numberOrReference(lexer);
        case PdfLexer::Token::Name: value.kind = PdfValue::Kind::Name; break;
        case PdfLexer::Token::String: value.kind = PdfValue::Kind::String; break;
        case PdfLexer::Token::ArrayStart: return readArray(lexer, depth);
        case PdfLexer::Token::DictionaryStart: return readDictionary(lexer, depth);
        case PdfLexer::Token::Word:
            if (lexer.text() == "null") return value;
            if (lexer.text() != "true" && lexer.text() != "false") return std::nullopt;
            value.kind = PdfValue::Kind::Boolean;
            value.number = lexer.text() == "true" ? 1.0 : 0.0;
            return value;
        default: return std::nullopt;
    }
    value.text = lexer.text();
    return value;
}

}  // namespace conclave::retrieval::extractor
