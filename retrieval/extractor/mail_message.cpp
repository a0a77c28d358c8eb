#include "retrieval/extractor/mail_message.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/utf8.h"
#include "retrieval/extractor/ascii.h"
#include "retrieval/extractor/encoding.h"
#include "retrieval/extractor/table_text.h"

namespace conclave::retrieval::extractor {
namespace {

constexpr std::size_t kMostHeaders = 1000;
constexpr std::size_t kLongestHeader = std::size_t{64} << 10;

/// The standard says 75.
constexpr std::size_t kLongestWord = 4096;

/// The line that begins at `at`, which then points behind its line end.
std::string_view nextLine(std::string_view text, std::size_t& at) {
    const std::size_t newline = text.find('\n', at);
    const std::size_t end = newline == std::string_view::npos ? text.size() : newline;
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    at = newline == std::string_view::npos ? text.size() : newline + 1;
    return line;
}

/// `mark` followed by two hexadecimal digits is a byte; other marks stay.
std::string decodeHex(std::string_view text, char mark, bool underscoreIsSpace) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == mark && i + 2 < text.size() && hexValue(text[i + 1]) >= 0 &&
            hexValue(text[i + 2]) >= 0) {
            bytes.push_back(static_cast<char>(hexValue(text[i + 1]) * 16 + hexValue(text[i + 2])));
            i += 2;
        } else {
            bytes.push_back(underscoreIsSpace && text[i] == '_' ? ' ' : text[i]);
        }
    }
    return bytes;
}

std::string decodeQuotedPrintable(std::string_view text) {
    std::string joined;
    joined.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t from = at;
        std::string_view line = nextLine(text, at);
        const std::size_t last = line.find_last_not_of(" \t");
        line = line.substr(0, last == std::string_view::npos ? 0 : last + 1);
        if (line.ends_with('=')) {
            joined += line.substr(0, line.size() - 1);
        } else {
            joined += line;
            if (at > from && text[at - 1] == '\n') joined.push_back('\n');
        }
    }
    return decodeHex(joined, '=', false);
}

std::string decodeBase64(std::string_view text) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static constexpr auto kValues = [] {
        std::array<std::int8_t, 256> values{};
        values.fill(-1);
        for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
            values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
        }
        return values;
    }();
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t buffer = 0;
    int nBits = 0;
    for (const char c : text) {
        if (c == '=') {  // padding; what follows may be another piece
            nBits = 0;
            continue;
        }
        const std::int8_t value = kValues[static_cast<unsigned char>(c)];
        if (value < 0) continue;
        buffer = (buffer << 6U) | static_cast<std::uint32_t>(value);
        nBits += 6;
        if (nBits >= 8) {
            nBits -= 8;
            bytes.push_back(static_cast<char>((buffer >> static_cast<unsigned>(nBits)) & 0xFFU));
        }
    }
    return bytes;
}

/// "=?charset?B?text?=" at the start of `text`.
struct EncodedWord {
    std::string charset;
    std::string bytes;
    std::size_t length = 0;
};

std::optional<EncodedWord> encodedWord(std::string_view text) {
    if (!text.starts_with("=?")) return std::nullopt;
    const std::size_t charsetEnd = text.find('?', 2);
    if (charsetEnd == std::string_view::npos || charsetEnd + 2 >= text.size() ||
        text[charsetEnd + 2] != '?') {
        return std::nullopt;
    }
    const char encoding = static_cast<char>(text[charsetEnd + 1] | 0x20);
    const std::size_t start = charsetEnd + 3;
    const std::size_t end = text.find("?=", start);
    if (end == std::string_view::npos || (encoding != 'b' && encoding != 'q')) return std::nullopt;
    std::string_view charset = text.substr(2, charsetEnd - 2);
    charset = charset.substr(0, charset.find('*'));  // a language, RFC 2231
    const std::string_view words = text.substr(start, end - start);
    return EncodedWord{.charset = asciiLower(charset),
                       .bytes = encoding == 'b' ? decodeBase64(words) : decodeHex(words, '=', true),
                       .length = end + 2};
}

}  // namespace

std::string decodeMailText(std::string_view bytes, std::string_view charset) {
    const bool is7Bit = std::all_of(bytes.begin(), bytes.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (!is7Bit && isValidUtf8(bytes)) return std::string(bytes);
    if (!charset.empty()) {
        if (auto decoded = decodeDeclared(bytes, charset)) return std::move(decoded->text);
    }
    if (is7Bit) return std::string(bytes);
    if (auto decoded = decodeText(bytes, charset)) return std::move(decoded->text);
    return toValidUtf8(bytes);
}

std::string decodeEncodedWords(std::string_view value) {
    std::string decoded;
    std::string plain;
    // Neighbours of one character set are joined first: a character may be cut between them.
    std::string charset;
    std::string bytes;
    const auto flushWord = [&] {
        decoded += decodeMailText(bytes, charset);
        bytes.clear();
        charset.clear();
    };
    const auto flushPlain = [&] {
        decoded += decodeMailText(plain, {});
        plain.clear();
    };
    for (std::size_t i = 0; i < value.size();) {
        const bool mayBegin = value[i] == '=';
        if (auto word = mayBegin ? encodedWord(value.substr(i, kLongestWord)) : std::nullopt) {
            if (asciiTrimmed(plain).empty() && !bytes.empty()) {
                plain.clear();  // white space between encoded words is none
            } else if (!bytes.empty() || !plain.empty()) {
                flushWord();
                flushPlain();
            }
            if (!bytes.empty() && charset != word->charset) flushWord();
            charset = std::move(word->charset);
            bytes += word->bytes;
            i += word->length;
            continue;
        }
        if (!bytes.empty() && value[i] != ' ' && value[i] != '\t') flushWord();
        plain.push_back(value[i++]);
    }
    flushWord();
    flushPlain();
    return decoded;
}

std::string MailField::parameter(std::string_view name) const {
    const std::string key(name);
    if (const auto whole = parameters.find(key); whole != parameters.end()) {
        return onOneLine(decodeEncodedWords(whole->second));
    }
    // RFC 2231: name*=charset'language'text, or in pieces name*0*, name*1, …
    std::string bytes;
    std::string charset;
    const auto take = [&](const std::string& piece, bool isEncoded, bool isFirst) {
        std::string_view text = piece;
        if (isEncoded && isFirst) {
            const std::size_t first = text.find('\'');
            const std::size_t second =
                first == std::string_view::npos ? first : text.find('\'', first + 1);
            if (second != std::string_view::npos) {
                charset = asciiLower(text.substr(0, first));
                text.remove_prefix(second + 1);
            }
        }
        bytes += isEncoded ? decodeHex(text, '%', false) : std::string(text);
    };
    if (const auto whole = parameters.find(key + "*"); whole != parameters.end()) {
        take(whole->second, true, true);
    } else {
        for (int i = 0; i < 100; ++i) {
            const std::string piece = key + "*" + std::to_string(i);
            if (const auto encoded = parameters.find(piece + "*"); encoded != parameters.end()) {
                take(encoded->second, true, i == 0);
            } else if (const auto plain = parameters.find(piece); plain != parameters.end()) {
                take(plain->second, false, i == 0);
            } else {
                break;
            }
        }
    }
    return onOneLine(decodeMailText(bytes, charset));
}

MailEntity::MailEntity(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        const std::size_t from = at;
        const std::string_view line = nextLine(bytes, at);
        if (line.empty()) break;
        if ((line.front() == ' ' || line.front() == '\t') && !m_headers.empty()) {
            std::string& value = m_headers.back().second;
            if (value.size() < kLongestHeader) {
                value.push_back(' ');
                value += asciiTrimmed(line);
            }
            continue;
        }
        const std::size_t colon = line.find(':');
        const std::string_view name = asciiTrimmed(line.substr(0, std::min(colon, line.size())));
        const bool isHeader = colon != std::string_view::npos && !name.empty() &&
                              name.find_first_of(" \t") == std::string_view::npos;
        if (!isHeader) {
            if (line.starts_with("From ") || line.starts_with(">From ")) continue;  // of an mbox
            at = from;  // headers end without the empty line
            break;
        }
        if (m_headers.size() < kMostHeaders) {
            m_headers.emplace_back(asciiLower(name),
                                   asciiTrimmed(line.substr(colon + 1)).substr(0, kLongestHeader));
        }
    }
    m_body = bytes.substr(at);
}

std::string_view MailEntity::raw(std::string_view name) const {
    const auto found = std::find_if(m_headers.begin(), m_headers.end(),
                                    [&](const auto& header) { return header.first == name; });
    return found != m_headers.end() ? std::string_view(found->second) : std::string_view();
}

std::string MailEntity::header(std::string_view name) const {
    return onOneLine(decodeEncodedWords(raw(name)));
}

MailField MailEntity::field(std::string_view name) const {
    const std::string_view value = raw(name);
    MailField field;
    std::size_t at = std::min(value.find(';'), value.size());
    field.type = asciiLower(asciiTrimmed(value.substr(0, at)));
    while (at < value.size()) {
        ++at;
        const std::size_t equals = value.find_first_of("=;", at);
        if (equals == std::string_view::npos) break;
        if (value[equals] == ';') {
            at = equals;
            continue;
        }
        const std::string key = asciiLower(asciiTrimmed(value.substr(at, equals - at)));
        std::string text;
        at = value.find_first_not_of(" \t", equals + 1);
        if (at == std::string_view::npos) break;
        if (value[at] == '"') {
            for (++at; at < value.size() && value[at] != '"'; ++at) {
                if (value[at] == '\\' && at + 1 < value.size()) ++at;
                text.push_back(value[at]);
            }
            at = std::min(value.find(';', at), value.size());
        } else {
            const std::size_t end = std::min(value.find(';', at), value.size());
            text = asciiTrimmed(value.substr(at, end - at));
            at = end;
        }
        field.parameters.try_emplace(key, std::move(text));
    }
    return field;
}

std::string MailEntity::decodedBody() const {
    const std::string encoding = asciiLower(raw("content-transfer-encoding"));
    if (encoding == "quoted-printable") return decodeQuotedPrintable(m_body);
    if (encoding == "base64") return decodeBase64(m_body);
    return std::string(m_body);
}

std::vector<std::string_view> MailEntity::parts(std::string_view boundary, std::size_t most) const {
    std::vector<std::string_view> found;
    if (boundary.empty()) return found;
    const std::string mark = "--" + std::string(boundary);
    std::size_t start = std::string_view::npos;
    for (std::size_t at = m_body.find(mark); at != std::string_view::npos;
         at = m_body.find(mark, at + mark.size())) {
        if (at > 0 && m_body[at - 1] != '\n') continue;
        const std::string_view rest = m_body.substr(at + mark.size());
        const bool isLast = rest.starts_with("--");
        // A longer boundary may begin with this one.
        if (!isLast && !rest.empty() &&
            std::string_view(" \t\r\n").find(rest.front()) == std::string_view::npos) {
            continue;
        }
        if (start != std::string_view::npos) {
            std::string_view part = m_body.substr(start, at - start);
            if (part.ends_with('\n')) part.remove_suffix(1);
            if (part.ends_with('\r')) part.remove_suffix(1);
            found.push_back(part);
        }
        const std::size_t newline = m_body.find('\n', at);
        start = newline == std::string_view::npos ? m_body.size() : newline + 1;
        if (isLast || found.size() >= most) return found;
    }
    if (start != std::string_view::npos && start < m_body.size()) {
        found.push_back(m_body.substr(start));  // cut off before its end
    }
    return found;
}

}  // namespace conclave::retrieval::extractor
