// mail_message.h: the pieces of an internet message: headers (RFC 5322), words in other character
// sets (RFC 2047), content types with parameters (RFC 2231) and parts (RFC 2045, 2046).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace conclave::retrieval::extractor {

/// A value as "text/plain; charset=utf-8" taken apart; type and names lower case.
struct MailField {
    std::string type;
    std::map<std::string, std::string, std::less<>> parameters;

    /// UTF-8; empty if there is none.
    [[nodiscard]] std::string parameter(std::string_view name) const;
};

/// A message or one of its parts. Views into the bytes given.
class MailEntity {
public:
    explicit MailEntity(std::string_view bytes);

    /// Unfolded bytes of the first header of this name (lower case); empty if there is none.
    [[nodiscard]] std::string_view raw(std::string_view name) const;
    /// The same for people: encoded words decoded, on one line, UTF-8.
    [[nodiscard]] std::string header(std::string_view name) const;
    [[nodiscard]] MailField field(std::string_view name) const;
    [[nodiscard]] bool hasHeaders() const { return !m_headers.empty(); }

    /// As it stands in the message.
    [[nodiscard]] std::string_view body() const { return m_body; }
    /// Without its transfer encoding (quoted-printable, base64). Never longer than body().
    [[nodiscard]] std::string decodedBody() const;
    /// Parts between the lines "--boundary", at most `most`.
    [[nodiscard]] std::vector<std::string_view> parts(std::string_view boundary,
                                                      std::size_t most) const;

private:
    std::vector<std::pair<std::string, std::string>> m_headers;
    std::string_view m_body;
};

/// Bytes of a mail to UTF-8. UTF-8 that is valid is believed before what is declared, and that
/// before detection.
[[nodiscard]] std::string decodeMailText(std::string_view bytes, std::string_view charset);

/// Decodes "=?charset?B?…?=" and "=?charset?Q?…?=".
[[nodiscard]] std::string decodeEncodedWords(std::string_view value);

}  // namespace conclave::retrieval::extractor
