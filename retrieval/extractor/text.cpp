#include <string>
#include <utility>

#include "retrieval/extractor/encoding.h"
#include "retrieval/extractor/markdown_headings.h"
#include "retrieval/extractor/parser.h"

namespace conclave::retrieval::extractor {
namespace {

/// The text as it stands in the file, so that offsets are the file's.
Result<ExtractedDocument> parsePlain(const Source& source, std::string mime) {
    auto decoded = decodeText(source.bytes);
    if (!decoded) return tl::unexpected(decoded.error());
    if (decoded->text.size() > kMostTextBytes) {
        return fail(ErrorCode::LimitExceeded, "the text is longer than 64 MiB");
    }
    ExtractedDocument document;
    document.mime = std::move(mime);
    if (!decoded->isLossless) {
        document.warnings.push_back("some bytes are no characters of " + decoded->encoding);
    }
    document.pages.push_back({.number = 1, .text = std::move(decoded->text)});
    return document;
}

std::string mimeOf(std::string_view fileName) {
    const std::size_t dot = fileName.rfind('.');
    const std::string_view extension =
        dot == std::string_view::npos ? std::string_view() : fileName.substr(dot);
    if (extension == ".json" || extension == ".jsonl") return "application/json";
    if (extension == ".rst") return "text/x-rst";
    if (extension == ".xml") return "application/xml";
    return "text/plain";
}

}  // namespace

Result<ExtractedDocument> parseText(const Source& source) {
    return parsePlain(source, mimeOf(source.fileName));
}

Result<ExtractedDocument> parseMarkdown(const Source& source) {
    auto document = parsePlain(source, "text/markdown");
    if (!document) return document;
    document->headings = markdownHeadings(document->pages.front().text);
    if (!document->headings.empty() && document->headings.front().level == 1) {
        const Heading& first = document->headings.front();
        document->title =
            document->pages.front().text.substr(first.startByte, first.endByte - first.startByte);
    }
    return document;
}

}  // namespace conclave::retrieval::extractor
