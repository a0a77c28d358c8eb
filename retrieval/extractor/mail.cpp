// Mail: single messages (EML, web archives) and mailboxes (mbox), each message a page with its
// subject as heading, its sender, receivers and date, its text, and the names of what is attached.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "retrieval/extractor/hidden_text.h"
#include "retrieval/extractor/html_reader.h"
#include "retrieval/extractor/mail_message.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/table_text.h"

namespace conclave::retrieval::extractor {
namespace {

constexpr int kDeepestPart = 20;
constexpr std::size_t kMostParts = 1000;
constexpr std::size_t kMostMessages = 100'000;

struct MailFindings {
    std::size_t nHidden = 0;
    std::size_t nEncrypted = 0;
    std::size_t nCut = 0;  ///< messages of too many parts or levels
};

/// Lines joined again that were broken for sending (RFC 3676); CRLF becomes LF.
std::string plainLines(std::string_view text, bool isFlowed, bool isFromMailbox) {
    std::string lines;
    lines.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t newline = std::min(text.find('\n', at), text.size());
        std::string_view line = text.substr(at, newline - at);
        at = newline + 1;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (isFromMailbox) {
            const std::size_t marks = std::min(line.find_first_not_of('>'), line.size());
            if (marks > 0 && line.substr(marks).starts_with("From ")) line.remove_prefix(1);
        }
        lines += line;
        if (!(isFlowed && line.ends_with(' ') && line != "-- ")) lines.push_back('\n');
    }
    return lines;
}

std::string_view withoutBlankEnds(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    const std::size_t lineStart = text.rfind('\n', first);
    const std::size_t start = lineStart == std::string_view::npos ? 0 : lineStart + 1;
    return text.substr(start, text.find_last_not_of(" \t\r\n") + 1 - start);
}

/// The text of one message.
class MessageText {
public:
    MessageText(MailFindings& findings, bool isFromMailbox)
        : m_findings(findings), m_isFromMailbox(isFromMailbox) {}

    /// Headers, text and attachments; the subject's words come first, `headingEnd` is their end.
    std::string read(const MailEntity& message, std::size_t& headingEnd) {
        std::string page = message.header("subject");
        headingEnd = page.size();
        if (!page.empty()) page += "\n\n";
        page += headerLines(message);
        append(page, textOf(message, 0));
        std::string attached;
        for (const std::string& name : m_attachments) attached += "Attachment: " + name + "\n";
        append(page, attached);
        if (m_isCut) ++m_findings.nCut;
        page.push_back('\n');
        return page;
    }

private:
    static void append(std::string& page, std::string_view more) {
        more = withoutBlankEnds(more);
        if (more.empty()) return;
        if (!page.empty() && !page.ends_with("\n\n")) {
            page += page.ends_with('\n') ? "\n" : "\n\n";
        }
        page += more;
    }

    static std::string headerLines(const MailEntity& message) {
        static constexpr auto kShown = std::to_array<std::pair<std::string_view, std::string_view>>(
            {{"from", "From: "}, {"to", "To: "}, {"cc", "Cc: "}, {"date", "Date: "}});
        std::string lines;
        for (const auto& [name, label] : kShown) {
            const std::string value = message.header(name);
            if (!value.empty()) lines += std::string(label) + value + "\n";
        }
        return lines;
    }

    std::string textOf(const MailEntity& entity, int depth) {
        if (depth > kDeepestPart || ++m_nParts > kMostParts) {
            m_isCut = true;
            return {};
        }
        const MailField type = entity.field("content-type");
        const MailField disposition = entity.field("content-disposition");
        std::string name = disposition.parameter("filename");
        if (name.empty()) name = type.parameter("name");
        const bool isText = type.type.empty() || type.type.starts_with("text/");
        const bool isAttached = disposition.type == "attachment" || (!name.empty() && !isText);
        if (type.type.starts_with("multipart/")) return textOfParts(entity, type, depth);
        if (type.type == "message/rfc822" && entity.raw("content-transfer-encoding") != "base64") {
            const MailEntity inner(entity.body());
            const std::string subject = inner.header("subject");
            std::string text = "Attached message: " + subject + "\n" + headerLines(inner);
            append(text, textOf(inner, depth + 1));
            return text;
        }
        if (type.type == "application/pkcs7-mime" || type.type == "application/pgp-encrypted") {
            ++m_findings.nEncrypted;
            return {};
        }
        if (!name.empty() && (isAttached || !isText)) m_attachments.push_back(name);
        // Text that is attached is read as well; other kinds are named.
        constexpr std::size_t kLongestAttachment = std::size_t{1} << 20;
        if (!isText || (isAttached && entity.body().size() > kLongestAttachment)) return {};
        const std::string text = decodeMailText(entity.decodedBody(), type.parameter("charset"));
        if (type.type == "text/html" || type.type == "application/xhtml+xml") return fromHtml(text);
        return plainLines(text, type.parameter("format") == "flowed", m_isFromMailbox);
    }

    std::string textOfParts(const MailEntity& entity, const MailField& type, int depth) {
        const bool isAlternative = type.type == "multipart/alternative";
        const bool isRelated = type.type == "multipart/related";
        std::string text;
        bool isFirst = true;
        const auto boundary = type.parameters.find("boundary");
        if (boundary == type.parameters.end()) return text;
        for (const std::string_view bytes : entity.parts(boundary->second, kMostParts)) {
            const MailEntity part(bytes);
            if (isRelated && !isFirst) {
                // Pictures of the page before; what one may ask for is its name.
                const MailField disposition = part.field("content-disposition");
                const std::string name = disposition.parameter("filename");
                if (disposition.type == "attachment" && !name.empty()) {
                    m_attachments.push_back(name);
                }
                continue;
            }
            isFirst = false;
            std::string next = textOf(part, depth + 1);
            if (isAlternative) {
                // Plain text unless it only says that there is another form.
                if (withoutBlankEnds(next).size() > 2 * withoutBlankEnds(text).size()) {
                    text = std::move(next);
                }
            } else {
                append(text, next);
            }
        }
        return text;
    }

    std::string fromHtml(const std::string& html) {
        TextBuilder builder(1);
        const auto summary = readHtml(html, builder);
        if (!summary) {
            m_isCut = true;
            return {};
        }
        m_findings.nHidden += summary->nHidden;
        ExtractedDocument holder;
        builder.finish(holder);
        return std::move(holder.pages.front().text);
    }

    MailFindings& m_findings;
    bool m_isFromMailbox;
    bool m_isCut = false;
    std::size_t m_nParts = 0;
    std::vector<std::string> m_attachments;
};

/// Adds a message as a page. False when there is no more room.
bool addMessage(std::string_view bytes, bool isFromMailbox, ExtractedDocument& document,
                MailFindings& findings, std::size_t& totalBytes) {
    const MailEntity message(bytes);
    const int number = static_cast<int>(document.pages.size()) + 1;
    std::size_t headingEnd = 0;
    std::string page = MessageText(findings, isFromMailbox).read(message, headingEnd);
    totalBytes += page.size();
    if (totalBytes > kMostTextBytes || document.pages.size() >= kMostMessages) return false;
    if (headingEnd > 0) {
        document.headings.push_back(
            {.page = number, .startByte = 0, .endByte = headingEnd, .level = 1});
    }
    document.pages.push_back({.number = number, .text = std::move(page)});
    return true;
}

void describe(const MailFindings& findings, ExtractedDocument& document) {
    if (findings.nEncrypted > 0) {
        document.warnings.push_back(std::to_string(findings.nEncrypted) +
                                    " encrypted parts of messages cannot be read");
    }
    if (findings.nCut > 0) {
        document.warnings.push_back(std::to_string(findings.nCut) +
                                    " messages have too many parts and were not read in full");
    }
    if (findings.nHidden > 0) {
        document.warnings.push_back(hiddenWarning(findings.nHidden, "a message"));
    }
}

/// A header line or another postmark's line follows: this is no line of text.
bool startsMessage(std::string_view text, std::size_t at) {
    if (!text.substr(at).starts_with("From ")) return false;
    const std::size_t newline = text.find('\n', at);
    if (newline == std::string_view::npos) return false;
    const std::string_view next = text.substr(newline + 1, 80);
    if (next.starts_with(">From ")) return true;
    const std::size_t end = next.find_first_of(": \t\r\n");
    return end != std::string_view::npos && end > 0 && next[end] == ':';
}

/// Where each message begins: lines "From …" after an empty line.
std::vector<std::size_t> messageStarts(std::string_view text) {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < text.size();) {
        const bool isAfterBlank = at == 0 || (at >= 2 && text[at - 2] == '\n') ||
                                  (at >= 3 && text[at - 2] == '\r' && text[at - 3] == '\n');
        if (isAfterBlank && startsMessage(text, at)) starts.push_back(at);
        const std::size_t next = text.find("\nFrom ", at);
        if (next == std::string_view::npos) break;
        at = next + 1;
    }
    return starts;
}

}  // namespace

Result<ExtractedDocument> parseEml(const Source& source) {
    ExtractedDocument document;
    document.mime = "message/rfc822";
    std::string_view bytes = source.bytes;
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    const MailEntity message(bytes);
    if (!message.hasHeaders()) {
        return fail(ErrorCode::Corrupt, source.fileName + " is no mail: it begins without headers");
    }
    document.title = message.header("subject");
    MailFindings findings;
    std::size_t totalBytes = 0;
    if (!addMessage(bytes, false, document, findings, totalBytes)) {
        return fail(ErrorCode::LimitExceeded, "the message holds more than 64 MiB of text");
    }
    describe(findings, document);
    return document;
}

Result<ExtractedDocument> parseMbox(const Source& source) {
    ExtractedDocument document;
    document.mime = "application/mbox";
    const std::vector<std::size_t> starts = messageStarts(source.bytes);
    if (starts.empty() && !source.bytes.empty()) {
        return fail(ErrorCode::Corrupt,
                    source.fileName + " is no mailbox: no message begins with a line \"From …\"");
    }
    MailFindings findings;
    std::size_t totalBytes = 0;
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const std::size_t end = i + 1 < starts.size() ? starts[i + 1] : source.bytes.size();
        if (!addMessage(source.bytes.substr(starts[i], end - starts[i]), true, document, findings,
                        totalBytes)) {
            return fail(ErrorCode::LimitExceeded,
                        "the mailbox holds more than 64 MiB of text or 100,000 messages; split it "
                        "to have it read");
        }
    }
    if (document.pages.empty()) document.pages.push_back({.number = 1, .text = {}});
    describe(findings, document);
    return document;
}

}  // namespace conclave::retrieval::extractor
